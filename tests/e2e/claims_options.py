# SPDX-License-Identifier: Apache-2.0
"""An option that has no effect is wrong use, and weft says so; none is ignored silently."""

import re

from harness import LOAD_ERROR, USAGE, claim


@claim("weft test takes no --record, --trace, --trace-hash, --trace-wasi, --stats or --grace")
def _(weft):
    offered = weft.raw("test", "--help").expect(code=0).out
    for words in [["--record", "r"], ["--trace", "t.json"], ["--trace-hash"], ["--trace-wasi"],
                  ["--stats"], ["--grace", "5"]]:
        weft.raw("test", *words, weft.guest("c_hello")).expect_error(
            USAGE, f"unknown option {words[0]}")
        assert f"{words[0]} " not in offered, words


@claim("--dfs with --jobs or --policy is wrong use, as is --no-reduction without it")
def _(weft):
    hello = weft.guest("c_hello")
    weft.raw("test", "--dfs", "--jobs", "2", hello).expect_error(USAGE, "--jobs does not go with")
    weft.raw("test", "--dfs", "--policy", "pct", hello).expect_error(
        USAGE, "--policy does not go with")
    weft.raw("test", "--no-reduction", hello).expect_error(USAGE, "--no-reduction needs --dfs")


@claim("--world has the guests: a guest or a guest's option beside it is wrong use")
def _(weft):
    world = weft.scratch / "alone.toml"
    world.write_text(f'[[guest]]\nmodule = "{weft.guest("c_hello")}"\n')
    for words in [["--memory", "1024"], ["--stack", "512"], ["-n", "1"], ["--fuel", "9"],
                  ["--env", "A=B"], ["--tables", "9"]]:
        weft.run("--virtual-time", "--world", world, *words).expect_error(
            USAGE, f"--world has the guests, and their options are there: not {words[0]}")
    for words in [["c_hello", ":::", "--world", world], ["--world", world, ":::", "c_hello"]]:
        weft.run("--virtual-time", *words).expect_error(USAGE, "c_hello.wasm' is one too many")
    weft.run("--virtual-time", "--world", world).expect(code=0, out="hello from c\n")


@claim("weft test --jitter 0 ends no sleep late")
def _(weft):
    # Five sleeps of 20 ms each. They end before the deadline only when they are on time.
    words = ["test", "--seeds", "20", "--max-time", "100ms", "--replay", weft.scratch / "late",
             weft.guest("c_ticker")]
    weft.raw(*words).expect(code=1, out_has="time-out")
    weft.raw(*words[:1], "--jitter", "0", *words[1:]).expect(code=0, out_has="all pass")


@claim("--grace is refused in virtual time, where it has no meaning")
def _(weft):
    weft.run("--virtual-time", "--grace", "5", "c_hello").expect_error(USAGE, "--grace")


@claim("--start takes only days that exist, from 1970 to 2255")
def _(weft):
    file = weft.scratch / "start.rep"
    for date, wall in [("1970-01-01T00:00:00Z", 0), ("2024-02-29T00:00:00", 1709164800),
                       ("9000000000", 9000000000)]:
        run = weft.run("--virtual-time", "--start", date, "--record", file, "c_clock").expect(
            code=0, out_has=f"^wall {wall}$")
        weft.raw("replay", file).expect(code=0, out=run.out, err_has="replayed: the same run")
    for date in ["2400-01-01T00:00:00Z", "1960-01-01T00:00:00Z", "9000000001", "-1",
                 "99999999999999999999"]:
        weft.run("--virtual-time", f"--start={date}", "c_clock").expect_error(
            USAGE, "--start wants a time from 1970 to", date)
    for date in ["2024-02-31T00:00:00Z", "2023-02-29T12:00:00Z"]:
        weft.run("--virtual-time", "--start", date, "c_clock").expect_error(
            USAGE, f"--start: there is no {date}")


@claim("a time of more than 100 years is wrong use, and no virtual clock runs over")
def _(weft):
    for option in ("--cost", "--jitter", "--max-time", "--deadline"):
        for word in ("4611686018s", "99999999999999999999m", "9223372036854775807ns"):
            weft.run("--virtual-time", option, word, "c_clock").expect_error(
                USAGE, f"{option} wants a time of 100 years at most, not '{word}'")
    weft.run("--virtual-time", "--cost", "3000000000s", "c_clock").expect(
        err_has="time-out: more virtual time than allowed")


@claim("a directory where a file is wanted is named, and is exit code 66")
def _(weft):
    folder = weft.scratch / "a-folder"
    folder.mkdir()
    hello = weft.guest("c_hello")
    for words in [["replay", folder], ["run", "--virtual-time", "--world", folder],
                  ["report", folder, "-o", weft.scratch / "page.html"],
                  ["test", "--expect", folder, hello], ["test", "--stdin", folder, hello]]:
        weft.raw(*words).expect_error(LOAD_ERROR, "a-folder: Is a directory")


@claim("--jobs and --seeds say from which number on")
def _(weft):
    for option, words in [("--jobs", ("0", "65", "x")), ("--seeds", ("0", "x"))]:
        for word in words:
            weft.raw("test", option, word, weft.guest("c_hello")).expect_error(
                USAGE, f"{option} wants a number from 1 to .*, not '{word}'")


