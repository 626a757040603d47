#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The report in a browser: tests/host/report_in_browser.py WEFT GUESTDIR [--keep FOLDER]

Traces three runs (several guests in virtual time, one in real time, a deadlock), makes the pages
and clicks through them in headless Chromium: the timeline zooms and moves, a box tells what it is,
the table sorts, the histograms have counts, the deadlock has its graph. Chromium is driven through
its debugging pipe: only the browser is needed. --keep leaves the pages and pictures of them.

Prints a line for each claim and `N passed, N failed`.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
TIMEOUT_S = 600


class Browser:
    """A headless Chromium with one page, spoken to in JSON over a pair of pipes."""

    def __init__(self, program, folder):
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()
        # The browser expects them as its descriptors 3 and 4.
        command = f"exec 3<&{to_browser} 4>&{from_browser}; exec \"$@\""
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", program, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-first-run",
             f"--user-data-dir={folder}/profile", "--window-size=1400,1000", "about:blank"],
            pass_fds=[to_browser, from_browser], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest = b""
        self.number = 0
        self.complaints = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"],
                                 flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=1400, height=1000,
                  deviceScaleFactor=1, mobile=False)
        self.call("Runtime.enable")
        self.call("Page.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.back, 1 << 20)
            if not piece:
                raise AssertionError("the browser has ended")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(message["params"])[:500])
        return message

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while True:
            message = self.receive()
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def open(self, path):
        self.complaints.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while self.receive().get("method") != "Page.loadEventFired":
            pass
        assert not self.complaints, self.complaints

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, f"{expression}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def place(self, selector):
        box = self.value(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                         "e.scrollIntoView({block:"
                         " e.offsetHeight < innerHeight ? 'center' : 'start'});"
                         "const b = e.getBoundingClientRect();"
                         "return {x: b.x, y: b.y, w: b.width, h: b.height}; })()")
        assert box["w"] > 0 and box["h"] > 0, f"{selector} has no size"
        return box

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector, dx=None, dy=None):
        box = self.place(selector)
        x = box["x"] + (box["w"] / 2 if dx is None else dx)
        y = box["y"] + (box["h"] / 2 if dy is None else dy)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1, buttons=1)

    def picture(self, path, clip=None):
        """Of the page, or of a part: x, y, width, height."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        whole = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000)}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={**(clip or whole), "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))


def make_page(weft, folder, name, *words):
    trace, page = folder / f"{name}.json", folder / f"{name}.html"
    subprocess.run([weft, "run", "--trace", trace, *words], check=False, capture_output=True,
                   stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)
    subprocess.run([weft, "report", trace, "-o", page], check=True, timeout=TIMEOUT_S)
    return page


def make_deadlock_page(weft, folder):
    """Of a trace of two Gs that wake each other until both wait, and one that is never woken."""
    events = [{"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}
              for tid, name in enumerate(["loop", "left G1", "right G2", "lonely G3"])]
    now = 1000

    def turn(tid, state, what=None):
        nonlocal now
        now += 50
        if any(e["ph"] == "B" and e["tid"] == tid for e in events):
            events.append({"ph": "E", "pid": 1, "tid": tid, "ts": now})
        events.append({"ph": "B", "pid": 1, "tid": tid, "ts": now, "cat": state,
                       "name": what or state})

    for tid in (1, 2, 3):
        turn(tid, "runnable")
    for tid, other in [(1, 2), (2, 1)] * 4 + [(3, None)]:
        turn(tid, "running")
        if other and len(events) > 12:
            turn(other, "runnable")
        turn(tid, "waiting", "IO wait")
    turn(1, "running")
    turn(1, "waiting", "IO wait")
    events += [{"ph": "i", "s": "t", "pid": 1, "tid": 1, "ts": now, "cat": "pending",
                "name": "fd_read"},
               {"ph": "i", "s": "g", "pid": 1, "tid": 0, "ts": now, "cat": "end",
                "name": "deadlock"}]
    trace, page = folder / "deadlock.json", folder / "deadlock.html"
    trace.write_text("[\n" + ",\n".join(json.dumps(e, separators=(",", ":")) for e in events)
                     + "\n]\n")
    subprocess.run([weft, "report", trace, "-o", page], check=True, timeout=TIMEOUT_S)
    return page


def check_timeline(browser):
    span = lambda: float(browser.value("document.body.dataset.span"))
    whole = span()
    assert int(browser.value("document.body.dataset.drawn")) > 20
    browser.click("#in")
    assert abs(span() - whole / 2) < whole * 0.01, span()
    browser.click("#right")
    box = browser.place("#lanes")
    browser.mouse("mouseWheel", box["x"] + box["w"] / 2, box["y"] + 40, deltaX=0, deltaY=-120)
    assert span() < whole / 2 * 0.9, span()
    before = browser.value("view.from")
    x, y = box["x"] + box["w"] / 2, box["y"] + 40
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", x - 100, y, button="left", buttons=1)
    browser.mouse("mouseReleased", x - 100, y, button="left")
    assert browser.value("view.from") > before
    browser.click("#all")
    assert abs(span() - whole) < whole * 0.01


def check_box(browser):
    at = browser.value("(() => { const lane = rows.find(l => l.tid > 0);"
                       "const s = lane.slices.reduce("
                       "(a, b) => b.to - b.from > a.to - a.from ? b : a);"
                       "return {x: x((s.from + s.to) / 2), y: AXIS + rows.indexOf(lane) * ROW + 11,"
                       "name: lane.name, state: s.state}; })()")
    browser.click("#lanes", at["x"] + 1, at["y"] + 1)
    said = browser.value("document.getElementById('about').textContent")
    assert said.startswith(f"{at['name']}: {at['state']}"), (said, at)


def check_table(browser, names):
    first = lambda: browser.value("document.querySelector('#table tbody td').textContent")
    rows = browser.value("document.querySelectorAll('#table tbody tr').length")
    assert rows == len(names), rows
    text = browser.value("document.getElementById('table').textContent")
    assert all(name in text for name in names), text
    before = first()
    browser.click("#table th:first-child")
    assert first() != before, first()


def check_histograms(browser, *ids):
    for name in ids:
        said = browser.value(f"document.querySelector('#{name}').parentElement"
                             ".querySelector('p').textContent")
        assert "median" in said and "p99" in said, (name, said)


# Every text that is drawn from now on, with where it begins and ends, and how wide its canvas is.
TEXTS_CUT_OFF = """(() => {
  const drawn = [], draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function(text, x, y, most) {
    const wide = Math.min(this.measureText(text).width, most ?? Infinity);
    const from = this.textAlign === 'center' ? x - wide / 2 : x;
    drawn.push({text, from, to: from + wide, width: this.canvas.clientWidth});
    return draw.apply(this, arguments);
  };
  window.dispatchEvent(new Event('resize'));
  CanvasRenderingContext2D.prototype.fillText = draw;
  const labels = drawn.filter(d => String(d.text).startsWith('≤'));
  return {labels: labels.length, cut: labels.filter(d => d.from < 0 || d.to > d.width)};
})()"""


def check_labels(browser):
    found = browser.value(TEXTS_CUT_OFF)
    assert found["labels"] > 3, found
    assert found["cut"] == [], found["cut"]


def check_graph(browser):
    assert browser.value("!document.getElementById('deadlock').hidden")
    assert browser.value("document.querySelectorAll('#graph rect').length") >= 2
    assert browser.value("document.getElementById('summary').textContent").endswith("deadlock")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print("FAILED  there is no Chromium here (scripts/deps.sh tests installs it)")
        print("0 passed, 1 failed")
        return 1
    weft = options.weft.resolve()
    guest = lambda name: options.guests.resolve() / f"{name}.wasm"
    failed = passed = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        simulated = make_page(weft, folder, "simulated", "--virtual-time", "--seed", "3",
                              "--policy", "random", "--jitter", "5ms", "--cost", "1us",
                              guest("c_ticker"), ":::", guest("go_goroutines"), ":::",
                              guest("c_yield_n"))
        real = make_page(weft, folder, "real", "-n", "3", guest("c_ticker"), ":::",
                         guest("c_yield_n"))
        stuck = make_deadlock_page(weft, folder)
        browser = Browser(program, scratch)
        three = ["c_ticker.wasm G1", "go_goroutines.wasm G2", "c_yield_n.wasm G3"]
        steps = [
            ("a simulated run opens without an error", lambda: browser.open(simulated)),
            ("the timeline zooms, moves and shows all again", lambda: check_timeline(browser)),
            ("a click on a box tells what it is", lambda: check_box(browser)),
            ("the table has a row for each guest, and sorts", lambda: check_table(browser, three)),
            ("the histograms have samples", lambda: check_histograms(browser, "wait", "late",
                                                                     "switch")),
            ("no label below a histogram is cut off", lambda: check_labels(browser)),
            ("it can be seen", lambda: browser.picture(folder / "simulated.png")),
            ("a run in real time opens and zooms", lambda: (browser.open(real),
                                                            check_timeline(browser))),
            ("its histograms have samples", lambda: (check_histograms(browser, "wait", "late"),
                                                     browser.picture(folder / "real.png"))),
            ("a deadlock shows who waits for whom", lambda: (
                browser.open(stuck), check_graph(browser),
                browser.picture(folder / "deadlock.png"))),
        ]
        for sentence, step in steps:
            try:
                step()
                passed += 1
                print(f"ok      {sentence}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"FAILED  {sentence}\n        {error}", flush=True)
        browser.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
