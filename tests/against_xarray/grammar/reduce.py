"""Reductions, weights, statistics."""
import numpy as np

from .registry import arguments, dim_argument, dims, dims_with, is_array, is_number, kind, number, op, some_dims

EXACT = ['min', 'max', 'count', 'any', 'all']
ROUNDED = ['mean', 'sum', 'std', 'var', 'prod', 'mean', 'sum', 'median']


def options(rng, how):
    """Options of a reduction."""
    keep = rng.choice(['', '', '', '', 'keep_attrs=True', 'keep_attrs=False'])
    if how in ('count', 'any', 'all'):
        return keep
    skip = rng.choice(['', '', '', 'skipna=True', 'skipna=False'])
    own = ''
    if how in ('sum', 'prod'):
        own = rng.choice(['', '', '', f'min_count={rng.choice([1, 2, 5])}'])
    elif how in ('std', 'var'):
        own = rng.choice(['', '', 'ddof=1'])
    return arguments(skip, own, keep)


@op(2.5)
def exact(rng, a):
    how = rng.choice(EXACT)
    if kind(a) in 'MU' and how not in ('min', 'max', 'count'):
        return None
    return f'_0.{how}({arguments(dim_argument(rng, a), options(rng, how))})'


@op(3.5, exact=False)
def rounded(rng, a):
    how = rng.choice(ROUNDED)
    if kind(a) in 'MU' and how != 'mean':
        return None
    if how == 'prod' and kind(a) != 'b':
        return f'(_0 / 250).prod({arguments(dim_argument(rng, a), options(rng, how))})'
    return f'_0.{how}({arguments(dim_argument(rng, a), options(rng, how))})'


@op(1.2, exact=False)
def quantile(rng, a):
    if kind(a) in 'MUb':
        return None
    q = rng.choice(['0.5', '0.9', '[0.1, 0.5]', '0', '1.0', '[0.25]', '0.333'])
    method = rng.choice(['', '', '', "method='linear'", "method='nearest'", "method='lower'", "method='higher'", "method='midpoint'", "method='median_unbiased'", "method='hazen'", "method='weibull'", "method='normal_unbiased'", "method='inverted_cdf'", "method='averaged_inverted_cdf'", "method='closest_observation'", "method='interpolated_inverted_cdf'"])
    return f"_0.quantile({arguments(q, rng.choice([dim_argument(rng, a), '']), method, rng.choice(['', '', 'skipna=False', 'keep_attrs=False']))})"


@op(1.2)
def position(rng, a):
    if not dims(a) or kind(a) in 'MUb':
        return None
    d = rng.choice(dims(a))
    how = rng.choice(['argmin', 'argmax', 'idxmin', 'idxmax'])
    if how.startswith('arg') and not is_array(a) and rng.random() < 0.5:
        return None
    first = rng.choice([f"'{d}'", f"dim='{d}'", '' if len(dims(a)) == 1 else f"'{d}'"])
    return f"_0.{how}({arguments(first, rng.choice(['', '', '', 'skipna=True', 'skipna=False', 'keep_attrs=True']))})"


@op(2, exact=False)
def weighted(rng, a):
    names = dims_with(a, 'n')
    if not names or kind(a) in 'MU':
        return None
    d = rng.choice(names)
    weights = rng.choice([f'np.cos(np.deg2rad(_0.{d}))' if d.startswith('lat') else f'(_0.{d} % 7 + 1)', f'abs(_0.{d})', f'(_0.{d} * 0 + 2)', f'(_0.{d} > 10)', f'xr.ones_like(_0.{d})', f'xr.DataArray(np.arange({a.sizes[d]}) + 1, dims=[{d!r}])'])
    how = rng.choice(['mean', 'mean', 'mean', 'sum', 'sum_of_weights', 'std', 'var', 'sum_of_squares'])
    return f"_0.weighted({weights}).{how}({arguments(dim_argument(rng, a), rng.choice(['', '', 'skipna=True', 'skipna=False', 'keep_attrs=True', 'keep_attrs=False']))})"


@op(0.4, exact=False)
def weighted_quantile(rng, a):
    names = dims_with(a, 'n')
    if not names or kind(a) in 'MUb':
        return None
    d = rng.choice(names)
    return f"_0.weighted(abs(_0.{d}) + 1).quantile({rng.choice(['0.5', '[0.2, 0.8]'])}, '{d}')"


@op(1, arity=2, exact=False)
def weighted_by(rng, a, b):
    if kind(a) in 'MU' or not is_array(b) or kind(b) not in 'fib' or not set(b.dims) <= set(a.dims) or (kind(b) == 'f' and bool(b.isnull().any())):
        return None
    return f"_0.weighted(abs(_1)).{rng.choice(['mean', 'sum', 'std'])}({dim_argument(rng, a)})" if kind(b) != 'b' else f'_0.weighted(_1).mean({dim_argument(rng, a)})'


@op(0.6, arity=2, exact=False)
def statistics(rng, a, b):
    if not is_array(a) or not is_array(b) or not is_number(a) or not is_number(b):
        return None
    shared = [d for d in dims(a) if d in b.dims]
    how = rng.choice(['xr.corr', 'xr.cov', 'xr.dot', 'xr.dot', 'matmul', '.dot'])
    if how == 'matmul':
        return '(_0 @ _1)'
    if how == '.dot':
        return f"_0.dot(_1{rng.choice(['', f', dim={shared[:1]}' if shared else ''])})"
    if how == 'xr.dot':
        return f"xr.dot(_0, _1{rng.choice(['', f', dim={shared[:1]}' if shared else '', ', dim=...'])})"
    return f"{how}(_0, _1{rng.choice(['', f', dim={rng.choice(shared)!r}' if shared else '', ', ddof=1' if how == 'xr.cov' else ''])})"


@op(0.5, exact=False)
def share(rng, a):
    if kind(a) in 'MU' or not dims(a):
        return None
    d = rng.choice(dims(a))
    return rng.choice([f"(_0 - _0.mean('{d}'))", f"((_0 - _0.mean('{d}')) / _0.std('{d}'))", f"(_0 / _0.sum('{d}'))", f"(_0 - _0.isel({d}=0))", f"(_0 > _0.mean('{d}')).sum('{d}')"])


@op(0.4, exact=False)
def numpy_reduction(rng, a):
    if not is_array(a) or not is_number(a):
        return None
    return rng.choice(['np.mean(_0)', 'np.sum(_0)', 'np.max(_0)', 'np.std(_0)', 'np.nanmean(_0)', 'np.min(_0)', f'np.mean(_0, axis={rng.randint(0, max(0, a.ndim - 1))})', 'np.median(_0)'])


@op(0.4)
def cells(rng, a):
    names = some_dims(rng, a)
    if not names or not is_array(a):
        return None
    d = names[0]
    return rng.choice([f"_0.sizes['{d}']", '_0.size', '_0.ndim', f"(_0.count('{d}') / _0.sizes['{d}'])", '_0.shape[0]', f"len(_0.{d})" if d in a.coords else '_0.size'])


def finite(a):
    """Whether an array has a finite cell."""
    return bool(np.isfinite(a.values).any())


@op(0.3)
def threshold_days(rng, a):
    if not is_array(a) or kind(a) != 'f' or not dims(a) or not finite(a):
        return None
    d = rng.choice(dims(a))
    return f"(_0 > {number(float(np.nanmedian(a.values[np.isfinite(a.values)])) + 0.01)}).sum('{d}')"
