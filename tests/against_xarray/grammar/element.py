"""Element by element: arithmetic, comparisons, functions."""
import numpy as np

from .registry import dims_with, is_array, is_number, is_real, kind, labels, middle, number, op

ANY = ['np.sin(_0)', 'np.cos(_0)', 'np.arctan(_0)', 'np.tanh(_0 / 100)', 'np.deg2rad(_0)', 'np.rad2deg(_0)', 'np.square(_0)', 'np.cbrt(_0)',
       'np.exp(_0 / 100)', 'np.expm1(_0 / 100)', 'np.sqrt(abs(_0))', 'np.log(abs(_0) + 1)', 'np.log10(abs(_0) + 1)', 'np.log1p(abs(_0))', 'np.log2(abs(_0) + 1)',
       'np.sqrt(_0)', 'np.log(_0)', 'np.tan(_0 / 1000)', 'np.arcsin(_0 / 1000)', 'np.arccos(_0 / 1000)', 'np.sinh(_0 / 100)', 'np.cosh(_0 / 100)', 'np.reciprocal(_0 + 0.5)',
       'np.hypot(_0, 3)', 'np.arctan2(_0, 2.0)', 'np.power(_0, 2)', 'np.float_power(_0, 2)', 'np.true_divide(_0, 3)', 'np.degrees(_0)', 'np.radians(_0)', 'np.exp2(_0 / 100)']
STEPS = ['abs(_0)', 'np.abs(_0)', '(-_0)', '(+_0)', 'np.sign(_0)', 'np.floor(_0)', 'np.ceil(_0)', 'np.trunc(_0)', 'np.rint(_0)', '_0.round()', '_0.round(1)', 'np.round(_0)',
         'np.negative(_0)', 'np.positive(_0)', 'np.fabs(_0)', '_0.round(decimals=-1)']
TESTS = ['_0.isnull()', '_0.notnull()', 'np.isnan(_0)', 'np.isfinite(_0)', 'np.isinf(_0)', 'np.signbit(_0.fillna(1))', 'np.logical_not(_0)']


@op(4, exact=False)
def with_number(rng, a):
    if kind(a) in 'MU':
        return None
    sign = rng.choice(['+', '-', '*', '/', '+', '-', '*', '/', '//', '%', '**'])
    value = rng.choice(['2', '0.5', '273.15', '-3', '10', '1e3', '0.1', 'np.pi', '7', 'True', 'np.float32(1.5)', 'np.int64(2)', 'np.array(2.5)'])
    if sign == '**':
        value = rng.choice(['2', '0.5', '3', '-1', '2.0'])
    return f'(_0 {sign} {value})' if rng.random() < 0.75 or sign == '**' else f'({value} {sign} _0)'


@op(1.5, exact=False)
def function(rng, a):
    return rng.choice(ANY) if kind(a) not in 'MU' else None


@op(1.2)
def step(rng, a):
    return rng.choice(STEPS) if kind(a) in 'fiD' else None


@op(1)
def test(rng, a):
    return rng.choice(TESTS) if kind(a) not in 'MU' else rng.choice(TESTS[:2])


@op(1.2)
def compare(rng, a):
    if not is_array(a) or not is_number(a):
        return None
    sign = rng.choice(['>', '<', '>=', '<=', '==', '!='])
    value = number(middle(rng, a)) if sign not in '==!=' else number(a.values.flat[rng.randrange(a.size)] if a.size and kind(a) in 'iub' else 3)
    return f'(_0 {sign} {value})' if rng.random() < 0.8 else f'({value} {sign} _0)'


@op(0.5)
def compare_time(rng, a):
    if kind(a) != 'M' or not is_array(a) or not a.size:
        return None
    t = a.values.flat[rng.randrange(a.size)]
    if not isinstance(t, np.datetime64):
        return None
    return f"(_0 {rng.choice(['>', '<=', '==', '!='])} np.datetime64('{np.datetime_as_string(t, 's')}'))"


@op(1)
def logic(rng, a):
    if kind(a) == 'b':
        return rng.choice(['(~_0)', '(_0 & True)', '(_0 | ~_0)', '(_0 ^ True)', 'np.invert(_0)', 'np.logical_and(_0, True)', '(_0 + _0)', '(_0 * 1)', '(_0 * 1.5)'])
    return rng.choice(['(_0 & 3)', '(_0 | 4)', '(_0 ^ 5)', '(~_0)', 'np.bitwise_and(_0, 6)']) if kind(a) in 'iu' else None


@op(1)
def clip(rng, a):
    if not is_array(a) or not is_real(a):
        return None
    low, high = sorted([middle(rng, a), middle(rng, a)])
    low, high = number(low), number(high)
    if kind(a) in 'iu' and rng.random() < 0.7:
        low, high = str(int(float(low))), str(int(float(high)))
    return rng.choice([f'_0.clip({low}, {high})', f'_0.clip(min={low})', f'_0.clip(max={high})', f'np.clip(_0, {low}, {high})', f'np.maximum(_0, {low})', f'np.minimum({high}, _0)', f'np.fmax(_0, {low})'])


@op(1)
def fillna(rng, a):
    return rng.choice(['_0.fillna(0)', '_0.fillna(-1.5)', '_0.fillna(1e3)']) if kind(a) in 'fiD' else None


