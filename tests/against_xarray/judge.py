"""Whether xeng and xarray agree about a node; what rounding may bring about is measured, not guessed.

In: a node with xarray's value. Out: a verdict: 'equal', 'doubtful', 'refused', 'wrong', 'attrs' (nothing else differs),
'accepted' (what xarray refuses), 'broken'.
"""
import re
import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr

from compare import differences


@dataclass
class Verdict:
    kind: str
    what: str = ''
    detail: str = ''


class Judge:
    """Holds the datasets and twins of them, whose floats are off by a rounding."""

    def __init__(self, xeng, scope):
        self.xeng, self.scope = xeng, scope
        rng = np.random.default_rng(1)
        self.twins = [as_double(scope), perturbed(scope, rng), perturbed(scope, rng)]
        self.whole = [whole_perturbed(scope, rng)]
        self.moved_labels = with_moved_labels(scope)

    def aliases(self, node):
        return {part.template.split('.')[0].split('[')[0] for part in node.parts() if not part.kids}

    def judge(self, node):
        """The verdict on a node; `node.value` is None where xarray raises."""
        said, answer = self.xeng.ask(node.program(), self.aliases(node))
        if said == 'refused':
            return Verdict('equal', 'both refuse') if node.value is None else Verdict('refused', answer)
        if said == 'broken':
            return Verdict('broken', answer[:60], answer)
        if node.value is None:
            return Verdict('accepted', 'accepted', 'xarray raises an error')
        found = differences(answer, node.value, node.exact)
        if found and re.search('groupby|resample', node.text()):
            other = differences(answer, self.without_flox(node), node.exact)
            found = other if all(kind.endswith('attrs') for kind, _ in other) else found
        if found and 'quantile(' in node.text() and all(kind == 'dtype' for kind, _ in found):
            # NumPy gives the type of the cells, not of the quantiles, where the first lane has no cell: the data decide about the type.
            found = differences(answer, in_double(node.value), False)
        if found and not node.exact and any(kind in ('cells', 'missing', 'dims', 'coord cells', 'coord dims') for kind, _ in found):
            slack = self.slack(node)
            if slack is None:
                return Verdict('doubtful')
            found = differences(answer, node.value, False, slack)
        if not found:
            return Verdict('equal')
        if all(kind.endswith('attrs') for kind, _ in found):
            return Verdict('attrs', 'attrs', '; '.join(text for _, text in found[:2]))
        return Verdict('wrong', ', '.join(sorted({kind for kind, _ in found})), '; '.join(text for _, text in found[:4]))

    def without_flox(self, node):
        """xarray's other way to reduce groups; where the two ways differ, either will do."""
        try:
            with xr.set_options(use_flox=False):
                return node.value_in(self.scope)
        except Exception:
            return node.value

    def slack(self, node):
        """How far results move when the input, or what is made of it on the way, moves by a rounding; None if something other than numbers changes."""
        moved = {}
        ways = [lambda twin=twin: node.value_in(twin) for twin in self.twins]
        for way in [*ways, lambda: node.value_through(self.scope, rounded)]:
            try:
                other = way()
            except Exception:
                return None
            for name, (a, b) in pairs(node.value, other).items():
                if b is None or a.shape != b.shape:
                    return None
                if a.dtype.kind in 'biu':
                    if (a != b).any():
                        return None
                elif a.dtype.kind == 'f':
                    if (np.isnan(a) != np.isnan(b)).any() or (np.isinf(a) != np.isinf(b)).any():
                        return None
                    with np.errstate(all='ignore'):
                        apart = np.where(np.isfinite(a), np.abs(a - b), 0)
                    moved[name] = max(moved.get(name, 0), 8 * float(apart.max(initial=0)))
        # What cancels leaves roundings of what was there on the way.
        on_the_way = [cells for part in node.parts() for cells, _ in pairs(part.value, part.value).values() if cells.dtype.kind in 'iuf']
        largest = max((float(np.abs(cells[np.isfinite(cells)]).max(initial=0)) for cells in on_the_way), default=0)
        moved.update({name: far + 1e-14 * min(largest, 1e6) for name, far in moved.items()})
        self.slack_of_integers(node, moved)
        if self.labels_decide(node, moved):
            return None
        if re.search(r'xr\.(corr|cov)\(', node.text()):
            # Deviations that cancel: no rounding of the input tells how far.
            moved = {name: far + 1e-12 for name, far in moved.items()}
        return moved if isinstance(node.value, xr.Dataset) else moved.get('', 0)

    def slack_of_integers(self, node, moved):
        """As if the integers were floats that are off by a rounding; what else changes then means nothing."""
        for twin in self.whole:
            try:
                other = node.value_in(twin)
                for name, (a, b) in pairs(node.value, other).items():
                    if b is not None and a.shape == b.shape and a.dtype.kind == b.dtype.kind == 'f':
                        with np.errstate(all='ignore'):
                            apart = np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b), 0)
                        moved[name] = max(moved.get(name, 0), 8 * float(apart.max(initial=0)))
            except Exception:
                continue


    def labels_decide(self, node, moved):
        """As if the labels were off by a rounding, where that leaves the shape as it is; whether what they decide is rounding alone."""
        try:
            other = node.value_in(self.moved_labels)
            for name, (a, b) in pairs(node.value, other).items():
                if b is None or a.shape != b.shape or not a.dtype.kind == b.dtype.kind == 'f':
                    continue
                with np.errstate(all='ignore'):
                    both = np.isfinite(a) & np.isfinite(b)
                    apart = float(np.where(both, np.abs(a - b), 0).max(initial=0))
                    size = float(np.where(both, np.abs(a), 0).max(initial=0))
                if apart > 0.01 * size or (np.isinf(a) != np.isinf(b)).any():
                    return size > 0
                moved[name] = max(moved.get(name, 0), 8 * apart)
        except Exception:
            return False
        return False


