"""Run the notebooks' tests against the exported modules, so that `coverage` can see them.

    coverage run tools/nb_coverage.py && coverage combine -q && coverage report -m

`nbdev-test` runs the `#| export` cells themselves, so the `.py` files are never executed by the notebook that defines
them. Here those cells are skipped and the exported module's names stand in their place. Only notebooks that export are
run: a module is tested by its own notebook. Arguments are flags to run nevertheless (`slow`).
"""
import importlib
import os
import re
import sys
from functools import partial

os.environ['IN_TEST'] = '1'   # as nbdev-test does: makes nbdev_export() in a notebook a no-op
from execnb.shell import CaptureShell
from fastcore.basics import num_cpus
from fastcore.nbio import read_nb
from fastcore.parallel import parallel
from fastcore.xtras import working_directory
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.test import nb_test_cells

EXPORT = ['export', 'exports', 'exporti']
SKIP = ['41_callback.laws', '90_all']   # long, and what they define runs in the notebooks of the callbacks, or is no code

def exported_module(fn):
    "The module that the notebook at `fn` exports to, or None."
    code = '\n'.join(c.source for c in read_nb(fn).cells if c.cell_type == 'code')
    m = re.search(r'^#\|\s*default_exp\s+(\S+)', code, re.M)
    return m and m[1]

def run_nb(fn, cfg, flags=()):
    "Run the test cells of the notebook at `fn`; return its path if one failed."
    skip = cfg.tst_flags.split() if isinstance(cfg.tst_flags, str) else list(cfg.tst_flags)
    cells = nb_test_cells(fn, skip_flags=skip+EXPORT, force_flags=list(flags))
    mod = importlib.import_module(f'{cfg.lib_path.name}.{exported_module(fn)}')
    k = CaptureShell(fn)
    k.user_ns.update({nm: o for nm, o in vars(mod).items() if not nm.startswith('__')})
    with working_directory(fn.parent):
        for c in cells:
            k.cell(c, timeout=cfg.cell_timeout or None)
            if k.exc:
                print(k.prettytb(fname=fn), file=sys.stderr)
                return str(fn)

def main():
    cfg = get_config()
    sys.path.insert(0, str(cfg.config_path))
    nbs = [f.resolve() for f in sorted(nbglob(as_path=True)) if exported_module(f) and f.stem not in SKIP]
    bad = [f for f in parallel(partial(run_nb, cfg=cfg, flags=sys.argv[1:]), nbs, n_workers=min(num_cpus(), 8)) if f]
    sys.exit(f'failed: {bad}' if bad else 0)

if __name__ == '__main__':
    from nb_coverage import main    # worker processes find run_nb by this name: a notebook takes over their `__main__`
    main()
