"""`nbdev-test`, that also notes each notebook it runs, for `.ci/run` to count: nbdev only names those that fail.

One line a notebook goes to `$NB_RESULTS/results` as it ends: ok or FAILED, seconds, path. The traceback of a failed one
goes to `$NB_RESULTS/<its path, slashes as underscores>.log` too.
"""
import io
import os
import sys
from pathlib import Path

import nbdev.test

run_nb = nbdev.test.test_nb

def test_nb(fn, **kwargs):
    "Run one notebook as nbdev does, and note how it went."
    err, sys.__stderr__ = sys.__stderr__, io.StringIO()          # where nbdev writes tracebacks
    try: ok, secs = run_nb(fn, **kwargs)
    finally:
        log, sys.__stderr__ = sys.__stderr__.getvalue(), err
        err.write(log)
    if secs == 0: return ok, secs                                # nothing ran: `skip_exec` in its front matter
    out, name = Path(os.environ['NB_RESULTS']), os.path.relpath(fn, nbdev.test.get_config().config_path)
    if not ok: (out/f"{name.replace('/', '_')}.log").write_text(log, encoding='utf-8')
    with open(out/'results', 'a', encoding='utf-8') as f: f.write(f"{'ok' if ok else 'FAILED'}\t{secs:.0f}\t{name}\n")
    return ok, secs

def main():
    nbdev.test.test_nb = test_nb
    sys.exit(nbdev.test.nbdev_test())

if __name__ == '__main__':
    from nb_test import main    # worker processes find test_nb by this name: a notebook takes over their `__main__`
    main()
