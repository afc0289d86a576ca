#!/usr/bin/env python3
"""Asks xeng and xarray for the same random expressions, and tells where they differ.

    python differential.py --xeng target/release/xeng --cases 20000 --seed 1

Needs xarray 2026.9 with netCDF4, zarr, dask, cftime, scipy and bottleneck (requirements.txt). Each distinct fault is told once, as
small as it was found. `--only REGEX` draws the operators whose name matches, such as 'group|window'; `--batch N` repeats one batch.
Closes with the totals; the exit code is 1 if anything is wrong.
"""
import argparse
import collections
import os
import re
import sys
import tempfile
import time
import warnings

import datasets
from ask import Xeng, group_of
from grammar import registry
from grow import BATCH, Grower
from judge import Judge
from record import check, record
from shrink import shrunk

WORD = re.compile(r"\.(\w+)\(|(\w+)=|^\((?:_\d|[\w.()]+) (\S+) |'[a-z]+\.(\w+)'|((?:np|xr)\.\w+)")


def signature(node, verdict):
    """What makes two faults the same: the operator's words, the kinds that it is given, the kind of difference."""
    if verdict.kind == 'attrs':
        return verdict.kind, node.family
    words = sorted({word for found in WORD.findall(node.template) for word in found if word})
    # `accepted` and `broken` values are none.
    return verdict.kind, verdict.what, ' '.join(words), ''.join(registry.kind(k.value) for k in node.kids)


class Faults:
    """Distinct faults, each with a small text and how often it was met."""

    def __init__(self, judge, grower, live, known):
        self.judge, self.grower, self.live, self.known = judge, grower, live, known
        self.seen = collections.Counter()

    def add(self, node, verdict):
        key = signature(node, verdict)
        self.seen[key] += 1
        if self.seen[key] > 1:
            return
        small = shrunk(node, verdict, self.judge, self.grower)
        final = self.judge.judge(small)
        small_key = signature(small, final)
        if small_key != key:
            self.seen[small_key] += 1
            if self.seen[small_key] > 1:
                return
        if self.known and self.known.search(final.kind.upper() + ' ' + small.program() + ' ' + final.detail):
            return
        raised = f' ({node.raised})' if hasattr(node, 'raised') else ''
        told = f"{final.kind.upper()} [{final.what}] `{small.program()}`: {final.detail}{raised}".replace('\n', ' ; ')
        print(told, flush=True)
        if self.live:
            with open(self.live, 'a') as file:
                file.write(f'- {told[:900]}\n')


def run(o, scope, xeng):
    judge = Judge(xeng, scope)
    grower = Grower(scope, o.seed, re.compile(o.only) if o.only else None)
    known = [line.strip() for line in open(o.known)] if o.known else []
    faults = Faults(judge, grower, o.live, re.compile('|'.join(filter(None, known))) if known else None)
    totals, refused, depths = collections.Counter(), {}, collections.Counter()
    began = time.time()
    batches = [o.batch] if o.batch is not None else range((o.cases + BATCH - 1) // BATCH)
    for batch in batches:
        grower.begin(batch)
        for _ in range(min(BATCH, o.cases)):
            node = grower.draw()
            verdict = judge.judge(node)
            grower.told(node, verdict)
            totals[verdict.kind] += 1
            depths[node.depth] += 1
            if verdict.kind == 'refused':
                group = refused.setdefault(group_of(verdict.what), [0, node.program(), verdict.what])
                group[0] += 1
                if len(node.program()) < len(group[1]):
                    group[1:] = [node.program(), verdict.what]
            elif verdict.kind in ('wrong', 'broken', 'accepted', 'attrs'):
                faults.add(node, verdict)
        print(f'# batch {batch}: {dict(totals)} {time.time() - began:.0f} s', file=sys.stderr, flush=True)
    tell(o, totals, refused, depths, faults, time.time() - began)
    return totals


def tell(o, totals, refused, depths, faults, seconds):
    lines = [f'{count:6} {message}\n         e.g. {text!r}' for count, text, message in sorted(refused.values(), reverse=True)]
    print('\nRefused, by message')
    print('\n'.join(lines[:80]))
    if o.refusals:
        with open(o.refusals, 'w') as file:
            file.write('\n'.join(lines) + '\n')
    run = sum(totals.values())
    print(f"\n{run} run in {seconds:.0f} s, depths {dict(sorted(depths.items()))}")
    print(', '.join(f'{totals[kind]} {kind}' for kind in ('equal', 'doubtful', 'attrs', 'refused', 'accepted', 'wrong', 'broken')), f'; {len(faults.seen)} distinct faults')


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--xeng', default='target/release/xeng')
    ap.add_argument('--cases', type=int, default=2000)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--batch', type=int)
    ap.add_argument('--only')
    ap.add_argument('--live', help='a file that each fault is appended to as it is found')
    ap.add_argument('--known', help='a file of regular expressions: faults that match one are not told')
    ap.add_argument('--refusals', help='a file for all refusals')
    ap.add_argument('--check', help='judge the expressions of a file, such as recorded/open.txt, instead of random ones')
    ap.add_argument('--record', action='store_true', help='write recorded/answers.json and recorded/data instead')
    o = ap.parse_args()
    warnings.simplefilter('ignore')
    if o.record:
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'recorded')
        datasets.write(os.path.join(here, 'data'))
        source, target = (os.path.join(here, name) for name in ('expressions.txt', 'answers.json'))
        print(record(source, target, datasets.opened(os.path.join(here, 'data'))), 'answers')
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, 'data')
        datasets.write(folder)
        xeng = Xeng(os.path.abspath(o.xeng), folder, datasets.ADDRESS, os.path.join(scratch, 'run'))
        scope = datasets.opened(folder)
        if o.check:
            sys.exit(bool(check(o.check, Judge(xeng, scope))))
        totals = run(o, scope, xeng)
    sys.exit(bool(totals['wrong'] + totals['broken']))


if __name__ == '__main__':
    main()