@claim("an option with '=' and an empty value took the module for its value: it is named now")
def _(weft):
    hello = weft.guest("c_hello")
    values = {command: re.findall(r"^  (?:-\w, )?(--[\w-]+) \S", weft.raw(
        "help", command).expect(code=0).out, re.MULTILINE) for command in
        ("run", "exec", "test", "compile", "worker", "replay", "top", "help")}
    assert sum(map(len, values.values())) > 100, values
    for command, options in values.items():
        for option in options:
            if option == "--go":
                weft.raw(command, "--go=", hello).expect_error(USAGE, "--go needs a package")
                continue
            for words in [[f"{option}=", hello], [option, "", hello]]:
                weft.raw(command, *words).expect_error(
                    USAGE, f"the value of {option} is empty; write {option}=.")
    for words in [["-n", ""], ["-o", ""]]:
        command = "run" if words[0] == "-n" else "report"
        weft.raw(command, *words, hello).expect_error(
            USAGE, f"the value of {words[0]} is empty; write {words[0]} .")


@claim("weft test of a module from stdin said that a process died by a bug of weft: it is refused")
def _(weft):
    hello = weft.guest("c_hello").read_bytes()
    for words in (["-"], ["--seeds", "2", weft.guest("c_hello"), ":::", "-"]):
        weft.raw("test", *words, stdin=hello).expect_error(
            USAGE, "test: it loads modules again and again, so they must be files; not '-'")


@claim("-n=3 and -o=page.html, which read '=3' and wrote '=page.html', say how they are written")
def _(weft):
    weft.run("-n=3", "c_hello").expect_error(USAGE, "-n is written without '='; write -n COUNT")
    weft.raw("report", "-o=page.html", "trace.json").expect_error(
        USAGE, "-o is written without '='; write -o FILE.html")
    assert not (weft.scratch / "=page.html").exists()


@claim("an option that stands where a value was forgotten is not taken for the value")
def _(weft):
    weft.run("--record", "--stats", "c_hello").expect_error(
        USAGE, "--record wants a value, and --stats is an option; write --record=FILE")
    assert not (weft.scratch / "--stats").exists()
    weft.raw("run", "--record").expect_error(USAGE, "--record wants a value; write --record=FILE")
    for words, of in [(["--go"], "--go"), (["--go", ".", "-run"], "-run")]:
        weft.raw("test", *words, "--seeds=9").expect_error(
            USAGE, f"test: {of} needs a value, and --seeds=9 is an option$")
    weft.run("--record=--stats", "c_hello").expect(code=0, out="hello from c\n")
    assert (weft.scratch / "--stats").exists()


@claim("a module that was taken for the value of an option is named; so is an option given twice")
def _(weft):
    hello = weft.guest("c_hello")
    for option in ("-n", "--dir", "--record"):
        for command in ("run", "exec", "test"):
            if (option, command) == ("--record", "test"):
                continue
            weft.raw(command, option, hello).expect_error(
                USAGE, f"{command}: no module given; .*/c_hello.wasm is the value of {option}$")
    weft.raw("run", "--stats", "--label").expect_error(USAGE, "run: no module given$")
    weft.raw("run", "--dir=x").expect_error(USAGE, "run: no module given$")
    for words in (["--seed", "1", "--seed=2"], ["-n", "1", "-n2"]):
        weft.run(*words, "c_hello").expect_error(USAGE, f"run: {words[0]} is there twice$")
    weft.run("--env", "A=1", "--env", "B=2", "c_hello").expect(code=0)


@claim("a switch with a value is refused, and so is --control with an empty one")
def _(weft):
    for option in ("--label", "--stats", "--virtual-time"):
        for value in ("", "yes", "false"):
            weft.run(f"{option}={value}", "c_hello").expect_error(
                USAGE, f"{option} takes no value; write it without '={value}'")
    weft.run("--control=", "c_hello").expect_error(
        USAGE, "the value of --control is empty; leave out the '=', too")


@claim("an empty word where a file is wanted is called empty; a guest's own words may be")
def _(weft):
    for words in [["run"], ["exec"], ["test"], ["replay"], ["compile"], ["ps"], ["help"],
                  ["test", "--merge", "a.json"], ["run", "--"]]:
        weft.raw(*words, "").expect_error(USAGE, "the word '' is empty; is a variable of the shell")
    weft.run("c_args_env", "", "--deadline=").expect(
        code=0, out_has=["^arg $", "^arg --deadline=$"])
    for words in (["--env", "A="], ["--env=A="]):
        weft.run(*words, "c_args_env").expect(code=0, out_has="^env A=$")
    world = weft.scratch / "empty-invoke.toml"
    world.write_text(f'[[guest]]\nmodule = "{weft.guest("c_hello")}"\ninvoke = ""\n')
    weft.run("--virtual-time", "--world", world).expect_error(
        LOAD_ERROR, ":3: invoke wants the name of a function")
    weft.raw("compile", "--cc", " ", weft.guest("c_hello")).expect_error(
        USAGE, "--cc: wants a command, not ' '")
