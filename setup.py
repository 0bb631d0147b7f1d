"""Package metadata for setuptools, read from `settings.ini`.

The version comes from `resample_nb/__init__.py`, where nbdev keeps it. What nbdev itself needs (name, Python version,
description, URLs) is in `pyproject.toml`, so nothing is written twice."""
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
ini = ConfigParser(delimiters=['='], interpolation=None)
with open(here/'settings.ini', encoding='utf-8') as f: ini.read_file(f)
cfg = ini['DEFAULT']
lib = cfg['lib_path']

def _read(p): return (here/p).read_text(encoding='utf-8')
def _find(pat, p): return re.search(pat, _read(p), re.MULTILINE)[1]

version = _find(r'^__version__\s*=\s*[\'"]([^\'"]+)[\'"]', f'{lib}/__init__.py')
repo = _find(r'^Repository\s*=\s*"([^"]+)"', 'pyproject.toml')
# Package indexes show the README without the repository around it: pictures need a full address there.
readme = re.sub(r'\]\((nbs/images/[^)]+)\)', rf']({repo}/raw/main/\1)', _read('README.md'))
extras = {k.removesuffix('_requirements'): v.split() for k, v in cfg.items() if k.endswith('_requirements')}
statuses = ['1 - Planning', '2 - Pre-Alpha', '3 - Alpha', '4 - Beta', '5 - Production/Stable', '6 - Mature', '7 - Inactive']

setup(
    version=version,
    long_description=readme, long_description_content_type='text/markdown',
    author=cfg['author'],
    license_expression=cfg['license'],
    keywords=cfg['keywords'].split(),
    classifiers=[f"Development Status :: {statuses[int(cfg['status'])-1]}", 'Programming Language :: Python :: 3',
                 'Programming Language :: Python :: 3 :: Only'],
    packages=find_packages(include=[lib, f'{lib}.*']),
    install_requires=cfg['requirements'].split(), extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f'{lib} = {lib}._modidx:d']},
)
