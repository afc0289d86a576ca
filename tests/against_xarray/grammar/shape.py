"""Order, names, labels, and what moves cells about."""
from .registry import arguments, dims, dims_with, is_array, kind, labels, number, op, some_dims


@op(1.5)
def transpose(rng, a):
    names = rng.sample(dims(a), len(dims(a)))
    if not names:
        return None
    if rng.random() < 0.3:
        return "_0.transpose()" if rng.random() < 0.5 or not is_array(a) else "_0.T"
    if rng.random() < 0.4 and len(names) > 1:
        names = [f"'{names[0]}'"] + rng.choice([['...'], ['...', f"'{names[1]}'"]])
    else:
        names = [f"'{n}'" for n in names]
    return f"_0.transpose({', '.join(names)})"


@op(1)
def rename(rng, a):
    if is_array(a) and rng.random() < 0.4:
        return "_0.rename('renamed')" if rng.random() < 0.8 else '_0.rename(None)'
    names = dims(a) if is_array(a) else [*dims(a), *map(str, a.data_vars)]
    if not names:
        return None
    old = rng.choice(names)
    return f"_0.rename({old}='{old}_new')" if rng.random() < 0.5 else f"_0.rename({{'{old}': '{old}_new'}})"


@op(1)
def expand_dims(rng, a):
    scalars = [str(c) for c in a.coords if not a[c].dims]
    if scalars and rng.random() < 0.5:
        return f"_0.expand_dims('{rng.choice(scalars)}')"
    return rng.choice(["_0.expand_dims('e')", '_0.expand_dims(e=3)', '_0.expand_dims(e=[10, 20])', "_0.expand_dims('e', axis=-1)"])


@op(0.7)
def drop_vars(rng, a):
    names = [str(c) for c in a.coords] + ([] if is_array(a) else [str(v) for v in a.data_vars][1:])
    return f"_0.drop_vars('{rng.choice(names)}')" if names else None


@op(1)
def assign_coords(rng, a):
    names = dims(a)
    if not names:
        return None
    d = rng.choice(names)
    n = a.sizes[d]
    way = rng.random()
    if way < 0.35 and dims_with(a, 'n'):
        d = rng.choice(dims_with(a, 'n'))
        shift = rng.choice([f'_0.{d} + 10', f'_0.{d} * 2', f'(_0.{d} + 180) % 360 - 180', f'-_0.{d}'])
        return f'_0.assign_coords({d}={shift})'
    if way < 0.55:
        return f"_0.assign_coords(run={rng.choice(['1', '2.5', repr('one')])})"
    if way < 0.75:
        return f"_0.assign_coords(extra=('{d}', np.arange({n})))"
    return f"_0.assign_coords({d}=np.arange({n}{rng.choice(['', '.0'])}) * {rng.choice([1, 2, 0.5])})"


@op(0.3)
def assign_attrs(rng, a):
    return "_0.assign_attrs(units='1', scale=2)"


@op(1)
def sortby(rng, a):
    if not dims(a):
        return None
    d = rng.choice(dims(a))
    if labels(a, d) is None:
        return None
    return rng.choice([f"_0.sortby('{d}')", f"_0.sortby('{d}', ascending=False)", f"_0.sortby(['{d}'])", f'_0.sortby(-_0.{d})' if d in dims_with(a, 'n') else f"_0.sortby('{d}')"])


@op(1)
def roll(rng, a):
    if not dims(a):
        return None
    d = rng.choice(dims(a))
    return f"_0.roll({arguments(f'{d}={rng.randint(-5, 5)}', rng.choice(['', 'roll_coords=True']))})"


@op(1)
def shift(rng, a):
    if not dims(a) or kind(a) in 'MU':
        return None
    d = rng.choice(dims(a))
    return f"_0.shift({arguments(f'{d}={rng.randint(-5, 5)}', rng.choice(['', '', 'fill_value=0']))})"


@op(0.8)
def pad(rng, a):
    if not dims(a) or kind(a) in 'MU':
        return None
    d = rng.choice(dims(a))
    mode = rng.choice(["mode='constant', constant_values=0", '', "mode='edge'", "mode='wrap'", "mode='reflect'"])
    width = rng.choice(['(1, 2)', '(0, 1)', '2'])
    return f'_0.pad({arguments(f"{d}={width}", mode)})'


