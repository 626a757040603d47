#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a user's machine has does not change what ./quickstart and ./check do.

    tests/surroundings_test.py [WEFT GUESTDIR]

Each test makes surroundings that once made something fail, or could: variables of compilers, a
wasm-opt for clang to find, a newer clang, ignored signals, another locale and umask, no HOME, no
terminal, a path with blanks. WEFT and what tests/guests/build.py filled are for the tests that need
a binary; without them, these are left out. The last line is `N passed, N failed`.
"""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLAINLY = ROOT / "scripts" / "plainly"
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"

# Each of these once chose, or could choose, how something is built or what it prints.
SETTINGS = {
    "CC": "/bin/false", "CXX": "/bin/false", "CFLAGS": "-O0 -Wnonsense", "CXXFLAGS": "-std=c++98",
    "CPPFLAGS": "-DNDEBUG", "LDFLAGS": "-lnonsense", "CPATH": "/proc", "C_INCLUDE_PATH": "/proc",
    "LIBRARY_PATH": "/proc", "CCC_OVERRIDE_OPTIONS": "#^-flto", "PKG_CONFIG_PATH": "/proc",
    "GOFLAGS": "-race", "GOROOT": "/proc", "GOOS": "plan9", "GOENV": "/proc/nothing",
    "GOEXPERIMENT": "nonsense", "GO111MODULE": "on", "GOWORK": "/proc/go.work",
    "XDG_CACHE_HOME": "not/absolute", "XDG_CONFIG_HOME": "/proc", "PYTHONPATH": "/proc",
    "NINJA_STATUS": "nonsense", "LANG": "tr_TR.UTF-8", "LANGUAGE": "tr", "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Asia/Kathmandu", "POSIXLY_CORRECT": "1", "GIT_DIR": "/proc", "BASH_ENV": "/proc/nothing",
}

PROGRAMS = {
    "hello.c": '#include <stdio.h>\nint main(void) { puts("hello"); }\n',
    "hello.go": "package main\n\nfunc main() { println(1) }\n",
    "hello.wat": '(module $hello (func (export "_start")))\n',
}


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)


def hostile_environment(scratch):
    """A user's variables, and a PATH whose first folder has tools that do harm."""
    tools = scratch / "tools"
    tools.mkdir()
    # clang's driver runs it as `wasm-opt MODULE OPTIONS... -o MODULE`.
    executable(tools / "wasm-opt", '#!/bin/sh\necho gone > "$1"\n')
    executable(tools / "clang", "#!/bin/sh\necho clang version 99.0.0\n[ $1 = --version ]\n")
    return {**SETTINGS, "PATH": f"{tools}:{SYSTEM}", "HOME": str(scratch / "no such home")}


def ignore_signals():
    for sig in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1):
        signal.signal(sig, signal.SIG_IGN)
    os.umask(0o077)


def run(words, environment, **settings):
    """As a script's background job that has no terminal and little permission."""
    return subprocess.run(
        words, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, preexec_fn=ignore_signals, restore_signals=False, start_new_session=True,
        **settings)


def expect(done, code=0):
    assert done.returncode == code, f"{done.args} ended with {done.returncode}\n" \
        f"{done.stdout}{done.stderr}"
    return done.stdout


# ---- plainly -------------------------------------------------------------------------------------


