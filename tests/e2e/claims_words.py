# SPDX-License-Identifier: Apache-2.0
"""The words of the command line: times and sizes, help, typos, and what a newcomer writes first."""

import os
import re
import select
import shutil
import subprocess

from harness import LOAD_ERROR, TRAP, USAGE, claim

TIMES = ["--deadline", "--total-deadline", "--grace", "--schedtrace"]
VIRTUAL_TIMES = ["--cost", "--jitter", "--max-time"]
SIZES = ["--memory", "--stack", "--output", "--total-memory", "--total-stack", "--total-output"]
COUNTS = ["--fuel", "--tables", "--fds", "--total-fuel", "--total-tables", "--total-fds"]


@claim("a time without a unit is refused by every option of a time, and told what to write")
def _(weft):
    for mode, options in [([], TIMES), (["--virtual-time"], VIRTUAL_TIMES)]:
        for option in options:
            weft.run(*mode, option, "3", "c_hello").expect_error(
                USAGE, f"{option} wants a time with a unit, .*, not '3'; for seconds write 3s")


@claim("1.5s, 100ms, 3m, 2h and 1h30m are times; 64M, 1.5G and 512K are sizes; 10K is a count")
def _(weft):
    for option in TIMES:
        # It does not use up a deadline in virtual time, on no machine.
        mode = ["--virtual-time"] if "deadline" in option else []
        for word in ["1.5s", "100ms", "3m", "1h"]:
            weft.run(*mode, option, word, "c_hello").expect(code=0, out="hello from c\n")
    for option in VIRTUAL_TIMES:
        for word in ["1.5s", "2h", "1h30m"]:
            weft.run("--virtual-time", option, word, "c_hello").expect(code=0)
    for option in SIZES:
        for word in ["64M", "0.5G", "16384K", "64MiB"]:
            weft.run(option, word, "c_hello").expect(code=0, out="hello from c\n")
        for word in ["64X", "M", "-1", "64 M", "1e9", ""]:
            weft.run(option, word, "c_hello").expect(code=USAGE, err_has="^weft: run: ")
    for option in COUNTS:
        weft.run(option, "100K", "c_hello").expect(code=0, out="hello from c\n")
        weft.run(option, "1.5", "c_hello").expect_error(USAGE, f"{option} wants a number from 1")


@claim("--memory 128K is two pages, 64M are 1,024, and a number alone is MiB")
def _(weft):
    for word, pages in [("256K", 4), ("2M", 32), ("2", 32), ("0.5M", 8)]:
        run = weft.run("--memory", word, "c_limits", "grow").expect(code=0)
        assert int(run.out.split()[0]) == pages, (word, run.out)
    weft.run("--memory", "1K", "c_hello").expect_error(USAGE, "a size from 64K to 4G")


@claim("a manifest takes times and sizes as the command line does")
def _(weft):
    world = weft.scratch / "sizes.toml"
    guest = f'[[guest]]\nmodule = "{weft.guest("c_hello")}"\n'
    world.write_text(guest + 'memory = "64M"\n')
    weft.run("--virtual-time", "--world", world).expect(code=0, out="hello from c\n")
    world.write_text(guest + 'memory = "64X"\n')
    weft.run("--virtual-time", "--world", world).expect_error(
        LOAD_ERROR, ":3: memory wants a size, as 512K, 64M or 1.5G, not '64X'")


@claim("weft guest.wasm runs it, with options before and arguments behind")
def _(weft):
    weft.raw(weft.guest("c_exit7")).expect(code=7, out="leaving with 7", err="")
    weft.raw("--env", "A=1", weft.guest("c_args_env"), "x").expect(code=0, out="arg x\nenv A=1\n")
    weft.raw("no-such.wasm").expect_error(LOAD_ERROR, "no-such.wasm: No such file")


