"""Several into one."""
from .registry import arguments, dims, is_array, kind, label_kind, op


@op(1, arity=2)
def concat(rng, a, b):
    if is_array(a) != is_array(b):
        return None
    if rng.random() < 0.4 or not dims(a):
        dim = rng.choice(["'member'", "dim='member'", "xr.DataArray([1, 2], dims='member', name='member')"])
        return f"xr.concat([_0, _1], {dim}{rng.choice(['', '', ', join=' + repr('inner'), ', join=' + repr('outer')])})"
    shared = [d for d in dims(a) if d in b.dims]
    return f"xr.concat([_0, _1], '{rng.choice(shared)}'{rng.choice(['', ', join=' + repr('inner')])})" if shared else None


@op(1)
def concat_parts(rng, a):
    if not dims(a):
        return None
    d = rng.choice(dims(a))
    n = a.sizes[d]
    if n < 2:
        return None
    way = rng.random()
    if way < 0.4:
        return f"xr.concat([_0.isel({d}=slice({n // 2})), _0.isel({d}=slice({n // 2}, None))], '{d}')"
    if way < 0.7:
        return f"xr.concat([_0.isel({d}=-1), _0.isel({d}=0)], '{d}')"
    return f"xr.concat([_0.max('{d}'), _0.min('{d}')], 'stat')" if kind(a) not in 'U' else None


@op(0.7, arity=2)
def merge(rng, a, b):
    named = lambda v, name: f"{v}.rename('{name}')"
    if is_array(a) and is_array(b):
        return f"xr.merge([{named('_0', 'one')}, {named('_1', 'two')}]{rng.choice(['', '', ', join=' + repr('inner'), ', compat=' + repr('override')])})"
    return f"xr.merge([_0, {named('_1', 'two') if is_array(b) else '_1'}])" if not is_array(a) else None


@op(0.5, arity=2, exact=False)
def align(rng, a, b):
    if kind(a) in 'MU' or kind(b) in 'MU':
        return None
    join = rng.choice(['', ", join='inner'", ", join='outer'", ", join='left'", ", join='right'"])
    return f'pair = xr.align(_0, _1{join})\npair[0] - pair[1]'


@op(0.4, arity=2)
def combine_first(rng, a, b):
    return '_0.combine_first(_1)' if kind(a) not in 'MU' and kind(b) not in 'MU' and is_array(a) == is_array(b) else None


@op(0.5, exact=False)
def made_dataset(rng, a):
    if not is_array(a) or kind(a) in 'MU':
        return None
    d = dims(a)[0] if dims(a) else None
    if d is None or label_kind(a, d) == 's':
        return None
    return rng.choice(["xr.Dataset({'p': _0, 'q': _0 * 2})", f"xr.Dataset({{'p': _0, 'm': _0.mean('{d}')}})", f"xr.concat([_0, _0], dim='run').{rng.choice(['mean', 'sum', 'max'])}({arguments(repr('run'))})"])


@op(0.4)
def like(rng, a):
    return rng.choice(['xr.zeros_like(_0)', 'xr.ones_like(_0)', 'xr.full_like(_0, 2.5)', "xr.full_like(_0, np.nan, dtype='f8')"]) if kind(a) not in 'MU' else None
