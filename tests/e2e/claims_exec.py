# SPDX-License-Identifier: Apache-2.0
"""weft exec: what `go run -exec` and `go test -exec` start in place of Go's own runner."""

import os
import pathlib
import subprocess

from harness import LOAD_ERROR, TIMEOUT_S, USAGE, claim

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

GO_TEST = """package answer

import (
	"os"
	"testing"
)

func TestReadsItsTestdata(t *testing.T) {
	text, err := os.ReadFile("testdata/answer.txt")
	if err != nil || string(text) != "42" {
		t.Fatal(text, err)
	}
	if err := os.WriteFile(t.TempDir()+"/scratch", text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDeepRecursion(t *testing.T) {
	var down func(n int) int
	down = func(n int) int {
		if n == 0 {
			return 0
		}
		return 1 + down(n-1)
	}
	if down(100000) != 100000 {
		t.Fatal("wrong depth")
	}
}

func TestThatFails(t *testing.T) {
	if os.Getenv("PATH") != "" {
		t.Fatal("on purpose")
	}
}
"""


def exec_guest(weft, *words, **settings):
    return weft.raw("exec", weft.guest("go_where"), *words, **settings)


@claim("weft exec: a Go program finds itself in the directory it was started in")
def _(weft):
    here = weft.scratch / "here"
    here.mkdir()
    (here / "beside.txt").write_text("found")
    exec_guest(weft, "a", "-b", cwd=here).expect(code=2, err="", out=(
        f"in {here.resolve()} <nil>\nargs [a -b]\npath {weft.environment['PATH']}\n"
        'read "found" <nil>\nread "found" <nil>\n'))


@claim("weft exec: PWD keeps the name of a symbolic link, and is not believed when it is wrong")
def _(weft):
    real = weft.scratch / "real"
    real.mkdir()
    link = weft.scratch / "link"
    link.symlink_to("real")
    for pwd, expected in [(link, link), ("/usr", real.resolve()), ("real", real.resolve())]:
        with weft.start_raw("exec", weft.guest("go_where"), cwd=real,
                            env={**weft.environment, "PWD": str(pwd)}) as run:
            run.finish().expect(code=0, out_has=f"^in {expected} <nil>$")


@claim("weft exec: --env and --dir add to what Go's runner gives; ::: is an argument")
def _(weft):
    extra = weft.scratch / "extra"
    extra.mkdir()
    weft.raw("exec", "--env", "PATH=/mine", "--dir", f"{extra}::/extra", weft.guest("go_where"),
             ":::").expect(code=1, out_has=[r"^args \[:::\]$", r"^path /mine$"])


@claim("weft exec: wrong use and a missing module are told from a program's own failure")
def _(weft):
    weft.raw("exec").expect_error(USAGE, "no module")
    weft.raw("exec", "--frobnicate", "x.wasm").expect_error(USAGE, "--frobnicate", "weft exec")
    weft.raw("exec", "no-such.test").expect_error(LOAD_ERROR, "no-such.test")
    weft.raw("exec", "--help").expect(code=0, out_has=["go test -exec", "PWD"])


def go_environment(weft):
    return {**os.environ, **weft.environment, "GOOS": "wasip1", "GOARCH": "wasm",
            "GOTOOLCHAIN": "local", "GOFLAGS": "", "GO111MODULE": "off", "CGO_ENABLED": "0"}


@claim("go test -exec 'weft exec': testdata, temporary files, deep recursion, a failure")
def _(weft):
    package = weft.scratch / "answer"
    (package / "testdata").mkdir(parents=True)
    (package / "testdata" / "answer.txt").write_text("42")
    (package / "answer_test.go").write_text(GO_TEST)
    go = subprocess.run(
        [ROOT / "scripts/go.sh"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [go, "test", "-v", "-vet=off", f"-exec={weft.binary} exec", "."], cwd=package,
        env=go_environment(weft), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    for line in ["--- PASS: TestReadsItsTestdata", "--- PASS: TestDeepRecursion",
                 "--- FAIL: TestThatFails"]:
        assert line in said, said
