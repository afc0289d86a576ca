"""An expression as a tree of templates, each with the value that xarray gives it.

In: templates such as `_0.mean('time')` and the nodes that stand for `_0`, `_1`. Out: the text of the whole as a user writes it.
"""
import re
import warnings

import numpy as np
import xarray as xr

HOLE = re.compile(r'\b_(\d)\b')
# What xarray does with bottleneck or not at all; everything else is computed without it, for it sums float32 in float32.
NEEDS_BOTTLENECK = re.compile(r'\.(ffill|bfill|rank|interpolate_na)\(')


class Node:
    """A template, the nodes in its holes, and its value. `exact` tells whether cells come about without rounding."""

    def __init__(self, template, kids, value, exact, family='leaf'):
        self.template, self.kids, self.value, self.exact, self.family = template, kids, value, exact, family
        self.depth = 1 + max((kid.depth for kid in kids), default=-1)

    def text(self):
        """On one line."""
        return HOLE.sub(lambda hole: self.kids[int(hole[1])].text(), self.template)

    def program(self):
        """With a line for each long part that is written more than once."""
        lines, names = [], {}

        def shown(node):
            def filled(hole):
                kid = node.kids[int(hole[1])]
                repeated = node.template.count(hole[0]) > 1 and kid.depth > 0
                if not repeated:
                    return shown(kid)
                if id(kid) not in names:
                    text = shown(kid)
                    names[id(kid)] = f'part{len(names)}'
                    lines.append(f'{names[id(kid)]} = {text}')
                return names[id(kid)]

            *before, last = HOLE.sub(filled, node.template).split('\n')
            for line in before:
                # The template's own names must not meet those of another.
                name, text = line.split(' = ', 1)
                fresh = f'{name}{len(lines)}'
                lines.append(f'{fresh} = {text}')
                last = re.sub(rf'\b{name}\b(?!=)', fresh, last)
            return f'({last})' if before and node is not self else last

        last = shown(self)
        return '\n'.join(lines + [last])

    def parts(self):
        """Every node below, the smallest first, then this one."""
        out = []
        for kid in self.kids:
            out += [part for part in kid.parts() if part not in out]
        return out + [self]

    def value_in(self, scope):
        """The value over other datasets of the same kind."""
        return evaluate(self.template, [kid.value_in(scope) for kid in self.kids], scope)

    def value_through(self, scope, change):
        """The value where each part's value is changed before it is used."""
        return evaluate(self.template, [change(kid.value_through(scope, change)) for kid in self.kids], scope)


def evaluate(template, values, scope):
    """What xarray gives for a template; raises what xarray raises."""
    names = {'xr': xr, 'np': np, '__builtins__': {f.__name__: f for f in (slice, dict, abs, round, float, int, bool, len)}}
    names.update(scope)
    names.update({f'_{i}': value for i, value in enumerate(values)})
    with warnings.catch_warnings(), np.errstate(all='ignore'):
        warnings.simplefilter('ignore')
        with xr.set_options(use_bottleneck=bool(NEEDS_BOTTLENECK.search(template)), use_numbagg=False):
            lines = template.split('\n')
            for line in lines[:-1]:
                name, text = line.split(' = ', 1)
                names[name] = eval(text, names)
            value = eval(lines[-1], names)
            return value.compute() if isinstance(value, (xr.DataArray, xr.Dataset)) else value
