"""Would the site be whole? Looks, without Quarto, for what would be missing on it and for what leads nowhere.

    python tools/check_site.py              one line per finding, then a count; exit status 1 if any
    python tools/check_site.py --external   prints every link that leaves the site, too; fetches none
    python tools/check_site.py --self-test  builds a small site with one fault of each kind, looks for each

From the project's root, with the project installed. A finding reads `page: what`. The notebooks go through
nbdev's own processing, in memory: nothing is written, and no cell is run but those that `nbdev-docs` runs
for the signatures it shows: those that export and those that import. Of a cell that also computes, only the
imports are run here; that nbdev could not run the rest is told from the names it lacks.

Ids of headings follow pandoc's rule: https://pandoc.org/MANUAL.html#extension-auto_identifiers
"""
import argparse
import ast
import builtins
import os
import posixpath
import re
import runpy
import subprocess
import sys
import symtable
import tempfile
import warnings
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import nbdev.processors
import nbdev.showdoc
import yaml
from fastcore.nbio import mk_cell, new_nb, read_nb, write_nb
from nbdev.config import get_config, nbpath2html
from nbdev.doclinks import NbdevLookup, nbglob
from nbdev.processors import FilterDefaults, _do_eval, exec_show_docs

# --- What nbdev hands to Quarto

for mod in (nbdev.processors, nbdev.showdoc): mod.get_config = cache(get_config)    # else read for every cell

EXECUTED = {'export', 'exports', 'exporti', 'exec_doc'}          # a cell with one of these nbdev always runs

def where(cell): return f'cell {cell.nth_}' if 'nth_' in cell else cell.source.splitlines()[-1]

def is_import(stmt): return isinstance(stmt, (ast.Import, ast.ImportFrom))

def names_in(src):
    "Return the names that a cell reads, also inside its functions, and those that it binds."
    top = symtable.symtable(src, 'cell', 'exec')
    def used(table):
        for s in table.get_symbols():
            if s.is_referenced() and (table is top or s.is_global()): yield s.get_name()
        for inner in table.get_children(): yield from used(inner)
    return set(used(top)), {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}

class RunImports(exec_show_docs):
    "As nbdev's `exec_show_docs`, but note errors and go on; of a cell that also computes, run the imports."
    def begin(self):
        super().begin()
        self.bound, self.nb.faults_ = set(dir(builtins)), []

    def __call__(self, cell):
        if not self.nb.has_docs_ or not _do_eval(cell): return
        imports = [s for s in cell.parsed_() if is_import(s)]
        rest = [s for s in cell.parsed_() if not is_import(s) and 'show_doc(' not in ast.unparse(s)]
        if rest and not cell.directives_.keys() & EXECUTED: return self.mixed(cell, imports)
        try: super().__call__(cell)
        except Exception as e: self.note(cell, f': {e.__cause__!r}')

    def mixed(self, cell, imports):
        "Run the `imports` of a cell; nbdev runs it all, slow or not, without cells that only compute."
        self.k.run('\n'.join(map(ast.unparse, imports)))
        used, bound = names_in(cell.source)
        lacks = sorted(used - bound - self.bound - set(self.k.user_ns))
        flags = sorted(cell.directives_.keys() & set(get_config().tst_flags.split()))
        if self.k.exc: self.note(cell, f': {self.k.exc!r}')
        elif lacks: self.note(cell, f", but not what defines {', '.join(lacks)}")
        elif flags: self.note(cell, f", although it is {', '.join(flags)}")
        self.bound |= bound

    def note(self, cell, what): self.nb.faults_.append(f'{where(cell)}: nbdev-docs runs it{what}')

    def end(self):
        super().end()
        self.k.close()

class Filter(FilterDefaults):
    "nbdev's processors, as the project has configured them, but `RunImports` for `exec_show_docs`"
    def procs(self): return [RunImports if p is exec_show_docs else p for p in super().procs()]

def processed(nb):
    "Process a notebook, in place, as nbdev does for the site; its own cells get a number `nth_`."
    for i, c in enumerate(nb.cells): c.nth_ = i
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        Filter()(nb)
    return nb

# --- Markdown and HTML

class Link(NamedTuple):
    "A link or picture, as written"
    text: str               # Text of the link; alternative text of the picture
    to: str                 # Where it leads
    picture: bool = False
    inside: bool = False    # Is it in the text of another link?

