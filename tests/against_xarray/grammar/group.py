"""Groups: by parts of a time, by coordinates, by bins, and resampling."""
import numpy as np

from .reduce import options
from .registry import arguments, dims, dims_with, is_array, kind, labels, number, op

PARTS = ['month', 'month', 'season', 'season', 'year', 'dayofyear', 'hour', 'day', 'dayofweek', 'quarter']
PICKED = ['1', '12', '2000', "'DJF'"]
REDUCTIONS = ['mean', 'mean', 'mean', 'sum', 'min', 'max', 'std', 'var', 'count', 'median', 'first', 'last', 'any', 'all', 'prod']
FREQUENCIES = ['YS', 'YE', 'QS-DEC', 'QS', 'QE', 'QE-NOV', 'MS', 'ME', '2MS', '3MS', 'W', 'D', '3D', '10D', '6h', '12h', '2YS', 'YS-JUL', 'h', '30min', 'QS-FEB', 'YE-MAR', '5D', 'W-WED', '24h']


def reduced(rng, a, dim, also=()):
    """A reduction of groups and its arguments."""
    how = rng.choice([r for r in REDUCTIONS if r not in ('any', 'all')] if kind(a) != 'b' else REDUCTIONS)
    if kind(a) in 'MU':
        how = rng.choice(['min', 'max', 'count', 'mean', 'first', 'last'])
    if how in ('first', 'last'):
        return f"{how}({rng.choice(['', '', 'skipna=False'])})"
    others = [d for d in dims(a) if d != dim]
    over = rng.choice([f"'{dim}'", f"'{dim}'", f"dim='{dim}'", f"['{dim}']", '', '...', f"['{dim}', '{rng.choice(others)}']" if others else '', *also])
    return f'{how}({arguments(over, options(rng, how))})'


def time_key(rng, a):
    names = dims_with(a, 't')
    if not names:
        return None, None
    d = rng.choice(names)
    part = rng.choice(PARTS)
    return d, rng.choice([f"'{d}.{part}'", f"'{d}.{part}'", f'_0.{d}.dt.{part}'])


@op(3, exact=False)
def by_time(rng, a):
    d, key = time_key(rng, a)
    return f'_0.groupby({key}).{reduced(rng, a, d)}' if d else None


@op(2, exact=False)
def anomaly(rng, a):
    d, key = time_key(rng, a)
    if not d or kind(a) in 'MUb':
        return None
    sign = rng.choice(['-', '-', '-', '/', '+', '*'])
    base = rng.choice([f"_0.groupby({key}).mean('{d}')", f"_0.groupby({key}).std('{d}')", f"_0.groupby({key}).max('{d}')", f"_0.isel({d}=slice(40)).groupby({key}).mean('{d}')"])
    after = rng.choice(['', '', f".groupby({key}).{rng.choice(['std', 'mean', 'sum'])}('{d}')"])
    return f'(_0.groupby({key}) {sign} {base}){after}'


@op(1, exact=False)
def standardized(rng, a):
    d, key = time_key(rng, a)
    if not d or kind(a) in 'MUb':
        return None
    return f"g = _0.groupby({key})\n(g - g.mean('{d}')).groupby({key}) / g.std('{d}')"


@op(1.5, exact=False)
def by_coordinate(rng, a):
    names = [str(c) for c in a.coords if a[c].ndim == 1 and a[c].size]
    if not names:
        return None
    name = rng.choice(names)
    d = a[name].dims[0]
    key = rng.choice([f"'{name}'", f'_0.{name}'])
    if a[name].dtype.kind in 'fi' and rng.random() < 0.5:
        key = rng.choice([f'(_0.{name} > {number(float(np.median(a[name].values)))})', f'(_0.{name} // 50)', f'np.sign(_0.{name})'])
        if rng.random() < 0.4:
            key += ".rename('band')"
    return f'_0.groupby({key}).{reduced(rng, a, d)}'


@op(0.7, arity=2, exact=False)
def by_array(rng, a, b):
    if not is_array(b) or b.ndim not in (1, 2) or not set(b.dims) <= set(a.dims) or kind(b) not in 'iubU' or not b.size or len(np.unique(b.values)) > 20:
        return None
    return f"_0.groupby(_1.rename('key')).{reduced(rng, a, str(b.dims[0]))}" if b.ndim == 1 else f"_0.groupby(_1.rename('key')).{rng.choice(['mean', 'sum', 'max', 'count'])}()"