def test_plainly_keeps_where_things_are_and_nothing_else(scratch):
    kept = {"HOME": str(scratch), "WEFT_GO": "/go", "TERM": "vt100", "CCACHE_DIR": "/cc",
            "http_proxy": "http://proxy", "ASAN_OPTIONS": "verbosity=0"}
    environment = {**hostile_environment(scratch), **kept}
    seen = dict(line.partition("=")[::2] for line in
                expect(run([PLAINLY, "env"], environment)).splitlines())
    path = seen.pop("PATH")
    assert path == f"{SYSTEM}:{environment['PATH']}", path
    for own in ["_", "SHLVL", "PWD", "OLDPWD"]:
        seen.pop(own, None)
    assert seen == {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", "WEFT_PLAIN": "1"}, seen


def test_plainly_gives_signals_and_umask_their_defaults(scratch):
    status = "import os\nprint(open('/proc/self/status').read(), oct(os.umask(0)))"
    said = expect(run([PLAINLY, "/usr/bin/python3", "-c", status], hostile_environment(scratch)))
    ignored = int(re.search(r"SigIgn:\s*(\w+)", said)[1], 16)
    # Python itself ignores SIGPIPE and SIGXFSZ.
    assert ignored & ~(1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0, hex(ignored)
    assert said.rstrip().endswith("0o22"), said


def test_plainly_finds_a_home_when_there_is_none(scratch):
    for home in [{"HOME": str(scratch / "none")}, {"HOME": ""}, {}]:
        said = expect(run([PLAINLY, "sh", "-c", 'touch "$HOME/here" && echo "$HOME"'],
                          {"PATH": SYSTEM, **home}))
        assert said == f"{ROOT}/build/home\n", said


def test_plainly_passes_words_and_exit_codes(scratch):
    environment = hostile_environment(scratch)
    words = ["sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", "", "*"]
    assert expect(run([PLAINLY, *words], environment), code=7) == "a b||*|"
    assert expect(run([PLAINLY, PLAINLY, *words], environment), code=7) == "a b||*|"


# ---- guests --------------------------------------------------------------------------------------


def built_guests(sources, outdir, environment):
    sources.mkdir()
    for name, text in PROGRAMS.items():
        (sources / name).write_text(text)
    expect(run(["/usr/bin/python3", ROOT / "scripts/build_guests.py", sources, outdir],
               environment))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in outdir.glob("*.wasm")}


def test_guests_are_the_same_whatever_the_user_has(scratch):
    wanted = built_guests(scratch / "sources", scratch / "plain", {"PATH": SYSTEM})
    assert sorted(wanted) == ["c_hello.wasm", "go_hello.wasm", "wat_hello.wasm"], wanted
    got = built_guests(scratch / "sources elsewhere", scratch / "of a user",
                       hostile_environment(scratch))
    assert got == wanted, [name for name in wanted if got.get(name) != wanted[name]]


# ---- scripts/retried -----------------------------------------------------------------------------

def test_a_fetch_that_fails_for_a_moment_is_tried_again(scratch):
    command = scratch / "fetches"
    executable(command, '#!/bin/sh\necho x >> "$0.calls"\n'
                        'test "$(wc -l < "$0.calls")" -gt "$1" || exit 9\n')
    for fails, pauses, code, calls in [(0, "0 0", 0, 1), (2, "0 0", 0, 3), (3, "0 0", 9, 3),
                                       (1, "", 9, 1)]:
        done = run([ROOT / "scripts/retried", command, str(fails)],
                   {"PATH": SYSTEM, "WEFT_PAUSES": pauses})
        expect(done, code=code)
        counted = pathlib.Path(f"{command}.calls")
        assert counted.read_text().count("x") == calls, (fails, pauses)
        assert done.stderr.count(f"'{command}' failed with 9; it is run again") == calls - 1, done
        counted.unlink()


def test_apt_lists_and_packages_that_a_mirror_refuses_once_are_fetched_again(scratch):
    tree, tools = scratch / "tree", scratch / "tools"
    shutil.copytree(ROOT / "scripts", tree / "scripts")
    tools.mkdir()
    # Each command fails when it is called for the first time. The needs of a build are then there.
    executable(tools / "apt-get", f"""#!/bin/sh
echo "$@" >> "{scratch}/called"
test "$(grep -cxF -- "$*" "{scratch}/called")" -gt 1 || {{ echo 'E: 503' >&2; exit 100; }}
case "$*" in *install*) touch "{scratch}/installed" ;; esac
""")
    executable(tools / "meson", f"#!/bin/sh\ntest -e '{scratch}/installed' && echo 1.0\n")
    executable(tools / "sudo", '#!/bin/sh\nexec "$@"\n')
    said = expect(run([tree / "scripts/deps.sh", "build"],
                      {"PATH": f"{tools}:{SYSTEM}", "WEFT_PAUSES": "0"}))
    assert said.endswith("deps: done\n"), said
    called = (scratch / "called").read_text().splitlines()
    assert len(called) == 4 and len(set(called)) == 2, called
    log = (tree / "build/logs/apt.log").read_text()
    assert log.count("'apt-get' failed with 100; it is run again in 0 s") == 2, log


# ---- scripts/rust.sh -----------------------------------------------------------------------------

# Has a standard library for WASI, and says what it is given.
RUSTC = """#!/bin/sh
case "$*" in *"--print sysroot"*) dirname "$(dirname "$0")" ;; *) echo "rustc $*" ;; esac
"""
# Its packages are fetched. The last one can't be unpacked while there is a file $BROKEN.
PACKAGES = {
    "apt-get": """#!/bin/sh
case "$*" in
  indextargets*) cat "$LISTS" ;;
  *update) echo "$LISTS" >"$LISTS" ;;
  *download*) [ -s "$LISTS" ] || { echo "E: Unable to locate package" >&2; exit 100; }
    touch 1.deb 2.deb ;;
esac
""",
    "apt-cache": "#!/bin/sh\necho '  Depends: libstd-rust-1.63'\n",
    "dpkg": """#!/bin/sh
case "$2" in
  */1.deb) mkdir -p "$3/usr/bin" "$3/usr/lib"; touch "$3/usr/lib/librustc_driver-1.so"
    cp "$RUSTC" "$3/usr/bin" ;;
  *) [ ! -e "$BROKEN" ] || exit 1
    mkdir -p "$3/usr/lib/rustlib/wasm32-wasi/lib"
    touch "$3/usr/lib/rustlib/wasm32-wasi/lib/libstd-1.rlib" ;;
esac
""",
}


def rust_tree(scratch, packages):
    """A copy of rust.sh in a folder with a blank, and what it runs with."""
    tree, tools = scratch / "a tree", scratch / "tools"
    (tree / "scripts").mkdir(parents=True)
    tools.mkdir()
    for name in ["rust.sh", "retried"]:
        shutil.copy(ROOT / "scripts" / name, tree / "scripts")
    for name, text in packages.items():
        executable(tools / name, text)
    (scratch / "lists").touch()
    executable(scratch / "rustc", RUSTC)
    return tree / "scripts/rust.sh", {
        "PATH": f"{tools}:{SYSTEM}", "WEFT_RUSTC": "/bin/false", "WEFT_PAUSES": "0",
        "LISTS": str(scratch / "lists"),
        "BROKEN": str(scratch / "broken"), "RUSTC": str(scratch / "rustc")}


def test_an_installed_rustc_in_a_folder_with_a_blank_builds_guests(scratch):
    script, environment = rust_tree(scratch, {})
    library = scratch / "my rust/lib/rustlib/wasm32-wasip1/lib/libstd-1.rlib"
    library.parent.mkdir(parents=True)
    library.touch()
    rustc = scratch / "my rust/bin/rustc"
    rustc.parent.mkdir()
    executable(rustc, RUSTC)
    found = expect(run([script], {**environment, "WEFT_RUSTC": str(rustc)})).strip()
    assert expect(run([found, "a b"], environment)) == "rustc --target wasm32-wasip1 a b\n"


def test_a_rust_that_was_half_unpacked_is_unpacked_again(scratch):
    script, environment = rust_tree(scratch, PACKAGES)
    (scratch / "broken").touch()
    expect(run([script], environment), code=1)
    (scratch / "broken").unlink()
    found = expect(run([script], environment)).strip()
    said = expect(run([found, "a b"], environment))
    assert said.endswith(" --target wasm32-wasi a b\n"), said


def test_without_any_rust_the_guests_fail_with_one_line_that_says_why(scratch):
    script, environment = rust_tree(scratch, {
        "apt-get": "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n"})
    done = run([script], environment)
    expect(done, code=1)
    assert done.stderr == ("rust: no rustc here builds for WASI: apt has no lists, and "
                           "'apt-get update' failed (no network)\n"), done.stderr
    for folder in ["scripts", "sources"]:
        (scratch / folder).mkdir()
    for name in ["build_guests.py", "rust.sh", "retried"]:
        shutil.copy(ROOT / "scripts" / name, scratch / "scripts")
    (scratch / "sources/hello.rs").write_text("fn main() {}\n")
    done = run(["/usr/bin/python3", scratch / "scripts/build_guests.py", scratch / "sources",
                scratch / "out"], environment)
    expect(done, code=1)
    assert done.stderr.startswith("guests: error: ") and done.stderr.count("\n") == 1, done.stderr
    assert "(no network)" in done.stderr, done.stderr


# ---- scripts/deps.sh -----------------------------------------------------------------------------

def test_deps_without_install_says_what_is_missing_and_calls_no_apt(scratch):
    tools = scratch / "few tools"
    tools.mkdir()
    for name in ["bash", "env", "dirname", "awk", "sed", "head", "tr", "sort", "mkdir", "cat"]:
        (tools / name).symlink_to(f"/usr/bin/{name}")
    called = scratch / "called"
    executable(tools / "apt-get", f'#!/usr/bin/bash\necho "$@" >> "{called}"\n')
    executable(tools / "apt-cache", "#!/usr/bin/bash\n")
    said = expect(run([ROOT / "scripts/deps.sh", "--no-install", "build"], {"PATH": str(tools)}),
                  code=1)
    assert re.search(r"^  g\+\+ +the C\+\+20 compiler$", said, re.MULTILINE), said
    assert re.search(r"^deps: to install it: apt-get install .* g\+\+ ", said, re.MULTILINE), said
    assert not called.exists(), called.read_text()


def test_deps_finds_all_that_check_needs(scratch):
    words = [ROOT / "scripts/deps.sh", "--no-install", "build", "guests", "tests", "bench"]
    environment = hostile_environment(scratch)
    # Rust's own installer puts cargo and its toolchain below HOME, which is broken here.
    if cargo := shutil.which("cargo"):
        environment["PATH"] += f":{pathlib.Path(cargo).parent}"
    for name, folder in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")]:
        environment[name] = os.environ.get(name, str(pathlib.Path.home() / folder))
    assert expect(run([PLAINLY, *words], environment)) == ""


# ---- with a binary -------------------------------------------------------------------------------


def test_claims_about_signals_hold_in_a_background_job(scratch, weft, guests):
    environment = hostile_environment(scratch)
    for part in ["Ctrl-C", "a signal "]:
        words = [ROOT / "tests/e2e/run.py", weft, guests, "--filter", part]
        said = expect(run(words, environment, timeout=1_800))
        assert re.search(r"[1-9]\d* passed, 0 failed\n$", said), said


def test_quickstart_shows_its_demo_without_a_terminal(scratch):
    said = expect(run([ROOT / "quickstart", "--no-install"], hostile_environment(scratch)))
    assert "==> 4/4 demo" in said and "==> done" in said, said
    assert "\r" not in said and "\x1b" not in said, said


def main(arguments):
    if len(arguments) not in (0, 2):
        print(__doc__.strip(), file=sys.stderr)
        return 64
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    passed = failed = 0
    for name, test in tests:
        needs_binary = "quickstart" in name or "weft" in test.__code__.co_varnames[:3]
        if needs_binary and not arguments:
            continue
        try:
            with tempfile.TemporaryDirectory(prefix="weft-surroundings-") as folder:
                own = [pathlib.Path(word).resolve() for word in arguments] if (
                    "guests" in test.__code__.co_varnames[:3]) else []
                test(pathlib.Path(folder), *own)
            passed += 1
            print(f"ok    {name}", flush=True)
        except Exception as failure:  # A broken test is a failed test, not the end of the run.
            failed += 1
            print(f"FAIL  {name}: {type(failure).__name__}: {failure}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