LINK = re.compile(r"""(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]                    # [text], ![text], [a [b] c]
                      \(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?       # (to, with brackets in pairs
                      (?:\s+"[^"]*")?\s*\)(\{[^{}]*\})?                      # "title"){attributes}""", re.X)
CODE = re.compile(r'(?<!`)(`+)(?!`)((?:(?!\n\n).)+?)(?<!`)\1(?!`)', re.S)
FORMULA = re.compile(r'(?<![\\$])(\$)(?=[^\s$])((?:(?!\n\n)[^$])*?(?<=[^\s$]))\1(?![\d$])')

def veil(m): return m[1] + re.sub(r'[^\w\s.-]', '·', m[2]) + m[1]

def prose(md):
    "Return markdown without its fenced code and comments, and without signs in its code spans and formulas."
    out, fence = [], ''
    for line in re.sub(r'<!--.*?-->', '', md, flags=re.S).splitlines():
        m = re.match(r'\s*(`{3,}|~{3,})', line)
        out.append('' if m or fence else line)
        if m and not fence: fence = m[1]
        elif m and m[1].startswith(fence) and line.strip() == m[1]: fence = ''
    return FORMULA.sub(veil, re.sub(r'(\$\$)(.+?)\1', veil, CODE.sub(veil, '\n'.join(out)), flags=re.S))

def md_links(
    text:str,           # From `prose`
    inside:bool=False   # Is it the text of a link?
):                      # `Link`s
    "Yield the links and pictures of `text`."
    for m in LINK.finditer(text):
        alt = re.search(r'fig-alt="([^"]*)"', m[4] or '')
        yield Link(alt[1] if alt else m[2], m[3], bool(m[1]), inside and not m[1])
        yield from md_links(m[2], inside=not m[1])
    if inside: return
    for m in re.finditer(r'^ {0,3}\[(?!\^)([^\]]+)\]:\s+(\S+)', text, re.M): yield Link(m[1], m[2])
    for m in re.finditer(r'<(https?://[^\s>]+)>', text): yield Link(m[1], m[1])

class Html(HTMLParser):
    "Links, pictures and ids of HTML, or of the HTML in markdown"
    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = {k: v or '' for k, v in attrs}
        if tag == 'a' and 'href' in attrs: self.links.append(Link('', attrs['href']))
        if tag == 'img': self.links.append(Link(attrs.get('alt', ''), attrs.get('src', ''), True))
        self.ids += [attrs[k] for k in ('id', 'name') if attrs.get(k)]

def heading_id(title):
    "Return the id that pandoc gives a heading."
    title = re.sub(r'<[^>]+>|\[\^[^\]]*\]', '', title)                     # tags, footnotes
    title = re.sub(r'(?<![\w.`])_(\S|\S.*?\S)_(?!\w)', r'\1', title)       # _stress_
    title = re.sub(r'[^\w\s.-]|--+|\.\.\.', '', title.lower())             # -- and ... become other signs
    return re.sub(r'^[\W\d_]+', '', '-'.join(title.split())) or 'section'

def headings(text):
    "Yield title and explicit id or '' of each heading of `text`, from `prose`."
    last = ''
    for line in text.splitlines():
        m = re.match(r'#{1,6}\s+(.*?)\s*#*\s*(\{[^{}]*\})?\s*$', line)
        if m and (not last.strip() or last.startswith(('#', ':::'))):       # pandoc wants a blank line before
            own = re.search(r'#([\w.:-]+)', m[2] or '')
            yield re.sub(r'!?\[([^\[\]]*)\]\([^()]*\)', r'\1', m[1]), own[1] if own else ''
        last = line

# --- A page

def options(cell):
    "Return the options `#| name: value` of a processed code cell; they are YAML to Quarto."
    lines = re.match(r'(?:#\|.*\n?)*', cell.source)[0].splitlines()
    found = yaml.safe_load('\n'.join(line[2:].removeprefix(' ') for line in lines)) or {}
    if not isinstance(found, dict): raise yaml.YAMLError('not `name: value`')
    return found

def dropped(nb):
    "Return what the cell of the title says beyond title, subtitle and settings: nbdev drops it."
    texts = [c.source for c in nb.cells if c.cell_type == 'markdown']
    src = next((t for t in texts if re.search(r'^#\s+\S', t, re.M)), '')
    for mark, n in [('#', 1), ('>', 1), ('-(?=.*:)', 0)]:
        src = re.sub(rf'^{mark}\s+\S.*$', '', src, count=n, flags=re.M)
    return ' '.join(src.split())

