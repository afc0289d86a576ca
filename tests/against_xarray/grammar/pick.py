"""Selection by label and position."""
from .registry import arguments, day, dims, dims_with, is_array, is_number, kind, label_kind, labels, middle, number, op, stamp


def position_slice(rng, n):
    bound = lambda: rng.choice(['', str(rng.randint(-n - 1, n + 2)), str(rng.randint(0, n))])
    return bound(), bound(), rng.choice(['', '', '', '2', '3', '-1', '-2', '1'])


def as_call(parts):
    start, stop, step = (p or 'None' for p in parts)
    if step == 'None':
        return f'slice({stop})' if start == 'None' else f'slice({start}, {stop})'
    return f'slice({start}, {stop}, {step})'


def one_index(rng, n):
    way = rng.random()
    if way < 0.4:
        return str(rng.randint(-n, n - 1))
    if way < 0.7:
        return as_call(position_slice(rng, n))
    return '[' + ', '.join(str(rng.randint(-n, n - 1)) for _ in range(rng.randint(1, 3))) + ']'


@op(3)
def isel(rng, a):
    names = [d for d in dims(a) if a.sizes[d]]
    if not names:
        return None
    chosen = rng.sample(names, rng.choice([1, 1, min(2, len(names))]))
    parts = [f'{d}={one_index(rng, a.sizes[d])}' for d in chosen]
    return f"_0.isel({arguments(*parts, rng.choice(['', '', '', 'drop=True']))})"


@op(1)
def subscript(rng, a):
    if not is_array(a) or not a.ndim or not a.size:
        return None
    def item(n):
        way = rng.random()
        if way < 0.35:
            return str(rng.randint(-n, n - 1))
        if way < 0.9:
            start, stop, step = position_slice(rng, n)
            return f'{start}:{stop}' + (f':{step}' if step else '')
        return str([rng.randint(0, n - 1) for _ in range(2)])
    items = [item(a.sizes[d]) for d in dims(a)[: rng.randint(1, a.ndim)]]
    if rng.random() < 0.2:
        items.append('...')
    return f"_0[{', '.join(items)}]"


@op(1)
def dict_subscript(rng, a):
    names = [d for d in dims(a) if a.sizes[d]]
    if not names:
        return None
    d = rng.choice(names)
    return f"_0[dict({d}={one_index(rng, a.sizes[d])})]"


@op(1)
def ends(rng, a):
    names = [d for d in dims(a) if a.sizes[d]]
    if not names:
        return None
    d = rng.choice(names)
    way = rng.choice(['head', 'tail', 'thin'])
    return f'_0.{way}({d}={rng.randint(1, a.sizes[d])})' if rng.random() < 0.9 else f'_0.{way}({rng.randint(1, 3)})'


def number_near(rng, at):
    return number(rng.choice(list(at))) if rng.random() < 0.6 else number(float(rng.choice(list(at))) + rng.choice([-0.3, 0.3, 7.0, -20.0, 1e-3]))


@op(3)
def sel_number(rng, a):
    names = dims_with(a, 'n')
    if not names:
        return None
    d = rng.choice(names)
    at = labels(a, d)
    way = rng.random()
    if way < 0.25:
        return f"_0.sel({d}={number(rng.choice(list(at)))}{rng.choice(['', ', drop=True'])})"
    if way < 0.6:
        low, high = rng.choice([(at[0], at[-1]), (number_near(rng, at), number_near(rng, at)), (at[-1], at[0]), (None, number_near(rng, at))])
        show = lambda x: x if isinstance(x, str) else 'None' if x is None else number(x)
        return f'_0.sel({d}=slice({show(low)}, {show(high)}))'
    if way < 0.75:
        picked = [number(rng.choice(list(at))) for _ in range(rng.randint(1, 3))]
        return f"_0.sel({d}=[{', '.join(picked)}])"
    method = rng.choice(['nearest', 'nearest', 'nearest', 'pad', 'ffill', 'backfill', 'bfill'])
    target = number_near(rng, at) if rng.random() < 0.6 else f'[{number_near(rng, at)}, {number_near(rng, at)}]'
    return f"_0.sel({arguments(f'{d}={target}', f'method={method!r}', rng.choice(['', '', f'tolerance={rng.choice([0.5, 10, 50.0])}']))})"


@op(3)
def sel_time(rng, a):
    names = dims_with(a, 't')
    if not names:
        return None
    d = rng.choice(names)
    at = list(labels(a, d))
    way = rng.random()
    if way < 0.35:
        return f"_0.sel({d}='{stamp(rng, rng.choice(at))}')"
    if way < 0.8:
        first, last = sorted(rng.sample(range(len(at)), 2)) if len(at) > 1 else (0, 0)
        bounds = [repr(stamp(rng, at[first])), repr(stamp(rng, at[last]))]
        if rng.random() < 0.25:
            bounds[rng.randint(0, 1)] = 'None'
        step = rng.choice(['', '', '', '', ', 2'])
        return f"_0.sel({d}=slice({', '.join(bounds)}{step}))"
    if way < 0.9:
        return f"_0.sel({d}='{day(rng.choice(at))}', method='nearest')"
    return f"_0.loc[dict({d}='{stamp(rng, rng.choice(at))}')]"


