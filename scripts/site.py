#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the documents into a site: scripts/site.py [FOLDER]

FOLDER, build/site when not given, gets the pages of README.md, CHANGELOG.md, CONTRIBUTING.md and
docs/*.md, made by MkDocs with the theme of mkdocs-material, and under reference/ what Doxygen makes
of the C++ face and of the C face (scripts/reference.py). It can be read from the disk (index.html)
or served by any server of files.

Everything that a page links to must be there, and every public name of both faces must have its
words: a warning of MkDocs or Doxygen is an error. A link to a file of the sources becomes the
file's name. Where a page has a comment `<!-- picture: NAME: WORDS -->` the site has that picture,
which is made now, of a run of the demo (scripts/pictures.py): no picture lies in the sources.

Needs mkdocs, mkdocs-material, doxygen and chromium, which Debian has under these names, and
build/release/tools/weft.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import pictures
import reference

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md",
         "CONTRIBUTING.md": "contributing.md"}
# What a reader wants, in the order in which they want it. Each page of docs/ is in one place.
NAV = {
    "Start": {"weft": "index.md", "Words": "glossary.md", "What it does not do": "research.md"},
    "Guests": {"Engines and limits": "engines.md", "WASI": "wasi.md",
               "Goroutines": "goroutines.md", "Conformance": "conformance.md"},
    "Testing": {"Simulation": "simulation.md", "Exploring schedules": "exploration.md",
                "Policies": "policies.md", "Replay": "replay.md"},
    "Guides": {"Embed in ten minutes": "guide-embed.md",
               "Host functions": "guide-host-functions.md", "Many tenants": "guide-tenants.md",
               "Porting a runtime": "porting.md", "Explore schedules": "guide-schedules.md",
               "Benchmark a yield": "guide-yield.md"},
    "Library": {"Embedding": "embedding.md", "Green threads": "library.md",
                "The port": "port.md", "Reference": "reference.md"},
    "Inside": {"Architecture": "architecture.md", "Scheduler": "scheduler.md",
               "Figures": "bench.md", "Reasons": "rationale.md", "Style": "style.md",
               "Contributing": "contributing.md", "Changes": "changelog.md"},
}
PICTURE = re.compile(r"^<!-- picture: ([\w-]+): (.*?) -->$", re.MULTILINE | re.DOTALL)
REFERENCE = """# Reference

Every public name, with its units, its errors and from where it may be called.

- <a href="reference/cpp/index.html">C++</a>: `weft/weft.hpp`, `weft/asio.hpp`, `weft/control.hpp`,
  `weft/explore.hpp`. Begin with <a href="reference/cpp/classweft_1_1Runtime.html">Runtime</a>.
- <a href="reference/c/weft_8h.html">C</a>: `weft.h`, for embedders and for porters of runtimes.
"""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def fail(text):
    sys.exit(f"site: error: {text}")


def is_there(name):
    return (ROOT / "docs" / name).exists() or name in PAGES.values()


def linked(text, source):
    """The page's links, as they are on the site."""
    def replace(found):
        picture, words, target = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        path, _, anchor = target.partition("#")
        there = (source.parent / path).resolve()
        if not there.exists():
            fail(f"{source.name} links to {target}, which is not there")
        inside = there.relative_to(ROOT).as_posix()
        name = PAGES.get(inside) or (inside[5:] if inside.startswith("docs/") else None)
        if name is None:
            return f"{words} (`{inside}`)" if words.strip("`") != inside else f"`{inside}`"
        return f"{picture}[{words}]({name}{'#' + anchor if anchor else ''})"
    # Not in blocks of code.
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(replace, part) for part in parts)


def with_pictures(text, wanted):
    """The pictures that a page has on the site alone; their names go into `wanted`."""
    def replace(found):
        wanted.add(found[1])
        return f"![{' '.join(found[2].split())}]({found[1]}.png)"
    return PICTURE.sub(replace, text)


def write_pages(folder):
    wanted = set()
    for source in [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").iterdir())]:
        if source.suffix == ".md":
            text = re.sub(r"^<!-- block:.*-->\n", "", source.read_text(encoding="utf-8"),
                          flags=re.MULTILINE)
            name = PAGES.get(source.name, source.name)
            (folder / name).write_text(with_pictures(linked(text, source), wanted),
                                       encoding="utf-8")
        else:
            shutil.copy(source, folder)
    (folder / "reference.md").write_text(REFERENCE, encoding="utf-8")
    pictures.write(ROOT, folder, wanted)


def write_settings(path, pages, site):
    listed = {page for group in NAV.values() for page in group.values()}
    there = {page.name for page in pages.glob("*.md")}
    nav = dict(NAV)
    if unlisted := sorted(there - listed):
        nav["More"] = {page[:-3].capitalize(): page for page in unlisted}
    lines = ["site_name: weft", "use_directory_urls: false", "strict: true",
             f"docs_dir: {pages}", f"site_dir: {site}",
             "theme: {name: material, font: false}", "plugins: [search]",
             "markdown_extensions: [admonition, tables, pymdownx.highlight, pymdownx.superfences, "
             "{toc: {permalink: true}}]",
             "nav:"]
    for group, entries in nav.items():
        lines.append(f"  - {group}:")
        lines += [f"      - '{title}': {page}" for title, page in entries.items() if page in there]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments):
    if len(arguments) > 1 or arguments[:1] == ["--help"]:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    site = pathlib.Path(arguments[0] if arguments else ROOT / "build/site").resolve()
    for tool in ["mkdocs", "doxygen"]:
        if shutil.which(tool) is None:
            fail(f"no '{tool}' here: apt-get install mkdocs mkdocs-material doxygen chromium")
    work = site.with_name(site.name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    pages = work / "pages"
    pages.mkdir(parents=True)
    try:
        write_pages(pages)
    except pictures.Wrong as wrong:
        fail(wrong)
    write_settings(work / "mkdocs.yml", pages, site)
    made = subprocess.run(["mkdocs", "build", "--quiet", "--clean", "-f", work / "mkdocs.yml"],
                          check=False)
    if made.returncode != 0:
        fail("mkdocs has something to say about the pages")
    try:
        reference.write(ROOT, work / "reference", site / "reference")
    except reference.Wrong as wrong:
        fail(wrong)
    shutil.rmtree(work)
    print(f"{site}/index.html: {len(list(site.rglob('*.html')))} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