class Page:
    "A page of the site: links and pictures of a notebook, ids that links may lead to, faults seen on the way"
    def __init__(self,
        fn:Path,        # The notebook
        root:Path       # The folder of all notebooks
    ):
        self.name = fn.relative_to(root).as_posix()
        self.url = nbpath2html(Path(self.name)).as_posix()
        self.links, self.faults, self.n_pictures, self.text, self.whole = [], [], 0, '', False
        self.ids, self.docs = {}, {}                       # title by id; id by symbol, of nbdev's doc entries
        try: nb, raw = processed(read_nb(fn)), read_nb(fn)
        except Exception as e: return self.faults.append(f'nbdev cannot process it: {e!r}')
        self.whole, front = True, getattr(nb, 'frontmatter_', {})
        self.faults += getattr(nb, 'faults_', [])
        if not front.get('title'): self.faults.append('has no title')
        if lost := dropped(raw): self.faults.append(f'nbdev drops from the cell of the title: {lost[:60]!r}')
        self.add_markdown(str(front.get('description', '')))
        for c in nb.cells: self.add_cell(c)
        self.check_docs()

    def add_cell(self, c):
        if c.cell_type == 'markdown': self.add_markdown(c.source, c.get('attachments', {}))
        if c.cell_type != 'code': return
        try: opts = options(c)
        except yaml.YAMLError as e:
            return self.faults.append(f"{where(c)}: its options are not YAML: {' '.join(str(e).split())}")
        if opts.get('label'): self.ids.setdefault(str(opts['label']), '')
        if opts.get('include') is not False and opts.get('output') is not False: self.add_outputs(c, opts)

    def add_outputs(self, c, opts):
        data = [o.data for o in c.get('outputs', []) if 'data' in o]
        for d in data:
            md, html = (''.join(d.get(f'text/{kind}', '')) for kind in ('markdown', 'html'))
            self.add_markdown(md, doc='show_doc(' in c.source)
            self.add_html(html)
        drawn = sum(any(k.startswith('image/') for k in d) for d in data)
        self.n_pictures += drawn
        if drawn and not opts.get('fig-alt'): self.faults.append(f'{where(c)}: its picture has no fig-alt')

    def add_markdown(self,
        md:str,
        attached=(),        # Names of the files in the cell
        doc:bool=False      # Is it a doc entry of nbdev's, with the symbol for its heading?
    ):
        text = prose(md)
        self.text += f'{md}\n'
        for title, own in headings(text):
            at = own or heading_id(title)
            at = next(i for i in (at, *(f'{at}-{n}' for n in range(1, 1000))) if i not in self.ids)
            self.ids[at] = title
            if doc: self.docs.setdefault(title, at)
        ids = re.findall(r'(?:\]|^:::+ *)\{[^{}]*?#([\w.:-]+)', text, re.M)        # [span]{#id}, ::: {#id}
        self.ids = dict.fromkeys(ids, '') | self.ids
        self.add_links(md_links(text), attached)
        self.add_html(text)

    def add_html(self, text):
        html = Html(text)
        for at in html.ids: self.ids.setdefault(at, '')
        self.add_links(html.links)

    def add_links(self, links, attached=()):
        for link in links:
            self.n_pictures += link.picture
            to = link.to.removeprefix('attachment:')
            if to == link.to: self.links.append(link)
            elif to not in attached: self.faults.append(f'picture {to}: not attached to its cell')
            if link.picture and not link.text.strip(): self.faults.append(f'picture {to[:60]}: no alt text')

    def check_docs(self):
        "Links to a symbol lead to `#symbol`; if another heading has that id, the doc entry must follow it."
        order, shown = list(self.ids), set(self.docs.values())
        for name, at in self.docs.items():
            first = name.lower()
            if at == first: continue
            between = order[order.index(first) + 1:order.index(at)] if first in set(order) - shown else order
            if set(between) <= shown: continue
            self.faults.append(f'links to `{name}` lead to {self.ids.get(first)!r}, far from its doc entry')

# --- The site

def public_names(src):
    "Return the first `__all__` of a module's text: the one that nbdev writes."
    for s in ast.parse(src).body:
        if not isinstance(s, ast.Assign) or ast.unparse(s.targets[0]) != '__all__': continue
        return ast.literal_eval(s.value)
    return []