@op(1)
def sel_text(rng, a):
    names = dims_with(a, 's')
    if not names:
        return None
    d = rng.choice(names)
    at = [str(v) for v in labels(a, d)]
    way = rng.random()
    if way < 0.4:
        return f"_0.sel({d}='{rng.choice(at)}')"
    if way < 0.7:
        return f"_0.sel({d}={rng.sample(at, rng.randint(1, len(at)))})"
    return f"_0.sel({d}=slice('{rng.choice(at)}', '{rng.choice(at)}'))"


@op(0.5)
def drop_sel(rng, a):
    names = dims_with(a, 'ns')
    if not names:
        return None
    d = rng.choice(names)
    at = labels(a, d).tolist()
    chosen = rng.sample(at, rng.randint(1, max(1, len(at) - 1)))
    return f'_0.drop_sel({d}={chosen})' if rng.random() < 0.8 else f'_0.drop_isel({d}=[{rng.randint(0, len(at) - 1)}])'


@op(0.7)
def squeeze(rng, a):
    ones = [d for d in dims(a) if a.sizes[d] == 1]
    if not ones and rng.random() < 0.9:
        return None
    return f"_0.squeeze({arguments(rng.choice(['', repr(ones[0]) if ones else '']), rng.choice(['', 'drop=True']))})"


@op(2.5)
def where(rng, a):
    if not is_array(a) or not is_number(a):
        return None
    test = f"_0 {rng.choice(['>', '<', '>=', '<=', '!='])} {number(middle(rng, a))}" if is_number(a) and kind(a) != 'b' else '_0'
    other = rng.choice(['', '', '', '-1', '0.5', 'np.nan', 'drop=True', '-_0'])
    return f"_0.where({arguments(test, other)})"


@op(1)
def where_label(rng, a):
    names = dims_with(a, 'n')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    level = number(float(rng.choice(list(labels(a, d)))) + rng.choice([0, 0.25]))
    return f"_0.where(_0.{d} {rng.choice(['>', '<', '>=', '=='])} {level}{rng.choice(['', '', ', 0', ', drop=True'])})"


@op(0.7)
def where_month(rng, a):
    names = dims_with(a, 't')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    test = rng.choice([f"_0.{d}.dt.month == {rng.randint(1, 12)}", f"_0.{d}.dt.month.isin([12, 1, 2])", f"_0.{d}.dt.season == 'JJA'"])
    return f"_0.where({test}{rng.choice(['', ', drop=True', ', drop=True'])})" if rng.random() < 0.7 else f"_0.sel({d}={test})"


@op(1.5, arity=2)
def where_other(rng, a, b):
    if kind(a) in 'MU' or not is_array(b) or kind(b) != 'b' or not set(b.dims) <= set(a.dims):
        return None
    return f"_0.where(_1{rng.choice(['', '', ', 0', ', drop=True'])})"


@op(0.8)
def dropna(rng, a):
    if not dims(a) or kind(a) not in 'fD':
        return None
    return f"_0.dropna({arguments(repr(rng.choice(dims(a))), rng.choice(['', '', 'how=' + repr('all'), 'thresh=2']))})"


@op(0.8, arity=2)
def sel_like(rng, a, b):
    shared = [d for d in dims_with(a, 'nst') if d in dims_with(b, 'nst')]
    if not shared:
        return None
    d = rng.choice(shared)
    return rng.choice([f'_0.sel({d}=_1.{d})', f'_0.sel({d}=_1.{d}[0])', f'_0.sel({d}=_1.{d}, method="nearest")', f'_0.sel({d}=slice(_1.{d}[0], _1.{d}[-1]))', f'_0.sel({d}=_0.{d}.isin(_1.{d}))'])


@op(0.8)
def by_condition(rng, a):
    names = dims_with(a, 'nt')
    if not names:
        return None
    d = rng.choice(names)
    if label_kind(a, d) == 't':
        test = rng.choice([f'_0.{d}.dt.month > 6', f'_0.{d}.dt.day == 15', f"_0.{d}.dt.season == 'DJF'", f'(_0.{d}.dt.month >= 3) & (_0.{d}.dt.month <= 5)', f'_0.{d}.dt.year.isin([2000, 2002])', f'_0.{d}.dt.hour < 12'])
    else:
        test = f'_0.{d} {rng.choice(["<", ">", "<="])} {number(rng.choice(list(labels(a, d))))}'
    return rng.choice([f'_0.sel({d}=({test}))', f'_0.isel({d}=({test}))', f'_0[dict({d}=({test}))]', f'_0.where({test}, drop=True)' if kind(a) not in 'MU' else f'_0.sel({d}=({test}))'])


@op(0.6)
def inclusive(rng, a):
    """Bounds that are no labels."""
    names = dims_with(a, 'n')
    if not names:
        return None
    d = rng.choice(names)
    at = sorted(float(v) for v in labels(a, d))
    low, high = number(at[0] + rng.choice([-1, 0, 0.05])), number(at[-1] + rng.choice([-0.05, 0, 3]))
    return f'_0.sel({d}=slice({rng.choice([f"{low}, {high}", f"{high}, {low}", f"None, {high}", f"{low}, None"])}))'
