"""Makes a fault small: simpler parts in its holes, fewer arguments.

In: a node that is wrong. Out: a node that is wrong in the same way, with a shorter text.
"""
import re

from node import Node, evaluate

ARGUMENT = re.compile(r",? ?\b\w+=(?:'[^']*'|\[[^\[\]]*\]|[\w.]+)(?=[,)])")


def shrunk(node, verdict, judge, grower, tries=60):
    """The smallest that was found with so many questions."""
    best, left = node, tries
    improved = True
    while improved and left > 0:
        improved = False
        for candidate in candidates(best, grower):
            if len(candidate[0]) + sum(len(k.text()) for k in candidate[1]) >= len(best.template) + sum(len(k.text()) for k in best.kids):
                continue
            smaller = made(best, *candidate, judge.scope, node.value is None)
            if smaller is None:
                continue
            left -= 1
            found = judge.judge(smaller)
            if found.kind == verdict.kind and (found.kind != 'wrong' or found.what == verdict.what):
                best, improved = smaller, True
                break
            if left <= 0:
                break
    return best


def candidates(node, grower):
    """Templates and kids that may do as well."""
    for i, kid in enumerate(node.kids):
        replace = lambda other: (node.template, node.kids[:i] + [other] + node.kids[i + 1 :])
        yield from (replace(part) for part in kid.parts()[:-1] if type(part.value) is type(kid.value))
        like = [n for n in grower.leaves if type(n.value) is type(kid.value) and set(kid.value.dims) <= set(n.value.dims)]
        yield from (replace(leaf) for leaf in like[:6])
    for found in ARGUMENT.finditer(node.template):
        yield node.template[: found.start()] + node.template[found.end() :], node.kids


def made(node, template, kids, scope, raises):
    """The node, if xarray gives it a value (or none, where none is looked for)."""
    exact = node.exact
    try:
        value = evaluate(template, [k.value for k in kids], scope)
    except Exception:
        return Node(template, kids, None, exact, node.family) if raises else None
    return None if raises or not hasattr(value, 'dtype') and not hasattr(value, 'data_vars') else Node(template, kids, value, exact, node.family)
