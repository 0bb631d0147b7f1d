"""Write README.md from `nbs/index.ipynb`, as `nbdev-readme` does but without Quarto, and `nbs/llms.txt` from the site's sidebar.

    python tools/readme_nb.py          (from the project's root)

Pictures, both those the notebook links to and those its cells have drawn, stay in `nbs/images`. llms.txt lists every page with its
subtitle, in the order of the book, for readers that are programs (llmstxt.org).
"""
import re
from importlib.metadata import version
from urllib.parse import urljoin

import yaml
from fastcore.nbio import read_nb
from nbconvert import MarkdownExporter
from nbdev.config import get_config, nbpath2html
from nbdev.processors import FilterDefaults
from nbformat import from_dict

def notebook_markdown(fn):
    "Convert the notebook at `fn` to its title, markdown body, and drawn pictures by file name."
    nb = read_nb(fn)
    FilterDefaults()(nb)                                        # nbdev's own processing: show_doc, links, hidden cells
    front = yaml.safe_load(nb.cells[0].source.strip().strip('-'))
    cells = [c for c in nb.cells[1:] if getattr(c, 'source', '')]
    for c in cells:
        c.source = re.sub(r'^#\|.*\n?', '', c.source, flags=re.M)
        for o in c.get('outputs', []): o.setdefault('metadata', {})
    meta = {**nb.metadata, 'language_info': {'name': 'python'}}  # nbdev-clean drops it; code fences take their language from it
    body, res = MarkdownExporter().from_notebook_node(
        from_dict({**nb, 'metadata': meta, 'cells': cells}),
        resources={'unique_key': fn.stem, 'output_files_dir': 'images'})
    return front, body, res.get('outputs', {})

def fix_link(m, cfg):
    "Point the link `m` of the index at the site if it is a notebook, and into `nbs` if it is a picture."
    text, to = m[1], m[2]
    page, _, frag = to.partition('#')
    if re.match(r'[a-z]+:|#|/', to): return m[0]
    if page.startswith('images/'): return f'{text}({cfg.nbs_path.name}/{to})'
    if not page.endswith(('.ipynb', '.html')): return m[0]
    page = urljoin(cfg.doc_url.rstrip('/')+'/', nbpath2html(page).as_posix())
    return f"{text}({page}{'#'+frag if frag else ''})"

def page_line(cfg, page):
    "Return the line of `page` in llms.txt: title, address of its markdown, subtitle."
    if page == cfg.readme_nb: return f'- [README]({cfg.doc_url.rstrip("/")}/index.html.md): installation, examples, evidence'
    title = next(c.source for c in read_nb(cfg.nbs_path/page).cells if c.cell_type == 'markdown')
    name, _, subtitle = title.lstrip('# ').partition('\n')
    return f'- [{name}]({cfg.doc_url.rstrip("/")}/{nbpath2html(page).as_posix()}.md): {subtitle.strip().lstrip("> ")}'

def pages_of(contents):
    "List the notebooks of a part of the sidebar, parts within parts included."
    return sum(([c] if isinstance(c, str) else pages_of(c['contents']) for c in contents), [])

def llms_text(cfg):
    "Return llms.txt: the parts of the book and their pages."
    sidebar = yaml.safe_load((cfg.nbs_path/'sidebar.yml').read_text(encoding='utf-8'))['website']['sidebar']['contents']
    parts = [f"## {p['section']}\n\n" + '\n'.join(page_line(cfg, o) for o in pages_of(p['contents'])) for p in sidebar]
    return '\n\n'.join([f'# {cfg.title}', f'> {cfg.description}', *parts]) + '\n'

def main():
    cfg = get_config()
    version(cfg.lib_name)                                        # not installed, its names would silently get no links
    front, body, pictures = notebook_markdown(cfg.nbs_path/cfg.readme_nb)
    body = re.sub(r'\n[ \t]+\n(!\[[^\n]*)\n[ \t]+\n', r'\n\1\n', body)   # blank lines and fences as pandoc writes them
    body = re.sub(r'^```(\w)', r'``` \1', body, flags=re.M)
    body = re.sub(r'(\[[^\]]*\])\(([^)\s]+)\)', lambda m: fix_link(m, cfg), body)
    desc = f"> {front['description']}\n\n" if front.get('description') else ''
    body = f"# {front['title']}\n\n{desc}" + re.sub(r'\n{3,}', '\n\n', body.strip()) + '\n'
    (cfg.config_path/'README.md').write_text(body, encoding='utf-8')
    (cfg.nbs_path/'llms.txt').write_text(llms_text(cfg), encoding='utf-8')
    for name, data in pictures.items():
        (cfg.nbs_path/name).parent.mkdir(exist_ok=True)
        (cfg.nbs_path/name).write_bytes(data)

if __name__ == '__main__': main()
