#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the documents into a site: scripts/site.py [FOLDER]

FOLDER, build/site when not given, gets the pages of README.md, CHANGELOG.md, CONTRIBUTING.md and
docs/*.md, made by MkDocs with the theme of mkdocs-material, and under reference/ what Doxygen makes
of the C face, weft.h. It can be read from the disk (index.html) or served by any server of files.

Everything that a page links to must be there, and every function, type and constant of weft.h must
have its words: a warning of MkDocs or Doxygen is an error. A link to a file of the sources becomes
the file's name.

Needs mkdocs, mkdocs-material and doxygen, which Debian has under these names.
"""

import pathlib
import re
import shutil
import subprocess
import sys

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
                "The port": "port.md"},
    "Inside": {"Architecture": "architecture.md", "Scheduler": "scheduler.md",
               "Figures": "bench.md", "Reasons": "rationale.md", "Style": "style.md",
               "Contributing": "contributing.md", "Changes": "changelog.md"},
}
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


def write_pages(folder):
    for source in [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").iterdir())]:
        if source.suffix == ".md":
            text = re.sub(r"^<!-- block:.*-->\n", "", source.read_text(encoding="utf-8"),
                          flags=re.MULTILINE)
            name = PAGES.get(source.name, source.name)
            (folder / name).write_text(linked(text, source), encoding="utf-8")
        else:
            shutil.copy(source, folder)


def write_settings(path, pages, site):
    listed = {page for group in NAV.values() for page in group.values()}
    there = {page.name for page in pages.glob("*.md")}
    nav = dict(NAV)
    if unlisted := sorted(there - listed):
        nav["More"] = {page[:-3].capitalize(): page for page in unlisted}
    lines = ["site_name: weft", "use_directory_urls: false", "strict: true",
             f"docs_dir: {pages}", f"site_dir: {site}",
             "theme: {name: material, font: false}", "plugins: [search]",
             "markdown_extensions: [admonition, tables, fenced_code, {toc: {permalink: true}}]",
             "nav:"]
    for group, entries in nav.items():
        lines.append(f"  - {group}:")
        lines += [f"      - '{title}': {page}" for title, page in entries.items() if page in there]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def reference_source(text):
    """weft.h with its comments as Doxygen wants them: /** before, /**< behind a member. A comment
    also stands for the functions that follow in the next lines."""
    text = text.replace("/* weft.h: ", "/** @file\n * ", 1)
    text = re.sub(r"^/\* (?!---|SPDX)", "/** ", text, flags=re.MULTILINE)
    text = re.sub(r"^(  )/\* ", r"\1/** ", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=[;,\w]) +/\* ", " /**< ", text)
    shared = re.compile(r"(^/\*\*(?:(?!\*/).)*\*/\n)([^\n/]*\);\n)(?=[a-z][^\n]*\(|[a-z][^\n]*,\n)",
                        re.MULTILINE | re.DOTALL)
    while shared.search(text):
        text = shared.sub(lambda found: f"{found[1]}{found[2]}{found[1]}", text, count=1)
    return text


def write_reference(work, site):
    header = work / "weft.h"
    header.write_text(reference_source((ROOT / "capi/weft.h").read_text(encoding="utf-8")),
                      encoding="utf-8")
    settings = work / "Doxyfile"
    settings.write_text(f"""PROJECT_NAME = weft.h
INPUT = {header}
OUTPUT_DIRECTORY = {site}
HTML_OUTPUT = reference
GENERATE_LATEX = NO
OPTIMIZE_OUTPUT_FOR_C = YES
JAVADOC_AUTOBRIEF = YES
EXTRACT_ALL = NO
WARN_NO_PARAMDOC = NO
WARN_AS_ERROR = FAIL_ON_WARNINGS
QUIET = YES
HAVE_DOT = NO
MACRO_EXPANSION = YES
PREDEFINED = __DOXYGEN__
""", encoding="utf-8")
    if subprocess.run(["doxygen", settings], check=False).returncode != 0:
        fail("doxygen has something to say about weft.h")


def main(arguments):
    if len(arguments) > 1 or arguments[:1] == ["--help"]:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    site = pathlib.Path(arguments[0] if arguments else ROOT / "build/site").resolve()
    for tool in ["mkdocs", "doxygen"]:
        if shutil.which(tool) is None:
            fail(f"no '{tool}' here: apt-get install mkdocs mkdocs-material doxygen")
    work = site.with_name(site.name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    pages = work / "pages"
    pages.mkdir(parents=True)
    write_pages(pages)
    write_settings(work / "mkdocs.yml", pages, site)
    made = subprocess.run(["mkdocs", "build", "--quiet", "--clean", "-f", work / "mkdocs.yml"],
                          check=False)
    if made.returncode != 0:
        fail("mkdocs has something to say about the pages")
    write_reference(work, site)
    shutil.rmtree(work)
    print(f"{site}/index.html: {len(list(site.rglob('*.html')))} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
