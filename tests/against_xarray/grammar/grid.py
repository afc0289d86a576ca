"""Other labels: interpolation, reindexing, other calendars."""
import numpy as np

from .registry import arguments, day, dims, dims_with, is_array, kind, labels, number, op


def targets(rng, at):
    """Labels near those of a dim, some outside."""
    low, high = float(min(at)), float(max(at))
    way = rng.random()
    if way < 0.4:
        picks = [round(rng.uniform(low, high), 1) for _ in range(rng.randint(1, 4))] + rng.choice([[], [high + 5], [float(at[0])]])
        return '[' + ', '.join(number(p) for p in picks) + ']'
    if way < 0.6:
        return number(round(rng.uniform(low, high), 2))
    if way < 0.8:
        return f'np.linspace({number(low)}, {number(high)}, {rng.randint(2, 6)})'
    return f'np.arange({number(low)}, {number(high)}, {number((high - low) / 3 or 1)})'


@op(2.5, exact=False)
def interp(rng, a):
    names = dims_with(a, 'n')
    if not names or kind(a) in 'MU':
        return None
    chosen = rng.sample(names, rng.choice([1, min(2, len(names))]))
    wanted = [f'{d}={targets(rng, labels(a, d))}' for d in chosen]
    method = rng.choice(['', '', "method='linear'", "method='nearest'", "method='nearest'", "method='cubic'" if rng.random() < 0.2 else ''])
    rising = all((np.diff(labels(a, d)) > 0).all() for d in chosen)
    extra = rng.choice(['', '', '', "kwargs={'fill_value': 'extrapolate'}", "kwargs={'fill_value': 0}", 'assume_sorted=True' if rising else ''])
    return f'_0.interp({arguments(*wanted, method, extra)})'


@op(0.5, exact=False)
def interp_time(rng, a):
    names = [d for d in dims_with(a, 't') if labels(a, d).dtype.kind == 'M']
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    at = labels(a, d)
    chosen = f"'{day(at[rng.randrange(at.size)])}'" if rng.random() < 0.5 else f"np.datetime64('{day(at[rng.randrange(at.size)])}T03:00')"
    return f"_0.interp({d}={chosen}{rng.choice(['', ', method=' + repr('nearest')])})"


@op(0.7, arity=2, exact=False)
def interp_to(rng, a, b):
    shared = [d for d in dims_with(a, 'n') if d in dims_with(b, 'n')]
    if not shared or kind(a) in 'MU':
        return None
    if rng.random() < 0.3 and is_array(b):
        return '_0.interp_like(_1)'
    return f"_0.interp({arguments(*[f'{d}=_1.{d}' for d in shared], rng.choice(['', 'method=' + repr('nearest')]))})"


@op(1)
def reindex(rng, a):
    names = dims_with(a, 'n')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    method = rng.choice(['', '', "method='nearest'", "method='ffill'", "method='bfill'", "method='nearest', tolerance=5", 'fill_value=0'])
    wanted = targets(rng, labels(a, d)) if rng.random() < 0.6 else f'_0.{d}[::-1]'
    return f'_0.reindex({d}={wanted if not wanted[0].isdigit() else f"[{wanted}]"}{", " if method else ""}{method})'


@op(0.6, arity=2)
def reindex_like(rng, a, b):
    if kind(a) in 'MU' or not any(d in b.dims for d in a.dims):
        return None
    return f"_0.reindex_like(_1{rng.choice(['', '', ', method=' + repr('nearest')])})"


@op(0.4)
def calendar(rng, a):
    names = dims_with(a, 't')
    if not names or kind(a) == 'M':
        return None
    d = rng.choice(names)
    align = ", align_on='date'" if labels(a, d).dtype.kind == 'O' or rng.random() < 0.5 else ''
    if rng.random() < 0.2:
        return f"_0.{d}.dt.{rng.choice(['decimal_year', 'days_in_year', 'floor({!r})', 'ceil({!r})', 'round({!r})']).format(rng.choice(['D', '6h', '2D']))}"
    if rng.random() < 0.2:
        return f'_0.interp_calendar(_0.{d}.isel({d}=slice(2, 9)), dim={d!r})'
    align = rng.choice([align, align, ", align_on='year'"])
    return f"_0.convert_calendar('{rng.choice(['noleap', 'standard', '360_day'])}', dim='{d}'{align})"