@op(0.7)
def isin(rng, a):
    if not is_array(a) or not a.size or kind(a) not in 'iubU':
        return None
    if kind(a) == 'U':
        return f'_0.isin({[str(a.values.flat[0])]})'
    return f'_0.isin({[a.values.flat[rng.randrange(a.size)].item() for _ in range(3)]})'


@op(1)
def astype(rng, a):
    if kind(a) in 'MU':
        return None
    floats = ["'float64'", "'float32'", "'f4'", "'f8'", 'float', 'np.float32']
    whole = ["'int32'", "'int64'", 'int', "'i2'", "'bool'", 'bool', "'u1'"]
    if kind(a) in 'fD':
        return f'_0.astype({rng.choice(floats)})' if kind(a) == 'D' or rng.random() < 0.8 or bool(a.isnull().any()) or not bool(np.isfinite(a).all()) else f'_0.astype({rng.choice(whole[:3])})'
    return f'_0.astype({rng.choice(floats + whole)})'


@op(4, arity=2, exact=False)
def arithmetic(rng, a, b):
    if kind(a) in 'MU' or kind(b) in 'MU':
        return None
    return f"(_0 {rng.choice(['+', '-', '*', '/', '+', '-', '*', '//', '%'])} _1)"


@op(1, arity=2)
def compare_two(rng, a, b):
    if kind(a) in 'MU' or kind(b) in 'MU':
        return None
    return f"(_0 {rng.choice(['>', '<', '>=', '<=', '==', '!='])} _1)"


@op(1, arity=2)
def larger(rng, a, b):
    if kind(a) in 'MU' or kind(b) in 'MU' or not (is_array(a) or is_array(b)):
        return None
    return rng.choice(['np.maximum(_0, _1)', 'np.minimum(_0, _1)', 'np.fmax(_0, _1)', 'np.fmin(_0, _1)', '_0.fillna(_1)'])


@op(0.6, arity=2, exact=False)
def function_two(rng, a, b):
    if kind(a) in 'MU' or kind(b) in 'MU':
        return None
    return rng.choice(['np.hypot(_0, _1)', 'np.arctan2(_0, _1)', 'np.add(_0, _1)', 'np.subtract(_0, _1)', 'np.multiply(_0, _1)', 'np.divide(_0, _1)', 'np.copysign(_0, _1)'])


@op(1, arity=2)
def logic_two(rng, a, b):
    if kind(a) != 'b' or kind(b) != 'b':
        return None
    return rng.choice(['(_0 & _1)', '(_0 | _1)', '(_0 ^ _1)', 'np.logical_and(_0, _1)', 'np.logical_or(_0, _1)', 'np.logical_xor(_0, _1)'])


@op(1.2, arity=2)
def xr_where(rng, a, b):
    if not is_array(a) or not is_array(b) or kind(a) in 'MU' or kind(b) in 'MU':
        return None
    test = f'_0 > {number(middle(rng, a))}' if kind(a) != 'b' else '_0'
    chosen = rng.choice(['_0, _1', '_1, _0', '_1, 0', '1, 0', 'np.nan, _1', '_0, -1.5', "_1, np.nan"])
    return f"xr.where({test}, {chosen}{rng.choice(['', '', ', keep_attrs=True', ', keep_attrs=False'])})"


@op(0.8)
def with_labels(rng, a):
    names = dims_with(a, 'n')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    return rng.choice([f'(_0 * _0.{d})', f'(_0 + np.cos(np.deg2rad(_0.{d})))', f'(_0.{d} - _0)', f'(_0 / (_0.{d} + 1000))'])


@op(0.8)
def with_literal(rng, a):
    names = [d for d in a.dims if a.sizes[d]]
    if not names or kind(a) in 'MU':
        return None
    d = str(rng.choice(names))
    n = a.sizes[d]
    at = labels(a, d)
    plain = f"xr.DataArray(np.arange({n}.0), dims='{d}')"
    if at is None or d not in dims_with(a, 'n') or rng.random() < 0.5:
        return f"(_0 {rng.choice('+*')} {plain})"
    shown = [number(v) for v in at[: max(1, n - 1)]]
    return f"(_0 {rng.choice('+*')} xr.DataArray(np.arange({len(shown)}.0), dims=['{d}'], coords={{'{d}': [{', '.join(shown)}]}}))"


@op(1)
def dt(rng, a):
    names = dims_with(a, 't')
    part = rng.choice(['year', 'month', 'day', 'hour', 'minute', 'dayofyear', 'season', 'dayofweek', 'weekday', 'quarter', 'days_in_month', 'is_leap_year', 'second',
                       'days_in_year', 'is_month_start', 'is_year_end', 'decimal_year', 'calendar' if rng.random() < 0.05 else 'month'])
    if kind(a) == 'M' and is_array(a):
        return f'_0.dt.{part}'
    if not names:
        return None
    return f'_0.{rng.choice(names)}.dt.{part}' if rng.random() < 0.5 else f"_0['{rng.choice(names)}.{part}']"


@op(0.4)
def dt_method(rng, a):
    if kind(a) != 'M' or not is_array(a):
        return None
    return rng.choice(["_0.dt.strftime('%Y-%m')", "_0.dt.strftime('%Y%j %H')", "_0.dt.floor('D')", "_0.dt.ceil('6h')", "_0.dt.round('D')", '_0.dt.date'])
