"""Whether xeng's answer is xarray's: dims and their order, type, name, attributes, coordinates, missing cells, numbers.

In: xeng's JSON and a DataArray or Dataset. Out: the first difference of each kind, as (kind, text); an empty list if there is none.
"""
import numpy as np
import pandas as pd
import xarray as xr

RELATIVE = {'float32': 2e-5, 'float64': 1e-6}


def kind_of(values):
    """xeng's name for a NumPy type."""
    if values.dtype.kind in 'UST':
        return 'str'
    if values.dtype.kind == 'M':
        return 'datetime64[us]'
    if values.dtype.kind == 'O':
        first = next((v for v in values.ravel() if v is not None and v == v), '')
        return 'str' if isinstance(first, (str, pd.Interval)) else 'datetime64[us]' if hasattr(first, 'year') else 'object'
    return values.dtype.name


def flat(data):
    """The cells of nested lists."""
    if not isinstance(data, list):
        return [data]
    return [cell for row in data for cell in flat(row)]


def instant(value):
    """A time as text, to the microsecond; None for none."""
    if value is None or value != value:
        return None
    if isinstance(value, str):
        text = value.replace(' ', 'T').removesuffix('Z')
    elif isinstance(value, np.datetime64):
        return None if np.isnat(value) else np.datetime_as_string(value.astype('M8[us]'), 'us')
    else:
        return f'{value.year:04}-{value.month:02}-{value.day:02}T{value.hour:02}:{value.minute:02}:{value.second:02}.{value.microsecond:06}'
    day, _, clock = text.partition('T')
    clock = clock or '00:00:00'
    clock += ':00' * (2 - clock.count(':'))
    whole, _, part = clock.partition('.')
    return f'{day}T{whole}.{part:0<6}'


def numbers(data, dtype):
    """Cells of JSON as an array of their type."""
    cells = flat(data)
    if dtype == 'bool' or np.dtype(dtype).kind in 'iu':
        return np.array(cells, dtype=dtype)
    return np.array([np.nan if c is None else float(c) for c in cells], dtype=dtype)


def cells_differ(got, want, exact, slack):
    """What differs between the JSON cells `got` and the array `want`, if anything does."""
    kind = kind_of(want)
    if kind == 'str':
        have, need = flat(got['data']) if want.size else [], [str(v) for v in want.ravel()]
        return None if have == need else f'{have[:6]} instead of {need[:6]}'
    if kind == 'datetime64[us]':
        have = [instant(v) for v in flat(got['data'])] if want.size else []
        need = [instant(v) for v in want.ravel()]
        return None if have == need else f'{have[:4]} instead of {need[:4]}'
    have, need = numbers(got['data'], got['dtype']), want.ravel()
    if have.shape != need.shape:
        return f'{have.size} cells instead of {need.size}'
    if need.dtype.kind != 'f':
        wrong = have != need
    else:
        missing = np.isnan(have) != np.isnan(need)
        if missing.any():
            at = int(np.argmax(missing))
            return f'missing cells differ in {int(missing.sum())} of {need.size}: cell {at} is {have[at]} instead of {need[at]}'
        wrong = far(have, need, exact, slack)
    if not wrong.any():
        return None
    at = int(np.argmax(wrong))
    return f'{int(wrong.sum())} of {need.size} cells: cell {at} is {have[at]!r} instead of {need[at]!r}'


def far(have, need, exact, slack):
    """Which cells are further apart than rounding allows."""
    same = (have == need) | (np.isnan(have) & np.isnan(need))
    if exact:
        return ~same
    with np.errstate(all='ignore'):
        # Sums that cancel: float64 carries a tiny multiple of the largest cell.
        tiny = {'float32': 1e-7, 'float64': 1e-13}[need.dtype.name] * np.nanmax(np.where(np.isfinite(need), np.abs(need), 0), initial=0)
        near = np.abs(have - need) <= RELATIVE[need.dtype.name] * np.abs(need) + tiny + slack
    return ~(same | near)


def plain_attr(value):
    """An attribute as JSON has it."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return [plain_attr(v) for v in value] if isinstance(value, (list, tuple)) else value


def variable_differences(where, got, want, exact, slack):
    """Differences of one array or coordinate."""
    out = []
    if list(want.dims) != got['dims'] or list(want.shape) != got['shape']:
        return [('dims', f"{where}: dims {got['dims']} {got['shape']} instead of {list(want.dims)} {list(want.shape)}")]
    kind = kind_of(want.values)
    if got['dtype'] != kind and not (want.size == 0 and want.dtype.kind == 'O'):
        return [('dtype', f"{where}: dtype {got['dtype']} instead of {kind}")]
    calendar = getattr(want.values.flat[0], 'calendar', None) if want.dtype.kind == 'O' and want.size else None
    if calendar and got.get('calendar') != calendar:
        out.append(('calendar', f"{where}: calendar {got.get('calendar')} instead of {calendar}"))
    differs = cells_differ(got, want.values, exact, slack)
    if differs:
        out.append(('missing' if 'missing' in differs else 'cells', f'{where}: {differs}'))
    attrs = {str(name): plain_attr(value) for name, value in want.attrs.items()}
    if got['attrs'] != attrs:
        out.append(('attrs', f"{where}: attributes {got['attrs']} instead of {attrs}"))
    return out


def coord_differences(got, want, exact):
    """Differences of coordinates."""
    have = set(got)
    if have != set(want):
        return [('coords', f'coordinates {sorted(have)} instead of {sorted(map(str, want))}')]
    out = []
    for name in want:
        out += [('coord ' + kind, text) for kind, text in variable_differences(f'coordinate {name}', got[name], want[name].variable, exact, 0)]
    return out


def differences(got, want, exact=False, slack=0):
    """Every difference between xeng's JSON and xarray's value. `slack` is what rounding may bring about, by variable or for all."""
    if not isinstance(want, (xr.DataArray, xr.Dataset)):
        want = xr.DataArray(want)
    if isinstance(want, xr.Dataset) != ('data_vars' in got):
        return [('type', f"a {'Dataset' if 'data_vars' in got else 'DataArray'} instead of a {type(want).__name__}")]
    if isinstance(want, xr.DataArray):
        out = variable_differences('data', got, want.variable, exact, slack)
        if got['name'] != want.name:
            out.append(('name', f"name {got['name']!r} instead of {want.name!r}"))
        return out + coord_differences(got['coords'], want.coords, exact)
    if list(got['data_vars']) != list(map(str, want.data_vars)):
        return [('variables', f"variables {list(got['data_vars'])} instead of {list(want.data_vars)}")]
    out = []
    for name, array in want.data_vars.items():
        by_name = slack.get(name, 0) if isinstance(slack, dict) else slack
        out += variable_differences(f'variable {name}', got['data_vars'][name], array.variable, exact, by_name)
        out += coord_differences(got['data_vars'][name]['coords'], array.coords, exact)
    attrs = {str(name): plain_attr(value) for name, value in want.attrs.items()}
    if got['attrs'] != attrs:
        out.append(('attrs', f"dataset: attributes {got['attrs']} instead of {attrs}"))
    return out