@op(0.8, exact=False)
def by_bins(rng, a):
    names = [str(c) for c in a.coords if a[c].ndim in (1, 2) and a[c].dtype.kind in 'fi' and a[c].size]
    if not names:
        return None
    name = rng.choice(names)
    at = a[name].values
    low, high = float(at.min()) - 1, float(at.max()) + 1
    edges = rng.choice([f'[{number(low)}, {number((low + high) / 2)}, {number(high)}]', f'[{number(float(at.min()))}, {number(float(at.max()))}]', f'np.linspace({number(low)}, {number(high)}, 4)', '3'])
    extra = rng.choice(['', '', 'right=False', 'labels=[1, 2]', 'include_lowest=True'])
    how = reduced(rng, a, str(a[name].dims[0])) if a[name].ndim == 1 else rng.choice(['mean()', 'sum()', 'count()', 'max()'])
    return f"_0.groupby_bins('{name}', {arguments(edges, extra)}).{how}"


@op(3, exact=False)
def resample(rng, a):
    names = dims_with(a, 't')
    if not names:
        return None
    d = rng.choice(names)
    frequency = rng.choice(FREQUENCIES)
    span = labels(a, d)
    days = abs((span[-1] - span[0]) / np.timedelta64(1, 'D')) if span.dtype.kind == 'M' else abs((span[-1] - span[0]).days)
    if frequency in ('h', '30min', '6h', '12h') and days > 40:
        return None
    extra = rng.choice(['', '', '', '', '', "closed='right'", "label='right'", "closed='right', label='right'", "closed='left', label='right'", "origin='start'", "offset='6h'"])
    tail = rng.choice(['asfreq()', 'ffill()', 'nearest()', 'interpolate("linear")', 'bfill()']) if rng.random() < 0.2 else reduced(rng, a, d)
    return f"_0.resample({arguments(f'{d}={frequency!r}', extra)}).{tail}"


@op(0.8, exact=False)
def group_quantile(rng, a):
    d, key = time_key(rng, a)
    if not d or kind(a) in 'MUb':
        return None
    grouper = rng.choice([f'groupby({key})', f"resample({d}='QS')"])
    return f"_0.{grouper}.quantile({rng.choice(['0.5', '0.9', '[0.1, 0.9]'])}{rng.choice(['', f', dim={d!r}', ', skipna=False'])})"


@op(0.6, exact=False)
def group_cumulative(rng, a):
    d, key = time_key(rng, a)
    if not d or kind(a) in 'MUb':
        return None
    grouper = rng.choice([f'groupby({key})', f"resample({d}='MS')"])
    return f"_0.{grouper}.{rng.choice(['cumsum', 'cumprod', 'cumsum'])}('{d}')"


@op(0.5)
def group_positions(rng, a):
    d, key = time_key(rng, a)
    if not d or kind(a) in 'MUb':
        return None
    return rng.choice([f"_0.groupby({key}).fillna(_0.groupby({key}).max('{d}'))", f'_0.groupby({key}).shift({d}=1)', f"_0.groupby({key}).argmax('{d}')",
                       f"_0.groupby({key}).idxmax('{d}')", f'_0.groupby({key})[{rng.choice(PICKED)}]'])


@op(1, exact=False)
def two_keys(rng, a):
    names = dims_with(a, 't')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    others = [o for o in dims_with(a, 'nt') if o != d]
    keys = rng.choice([f"['{d}.year', '{d}.month']", f"['{d}.season', '{d}.year']", f"['{d}.hour', '{d}.month']"] + [f"['{o}', '{d}.season']" for o in others])
    return f"_0.groupby({keys}).{rng.choice(['mean', 'max', 'count', 'sum', 'std', 'min'])}({rng.choice(['', '', '...'])})"


@op(0.6, exact=False)
def plane_bins(rng, a):
    names = [str(c) for c in a.coords if a[c].ndim == 2 and a[c].dtype.kind == 'f']
    if not names or not is_array(a):
        return None
    name = rng.choice(names)
    low, high = float(a[name].min()), float(a[name].max())
    edges = [number(low), number(round((low + high) / 2, 1) + 0.03), number(high + 0.5)]
    return f"_0.groupby_bins('{name}', [{', '.join(edges)}]{rng.choice(['', ', right=False', ', include_lowest=True', ', labels=[1, 2]'])}).{rng.choice(['mean', 'max', 'sum', 'std', 'median'])}({rng.choice(['', '...'])})"
