"""Along one dimension: differences, running totals, gaps, derivatives, fits."""
import numpy as np

from .registry import arguments, dims, dims_with, is_array, kind, labels, op


@op(1.5, exact=False)
def diff(rng, a):
    if not dims(a) or kind(a) in 'MU':
        return None
    d = rng.choice(dims(a))
    return f"_0.diff({arguments(repr(d), rng.choice(['', '', 'n=2', '1']), rng.choice(['', '', 'label=' + repr('lower')]))})"


@op(1.5, exact=False)
def running(rng, a):
    if not dims(a) or kind(a) in 'MU':
        return None
    how = rng.choice(['cumsum', 'cumsum', 'cumprod'])
    d = rng.choice(dims(a))
    of = '(_0 / 300)' if how == 'cumprod' and kind(a) != 'b' else '_0'
    return f"{of}.{how}({arguments(rng.choice([repr(d), repr(d), f'dim={d!r}', '']), rng.choice(['', '', 'skipna=False', 'skipna=True']))})"


@op(1)
def fill(rng, a):
    if not dims(a) or kind(a) not in 'fD':
        return None
    return f"_0.{rng.choice(['ffill', 'bfill'])}({arguments(repr(rng.choice(dims(a))), rng.choice(['', '', 'limit=1', 'limit=2']))})"


@op(1, exact=False)
def interpolate_na(rng, a):
    names = [d for d in dims(a) if labels(a, d) is None or d in dims_with(a, 'nt')]
    if not names or kind(a) not in 'fD':
        return None
    extra = rng.choice(['', '', "method='nearest'", "method='linear'", 'limit=2', 'use_coordinate=False', "fill_value='extrapolate'", 'max_gap=3' if kind(a) == 'D' else ''])
    return f"_0.interpolate_na({arguments(repr(rng.choice(names)), extra)})"


@op(1, exact=False)
def derivative(rng, a):
    names = dims_with(a, 'nt')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    unit = f"datetime_unit='{rng.choice(['D', 'h', 's'])}'" if d in dims_with(a, 't') and rng.random() < 0.8 else ''
    extra = rng.choice(['', '', 'edge_order=2'])
    return rng.choice([f"_0.differentiate({arguments(repr(d), extra, unit)})", f'_0.integrate({arguments(repr(d), unit)})', f'_0.cumulative_integrate({arguments(repr(d), unit)})'])


@op(0.7)
def rank(rng, a):
    if not dims(a) or kind(a) in 'MUb':
        return None
    return f"_0.rank({arguments(repr(rng.choice(dims(a))), rng.choice(['', '', 'pct=True']))})"


@op(0.7, exact=False)
def polyfit(rng, a):
    names = dims_with(a, 'nt')
    # LAPACK lets an infinite cell spoil the lines beside it.
    if not names or not is_array(a) or kind(a) in 'MUb' or np.isinf(a.values.astype(float)).any():
        return None
    d = rng.choice(names)
    fit = f"_0.polyfit('{d}', {rng.choice(['1', '1', '0', '2'])}{rng.choice(['', '', ', skipna=True', ', skipna=False'])})"
    return rng.choice([f'{fit}.polyfit_coefficients', fit, f'xr.polyval(_0.{d}, {fit}.polyfit_coefficients)'])


@op(0.3)
def duplicates(rng, a):
    names = [d for d in dims(a) if labels(a, d) is not None]
    return f"_0.drop_duplicates('{rng.choice(names)}')" if names else None


@op(0.3, exact=False)
def cumulative(rng, a):
    return f"_0.cumulative('{rng.choice(dims(a))}').{rng.choice(['sum', 'mean', 'max'])}()" if dims(a) and kind(a) not in 'MU' else None
