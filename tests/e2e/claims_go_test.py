# SPDX-License-Identifier: Apache-2.0
"""`weft test` on Go: goroutines that outlive main, and from a package to a verdict."""

import json
import shutil

from harness import USAGE, claim

LEAK_IN_TEST = """package pool

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestGood(t *testing.T) {
	text, err := os.ReadFile("testdata/text")
	if err != nil || string(text) != "text" {
		t.Fatal(err)
	}
	if err := os.WriteFile(t.TempDir()+"/made", text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLeak(t *testing.T) {
	results := make(chan int)
	go func() { results <- 1 }()
	select {
	case <-results:
	case <-time.After(0):
	}
}

func TestFails(t *testing.T) {
	sent := make(chan int, 1)
	sent <- 1
	t.Error("on purpose")
}

func TestHangs(t *testing.T) { <-make(chan int) }

func TestChdir(t *testing.T) {
	if err := os.WriteFile("made", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := os.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	here.Close()
}

var users int

func use(t *testing.T) {
	t.Parallel()
	users++
	runtime.Gosched()
	if users != 1 {
		t.Error("another test is here")
	}
	users--
}

func TestFirst(t *testing.T)  { use(t) }
func TestSecond(t *testing.T) { use(t) }
"""


def leaks(weft, *words, code, **expected):
    replay = weft.scratch / "leaks.replay"
    return weft.raw("test", "--leaks", "--seeds", 2, "--replay", replay, weft.guest("go_leaks"),
                    *words).expect(code=code, **expected)


@claim("weft test --leaks: a goroutine that nobody receives from is named, with its creator")
def _(weft):
    leaks(weft, "send", code=1, out_has=[
        r"fails: leak",
        r"^1 goroutine is blocked for ever after main has ended",
        r"^    goroutine \d+ \[chan send\]: main\.sendNobodyReceives\.func1 at "
        r".*leaks\.go:16, created by main\.sendNobodyReceives in goroutine 1 at .*leaks\.go:16$",
        r"^stdout:\n    main ends$"])
    weft.raw("replay", weft.scratch / "leaks.replay").expect(
        code=2, out="main ends\n",
        err_has=[r"^weft: leak: 1 goroutine is", "replayed: the same run"])


@claim("weft test --leaks: two goroutines that wait for each other's lock are a leak")
def _(weft):
    leaks(weft, "locks", code=1, out_has=[r"^2 goroutines are blocked", r"\[sync\.Mutex\.Lock\]"])


@claim("weft test --leaks: 2,000 goroutines that are blocked for ever are a leak as one is")
def _(weft):
    weft.raw("test", "--leaks", "--once", "--seeds", 1, "--replay", weft.scratch / "crowd.replay",
             weft.guest("go_leaks"), "crowd").expect(
        code=1, out_has=[r"fails: leak", r"^2000 goroutines are blocked for ever after main"])
    weft.raw("replay", weft.scratch / "crowd.replay").expect(
        code=2, err_has="replayed: the same run")


@claim("weft test --leaks: a timer that is due in a day hid a goroutine that is blocked for ever")
def _(weft):
    leaks(weft, "sleeps", "send", code=1, out_has=[
        r"^1 goroutine is blocked for ever after main", r"\[chan send\]: main\.sendNobodyReceives"])
    weft.raw("replay", weft.scratch / "leaks.replay").expect(
        code=2, err_has="replayed: the same run")
    leaks(weft, "sleeps", code=0, out_has=r": all pass$")


@claim("weft test --leaks: where a ticker goes on after main, the verdict says what is undecided")
def _(weft):
    undecided = "leaked goroutines: in some schedules others go on after main has ended"
    verdict = weft.scratch / "undecided.json"
    for words in ([], ["--jobs", 2], ["--dfs", "--bound", 0]):
        weft.raw("test", "--leaks", "--seeds", 2, *words, "--json", verdict, weft.guest("go_leaks"),
                 "ticks", "send").expect(code=0, out_has=rf"^not explored: {undecided}$")
        assert json.loads(verdict.read_text(encoding="utf-8"))["unexplored"] == [undecided]
    leaks(weft, "later", code=0, out_has=r"\A[^\n]*: all pass\n\Z")


