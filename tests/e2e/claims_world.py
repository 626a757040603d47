# SPDX-License-Identifier: Apache-2.0
"""Simulated worlds: guests linked by a manifest, partitions, kills and restarts."""

import os

from claims_sim import hash_of
from harness import LOAD_ERROR, USAGE, claim


def manifest(weft, name, text):
    """Writes a manifest whose modules are the guests'; returns its path."""
    path = weft.scratch / name
    path.write_text(text.replace("GUESTS", os.path.relpath(weft.guests, weft.scratch)))
    return path


TALK = """
[[guest]]
name = "asker"
module = "GUESTS/c_link_talk.wasm"
args = ["ask"]

[[guest]]
name = "answerer"
module = "GUESTS/c_link_talk.wasm"
args = ["answer"]

[[link]]
between = ["asker", "answerer"]
delay = "10ms"
jitter = "5ms"
shorten = 3
"""

CONN = """
[[guest]]
name = "client"
module = "GUESTS/go_link_conn.wasm"
args = ["client"]

[[guest]]
name = "server"
module = "GUESTS/go_link_conn.wasm"
args = ["server"]

[[link]]
between = ["client", "server"]
delay = "10ms"
"""


@claim("two guests talk over a link with send, recv, peek and shutdown; a seed repeats it")
def _(weft):
    world = manifest(weft, "talk.toml", TALK)
    words = ["--virtual-time", "--trace-hash", "--world", world]
    first = weft.run("--seed", "1", *words).expect(code=0, out="how are you\n")
    assert hash_of(weft.run("--seed", "1", *words)) == hash_of(first)
    assert hash_of(weft.run("--seed", "3", *words)) != hash_of(first)


@claim("a Go program uses a link as a net.Conn; a partition makes its deadline pass")
def _(weft):
    world = manifest(weft, "conn.toml", CONN + """
[[event]]
at = "0s"
partition = [["client"], ["server"]]
[[event]]
at = "200ms"
heal = true
""")
    weft.run("--virtual-time", "--max-time", "1s", "--world", world).expect(
        code=2, out_has="hellohello.* for client after 2[0-9][0-9]ms",
        err_has="time-out")


@claim("a guest that is killed and started again is a new one at the other end of its links")
def _(weft):
    kills = "".join(f'[[event]]\nat = "{at}ms"\nrestart = "client"\n' for at in (500, 1000))
    world = manifest(weft, "restart.toml", CONN + kills)
    result = weft.run("--virtual-time", "--max-time", "10s", "--world", world).expect(code=0)
    assert result.out == "hello for client after 20ms\n" * 3, result.out


@claim("a run of a world is recorded and replayed, and weft test explores it")
def _(weft):
    world = manifest(weft, "recorded.toml", TALK)
    file = weft.scratch / "world.replay"
    weft.run("--virtual-time", "--policy", "random", "--world", world, "--record", file).expect(
        code=0)
    world.unlink()
    weft.raw("replay", file).expect(code=0, out="how are you\n", err_has="replayed: the same run")
    world = manifest(weft, "tested.toml", TALK)
    weft.raw("test", "--seeds", "20", "--world", world).expect(code=0, out_has="all pass")
    failing = manifest(weft, "failing.toml", TALK.replace('args = ["answer"]', "args = []"))
    weft.raw("test", "--seeds", "5", "--world", failing, "--replay", file).expect(
        code=1, out_has="answerer. exited with 64")
    weft.raw("replay", file).expect(code=64, err_has="replayed: the same run")


@claim("a trace of a world names its guests and tells its events")
def _(weft):
    world = manifest(weft, "traced.toml", TALK + '[[event]]\nat = "1ms"\nheal = true\n')
    trace = weft.scratch / "world.csv"
    weft.run("--virtual-time", "--trace", trace, "--world", world).expect(code=0)
    rows = trace.read_text().splitlines()
    assert any(',"answerer",' in row for row in rows)
    assert sum(row.startswith("1001000000,0,") and '"heal"' in row for row in rows) == 1


@claim("what is wrong in a manifest is told with its line")
def _(weft):
    guest = '[[guest]]\nname = "a"\nmodule = "GUESTS/c_hello.wasm"\n'
    two = guest + guest.replace('"a"', '"b"')
    wrongs = {
        "": ["no [[guest]]"],
        '[[guest]]\nmodule = "a.wasm"\nname = 5': [":3: name wants a text"],
        "[[guest]]\nname = ": [":2:"],
        '[[guest]]\nname = "a"\n': [":1: a [[guest]] needs a module"],
        guest + "colour = 1": [":4: unknown key 'colour' in [[guest]]; known are args"],
        guest + guest: ["two guests have the name 'a'"],
        guest + "count = 0": [":4: count wants a number from 1"],
        guest + 'env = ["X"]': [":4: env wants NAME=VALUE, not 'X'"],
        two + '[[link]]\nbetween = ["a", "c"]': [":8: no guest has the name 'c'"],
        two + '[[link]]\nbetween = ["a", "b"]\ndelay = "5 parsecs"': [":9: delay wants a time"],
        two + '[[link]]\nbetween = ["a", "b"]\nkind = "rope"': [":9: kind is stream or datagram"],
        two + '[[link]]\nbetween = ["a", "b"]\nlose = 5': [":9: a stream loses nothing"],
        two + '[[event]]\nat = ""\nkill = "a"': [
            ":8: at wants a time with a unit, as 250us, 100ms, 1.5s, 3m or 2h"],
        two + '[[link]]\nbetween = ["a", "b"]\ndelay = ""': [":9: delay wants a time"],
        guest.replace('"a"', '""'): [":2: name gives the guest the name ''; a name is not empty"],
        guest.replace('"a"', '"a,b"'): [":2: name gives the guest the name 'a,b'; a name"],
        '[[guest]]\nmodule = "x/a,b.wasm"': [":2: module gives the guest the name 'a,b'; a name"],
        two + '[[event]]\nat = "1s"': [":7: an [[event]] is one of partition"],
        two + '[[event]]\nat = "1s"\ncut = ["a", "b"]': [":9: there is no link between"],
        two + '[[event]]\nat = "1s"\nkill = "z"': [":9: no guest has the name 'z'"],
        two + '[[event]]\nat = "1s"\npartition = [["a"], ["a"]]': [":9: 'a' is in two groups"],
        "guest = 1": ["write [[guest]]"],
    }
    for text, words in wrongs.items():
        world = manifest(weft, "wrong.toml", text)
        result = weft.run("--virtual-time", "--world", world)
        assert result.code == LOAD_ERROR, (text, result.code, result.err)
        for word in [*words, "wrong.toml"]:
            assert word in result.err, (text, word, result.err)
    weft.run("--virtual-time", "--world", weft.scratch / "none.toml").expect_error(
        LOAD_ERROR, "none.toml: No such file")
    world = manifest(weft, "right.toml", guest)
    weft.run("--world", world).expect_error(USAGE, "--world needs --virtual-time")
    weft.run("--virtual-time", "--world", world, "c_hello").expect_error(USAGE, "one too many")
    weft.run("--virtual-time", "--world", world, "--env", "A=B").expect_error(USAGE, "--world has")