def pairs(value, other):
    """Arrays of one value beside those of another."""
    if isinstance(value, xr.Dataset):
        return {name: (v.values, other[name].values if name in other else None) for name, v in value.data_vars.items()}
    if not isinstance(value, xr.DataArray):
        return {'': (np.asarray(value), np.asarray(other))}
    return {'': (value.values, other.values)}


def each(scope, change, kinds='f'):
    out = {}
    for alias, ds in scope.items():
        out[alias] = ds.assign({name: v.copy(data=change(v.values)) for name, v in ds.data_vars.items() if v.dtype.kind in kinds})
    return out


def as_double(scope):
    return each(scope, lambda cells: cells.astype('f8'))


def perturbed(scope, rng):
    def change(cells):
        relative = 3e-7 if cells.dtype == np.float32 else 1e-13
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return (cells * (1 + relative * rng.uniform(-1, 1, cells.shape))).astype(cells.dtype)

    return each(scope, change)


def in_double(value):
    """Single precision as double."""
    if isinstance(value, xr.Dataset):
        return value.map(in_double, keep_attrs=True)
    return value.astype('f8') if isinstance(value, xr.DataArray) and value.dtype == 'f4' else value


def with_moved_labels(scope):
    """Float coordinates off by a rounding that depends on their value alone, so that equal labels stay equal."""

    def change(cells):
        relative = 1e-7 if cells.dtype == np.float32 else 1e-13
        wide = cells.astype('f8')
        return (wide * (1 + relative * np.sin(1e4 * wide))).astype(cells.dtype)

    return {
        alias: ds.assign_coords({name: c.copy(data=change(c.values)) for name, c in ds.coords.items() if c.dtype.kind == 'f'})
        for alias, ds in scope.items()
    }


def rounded(value):
    """Floats off by a rounding, another one in each cell: what the order of a sum may make of it."""
    if isinstance(value, xr.Dataset):
        return value.map(rounded, keep_attrs=True)
    if not isinstance(value, xr.DataArray) or value.dtype.kind != 'f':
        return value
    relative = 1e-7 if value.dtype == np.float32 else 1e-15
    noise = np.random.default_rng(value.size).uniform(-1, 1, value.shape)
    return value.copy(data=(value.values * (1 + relative * noise)).astype(value.dtype))


def whole_perturbed(scope, rng):
    return each(scope, lambda cells: cells * (1 + 1e-13 * rng.uniform(-1, 1, cells.shape)), 'iub')