@op(0.5)
def stack(rng, a):
    if len(dims(a)) < 2:
        return None
    first, second = rng.sample(dims(a), 2)
    reduced = rng.choice([".mean('p')", ".max('p')", '.isel(p=3, drop=True)', ".count('p')", ".unstack('p')", '.unstack()', ".sum()"])
    return f"_0.stack(p=['{first}', '{second}']){reduced}"


@op(0.6)
def swap_dims(rng, a):
    named = [(d, str(c)) for d in dims(a) for c in a.coords if a[c].dims == (d,) and c != d]
    if named and rng.random() < 0.7:
        return "_0.swap_dims({'%s': '%s'})" % rng.choice(named)
    return f"_0.swap_dims({rng.choice(dims(a))}='fresh')" if dims(a) else None


@op(0.5)
def reset_coords(rng, a):
    others = [str(c) for c in a.coords if c not in a.dims]
    if not others or is_array(a):
        return f"_0.reset_coords('{rng.choice(others)}', drop=True)" if others else None
    return f"_0.reset_coords({rng.choice(['', repr(others[0])])})"


@op(0.8)
def coordinate(rng, a):
    names = [str(c) for c in a.coords]
    if not names:
        return None
    name = rng.choice(names)
    return f'_0.{name}' if rng.random() < 0.6 else f"_0['{name}']"


@op(0.6, arity=2)
def broadcast_like(rng, a, b):
    return '_0.broadcast_like(_1)' if is_array(b) and kind(a) not in 'MU' else None


@op(0.5)
def to_dataset(rng, a):
    if not is_array(a):
        return rng.choice(['_0.to_array()', "_0.to_array('v')", "_0.to_dataarray(dim='v')"])
    return rng.choice(["_0.to_dataset(name='made')", '_0.to_dataset()' if a.name else "_0.to_dataset(name='q')"])


@op(0.3)
def unchanged(rng, a):
    some = some_dims(rng, a)
    return rng.choice(['_0.compute()', '_0.load()', '_0.copy()', '_0.chunk(%s)' % {d: 2 for d in some}, '_0.persist()'])


@op(2)
def variable(rng, a):
    if is_array(a) or not a.data_vars:
        return None
    names = [str(v) for v in a.data_vars]
    way = rng.random()
    if way < 0.7:
        return f'_0.{rng.choice(names)}' if rng.random() < 0.5 else f"_0['{rng.choice(names)}']"
    return f'_0[{rng.sample(names, rng.randint(1, len(names)))}]'


@op(0.5)
def assign(rng, a):
    if is_array(a) or not a.data_vars:
        return None
    name = rng.choice([str(v) for v in a.data_vars])
    return f"_0.assign({rng.choice(['extra', name])}=_0['{name}'] {rng.choice(['* 2', '+ 1', '> 0'])})"


@op(0.4)
def shifted_labels(rng, a):
    names = dims_with(a, 'n')
    return f"_0.rename({names[0]}='{names[0]}_').assign_coords(note={number(1.5)})" if names else None


@op(0.8)
def dataset_method(rng, a):
    if is_array(a) or not a.data_vars or not dims(a):
        return None
    name, d = rng.choice([str(v) for v in a.data_vars]), rng.choice(dims(a))
    return rng.choice([f"_0.set_coords('{name}')", f"_0.drop_dims('{d}')", f"_0.rename_vars({name}='other')", f"_0.rename_dims({d}='axis')", f"_0.drop_vars('{name}')",
                       f"_0.merge(_0['{name}'].rename('more'))", f"_0.assign(more=_0['{name}'].mean())", '_0.drop_attrs()', f"_0.assign_coords({d}=np.arange({a.sizes[d]}))"])


@op(0.3)
def same_cells(rng, a):
    return rng.choice(['_0.drop_attrs()', '_0.conj()', '_0.drop_encoding()', '_0.real']) if kind(a) in 'fi' else None


@op(0.4)
def renamed_dim(rng, a):
    others = [str(c) for c in a.coords if c not in a.dims]
    if others and rng.random() < 0.5:
        return f"_0.rename({{'{rng.choice(others)}': 'note'}})"
    return f"_0.rename({{'{rng.choice(dims(a))}': 'axis'}}){rng.choice(['', '.isel(axis=0)', '.mean(' + repr('axis') + ')'])}" if dims(a) and kind(a) in 'fiD' else None
