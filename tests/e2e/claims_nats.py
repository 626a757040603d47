# SPDX-License-Identifier: Apache-2.0
"""A search on many machines: weft test --nats and weft worker, on a real nats-server."""

import contextlib
import json
import re
import shutil
import signal
import subprocess

import harness
from broken_workers import Killer, Liar
from claims_shards import FAILS, PASSES, folder, named, without_times
from harness import LOAD_ERROR, TIMEOUT_S, USAGE
from nats_server import NatsServer, Workers
from processes import children_of, wait_for


def claim(text):
    """A claim of a weft with NATS: one that was built without it fails at once, and says so."""
    def add(body):
        def tried(weft):
            assert "with NATS" in weft.raw("--version").out, (
                "this weft was built without NATS: install libnats-dev, and build it with "
                "-Dnats=enabled")
            body(weft)
        return harness.claim(text)(tried)
    return add


@contextlib.contextmanager
def started(weft, *words, cwd):
    """weft test in the background; it is ended when the claim is."""
    with subprocess.Popen([weft.binary, "test", *named(weft, words)], cwd=cwd,
                          env=weft.environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@claim("a worker that is killed and a server that is started again change nothing in the verdict")
def _(weft):
    where = folder(weft, "nats-killed")
    one = folder(weft, "nats-one")
    words = ["--seeds", "3..2002", *PASSES]
    whole = weft.raw("test", "--json", one / "j", *named(weft, words), cwd=one).expect(code=0)
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        workers.start()
        with started(weft, "--nats", server.url(), "--parts", "20", "--json", where / "j", *words,
                     cwd=where) as master:
            workers.kill_one_at_work()
            server.restart()
            workers.start()
            workers.start()
            out, err = master.communicate(timeout=TIMEOUT_S)
        assert (master.returncode, out) == (0, whole.out), err + workers.log()
        assert without_times(where / "j") == without_times(one / "j")
        assert json.loads((where / "j").read_text())["schedules"] == 2000
        wait_for(lambda: not server.streams())
        assert workers.end() == [0, 0]
        assert [path.name for path in (where / "workers").iterdir()] == ["log"]


@claim("the first failure ends the search everywhere; with --keep-going all seeds are run")
def _(weft):
    where = folder(weft, "nats-fails")
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        workers.start()
        workers.start()
        for name, words in [("first", ["--seeds", "5..400", *FAILS]),
                            ("all", ["--seeds", "5..400", "--keep-going", *FAILS]),
                            ("pct", ["--seeds", "400", "--policy", "pct", *FAILS])]:
            one = folder(weft, f"nats-one-{name}")
            far = folder(weft, f"nats-far-{name}")
            whole = weft.raw("test", "--json", one / "j", *named(weft, words), cwd=one)
            done = weft.raw("test", "--nats", server.url(), "--parts", "12", "--json", far / "j",
                            *named(weft, words), cwd=far)
            done.expect(code=whole.code, out=whole.out)
            assert without_times(far / "j") == without_times(one / "j")
            if whole.code:
                replay = "c_ticker.wasm.replay"
                assert (far / replay).read_bytes() == (one / replay).read_bytes()


@claim("arguments, variables, stdin and the expected output travel; options of the machine do not")
def _(weft):
    where = folder(weft, "nats-travels")
    (where / "in").write_text("one\ntwo\n")
    cat = weft.guest("c_cat")
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        workers.start()
        words = ["--stdin", "in", "--expect", "in", "--seeds", "20", cat]
        weft.raw("test", "--nats", server.url(), *words, cwd=where).expect(code=0)
        weft.raw("test", "--nats", server.url(), "--seeds=9", "--empty-dir=/tmp", "--env=A=1",
                 "-n2", weft.guest("c_args_env"), "x", "-y", "::::", cwd=where).expect(code=0)
        for words, pattern in [(["--dir", "."], "--dir does not go with --nats: directories do"),
                               (["--cc", "cc"], "--cc does not go with --nats"),
                               (["--jobs", "2"], "--jobs does not go with --nats: the workers"),
                               (["--shard", "1/2"], "--shard does not go with --nats")]:
            weft.raw("test", "--nats", server.url(), *words, cat).expect_error(USAGE, pattern)


@claim("Ctrl-C ends the master: the streams go, and the workers wait for the next search")
def _(weft):
    where = folder(weft, "nats-interrupted")
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        worker = workers.start()
        with started(weft, "--nats", server.url(), "--parts", "1000", "--seeds", "80000000",
                     *PASSES, cwd=where) as master:
            wait_for(lambda: list((where / "workers").glob("weft-worker-*/*/run")))
            assert any(name.startswith("WEFT_") for name in server.streams())
            master.send_signal(signal.SIGINT)
            master.communicate(timeout=TIMEOUT_S)
        assert master.returncode == -signal.SIGINT
        wait_for(lambda: not server.streams())
        wait_for(lambda: not list((where / "workers").glob("weft-worker-*/*/run")))
        assert worker.poll() is None
        weft.raw("test", "--nats", server.url(), "--seeds", "20",
                 *named(weft, PASSES)).expect(code=0)
        assert workers.end() == [0]


@claim("a master that is stopped for longer than the workers wait for it loses no part")
def _(weft):
    where = folder(weft, "nats-stopped")
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers",
                    ["--master-timeout", "2s"]) as workers:
        workers.start()
        with started(weft, "--nats", server.url(), "--parts", "5", "--seeds", "400", *PASSES,
                     cwd=where) as master:
            workers.stop_one_at_work()
            master.send_signal(signal.SIGSTOP)
            wait_for(lambda: "nothing is heard of it; part 1 is given back" in workers.log())
            master.send_signal(signal.SIGCONT)
            out, err = master.communicate(timeout=TIMEOUT_S)
        assert master.returncode == 0, err + workers.log()
        assert "400 schedules" in out, out
        assert workers.end() == [0]


