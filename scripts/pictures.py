# SPDX-License-Identifier: Apache-2.0
"""The pictures of the documents' site, which scripts/site.py asks for: what `weft report` makes of
a run of the demo, as headless Chromium shows it.

    report    the page of a run, whole
    trace     600 ms of its timeline, as wide as the page

They are made with each site, and lie in no commit.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/host"))
import report_in_browser  # pylint: disable=wrong-import-position

DEMO = ["c_ticker", "go_goroutines", "c_primes"]
NAMES = {"report", "trace"}
FROM_MS, TO_MS = 450, 1050
TIMEOUT_S = 120


class Wrong(Exception):
    """What is missing, and what to do about it."""


def made_page(root, folder):
    weft = root / "build/release/tools/weft"
    if not weft.exists():
        raise Wrong("no build/release/tools/weft, of which pictures are made: ./quickstart")
    demo = root / "build/demo"
    subprocess.run([sys.executable, root / "scripts/build_guests.py", root / "examples/demo", demo],
                   check=True)
    guests = [demo / f"{name}.wasm" for name in DEMO]
    words = [word for guest in guests for word in (":::", guest)][1:]
    return report_in_browser.make_page(weft, folder, "demo", *words)


def zoom(browser):
    """Where the timeline is, which shows a part of the run then."""
    browser.value(f"show(whole.from + {FROM_MS * 1000}, whole.from + {TO_MS * 1000})")
    return browser.value("""(() => {
        const box = document.querySelector('#lanes').getBoundingClientRect();
        return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height};
    })()""")


def write(root, folder, wanted):
    """Makes those pictures in the folder. Raises Wrong."""
    if not wanted:
        return
    if unknown := wanted - NAMES:
        raise Wrong(f"no picture is called {', '.join(sorted(unknown))}; scripts/pictures.py")
    program = next(filter(None, map(shutil.which, report_in_browser.BROWSERS)), None)
    if program is None:
        raise Wrong("no Chromium here, which makes pictures: apt-get install chromium")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        page = made_page(root, scratch)
        browser = report_in_browser.Browser(program, scratch)
        try:
            browser.open(page)
            browser.picture(folder / "report.png")
            browser.picture(folder / "trace.png", zoom(browser))
        finally:
            browser.close()
    for name in NAMES - wanted:
        (folder / f"{name}.png").unlink()