@op(0.5)
def vectorized(rng, a):
    names = [d for d in dims(a) if a.sizes[d] > 1]
    if len(names) < 2:
        return None
    first, second = rng.sample(names, 2)
    at = lambda d: [rng.randint(0, a.sizes[d] - 1) for _ in range(3)]
    return f"_0.isel({first}=xr.DataArray({at(first)}, dims='point'), {second}=xr.DataArray({at(second)}, dims='point'))"


@op(0.3)
def nearest_points(rng, a):
    names = dims_with(a, 'n')
    if len(names) < 2:
        return None
    at = lambda d: '[' + ', '.join(number(float(rng.choice(list(labels(a, d)))) + 0.1) for _ in range(2)) + ']'
    return f"_0.sel({names[0]}=xr.DataArray({at(names[0])}, dims='point'), {names[1]}=xr.DataArray({at(names[1])}, dims='point'), method='nearest')"


@op(1)
def positions_array(rng, a):
    """Arrays of positions with dims of their own: one or two dims, coordinates, beside slices and numbers, or depending on data."""
    names = [d for d in dims(a) if a.sizes[d] > 1]
    if not names:
        return None
    first, *rest = rng.sample(names, len(names))
    pick = lambda d, n: [rng.randint(-a.sizes[d], a.sizes[d] - 1) for _ in range(n)]
    pairs = lambda d: str([pick(d, 3), pick(d, 3)])
    beside = f', {rest[0]}={rng.choice(["0", "slice(1, None)", "[1, 0]"])}' if rest and rng.random() < 0.6 else ''
    ways = [
        f"_0.isel({first}=xr.DataArray({pick(first, 4)}, dims='point'){beside})",
        f"_0.isel({first}=xr.DataArray({pairs(first)}, dims=('p', 'q')){beside})",
        f"_0.isel({first}=xr.DataArray({pick(first, 3)}, dims='point', coords={{'point': [7, 8, 9], 'who': ('point', ['x', 'y', 'z'])}}){beside})",
        f"_0.isel({first}=xr.DataArray({pick(first, 1)[0]}){beside})",
    ]
    if rest:
        second = rest[0]
        ways += [
            f"_0.isel({first}=xr.DataArray({pairs(first)}, dims=('p', 'q')), {second}=xr.DataArray({pick(second, 3)}, dims='q'))",
            f"_0.isel({first}=xr.DataArray({pick(first, a.sizes[second])}, dims='{second}'))",
            f"_0[dict({first}=xr.DataArray({pick(first, 2)}, dims='point'), {second}=xr.DataArray({pick(second, 2)}, dims='point'))]",
        ]
        if is_array(a) and kind(a) in 'iu':
            ways += [f"_0.isel({first}=_0.argmax('{first}'))"] * 3
        if is_array(a) and kind(a) == 'f':
            ways += [f"_0.isel({first}=_0.fillna(-9).argmax('{first}'))"] * 3
    return rng.choice(ways)


@op(0.6)
def labels_array(rng, a):
    """Arrays of labels with dims of their own."""
    names = dims_with(a, 'nt')
    if not names:
        return None
    first, *rest = rng.sample(names, len(names))
    at = lambda d, n: str([number(rng.choice(list(labels(a, d)))) for _ in range(n)]).replace("'", '') if d in dims_with(a, 'n') else None
    if at(first, 1) is None:
        return f"_0.sel({first}=_0.{first}[[0, -1]].rename({{'{first}': 'point'}}))"
    ways = [f"_0.sel({first}=xr.DataArray({at(first, 2)}, dims='point'))", f"_0.sel({first}=xr.DataArray([{at(first, 2)}, {at(first, 2)}], dims=('p', 'q'), coords={{'p': [1, 2]}}), method='nearest')"]
    if rest and at(rest[0], 1):
        ways.append(f"_0.loc[dict({first}=xr.DataArray({at(first, 2)}, dims='point'), {rest[0]}=xr.DataArray({at(rest[0], 2)}, dims='point'))]")
    return rng.choice(ways)


def spread(a, d):
    """How far the labels of a dim reach."""
    return float(np.ptp(labels(a, d)))


@op(0.3, exact=False)
def own_grid(rng, a):
    names = [d for d in dims_with(a, 'n') if spread(a, d) > 0]
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    return f'_0.interp({d}=(_0.{d}[:-1].values + 1))' if rng.random() < 0.3 else f'_0.interp({d}=_0.{d}[::2])'
