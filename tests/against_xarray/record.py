"""Records xarray's answers to the expressions of a file, for `cargo test`.

In: expressions.txt. Out: answers.json, an expression with its answer on each line, laid out as `xeng eval -o out.json`.
"""
import ast
import json

import numpy as np
import xarray as xr

from compare import instant, kind_of
from judge import Judge
from node import Node, evaluate

KINDS = ('exact', 'rounded', 'refused')


def listed(path):
    """(kind, text) of every expression of a file."""
    kind = None
    with open(path) as file:
        for line in map(str.strip, file):
            if line.startswith('#'):
                kind = next((k for k in KINDS if line.startswith(f'# {k}')), kind)
            elif line:
                yield kind, line


def cell(value, kind):
    """A cell as xeng writes it."""
    if kind == 'datetime64[us]':
        text = instant(value)
        return text and text.removesuffix('.000000')
    if kind == 'str':
        return str(value)
    if kind == 'bool':
        return bool(value)
    if kind.startswith(('int', 'uint')):
        return int(value)
    if np.isnan(value):
        return None
    if np.isinf(value):
        return 'Infinity' if value > 0 else '-Infinity'
    # The shortest text that is read back as the same cell.
    return float(str(value))


def variable(v):
    if v.dtype.kind == 'O' and not v.size:
        raise SystemExit('no cell tells the type of an empty array of objects')
    kind = kind_of(v.values)
    return {'dims': list(v.dims), 'shape': list(v.shape), 'dtype': kind, 'data': [cell(value, kind) for value in v.values.ravel()]}


def array(a):
    return {'name': a.name, **variable(a.variable), 'coords': {str(name): variable(c.variable) for name, c in a.coords.items()}}


def answer(value):
    if isinstance(value, xr.Dataset):
        return {'data_vars': {str(name): array(v) for name, v in value.data_vars.items()}}
    return array(value if isinstance(value, xr.DataArray) else xr.DataArray(value))


def names(text, scope):
    """The datasets that a text uses."""
    return sorted({name.id for name in ast.walk(ast.parse(text)) if isinstance(name, ast.Name) and name.id in scope})


def entry(kind, text, judge):
    """One line of answers.json."""
    out = {'text': text, 'open': names(text, judge.scope)}
    if kind == 'refused':
        try:
            evaluate(program(text), [], judge.scope)
        except Exception as error:
            return {**out, 'raises': type(error).__name__}
        raise SystemExit(f'xarray accepts {text}')
    node = Node(program(text), [], evaluate(program(text), [], judge.scope), kind == 'exact')
    out['exact'] = node.exact
    if not node.exact:
        slack = judge.slack(node)
        if slack is None:
            raise SystemExit(f'rounding decides about {text}')
        if isinstance(slack, dict):
            slack = max(slack.values(), default=0)
        out['slack'] = float(f'{slack:.1e}')
    return {**out, 'answer': answer(node.value)}


def program(text):
    return text.replace('; ', '\n')


def record(source, target, scope):
    """Writes the answers; tells how many."""
    judge = Judge(None, scope)
    # Where answers depend on whether flox is there, those without it count.
    with xr.set_options(use_flox=False):
        entries = [entry(kind, text, judge) for kind, text in listed(source)]
    with open(target, 'w') as file:
        file.write('[\n' + ',\n'.join(json.dumps(e, separators=(',', ':')) for e in entries) + '\n]\n')
    return len(entries)


def check(source, judge):
    """Tells of every expression of a file whether xeng answers as xarray, without recording anything; gives the number of those it does not."""
    judge.aliases = lambda node: names(node.text(), judge.scope)
    wrong = 0
    for kind, text in listed(source):
        try:
            value = evaluate(program(text), [], judge.scope)
        except Exception:
            value = None
        verdict = judge.judge(Node(program(text), [], value, kind == 'exact'))
        wrong += verdict.kind not in ('equal', 'attrs')
        print(f'{verdict.kind:8} {text}  {verdict.detail or verdict.what}'[:300], flush=True)
    return wrong
