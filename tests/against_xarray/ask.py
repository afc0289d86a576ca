"""Asks the program.

In: a text, the datasets that it uses. Out: ('answer', JSON), ('refused', message), or ('broken', what happened).
"""
import json
import os
import re
import subprocess

TIMEOUT_S = 30


class Xeng:
    """One process for each text, so that none hides another."""

    def __init__(self, program, folder, address, scratch):
        self.program, self.folder, self.address, self.scratch = program, folder, address, scratch
        os.makedirs(scratch, exist_ok=True)
        self.known = {}
        self.asked = 0

    def ask(self, text, aliases):
        """What the program says; what was asked before is remembered."""
        if text not in self.known:
            if len(self.known) > 5000:
                self.known.clear()
            self.known[text] = self.run(text, aliases)
        return self.known[text]

    def run(self, text, aliases):
        out = os.path.join(self.scratch, 'out.json')
        opens = [part for alias in sorted(aliases) for part in ('--open', f'{alias}={os.path.join(self.folder, self.address[alias])}')]
        command = [self.program, 'eval', text, *opens, '-o', out, '--threads', '1', '--progress', 'never', '--manifests', os.path.join(self.scratch, 'manifests')]
        self.asked += 1
        if os.path.exists(out):
            os.remove(out)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return 'broken', f'no answer within {TIMEOUT_S} s'
        told = done.stderr.strip()
        if done.returncode == 2:
            return 'refused', message(told)
        if done.returncode or 'panicked' in told:
            return 'broken', f'exit {done.returncode}: {message(told)}'
        with open(out) as file:
            return 'answer', json.load(file)


def message(told):
    """The line that says what is wrong."""
    lines = [line for line in told.splitlines() if line.startswith('error')]
    return (lines or told.splitlines() or ['(nothing)'])[0].removeprefix('error: ')


def group_of(text):
    """A message without the names and numbers in it, so that like ones are counted together."""
    return re.sub(r'\b\d[\d.e+-]*\b', 'N', re.sub(r"'[^']*'", "'..'", text))[:160]
