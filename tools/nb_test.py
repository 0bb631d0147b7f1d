"""`nbdev-test`, that also notes each notebook it runs, for `.ci/run` to count: nbdev only names those that fail.

One line a notebook goes to `$NB_RESULTS/results` as it ends: ok or FAILED, seconds, path. The traceback of a failed one
goes to `$NB_RESULTS/<its path, slashes as underscores>.log` too, and what its tests have run of its `#| export` cells to
`….json`. `python tools/nb_test.py --report 90` adds those up and fails below 90 %.

Why not `coverage`: `nbdev-test` runs the cells, never the `.py` files, so a second run with the cells skipped would be
needed; and tracing made that run four times as long as this one. A mark before each statement costs next to nothing.
"""
import ast
import io
import json
import os
import re
import sys
from pathlib import Path

import nbdev.test
from execnb.shell import CaptureShell

run_nb, run_cell = nbdev.test.test_nb, CaptureShell.run_cell_async
EXPORT = re.compile(r'^#\|\s*export[si]?\b', re.M)
marks = {}      # function:cell:line:column of every statement: has it run?

class Marker(ast.NodeTransformer):
    "Put `__ran__[key] = True` before every statement inside a function; docstrings are no statements"
    inside = None

    def visit_FunctionDef(self, node):
        outer, self.inside = self.inside, self.inside or node.name
        node.body = self.marked(node.body)
        self.inside = outer
        return node

    def generic_visit(self, node):
        for field in ('body', 'orelse', 'finalbody', 'handlers'):
            stmts = getattr(node, field, None)
            if isinstance(stmts, list):
                inner = self.inside and field != 'handlers' and not isinstance(node, ast.ClassDef)
                setattr(node, field, self.marked(stmts) if inner else [self.visit(s) for s in stmts])
        return node

    def marked(self, stmts):
        out = []
        for i, s in enumerate(stmts):
            doc = i == 0 and isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)
            if not doc and not isinstance(s, (ast.Global, ast.Nonlocal)):
                key = f'{self.inside}:{self.cell}:{s.lineno}:{s.col_offset}'
                marks[key] = False
                out.append(ast.copy_location(ast.parse(f'__ran__[{key!r}] = True').body[0], s))
            out.append(self.visit(s))
        return out

    def visit(self, node):
        node = super().visit(node)
        return ast.fix_missing_locations(node) if isinstance(node, ast.Module) else node

async def run_marked(self, raw_cell, *args, **kwargs):
    "Run a cell as IPython does; mark the statements of an `#| export` cell"
    self.user_ns['__ran__'] = marks
    Marker.cell = getattr(Marker, 'cell', 0) + 1
    self.ast_transformers = [Marker()] if EXPORT.search(raw_cell) else []
    return await run_cell(self, raw_cell, *args, **kwargs)

def test_nb(fn, **kwargs):
    "Run one notebook as nbdev does, and note how it went."
    marks.clear()
    CaptureShell.run_cell_async = run_marked
    err, sys.__stderr__ = sys.__stderr__, io.StringIO()          # where nbdev writes tracebacks
    try: ok, secs = run_nb(fn, **kwargs)
    finally:
        log, sys.__stderr__ = sys.__stderr__.getvalue(), err
        err.write(log)
    if secs == 0: return ok, secs                                # nothing ran: `skip_exec` in its front matter
    out, name = Path(os.environ['NB_RESULTS']), os.path.relpath(fn, nbdev.test.get_config().config_path)
    flat = name.replace('/', '_')
    if not ok: (out/f'{flat}.log').write_text(log, encoding='utf-8')
    if marks: (out/f'{flat}.json').write_text(json.dumps({name: marks}), encoding='utf-8')
    with open(out/'results', 'a', encoding='utf-8') as f: f.write(f"{'ok' if ok else 'FAILED'}\t{secs:.0f}\t{name}\n")
    return ok, secs

def report(least):
    "Print, per notebook, how many statements of its exported functions its own tests have run; fail below `least` %"
    found = [json.loads(f.read_text()) for f in sorted(Path(os.environ['NB_RESULTS']).glob('*.json'))]
    for name, ran in [item for d in found for item in d.items()]:
        missed = sorted({k.split(':')[0] for k, v in ran.items() if not v})
        n = sum(ran.values())
        print(f"{100 * n / len(ran):5.1f} %  {n:4d} of {len(ran):4d}  {name}  {' '.join(missed)}")
    every = [v for d in found for ran in d.values() for v in ran.values()]
    share = 100 * sum(every) / max(1, len(every))
    print(f'{share:5.1f} %  {sum(every)} of {len(every)} statements')
    sys.exit(share < least)

def main():
    if sys.argv[1:2] == ['--report']: report(float(sys.argv[2]))
    nbdev.test.test_nb = test_nb
    sys.exit(nbdev.test.nbdev_test())

if __name__ == '__main__':
    from nb_test import main    # worker processes find test_nb by this name: a notebook takes over their `__main__`
    main()