def hrefs(items):
    "Yield where the entries of a sidebar lead, the pages of its sections included."
    for item in items:
        if isinstance(item, str): item = {} if re.fullmatch('-+', item) else {'href': item}
        yield from (item[k] for k in ('href', 'file') if item.get(k))
        if (item.get('section') or '').endswith('.ipynb'): yield item['section']
        yield from hrefs(item.get('contents', []))

class Site:
    "All pages, where links lead, and what was found"
    def __init__(self):
        self.cfg = get_config()
        self.nbs, self.own = self.cfg.nbs_path.resolve(), self.cfg.doc_url.rstrip('/') + '/'
        self.findings, self.outside, self.n_links, self.n_names = [], {}, 0, 0
        self.pages, self.places = [Page(f.resolve(), self.nbs) for f in sorted(nbglob(as_path=True))], {}
        for p in self.pages:
            if p.url in self.places: p.faults.append(f'becomes {p.url}, as does {self.places[p.url].name}')
            self.places |= {p.name: p, p.url: p, f'{p.url}.md': p}

    def check(self):
        for p in self.pages:
            self.check_links(p.name, p.links, p)
            for what in p.faults: self.note(p.name, what)
        self.check_names()
        self.check_sidebar()
        for folder in (self.nbs, self.cfg.config_path): self.check_llms(folder/'llms.txt')
        return self

    def note(self, page, what): self.findings.append(f'{page}: {what}')

    def find(self,
        path:str,       # As written, without `#id`
        start:str=''    # Folder of the page where it is written
    ):
        "Return the page or file of the site at `path`; None if there is none."
        path = unquote(path)
        path = posixpath.normpath(path.lstrip('/') if path.startswith('/') else posixpath.join(start, path))
        if (self.nbs/path).is_dir(): path = posixpath.normpath(f'{path}/index.html')
        if path in self.places: return self.places[path]
        return self.nbs/path if not path.startswith('..') and (self.nbs/path).is_file() else None

    def check_links(self,
        name:str,       # Where the links are
        links,          # `Link`s
        page=None       # Their `Page`; None: a file at the root of the site
    ):
        faults = []
        for link in links:
            self.n_links += not link.picture
            if link.inside: faults.append(f'link {link.to} is in the text of another link')
            elif link.to.startswith(self.own) or f'{link.to}/' == self.own:
                faults.append(self.fault(link, '/' + link.to[len(self.own):], page))
            elif re.match(r'[a-zA-Z][\w+.-]*:|//', link.to): faults.append(self.leaves(link, name))
            else: faults.append(self.fault(link, link.to, page))
        for what, n in Counter(filter(None, faults)).items():
            self.note(name, what + (f' ({n} times)' if n > 1 else ''))

    def leaves(self, link, name):
        "Remember a link that leaves the site; if to a file of the repository, say if it is not there."
        m = re.match(re.escape(self.cfg.git_url) + r'/(?:blob|tree|raw)/[^/]+/([^#?]+)', link.to)
        if m: return '' if (self.cfg.config_path/unquote(m[1])).exists() else f'link {link.to}: no such file'
        if not link.to.startswith('data:'): self.outside.setdefault(link.to, set()).add(name)

    def fault(self, link, to, page):
        "Say what is wrong with `link` to a place `to` of the site, if anything."
        path, _, at = to.partition('#')
        place = self.find(path, posixpath.dirname(page.name) if page else '') if path else page
        if place is None: return f'link {link.to}: no such page or file on the site'
        if not at or not getattr(place, 'whole', False): return ''
        if to != link.to and re.fullmatch(r'`[^`]+`', link.text):            # nbdev's, of a name in backticks
            shown = at in (d.lower() for d in place.docs)
            return '' if shown else f"`{link.text.strip('`·')}` has no doc entry on {place.name}"
        return '' if unquote(at) in place.ids else f'link {link.to}: no heading of {place.name} has this id'

    def check_names(self):
        "Every public name has a doc entry on its page; a constant, which gets none, is in the text."
        lib = self.cfg.lib_path.resolve()
        syms = runpy.run_path(str(lib/'_modidx.py'))['d']['syms']
        for py in sorted(lib.rglob('[!_]*.py')):
            src = py.read_text(encoding='utf-8')
            mod = '.'.join(py.relative_to(lib.parent).with_suffix('').parts)
            nbs = re.findall(r'^# %% (\S+\.ipynb) #', src, re.M)
            nbs = {os.path.relpath(py.parent/nb, self.nbs) for nb in nbs}
            for name in public_names(src):
                url, _ = syms.get(mod, {}).get(f'{mod}.{name}', ('', ''))
                found = {url.partition('#')[0]} if url else nbs
                self.check_name(name, mod, [self.places[p] for p in found & self.places.keys()], not url)

    def check_name(self, name, mod, pages, constant):
        self.n_names += 1
        if not pages: return self.note(mod, f'{name} is on no page')
        if any(name in p.docs or not p.whole for p in pages): return
        if not constant: return self.note(pages[0].name, f'{name} is public, but has no doc entry')
        if not any(re.search(rf'`{name}\b', p.text) for p in pages):
            self.note(pages[0].name, f'the constant {name} is public, but not in the text')

    def check_sidebar(self):
        "Every page is in the sidebar once, and every entry exists; without a sidebar, nbdev lists all pages."
        fn = self.nbs/'sidebar.yml'
        if not fn.exists(): return
        if not self.cfg.custom_sidebar: self.note(fn.name, 'nbdev-docs overwrites it without custom_sidebar')
        bars = yaml.safe_load(fn.read_text(encoding='utf-8'))['website']['sidebar']
        entries = list(hrefs(bars if isinstance(bars, list) else [bars]))
        self.check_links(fn.name, [Link('', to) for to in entries])
        seen = Counter(getattr(self.find(to), 'name', '') for to in entries)
        for p in self.pages:
            if seen[p.name] != 1: self.note(fn.name, f'lists {p.name} {seen[p.name]} times, not once')

    def check_llms(self, fn):
        if fn.exists(): self.check_links(fn.name, md_links(prose(fn.read_text(encoding='utf-8'))))

    def summary(self):
        pictures = sum(p.n_pictures for p in self.pages)
        return (f'{len(self.pages)} pages, {self.n_links} links, {pictures} pictures, {self.n_names} names: '
                f'{len(self.findings)} findings')

