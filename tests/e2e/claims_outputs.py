"""What weft writes for others to read: traces, recordings, reports; whole, and fit for a reader."""

import csv
import json
import os
import shutil
import xml.dom.minidom

from harness import TRAP, claim

STRANGE = b"a\xff]]>\x1b[31m\".wasm"


def strange(weft, guest):
    """The guest under a name that is neither UTF-8 nor fit for a terminal, XML or JSON."""
    path = os.fsencode(weft.scratch) + b"/" + STRANGE
    shutil.copy(weft.guest(guest), path)
    return path


@claim("a module's name with byte 0xff and ]]> leaves traces and reports well-formed")
def _(weft):
    path = os.fsdecode(strange(weft, "c_trap_div"))
    trace = weft.scratch / "strange.json"
    table = weft.scratch / "strange.csv"
    for mode in [[], ["--virtual-time"]]:
        weft.run(*mode, "--trace", trace, path).expect(code=TRAP)
        names = [event["args"]["name"] for event in json.loads(trace.read_text(encoding="utf-8"))
                 if event.get("name") == "thread_name"]
        assert any("a\ufffd]]>" in name for name in names), names
        weft.run(*mode, "--trace", table, path).expect(code=TRAP)
        rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
        assert {len(row) for row in rows} == {9}, rows
    result, junit = weft.scratch / "strange-result.json", weft.scratch / "strange.xml"
    weft.raw("test", "--seeds", "2", "--json", result, "--junit", junit, "--replay",
             weft.scratch / "strange.replay", path).expect(code=1)
    assert "\ufffd" in json.loads(result.read_text(encoding="utf-8"))["program"]
    failure, = xml.dom.minidom.parse(str(junit)).getElementsByTagName("failure")
    assert "]]>" in failure.firstChild.data, failure.toxml()


@claim("a module's name brings no control character to the terminal")
def _(weft):
    path = os.fsdecode(strange(weft, "c_trap_div"))
    shown = r"\\x1b\[31m"
    replay = weft.scratch / "shown.replay"
    runs = [weft.run(path), weft.run("--virtual-time", path), weft.run(path + "-missing"),
            weft.run("--virtual-time", path + "-missing"), weft.run("--record", replay, path),
            weft.raw("replay", replay)]
    for run in runs:
        run.expect(err_has=shown, err_lacks="\x1b")
    test = weft.raw("test", "--seeds", "1", "--replay", replay, path).expect(
        code=1, out_has=shown)
    assert "\x1b" not in test.out, test.out
