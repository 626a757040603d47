# SPDX-License-Identifier: Apache-2.0
"""Workers of a search on NATS that are broken: one that lies, and one whose children die."""

import contextlib
import json
import os
import re
import signal
import socket
import threading

from harness import TIMEOUT_S
from processes import children_of

# What it sends in place of a report: no JSON; an object that is no verdict; one that is not there.
NONSENSE = [b"nonsense", b'{"worker": "liar", "error": null, "object": "search"}',
            b'{"worker": "liar", "error": null, "object": "verdict-1-none"}']


class Liar(threading.Thread):
    """Speaks NATS by hand. Takes so many parts of the search that it hears of: each second one it
    acks without a word, and to the others it answers nonsense."""

    def __init__(self, port, parts):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.lines = self.socket.makefile("rb")
        self.left = parts
        self.done = threading.Event()
        assert self.lines.readline().startswith(b"INFO ")
        self.send(b'CONNECT {"verbose": false, "headers": true}\r\nSUB weft.searches 1\r\n'
                  b"SUB _INBOX.liar 2\r\n")

    def send(self, data):
        self.socket.sendall(data)

    def publish(self, subject, data, reply=""):
        self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n")

    def run(self):
        with contextlib.suppress(OSError), self.socket:
            while self.left and (line := self.lines.readline()):
                words = line.split()
                if words[:1] == [b"PING"]:
                    self.send(b"PONG\r\n")
                if words[:1] in ([b"MSG"], [b"HMSG"]):
                    data = self.lines.read(int(words[-1]) + 2)[:-2]
                    self.take(words[1].decode(), words[3].decode(), data)
            self.done.set()

    def take(self, subject, reply, data):
        if subject == "weft.searches":
            name = json.loads(data)["id"]
            self.publish(f"$JS.API.CONSUMER.MSG.NEXT.WEFT_{name}.workers",
                         json.dumps({"batch": self.left, "no_wait": True}).encode(),
                         "_INBOX.liar")
            return
        part = re.fullmatch(r"weft\.(\w+)\.part\.(\d+)", subject)
        if not part or not self.left:
            return
        self.left -= 1
        if self.left % 2:
            self.publish(f"weft.{part[1]}.result.{part[2]}", NONSENSE[self.left // 2 % 3])
        self.publish(reply, b"+ACK")


class Killer(threading.Thread):
    """Kills (-9) each child of a worker, until it is told to stop. With a number in `left` it kills
    so many, and holds (SIGSTOP) what comes after them; None: all."""

    def __init__(self, worker):
        super().__init__(daemon=True)
        self.worker = worker
        self.stopped = threading.Event()
        self.kills = 0
        self.left = None

    def run(self):
        killed = set()  # A child is killed once: it is seen until its worker has waited for it.
        while not self.stopped.wait(0.002):
            children = set(children_of(self.worker.pid))
            killed &= children
            for child in children - killed:
                with contextlib.suppress(ProcessLookupError):
                    if self.left == 0:
                        os.kill(child, signal.SIGSTOP)
                        continue
                    os.kill(child, signal.SIGKILL)
                    killed.add(child)
                    self.kills += 1
                    if self.left is not None:
                        self.left -= 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()
