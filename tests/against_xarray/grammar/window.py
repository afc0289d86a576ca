"""Windows: rolling and coarsened."""
from .reduce import options
from .registry import arguments, dims, dims_with, kind, op

REDUCTIONS = ['mean', 'mean', 'sum', 'min', 'max', 'std', 'var', 'count', 'median', 'prod']


@op(2.5, exact=False)
def coarsen(rng, a):
    if not dims(a):
        return None
    chosen = rng.sample(dims(a), rng.choice([1, 1, min(2, len(dims(a)))]))
    widths = arguments(*[f'{d}={rng.randint(1, min(7, a.sizes[d] + 1))}' for d in chosen])
    boundary = rng.choice(["boundary='trim'", "boundary='trim'", "boundary='pad'", "boundary='exact'", ''])
    side = rng.choice(['', '', "side='right'", "side='left'"])
    labels = rng.choice(['', '', '', "coord_func='min'", "coord_func={'%s': 'max'}" % chosen[0]])
    how = rng.choice(REDUCTIONS) if kind(a) not in 'MU' else rng.choice(['min', 'max', 'count', 'mean'])
    return f'_0.coarsen({arguments(widths, boundary, side, labels)}).{how}({options(rng, how)})'


@op(2.5, exact=False)
def rolling(rng, a):
    if not dims(a) or kind(a) in 'MU':
        return None
    chosen = rng.sample(dims(a), rng.choice([1, 1, 1, min(2, len(dims(a)))]))
    widths = arguments(*[f'{d}={rng.randint(1, min(7, a.sizes[d] + 1))}' for d in chosen])
    how = rng.choice(REDUCTIONS)
    extra = arguments(rng.choice(['', '', 'center=True']), rng.choice(['', '', 'min_periods=1', 'min_periods=2', 'min_periods=9']))
    return f"_0.rolling({arguments(widths, extra)}).{how}({rng.choice(['', '', '', 'keep_attrs=False'])})"


@op(0.4, exact=False)
def construct(rng, a):
    if not dims(a) or kind(a) in 'MUD':
        return None
    d = rng.choice(dims(a))
    if len(dims(a)) > 1 and rng.random() < 0.3:
        other = rng.choice([x for x in dims(a) if x != d])
        return f"_0.rolling({d}=2, {other}=3).construct({d}='win', {other}='across'{rng.choice(['', ', stride=2', ', fill_value=0'])})"
    if rng.random() < 0.3:
        return f"_0.rolling({d}=3).construct('win'{rng.choice(['', ', stride=2', ', fill_value=1', ', keep_attrs=False'])})"
    return f"_0.rolling({d}=3{rng.choice(['', ', center=True'])}).construct('win').{rng.choice(['mean', 'max'])}('win')"


@op(0.2, exact=False)
def exponential(rng, a):
    return f'_0.rolling_exp({rng.choice(dims(a))}=5).mean()' if dims_with(a, 'n') and kind(a) not in 'MU' else None