@claim("a server that comes back without its store ends the search, and says which stream is lost")
def _(weft):
    where = folder(weft, "nats-lost")
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        workers.start()
        with started(weft, "--nats", server.url(), "--parts", "5", "--seeds", "400", *PASSES,
                     cwd=where) as master:
            workers.stop_one_at_work()
            server.stop()
            shutil.rmtree(where / "server" / "store")
            server.start()
            _, err = master.communicate(timeout=TIMEOUT_S)
        assert master.returncode == 2, (master.returncode, err)
        assert re.search("the server has lost the stream (OBJ_weft-|WEFT_)[0-9a-f]+", err), err


@claim("a worker that may not read the parts says so, once for each search")
def _(weft):
    where = folder(weft, "nats-forbidden")
    users = ('authorization { users: [ { user: "all", password: "p" }, { user: "few", password: '
             '"p", permissions: { publish: { deny: "$JS.API.CONSUMER.>" } } } ] }\n')
    with NatsServer(where / "server", config=users) as server, \
            Workers(weft.binary, weft.environment, server.url("few:p"),
                    where / "workers") as workers:
        workers.start()
        with started(weft, "--nats", server.url("all:p"), "--seeds", "9", *PASSES,
                     cwd=where) as master:
            wait_for(lambda: "this user of the server may not take its parts" in workers.log())
            master.send_signal(signal.SIGINT)
            master.communicate(timeout=TIMEOUT_S)
        assert workers.end() == [0]
        assert workers.log().count("may not take its parts") == 1, workers.log()


@claim("a worker that acks parts and answers nonsense changes nothing in the verdict")
def _(weft):
    where = folder(weft, "nats-liar")
    one = folder(weft, "nats-liar-one")
    words = ["--seeds", "240", *PASSES]
    whole = weft.raw("test", "--json", one / "j", *named(weft, words), cwd=one).expect(code=0)
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        liar = Liar(server.port, parts=12)
        liar.start()
        with started(weft, "--nats", server.url(), "--parts", "12", "--json", where / "j", *words,
                     cwd=where) as master:
            assert liar.done.wait(TIMEOUT_S), "nobody gave it parts"
            workers.start()
            out, err = master.communicate(timeout=TIMEOUT_S)
        assert (master.returncode, out) == (0, whole.out), err + workers.log()
        assert without_times(where / "j") == without_times(one / "j")
        assert workers.end() == [0]
    for said in (r"test: part \d+ of 12: worker : a damaged report: .*; it is given out again",
                 r"test: part \d+ of 12: worker liar: .* which is no verdict; it is given out",
                 r"test: \d+ parts were lost on their way; they are given out again"):
        assert re.search(said, err), (said, err)