@claim("'-' is a module on stdin, as a binary or as text")
def _(weft):
    for words in [["-"], ["run", "-"], ["run", "-n", "2", "-"]]:
        with open(weft.guest("c_exit7"), "rb") as module:
            weft.raw(*words, stdin=module).expect(code=7, out_has="leaving with 7")
    weft.raw("-", stdin='(module (func (export "_start")))').expect(code=0, out="", err="")
    weft.raw("run", "--record", "r", "-", stdin="").expect_error(USAGE, "modules in files.*not '-'")
    weft.raw("-", stdin="").expect_error(LOAD_ERROR, "stdin: ")


@claim("a .wat file runs; a slip in it is told with its line and column")
def _(weft):
    good = weft.scratch / "good.wat"
    good.write_text('(module (memory 1)\n  (func (export "_start") unreachable))\n')
    weft.raw("run", good).expect(code=TRAP, err_has="trap: unreachable executed")
    bad = weft.scratch / "bad.wat"
    bad.write_text('(module\n  (func (exprot "_start")))\n')
    weft.raw("run", bad).expect_error(LOAD_ERROR, r"bad\.wat:2:\d+: unexpected token")


@claim("weft help, help COMMAND, --help COMMAND and COMMAND --help tell the same; -V is --version")
def _(weft):
    assert weft.raw("help").expect(code=0, err="").out == weft.raw("--help").out
    for name in commands(weft):
        told = {weft.raw(*words).expect(code=0, err="").out
                for words in [["help", name], ["--help", name], [name, "--help"], [name, "-h"]]}
        assert len(told) == 1 and "Usage:" in told.pop(), name
    assert weft.raw("-V").out == weft.raw("--version").expect(code=0).out
    weft.raw("help", "rnu").expect_error(USAGE, "unknown command 'rnu'; did you mean 'run'")


