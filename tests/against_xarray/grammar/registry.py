"""The list of operators, and what they ask about values.

In: values of xarray. Out: dims, labels and literals to draw from. Never evaluates anything.
"""
from dataclasses import dataclass

import numpy as np
import xarray as xr

OPERATORS = []


@dataclass
class Operator:
    """`draw(rng, *values)` gives a template. `exact`: the cells come about without rounding if those it is given did."""

    name: str
    draw: object
    arity: int
    weight: float
    exact: bool


def op(weight=1.0, arity=1, exact=True):
    """Registers a function as an operator."""

    def register(function):
        name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"
        OPERATORS.append(Operator(name, function, arity, weight, exact))
        return function

    return register


def is_array(v):
    return isinstance(v, xr.DataArray)


def kind(v):
    """'f', 'i', 'u', 'b', 'M' for times of either sort, 'U' for texts; 'D' for a Dataset."""
    if not is_array(v):
        return 'D'
    if v.dtype.kind == 'O':
        return 'U' if v.size and isinstance(v.values.flat[0], str) else 'M'
    return v.dtype.kind


def is_number(v):
    return kind(v) in 'fiub'


def is_real(v):
    return kind(v) in 'fiu'


def dims(v):
    return [str(d) for d in v.dims]


def labels(v, dim):
    """The labels along a dim, or None."""
    return v[dim].values if dim in v.coords and v[dim].dims == (dim,) else None


def label_kind(v, dim):
    """'n' numbers, 't' times, 's' texts, '' none."""
    at = labels(v, dim)
    if at is None or at.size == 0:
        return ''
    if at.dtype.kind in 'fiu':
        return 'n'
    if at.dtype.kind in 'UST' or isinstance(at.flat[0], str):
        return 's'
    return 't' if at.dtype.kind in 'MO' else ''


def dims_with(v, kinds):
    return [d for d in dims(v) if label_kind(v, d) and label_kind(v, d) in kinds]


def number(x):
    """A number as a user writes it."""
    if isinstance(x, (np.integer, int)):
        return str(int(x))
    return repr(float(f'{float(x):.9g}'))


def day(t):
    """A time as a date."""
    return np.datetime_as_string(t, 'D') if isinstance(t, np.datetime64) else f'{t.year:04}-{t.month:02}-{t.day:02}'


def stamp(rng, t):
    """A time as a text of some precision."""
    if isinstance(t, np.datetime64):
        text = np.datetime_as_string(t, 's')
    else:
        text = f'{t.year:04}-{t.month:02}-{t.day:02}T{t.hour:02}:{t.minute:02}:{t.second:02}'
    return text[: rng.choice([4, 7, 7, 10, 10, 13, 16, 19])] if rng.random() < 0.9 else text[:10].replace('-', '')


def some_dims(rng, v, least=1):
    """A random part of the dims, in random order."""
    all_dims = dims(v)
    if len(all_dims) < least:
        return []
    return rng.sample(all_dims, rng.randint(least, len(all_dims)))


def dim_argument(rng, v, always=False):
    """The `dim` argument of a reduction: a name, a list, `...`, or nothing."""
    names = some_dims(rng, v)
    way = rng.random()
    if not names or (way < 0.15 and not always):
        return rng.choice(['', '', '...', 'dim=None']) if not always else None
    if len(names) == 1 and way < 0.8:
        return rng.choice([f"'{names[0]}'", f"dim='{names[0]}'"])
    text = ', '.join(f"'{n}'" for n in names)
    return rng.choice([f'[{text}]', f'dim=[{text}]', f"({text}{',' if len(names) == 1 else ''})"])


def arguments(*parts):
    """Those that are not empty, with commas."""
    return ', '.join(part for part in parts if part)


def middle(rng, v):
    """A number within the range of an array that is none of its cells."""
    cells = v.values[np.isfinite(v.values)] if v.dtype.kind == 'f' else v.values.astype('f8')
    if cells.size == 0:
        return 0.5
    low, high = float(cells.min()), float(cells.max())
    return round(low + (high - low) * rng.uniform(0.1, 0.9), 1) + 0.03
