# SPDX-License-Identifier: Apache-2.0
"""--listen: guests that serve on sockets which weft opened for them."""

import contextlib
import http.client
import re
import socket

from harness import HOST_REFUSES, TIMEOUT_S, USAGE, claim
from processes import wait_for


@contextlib.contextmanager
def serving(weft, guest, *words, listen="127.0.0.1:0", says=b"listening\n"):
    """Runs the guest and yields (run, address of its first listener)."""
    with weft.start("--listen", listen, guest, *words) as run:
        said = run.read_until(b"\n", run.process.stderr).decode()
        address = re.search(r"listens on (\S+):(\d+)$", said.strip())
        assert address, said
        if says:
            run.read_until(says)
        yield run, (address[1].strip("[]"), int(address[2]))


def connect(address):
    client = socket.create_connection(address, timeout=TIMEOUT_S)
    return client, client.makefile("rwb", buffering=0)


def read_line(stream):
    line = b""
    while not line.endswith(b"\n"):
        piece = stream.read(65536)
        assert piece, f"the connection ended after {len(line)} bytes"
        line += piece
    return line


def connect_unix(path):
    """As soon as weft listens there. The name comes before that."""
    def connected():
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(TIMEOUT_S)
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            client.connect(str(path))
            return client
        client.close()
        return None
    return wait_for(connected)


def quit_echo(address):
    client, stream = connect(address)
    stream.write(b"quit\n")
    client.close()


@claim("--listen: a Go server accepts by net.FileListener(os.NewFile(3)) and echoes")
def _(weft):
    with serving(weft, "go_echo") as (run, address):
        client, stream = connect(address)
        for line in [b"one\n", b"two\n", b"x" * 100000 + b"\n"]:
            client.sendall(line)
            assert read_line(stream) == line
        quit_echo(address)
        run.finish().expect(code=0, out="listening\nquitting\n")


@claim("--listen: a connection that says nothing holds up no other connection and no other guest")
def _(weft):
    with serving(weft, "go_echo", ":::", "c_ticker", "other", says=None) as (run, address):
        silent, _ = connect(address)
        client, stream = connect(address)
        stream.write(b"hello\n")
        assert read_line(stream) == b"hello\n"
        run.read_until(b"other tick 5\n")
        silent.close()
        quit_echo(address)
        run.finish().expect(code=0)


@claim("--listen: net/http serves on the socket, over kept and closed connections")
def _(weft):
    with serving(weft, "go_httpd", says=b"serving\n") as (run, address):
        kept = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
        for size in [0, 1, 70000]:
            kept.request("POST", "/hello", body=b"b" * size)
            assert kept.getresponse().read() == f"hello POST {size}\n".encode()
        other = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
        other.request("GET", "/hello", headers={"Connection": "close"})
        assert other.getresponse().read() == b"hello GET 0\n"
        with contextlib.suppress(OSError, http.client.HTTPException):
            kept.request("GET", "/quit")
            kept.getresponse()
        run.finish().expect(code=0)


@claim("--listen: a C guest accepts, receives, sends and shuts down with blocking calls")
def _(weft):
    with serving(weft, "c_accepts", "3", says=None) as (run, address):
        client, stream = connect(address)
        stream.write(b"hello c\n")
        assert stream.readall() == b"HELLO C\n"
        run.finish().expect(code=0, out="fd 3: hello c\n")


@claim("--listen: several sockets, one of them a unix socket, in order from descriptor 3 on")
def _(weft):
    first, second = weft.scratch / "first.sock", weft.scratch / "second.sock"
    data = weft.scratch / "data"
    data.mkdir()
    with weft.start("--listen", f"unix:{first}", "--dir", f"{data}::/data", "--listen",
                    f"unix:{second}", "c_accepts", "4", "3") as run:
        for path, line in [(second, b"to four\n"), (first, b"to three\n")]:
            client = connect_unix(path)
            client.sendall(line)
            assert client.recv(64) == line.upper()
        run.finish().expect(code=0, out="fd 4: to four\nfd 3: to three\n", err="")
    assert not first.exists() and not second.exists(), "a socket's name was left behind"


@claim("--listen: a unix socket left over from a process that is gone is replaced")
def _(weft):
    path = weft.scratch / "left.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    weft.run("--listen", f"unix:{path}", "c_hello").expect(code=0, out="hello from c\n", err="")


@claim("--listen: a socket that is in use is an error that names it, before any guest runs; 71")
def _(weft):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        weft.run("--listen", address, "c_hello").expect_error(
            HOST_REFUSES, re.escape(address), "in use")
    path = weft.scratch / "taken.sock"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        weft.run("--listen", f"unix:{path}", "c_hello").expect_error(
            HOST_REFUSES, "taken.sock", "in use")
    note = weft.scratch / "note"
    note.write_text("no socket")
    weft.run("--listen", f"unix:{note}", "c_hello").expect_error(HOST_REFUSES, "in use")
    assert note.read_text() == "no socket"


@claim("--listen: a malformed address is wrong use, and weft says what is wrong")
def _(weft):
    for address, complaint in [
            ("8080", "HOST:PORT"), ("127.0.0.1:", "no port"), ("127.0.0.1:http", "no port"),
            ("127.0.0.1:65536", "65535"), ("::1:80", "brackets"), ("unix:", "path"),
            ("unix:" + "x" * 108, "too long"), ("", "HOST:PORT"),
            ("no.such.host.invalid:80", "no.such.host")]:
        weft.run("--listen", address, "c_hello").expect_error(USAGE, "--listen", complaint)


@claim("--listen: 32 copies of a server share its socket")
def _(weft):
    with weft.start("-n", "32", "--listen", "127.0.0.1:0", "c_accepts", "3") as run:
        said = run.read_until(b"\n", run.process.stderr).decode()
        port = int(said.rsplit(":", 1)[1])
        for number in range(32):
            client, stream = connect(("127.0.0.1", port))
            stream.write(b"line %d\n" % number)
            assert stream.readall() == b"LINE %d\n" % number
        result = run.finish().expect(code=0)
        assert sorted(result.lines()) == sorted(f"fd 3: line {n}" for n in range(32)), result.out