@claim("weft test --leaks: goroutines that lock each other out while main still runs are named")
def _(weft):
    weft.raw("test", "--leaks", "--seeds", 2, "--max-time", "10s", "--replay",
             weft.scratch / "leaks.replay", weft.guest("go_leaks"), "main-waits").expect(
        code=1, out_has=[
            r"fails: time-out", r"^goroutines of guest 1 that wait:$",
            r"^    goroutine 1 \[select \(no cases\)\]: .* in main\.blockedWhileMainRuns ",
            r"^    goroutine \d+ \[sync\.Mutex\.Lock\]: main\.lockOrder\.func1 ",
            r"^    goroutine \d+ \[sync\.Mutex\.Lock\]: main\.lockOrder\.func2 "])


@claim("weft test --leaks: what goroutines do after main's end is no failure and not printed")
def _(weft):
    for word in ("later", "panic", "ticks", "exit-elsewhere", "finalizer"):
        leaks(weft, word, code=0, out_has=r"2 schedules, .*: all pass")
    expected = weft.scratch / "expected"
    expected.write_text("main ends\n", encoding="utf-8")
    weft.raw("test", "--leaks", "--seeds", 2, "--expect", expected, weft.guest("go_leaks"),
             "later").expect(code=0)


@claim("weft test looks for leaks only when it is told, of one guest, and does nothing to C")
def _(weft):
    module = weft.guest("go_leaks")
    weft.raw("test", "--seeds", 2, module, "send").expect(code=0)
    weft.raw("test", "--leaks", "--no-leaks", "--seeds", 2, module, "send").expect(code=0)
    weft.raw("test", "--leaks", "--seeds", 2, weft.guest("c_hello")).expect(code=0)
    weft.raw("test", "--leaks", module, ":::", module).expect_error(
        USAGE, "--leaks is for one guest")


@claim("weft test --go: from a Go package to a verdict", "speed")
def _(weft):
    package = weft.scratch / "pool"
    (package / "testdata").mkdir(parents=True, exist_ok=True)
    (package / "testdata" / "text").write_text("text", encoding="utf-8")
    (package / "go.mod").write_text("module example.com/pool\n\ngo 1.21\n", encoding="utf-8")
    (package / "pool_test.go").write_text(LEAK_IN_TEST, encoding="utf-8")
    (package / "empty").mkdir(exist_ok=True)
    (package / "empty" / "empty.go").write_text("package empty\n", encoding="utf-8")

    binary = package / "pool.test.wasm"

    def go(test, code, out_has, what=binary):
        # Which seed finds a failure differs between versions of Go.
        weft.raw("test", "--go", what, "-run", test, "--seeds", 100 if code else 2,
                 cwd=package).expect(code=code, out_has=out_has)

    go("TestGood", 0, r"2 schedules, .*: all pass", what=".")
    go("TestLeak", 1, [r"fails: leak", r"\[chan send\]: example\.com/pool\.TestLeak\.func1"])
    weft.raw("replay", "pool.test.wasm.replay", cwd=package).expect(
        code=2, err_has="replayed: the same run")
    go("TestFails", 1, [r"exited with 1$", r"^stdout:\n    --- FAIL: TestFails",
                        r"(?s)\A(?!.*goroutine \d+: [^\n]* in testing\.)",
                        r"^    goroutine \d+: chan send in example\.com/pool\.TestFails at "])
    # Go's own time limit: ten minutes, which are virtual.
    go("TestHangs", 1, [r"exited with 2$", r"^    panic: test timed out after 10m0s"])
    # As in the package's folder: "." is there, and is written to.
    go("TestChdir", 0, r"2 schedules, .*: all pass")
    # Natively as many run at once as there are processors; -v is a flag of go test.
    go("TestFirst|TestSecond", 1, r"another test is here")
    weft.raw("test", "--go", binary, "--run", "TestFirst|TestSecond", "-v", "-parallel", 1,
             "--seeds", 20, cwd=package).expect(code=0)
    weft.raw("test", "--go", binary, "-run=TestGood", "--seeds", 2, "--dir",
             f"{package / 'testdata'}::/testdata", cwd=package).expect(code=0)
    weft.raw("test", "--go", "./empty", cwd=package).expect_error(USAGE, "./empty has no tests")
    for flags in ([], ["-ldflags", "-s"]):
        weft.raw("test", "--go", "./none", *flags, cwd=package).expect(
            code=USAGE, err_has="go list can't find")
    weft.raw("test", "--go", ".", ":::", binary, cwd=package).expect_error(USAGE, "one guest")
    weft.raw("test", "--go", ".", "-race", cwd=package).expect_error(USAGE, "-race is not there")
    shutil.rmtree(package)