# --- Self-test

PYPROJECT = """[project]
name = "tiny"
version = "0.1"
description = "A small site"
[project.urls]
Repository = "https://code.example/me/tiny"
Documentation = "https://me.example/tiny/"
[tool.nbdev]
tst_flags = "slow"
custom_sidebar = true
"""
OWN, REPO = 'https://me.example/tiny', 'https://code.example/me/tiny'

def code(src, mime='', data='.'):
    out = dict(output_type='display_data', metadata={}, data={mime: data})
    return mk_cell(src, outputs=[out] if mime else [])

SOUND = {
    'index.ipynb': [
        '# Tiny\n> A small site',
        '## A start, twice over -- `x[0]`\n\n`twice`, [it](core.html#twice), [a](00_core.ipynb)',
        '[mine](#mine), [above](#a-start-twice-over-x0), <https://else.example/there>, $a[0](b)$, `a[0](b)`.',
        f'## Ours {{#mine}}\n\n[a](more/notes.txt), [b]({REPO}/blob/main/tiny/core.py), [c]({OWN}/core.html)',
        '```\n[no link](nowhere)\n\n## Mine\n```\n\n## Mine\n\n[d](#mine-1) <a href="/core.html.md">a</a>'],
    '00_core.ipynb': [
        code('#| default_exp core'),
        '# Core\n> What there is',
        '`depth` ![A dot](images/dot.png) ![A dot](attachment:dot.png) <img src="images/dot.png" alt="Dot">',
        code('#| export\nimport math\ndepth = 3'),
        code('#| export\ndef twice(x): "Double `x`."; return 2*x'),
        '## `Twin`',
        code('#| export\nclass Twin:\n    "Be two."\n    def act(self): "Do."'),
        code('#| fig-alt: One dot\ntwice(2)', 'image/png'),
        code('#| hide\nhidden', 'image/png'),
        code('#| output: false\nunseen', 'image/png'),
        code('import math\nsoon = 1'), code('import math\nsoon')]}
SIDEBAR = [{'text': 'Start', 'href': 'index.ipynb'}, '---', {'section': 'All', 'contents': ['00_core.ipynb']}]