@claim("a worker whose children die each time is named; a search has another one, or ends")
def _(weft):
    where = folder(weft, "nats-dies")
    one = folder(weft, "nats-dies-one")
    # A part takes seconds, on a slow build as on a fast one: it does not end before its kill.
    tried = weft.raw("test", "--seeds", 200, *named(weft, PASSES), cwd=one).expect(code=0)
    seeds = min(40_000, int(200 / tried.seconds * 8))
    words = ["--seeds", str(seeds), *PASSES]
    whole = weft.raw("test", "--json", one / "j", *named(weft, words), cwd=one).expect(code=0)
    died = r"part \d+ of \d+: worker [^:]+/{}: the process that ran it ended with 137.*"
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        broken = workers.start()
        named_so = died.format(broken.pid)
        with Killer(broken) as killer:
            with started(weft, "--nats", server.url(), "--parts", "1", "--seeds",
                         str(seeds * 3 // 2), *PASSES, cwd=where) as master:
                _, err = master.communicate(timeout=TIMEOUT_S)
            assert master.returncode == 2 and killer.kills >= 3, (master.returncode, err)
            assert re.search(rf"^weft: (test: )?{named_so}$", err.splitlines()[-1]), err
            # With three kills of a part the search would end before the other worker comes.
            killer.left = 1
            with started(weft, "--nats", server.url(), "--parts", "2", "--json", where / "j",
                         *words, cwd=where) as master:
                wait_for(lambda: killer.left == 0)
                other = workers.start()
                wait_for(lambda: children_of(other.pid))
                killer.left = None
                out, err = master.communicate(timeout=TIMEOUT_S)
        assert (master.returncode, out) == (0, whole.out), err + workers.log()
        assert without_times(where / "j") == without_times(one / "j")
        assert re.search(rf"^weft: test: {named_so}; it is given out again$", err, re.M), err
        assert workers.end() == [0, 0]


@claim("of many parts a search with broken workers alone ended after minutes; it ends in seconds")
def _(weft):
    where = folder(weft, "nats-all-broken")
    # No part ends before its kill: each takes seconds.
    words = ["--parts", "100", "--seeds", "1000000", *PASSES]
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        dies = workers.start()
        with Killer(dies) as killer:
            with started(weft, "--nats", server.url(), *words, cwd=where) as master:
                _, err = master.communicate(timeout=TIMEOUT_S)
        # It may have begun one more or two before it hears that the search has ended.
        assert master.returncode == 2 and 4 <= killer.kills <= 10, (killer.kills, err)
        assert re.search(r"^weft: test: no worker gets a part done, the one that is there failed 4 "
                         r"times in a row; the last was part \d+ of 100: worker [^:]+: the process "
                         r"that ran it ended with 137", err, re.M), err
        assert workers.end() == [0]
        # It gave each part back, and the master heard nothing.
        workers.start()
        wait_for(lambda: list((where / "workers").glob("weft-worker-*")))
        begins_none, = (where / "workers").glob("weft-worker-*")
        shutil.rmtree(begins_none)
        begins_none.write_text("no folder")
        with started(weft, "--nats", server.url(), *words, cwd=where) as master:
            _, err = master.communicate(timeout=TIMEOUT_S)
        assert master.returncode == 2, (master.returncode, err)
        assert re.search(r"^weft: test: no worker gets a part done, .*: Not a directory$", err,
                         re.M), err
        assert workers.end() == [0]


@claim("one broken worker ended a search while another one had stopped for seconds, with a part")
def _(weft):
    where = folder(weft, "nats-stalls")
    words = ["--parts", "100", "--seeds", "2000", *PASSES]
    with NatsServer(where / "server") as server, \
            Workers(weft.binary, weft.environment, server.url(), where / "workers") as workers:
        stalls = workers.start()
        with started(weft, "--nats", server.url(), *words, cwd=where) as master:
            wait_for(lambda: children_of(stalls.pid))
            stalls.send_signal(signal.SIGSTOP)
            with Killer(workers.start()):
                wait_for(lambda: workers.log().count("that ran it ended with 137") == 4)
            stalls.send_signal(signal.SIGCONT)
            out, err = master.communicate(timeout=TIMEOUT_S)
        assert master.returncode == 0 and "2000 schedules" in out, err + workers.log()
        assert workers.end() == [0, 0]


@claim("no server, no JetStream and wrong credentials are told apart")
def _(weft):
    where = folder(weft, "nats-errors")
    hello = weft.guest("c_hello")

    def refused(url, pattern, *options):
        for words in (["worker"], ["test", "--seeds", "5"]):
            guest = [hello] if words[0] == "test" else []
            weft.raw(*words, "--nats", url, *options, *guest).expect_error(LOAD_ERROR, pattern)

    with NatsServer(where / "plain", jetstream=False) as plain:
        refused(plain.url(), "has no JetStream: start it as nats-server -js")
    refused(plain.url(), r"nats://127.0.0.1:\d+: no NATS server answers there")
    users = 'authorization { user: "me", password: "secret" }\n'
    with NatsServer(where / "users", config=users) as server:
        refused(server.url("me:wrong"), r"nats://127.0.0.1:\d+: the server refuses these cred")
        refused(server.url(), "the server refuses these credentials")
        with Workers(weft.binary, weft.environment, server.url("me:secret"),
                     where / "workers") as workers:
            workers.start()
            weft.raw("test", "--nats", server.url("me:secret"), "--seeds", "9", hello).expect(
                code=0)
    refused("nats://127.0.0.1:1", "No such file", "--nats-creds", "missing.creds")
    for words, pattern in [(["--nats", "http://x"], "--nats wants nats://HOST:PORT"),
                           (["--nats-ca", "x"], "--nats-ca needs --nats"),
                           (["--parts", "3"], "--parts needs --nats"),
                           (["--nats", "x", "--nats-cert", "x"], "--nats-cert and --nats-key go")]:
        weft.raw("test", *words, hello).expect_error(USAGE, pattern)


def certificates(where):
    """A certificate of 127.0.0.1, signed by an authority of its own, and another authority."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=where)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    (where / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", "-newkey", "ed25519", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=server")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-extfile", "names", "-out", "server.pem")


@claim("over TLS the server must be signed by --nats-ca, and the client by what the server knows")
def _(weft):
    where = folder(weft, "nats-tls")
    certificates(where)
    config = (f'tls {{ cert_file: "{where}/server.pem", key_file: "{where}/server.key", '
              f'ca_file: "{where}/ca.pem", verify: true }}\n')
    client = ["--nats-cert", where / "server.pem", "--nats-key", where / "server.key"]
    hello = weft.guest("c_hello")
    with NatsServer(where / "server", config=config) as server:
        good = [*client, "--nats-ca", where / "ca.pem"]
        with Workers(weft.binary, weft.environment, server.url(), where / "workers",
                     good) as workers:
            workers.start()
            weft.raw("test", "--nats", server.url(), *good, "--seeds", "9", hello).expect(code=0)
        for wrong in ([*client, "--nats-ca", where / "other.pem"],
                      ["--nats-ca", where / "ca.pem"]):
            weft.raw("test", "--nats", server.url(), *wrong, "--seeds", "9", hello).expect_error(
                LOAD_ERROR, r"nats://127.0.0.1:\d+: ")


@claim("weft --version says whether it was built with NATS")
def _(weft):
    shown = weft.raw("--version").expect(code=0).out
    assert re.fullmatch(r"weft \S+\nwith NATS \(libnats \d+\.\d+\.\d+\)\n", shown), shown
