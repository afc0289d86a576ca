"""Grows expressions from those that are right: every node is asked for, and only what agrees is built upon.

In: datasets, a seed. Out: nodes with their verdicts, so that what is wrong is wrong in its last operator.
"""
import random

import xarray as xr

from grammar import OPERATORS
from node import Node, evaluate

MAX_DEPTH = 6
MAX_CELLS = 6000
BATCH = 300


def leaves(scope):
    """Every variable and dataset."""
    out = []
    for alias, ds in scope.items():
        out += [Node(f'{alias}.{name}', [], ds[name], True) for name in ds.data_vars]
        out += [Node(f"{alias}['{name}']", [], ds[name], True) for name in ds.coords if ds[name].ndim][:2]
        out.append(Node(alias, [], ds, True))
    return out


def cells(value):
    if isinstance(value, xr.Dataset):
        return sum(v.size for v in value.data_vars.values())
    return value.size if isinstance(value, xr.DataArray) else 1


class Grower:
    """Draws nodes; operators that the program never accepts are drawn seldom."""

    def __init__(self, scope, seed, only=None):
        self.scope, self.seed = scope, seed
        self.leaves = leaves(scope)
        self.operators = [o for o in OPERATORS if only is None or only.search(o.name)]
        self.refused = {o.name: 0 for o in self.operators}
        self.accepted = {o.name: 0 for o in self.operators}
        self.batch = -1

    def begin(self, batch):
        self.batch = batch
        self.rng = random.Random(f'{self.seed} {batch}')
        self.pool = list(self.leaves)

    def weight(self, o):
        return o.weight * (0.1 if self.refused[o.name] >= 20 and not self.accepted[o.name] else 1)

    def kid(self, depth=MAX_DEPTH - 1):
        rng = self.rng
        grown = [n for n in self.pool[len(self.leaves):] if n.depth <= depth]
        if grown and rng.random() < 0.65:
            return rng.choice(grown[-60:])
        arrays = [n for n in self.leaves if rng.random() < 0.15 or isinstance(n.value, xr.DataArray)]
        return rng.choice(arrays)

    def draw(self):
        """A node; its value is None where xarray raises."""
        rng = self.rng
        while True:
            first = self.kid()
            o = rng.choices(self.operators, [self.weight(o) for o in self.operators])[0]
            kids = [first] + [self.partner(first) for _ in range(o.arity - 1)]
            try:
                template = o.draw(rng, *[k.value for k in kids])
            except (ValueError, IndexError, KeyError, AttributeError, TypeError):
                # Labels that are missing or not finite: nothing to draw from.
                continue
            if template is None or sum(cells(k.value) for k in kids) > MAX_CELLS:
                continue
            exact = o.exact and all(k.exact for k in kids)
            try:
                value = evaluate(template, [k.value for k in kids], self.scope)
            except Exception as error:
                if rng.random() < 0.12:
                    node = Node(template, kids, None, exact, o.name)
                    node.raised = f'{type(error).__name__}: {error}'.splitlines()[0][:150]
                    return node
                continue
            if cells(value) <= 4 * MAX_CELLS and (isinstance(value, (xr.DataArray, xr.Dataset)) or hasattr(value, 'dtype')):
                return Node(template, kids, value, exact, o.name)

    def partner(self, first):
        rng = self.rng
        if rng.random() < 0.25 and first.kids:
            return rng.choice(first.parts())
        if rng.random() < 0.5:
            alias = first.parts()[0].template.split('.')[0].split('[')[0]
            own = [n for n in self.leaves if n.template.split('.')[0].split('[')[0] == alias]
            return rng.choice(own)
        return self.kid()

    def told(self, node, verdict):
        """Learns what came of a node."""
        if verdict.kind == 'refused':
            self.refused[node.family] += 1
        elif verdict.kind in ('equal', 'doubtful') and node.value is not None:
            self.accepted[node.family] += 1
            if isinstance(node.value, (xr.DataArray, xr.Dataset)) and 0 < cells(node.value) <= MAX_CELLS and node.depth < MAX_DEPTH:
                self.pool.append(node)