NOWHERE = 'no such page or file on the site'
FAULTS = [  # Where; the cell or entry that is wrong, None if `build` has it; how it is found, if at all
    ('00_core.ipynb', code('import math\nlate'), 'cell 12: nbdev-docs runs it, but not what defines late'),
    ('00_core.ipynb', code('#| slow\nimport math\nlist'), 'cell 13: nbdev-docs runs it, although it is slow'),
    ('00_core.ipynb', code('import nothing_such as n\nn.x'), 'cell 14: nbdev-docs runs it: ModuleNotFound'),
    ('00_core.ipynb', code('#| export\n#| hide\ndef mute(): 0'), 'mute is public, but has no doc entry'),
    ('00_core.ipynb', code('#| export\nwidth = 2'), 'the constant width is public, but not in the text'),
    ('00_core.ipynb', code('#| export\n1/0'), 'cell 17: nbdev-docs runs it: ZeroDivisionError'),
    ('02_broken.ipynb', None, 'nbdev cannot process it: '),
    ('03_lost.ipynb', '# Lost\n> Sub\n\nMore text', "nbdev drops from the cell of the title: 'More text'"),
    ('04_lost.ipynb', '# Lost', 'becomes lost.html, as does 03_lost.ipynb'),
    ('04_plain.ipynb', 'No heading', 'has no title'),
    ('04_plain.ipynb', code('1', 'image/png'), 'cell 1: its picture has no fig-alt'),
    ('04_plain.ipynb', code('#| fig-alt: Left: dot\n1', 'image/png'), 'cell 2: its options are not YAML: '),
    ('04_plain.ipynb', code('1', 'text/html', '<a href="gone.html">a</a>'), f'link gone.html: {NOWHERE}'),
    ('04_plain.ipynb', code('1', 'text/markdown', '[a](gone.md)'), f'link gone.md: {NOWHERE}'),
    ('05_clash.ipynb', code('#| default_exp clash'), ''),
    ('05_clash.ipynb', '# Clash\n> Two of a name', ''),
    ('05_clash.ipynb', '## Shadow\n\n## Far', "links to `shadow` lead to 'Shadow', far from its doc entry"),
    ('05_clash.ipynb', code('#| export\ndef shadow(): "Hide."'), ''),
    ('05_clash.ipynb', code('#| export\ndef Sun(): 1\ndef sun(): 2'), "links to `Sun` lead to 'sun', far"),
    ('index.ipynb', '[a](nowhere.ipynb)', f'link nowhere.ipynb: {NOWHERE}'),
    ('index.ipynb', '[a](00_core.html)', f'link 00_core.html: {NOWHERE}'),
    ('index.ipynb', '[a](../pyproject.toml)', f'link ../pyproject.toml: {NOWHERE}'),
    ('index.ipynb', '<a href="gone.txt">a</a>', f'link gone.txt: {NOWHERE}'),
    ('index.ipynb', '[a]\n\n[a]: gone.md', f'link gone.md: {NOWHERE}'),
    ('index.ipynb', f'[a]({OWN}/gone.html)', f'link {OWN}/gone.html: {NOWHERE}'),
    ('index.ipynb', f'[a]({REPO}/blob/main/gone.py)', f'link {REPO}/blob/main/gone.py: no such file'),
    ('index.ipynb', '[a](#gone)', 'link #gone: no heading of index.ipynb has this id'),
    ('index.ipynb', 'Text\n## Glued\n\n[a](#glued)', 'link #glued: no heading of index.ipynb has this id'),
    ('index.ipynb', '[a](core.html#Twice)', 'link core.html#Twice: no heading of 00_core.ipynb has this id'),
    ('index.ipynb', '[`twice`](00_core.ipynb)', f'link {OWN}/core.html#twice is in the text of another link'),
    ('index.ipynb', '`Twin.act`', '`Twin.act` has no doc entry on 00_core.ipynb'),
    ('index.ipynb', '![A dot](images/gone.png)', f'link images/gone.png: {NOWHERE}'),
    ('index.ipynb', '![A dot](attachment:gone.png)', 'picture gone.png: not attached to its cell'),
    ('index.ipynb', '![](more/../images/dot.png)', 'picture more/../images/dot.png: no alt text'),
    ('index.ipynb', '<img src="images/dot.png">', 'picture images/dot.png: no alt text'),
    ('llms.txt', '[a](gone.html)', f'link gone.html: {NOWHERE}'),
    ('sidebar.yml', '03_lost.ipynb', 'lists 03_lost.ipynb 2 times, not once'),
    ('sidebar.yml', '09_gone.ipynb', f'link 09_gone.ipynb: {NOWHERE}'),
    ('sidebar.yml', None, 'lists 04_lost.ipynb 0 times, not once'),
    ('sidebar.yml', None, 'nbdev-docs overwrites it without custom_sidebar'),
    ('tiny.stray', None, 'lone is on no page')]