def commands(weft):
    listed = weft.raw("help").out.split("\nCommands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.MULTILINE)


@claim("the options of run stand in groups, and the example of each group is good to run")
def _(weft):
    told = weft.raw("run", "--help").out
    groups = re.findall(r"^(\w[\w ]*):$", told, re.MULTILINE)
    assert groups == ["Usage", "Guest", "Limits", "Engine", "Time and order", "Output", "Options"]
    folder = weft.scratch / "examples"
    (folder / "data").mkdir(parents=True)
    for name in ["run", "exec", "test", "compile"]:
        listed = weft.raw(name, "--help").out
        examples = re.findall(rf"^  Example: weft {name} (.*) guest\.wasm$", listed, re.MULTILINE)
        assert len(examples) == {"run": 5, "exec": 5, "test": 6, "compile": 1}[name], examples
        for words in examples:
            weft.raw(name, *words.split(), weft.guest("c_hello"), cwd=folder).expect(
                code=0, out_has="hello from c" if name in ("run", "exec") else "")
    for line in told.splitlines():
        assert len(line) <= 100, line


@claim("a slip in a command, an option or a subcommand is answered with the word that was meant")
def _(weft):
    weft.raw("rnu", weft.guest("c_hello")).expect_error(USAGE, "'rnu'; did you mean 'run'")
    weft.run("--dedline", "3s", "c_hello").expect_error(USAGE, "did you mean '--deadline'")
    weft.run("--evn=A=1", "c_hello").expect_error(USAGE, "did you mean '--env'")
    weft.raw("compile", "--bonds=check", "x").expect_error(USAGE, "did you mean '--bounds'")
    weft.raw("cache", "lss").expect_error(USAGE, "there is no 'lss'; did you mean 'ls'")
    weft.raw("cache", "foo").expect_error(USAGE, "cache: there is no 'foo'; say ls or clear$")
    weft.raw("cache").expect_error(USAGE, "cache: say ls or clear$")
    weft.raw("run", "--foo", "c_hello").expect(code=USAGE, err_has="unknown option --foo$")
    weft.raw("test", "--seed5", "1", "x").expect_error(USAGE, "did you mean '--seed")


@claim("a word that is one of a few is told them; a path that leads nowhere is no command")
def _(weft):
    for words, says in [
            (["trace", "begin", "1"], "trace: WHAT: it is start or stop, not 'begin'"),
            (["replay", "--engine", "fast", "x"],
             "replay: --engine: it is interp, aot or jit, not 'fast'"),
            (["help", "--completion", "csh"], "help: --completion: it is bash, .* or fish, not 'c"),
            (["kill", "1", "x"], "kill: GUEST wants a number from 1 to [0-9]+, not 'x'")]:
        weft.raw(*words).expect_error(USAGE, says)
    weft.raw("./no-such").expect_error(LOAD_ERROR, r"^weft: \./no-such: No such file or directory$")
    (weft.scratch / "a-guest").write_bytes(weft.guest("c_hello").read_bytes())
    weft.raw("a-guest").expect_error(
        USAGE, "unknown command 'a-guest'; to run the file of that name: weft run a-guest$")


@claim("without XDG_RUNTIME_DIR the commands that ask a weft say how to name it")
def _(weft):
    for words in (["ps"], ["ps", "4711"], ["top"], ["kill", "4711", "--all"], ["dump"], ["stats"],
                  ["trace", "stop", "4711"]):
        weft.raw(*words).expect_error(
            2, "XDG_RUNTIME_DIR is not set; give the path of the socket that weft run "
            "--control=PATH has made$")
    weft.run("--control", "c_hello").expect_error(
        74, "XDG_RUNTIME_DIR is not set; name the socket: --control=PATH$")


@claim("options of wasmtime are answered with what weft has")
def _(weft):
    for word, answer in [("--mapdir=a::b", "--dir HOST::GUEST"), ("-W", "--memory"),
                         ("-S", "--listen"), ("-Smax=1", "--listen"),
                         ("--argv0=x", "first argument"), ("--preload=a=b", "links no modules")]:
        weft.run(word, "c_hello").expect_error(USAGE, f"unknown option {word}; .*{answer}")


@claim("--env NAME hands on weft's own variable; one that is not there is an error")
def _(weft):
    env = {**weft.environment, "HANDED": "on=2"}
    weft.run("--env", "HANDED", "c_args_env", env=env).expect(code=0, out="env HANDED=on=2\n")
    weft.run("--env", "HANDED", "c_args_env").expect_error(USAGE, "no variable HANDED here")


@claim("a guest gets ':::' by writing '::::', and '::::' by writing ':::::'")
def _(weft):
    weft.run("c_args_env", "::::", "a", ":::::", "a::::").expect(
        code=0, out="arg :::\narg a\narg ::::\narg a::::\n")


@claim("an option of weft behind the module of a guest that fails is pointed at, of others not")
def _(weft):
    hint = "hint: --stats stands behind .*c_exit7.wasm, so it went to the guest"
    weft.run("c_exit7", "--stats").expect(code=7, err_has=hint)
    weft.run("c_hello", ":::", "c_exit7", "--stats=1").expect(code=7, err_has=hint)
    weft.run("c_exit7", "--color", "-n", "--help").expect(code=7, err="")
    weft.run("c_args_env", "--stats").expect(code=0, err="")
    weft.run("--virtual-time", "c_exit7", "--stats").expect(code=7, err_has=hint)
    weft.raw("test", "--replay", weft.scratch / "hint", weft.guest("c_exit7"), "--once").expect(
        code=1, err_has="hint: --once stands behind .*c_exit7.wasm")
    weft.run("c_exit7", "/etc/passwd").expect(code=7, err_has="hint: /etc/passwd is a file here")
    weft.run("--dir", "/etc", "c_exit7", "/etc/passwd").expect(code=7, err="")


@claim("-n 3 behind the module of a guest that fails got no hint; a guest's own -n gets none")
def _(weft):
    hint = "hint: -n stands behind .*c_exit7.wasm, so it went to the guest"
    for words in (["-n", "3"], ["-n3"], ["x", "-n", "10"]):
        for time in ([], ["--virtual-time"]):
            weft.run(*time, "c_exit7", *words).expect(code=7, err_has=hint)
        weft.run("c_args_env", *words).expect(code=0, err="")
    for words in (["-n"], ["-n", "name"], ["-c", "3"], ["-h", "3"], ["-V", "3"], ["3", "-n"]):
        weft.run("c_exit7", *words).expect(code=7, err="")
    # What `go run -exec 'weft exec' . -n 3` calls: all words are the program's.
    weft.raw("exec", weft.guest("c_exit7"), "-n", "3").expect(code=7, err="")


@claim("a Go guest finds the files of --dir . and of other relative names, as a C guest does")
def _(weft):
    folder = weft.scratch / "go-root"
    (folder / "data").mkdir(parents=True)
    (folder / "note").write_text("in the root\n")
    (folder / "data" / "note").write_text("in data\n")
    guest = weft.guest("go_readfile")
    for words, name, text in [(["--dir", "."], "note", "in the root\n"),
                              (["--dir", "."], "./data/note", "in data\n"),
                              (["--dir", "data"], "data/note", "in data\n"),
                              (["--dir", "./data"], "/data/note", "in data\n"),
                              (["--dir", ".::/"], "note", "in the root\n")]:
        weft.raw("run", *words, guest, name, cwd=folder).expect(code=0, out=text, err="")


@claim("--label begins each line with its guest's name, also one that has no end")
def _(weft):
    for time_words in ([], ["--virtual-time", "--seed", 5]):
        run = weft.run("--label", *time_words, "c_hello", ":::", "c_exit7", ":::", "-n", "2",
                       "c_hello")
        run.expect(code=7, err="")
        assert sorted(run.lines()) == [
            "1 c_hello.wasm | hello from c", "2 c_exit7.wasm | leaving with 7",
            "3 c_hello.wasm | hello from c", "4 c_hello.wasm | hello from c"], run.out


@claim("a labelled run in virtual time is the same run, and its guests' lines stay whole")
def _(weft):
    words = ["--virtual-time", "--seed", 3, "--policy", "random", "--trace-hash"]
    guests = ["c_spinner", "a", ":::", "c_spinner", "b"]
    plain = weft.run(*words, *guests).expect(code=0)
    labelled = weft.run("--label", *words, *guests).expect(code=0, err=plain.err)
    assert [line.split(" | ")[1] for line in labelled.lines()] == plain.lines(), labelled.out


@claim("--label is in colours on a terminal, and not under NO_COLOR")
def _(weft):
    for env, coloured in [({}, True), ({"NO_COLOR": "1"}, False)]:
        ours, theirs = os.openpty()
        for time_words in ([], ["--virtual-time"]):
            weft.run("--label", *time_words, "c_hello", stdout=theirs,
                     env={**weft.environment, **env})
        os.close(theirs)
        ready, _, _ = select.select([ours], [], [], 0)
        shown = os.read(ours, 4096).decode() if ready else ""
        os.close(ours)
        assert ("\x1b[36m" in shown) == coloured and "hello from c" in shown, shown


@claim("a man page for weft and each command, which groff takes; completion that shells take")
def _(weft):
    for name in ["", *commands(weft)]:
        page = weft.raw("help", "--man", *([name] if name else [])).expect(code=0, err="").out
        for part in ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"]:
            assert f"\n.SH {part}\n" in page, (name, part)
        if shutil.which("groff"):
            checked = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, text=True,
                                     capture_output=True, check=True)
            assert checked.stderr == "", checked.stderr
    for shell in ["bash", "zsh", "fish"]:
        script = weft.raw("help", "--completion", shell).expect(code=0, err="").out
        assert "virtual-time" in script and "replay" in script, shell
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)
    weft.raw("help", "--completion", "csh").expect_error(USAGE, "csh")


@claim("bash completes commands, options of the command, and the values of an option")
def _(weft):
    script = weft.scratch / "weft.bash"
    script.write_text(weft.raw("help", "--completion", "bash").out)
    for words, wanted in [(["re"], {"replay", "report"}), (["run", "--virt"], {"--virtual-time"}),
                          (["run", "--bounds", "g"], {"guard"}), (["cache", "c"], {"clear"}),
                          (["run", "--engine", "a"], {"aot", "auto"})]:
        line = " ".join(["weft", *words])
        asked = (f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _weft; "
                 "printf '%s\\n' \"${COMPREPLY[@]}\"")
        out = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True,
                             cwd=weft.guests).stdout.split()
        assert wanted == set(out), (words, out)
