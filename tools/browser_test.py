"""Move every control of every explorer by keyboard, in a real browser.

    python tools/browser_test.py [--out DIR] [NOTEBOOK …]      (from the project's root)

JupyterLab serves a copy of the notebooks on 127.0.0.1; chromium runs them from a clean kernel, then each slider, tick box and button of
each explorer is moved by keys. The picture must change, and no cell may show an error; a fit with a monitor must be drawn while it
runs. Screenshots go to DIR.

Needs Debian's chromium, node and npm's playwright-core. Run as root, what is missing is installed; otherwise the reason is printed and
the exit status is 77, which `.ci/run` shows as skipped. There only the first of the notebooks runs, for the time it takes; all of them
in the workflow `browser`.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

root = Path(__file__).resolve().parents[1]
notebooks = ('51_widgets', '51a_widgets.kernels', '51b_widgets.training')
skipped = 77

def run(*cmd, **kw):
    "Run a command quietly; its last lines are the reason if it fails"
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if r.returncode: raise RuntimeError(f"{' '.join(cmd)}: {r.stdout.strip()[-300:]}")

def install(work):
    "Install what is missing, as root; return the folder of playwright-core and chromium's path"
    missing = [p for p, exe in (('chromium', 'chromium'), ('nodejs', 'node'), ('npm', 'npm')) if not shutil.which(exe)]
    if missing:
        if not shutil.which('apt-get') or os.geteuid() != 0:
            raise RuntimeError(f"missing: {', '.join(missing)}; install them, or run as root on Debian")
        env = dict(os.environ, DEBIAN_FRONTEND='noninteractive')
        run('apt-get', 'update', '-qq', timeout=180, env=env)
        run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', *missing, timeout=400, env=env)
    run('npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefix', str(work), 'playwright-core', timeout=180)
    return shutil.which('chromium')

def free_port():
    "Return a port that nobody listens to"
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def start_lab(work, port, token):
    "Start JupyterLab over a copy of the notebooks, every cell of which stays in the page"
    shutil.copytree(root/'nbs', work/'nbs', ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
    settings = work/'settings'/'@jupyterlab'/'notebook-extension'/'tracker.jupyterlab-settings'
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({'windowingMode': 'none'}))
    env = dict(os.environ, JUPYTERLAB_SETTINGS_DIR=str(work/'settings'), OMP_NUM_THREADS='1', IN_TEST='1',
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    env.pop('MPLBACKEND', None)                                   # the kernel chooses the inline one
    lab = subprocess.Popen([sys.executable, '-m', 'jupyterlab', '--allow-root', '--no-browser', '--ip=127.0.0.1',
        f'--port={port}', '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}', f'--ServerApp.root_dir={work}'],
        stdout=(work/'lab.log').open('w'), stderr=subprocess.STDOUT, env=env, cwd=work)
    for _ in range(120):
        if lab.poll() is not None: raise RuntimeError(f"JupyterLab stopped: {(work/'lab.log').read_text()[-300:]}")
        try:
            urlopen(f'http://127.0.0.1:{port}/api?token={token}', timeout=2)
            return lab
        except OSError: time.sleep(.5)
    lab.kill()
    raise RuntimeError('JupyterLab did not answer within a minute')

def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('notebooks', nargs='*', default=notebooks, help='paths under nbs, without .ipynb')
    p.add_argument('--out', default=None, help='folder for screenshots; a temporary one if not given')
    args = p.parse_args()
    work = Path(tempfile.mkdtemp())
    out, lab, port, token = Path(args.out or work/'shots').resolve(), None, free_port(), os.urandom(8).hex()
    out.mkdir(parents=True, exist_ok=True)
    try:
        try:
            chromium = install(work)
            lab = start_lab(work, port, token)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
            print(f'skipped: {e}')
            return skipped
        shutil.copy(root/'tools'/'browser_test.mjs', work)
        env = dict(os.environ, CHROMIUM=chromium, BASE=f'http://127.0.0.1:{port}', TOKEN=token, OUT=str(out))
        return subprocess.run(['node', 'browser_test.mjs', *args.notebooks], cwd=work, env=env).returncode
    finally:
        if lab is not None: lab.terminate(); lab.wait(20)
        if args.out: shutil.rmtree(work, ignore_errors=True)

if __name__ == '__main__': sys.exit(main())