def write(fn, text):
    fn.parent.mkdir(parents=True, exist_ok=True)
    fn.write_text(text, encoding='utf-8')

def build(root, faults):
    "Write a project with `faults` and export it; if `root` is on Python's path, it counts as installed."
    pages = {name: list(cells) for name, cells in SOUND.items()}
    for name, cell, _ in faults:
        if name.endswith('.ipynb'): pages.setdefault(name, []).extend([cell] if cell else [])
    wrong = lambda name: [cell for at, cell, _ in faults if at == name and cell]
    bar = SIDEBAR + [p for p in pages if p not in SOUND and p != '04_lost.ipynb'] + wrong('sidebar.yml')
    files = {'pyproject.toml': PYPROJECT.replace('custom_sidebar = true', '') if faults else PYPROJECT,
        'tiny/__init__.py': '__version__ = "0.1"\n',
        'tiny-0.1.dist-info/METADATA': 'Name: tiny\nVersion: 0.1\n',
        'tiny-0.1.dist-info/entry_points.txt': '[nbdev]\ntiny = tiny._modidx:d\n',
        'nbs/images/dot.png': '', 'nbs/more/notes.txt': '',
        'nbs/sidebar.yml': yaml.dump({'website': {'sidebar': {'contents': bar}}})}
    for name, text in files.items(): write(root/name, text)
    for name, cells in pages.items():
        cells = [mk_cell(c, 'markdown') if isinstance(c, str) else c for c in cells]
        for c in cells: c.update({'attachments': {'dot.png': {}}} if c.cell_type == 'markdown' else {})
        write_nb(new_nb(cells), root/'nbs'/name)
    python(root, '-c', 'from nbdev.doclinks import nbdev_export as e; e.__wrapped__()', check=True)
    write(root/'nbs'/'llms.txt', '\n'.join(['# tiny', '[core](core.html.md)', *wrong('llms.txt')]))
    if faults:
        write(root/'tiny'/'stray.py', "__all__ = ['lone']\n")
        write(root/'nbs'/'02_broken.ipynb', '{')

def python(root, *args, **kw):
    env = {k: v for k, v in os.environ.items() if k != 'IN_TEST'} | {'PYTHONPATH': str(root)}
    return subprocess.run([sys.executable, *args], cwd=root, env=env, capture_output=True, text=True, **kw)

def self_test(faults):
    "Check a small site with `faults`; return the lines, as they should be or not, that differ."
    with tempfile.TemporaryDirectory() as d:
        build(Path(d), faults)
        run = python(d, str(Path(__file__).resolve()))
    *lines, last = run.stdout.splitlines() or ['']
    expected = [f'{name}: {what}' for name, _, what in faults if what]
    wrong = [f'not found: {e}' for e in expected if sum(line.startswith(e) for line in lines) != 1]
    wrong += [f'no fault: {line}' for line in lines if not line.startswith(tuple(expected))]
    if not last.endswith(f' {len(expected)} findings') or run.returncode != bool(expected):
        wrong.append(f'exit status {run.returncode}: {last} {run.stderr}')
    return wrong

def main():
    args = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    args.add_argument('--external', action='store_true', help='print the links that leave the site, too')
    args.add_argument('--self-test', action='store_true', help='look for planted faults in a small site')
    args = args.parse_args()
    if args.self_test:
        wrong = self_test([]) + self_test(FAULTS)
        print(*wrong, f'self-test: {len(FAULTS)} faults planted, {len(wrong)} lines wrong', sep='\n')
        sys.exit(bool(wrong))
    os.environ['IN_TEST'] = '1'                                 # as nbdev does: no cell exports
    lib = get_config().lib_name
    if lib not in NbdevLookup().entries: sys.exit(f'{lib} is not installed, or its _modidx.py does not load')
    site = Site().check()
    print(*site.findings, sep='\n', end='\n' if site.findings else '')
    for to, pages in sorted(site.outside.items()) if args.external else []: print(to, *sorted(pages))
    print(site.summary())
    sys.exit(bool(site.findings))

if __name__ == '__main__': main()
