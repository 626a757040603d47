#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs an example and checks what it says: tests/examples_test.py NAME PROGRAM"""

import socket
import subprocess
import sys

TIMEOUT_S = 300
TIMED_ATTEMPTS = 10


def output_of(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S,
                          check=True)
    assert done.stderr == "", done.stderr
    return done.stdout.splitlines()


def ping_pong(program):
    lines = output_of(program, "1000")
    assert lines[0] == "round 1: ball 1"
    assert lines[-1] == "1000 rounds, the ball was hit 2000 times", lines


def pipeline(program):
    """On a machine that stalls its 100 ms may be over before three squares; it says so."""
    for _ in range(TIMED_ATTEMPTS):
        lines = output_of(program)
        squares = [line for line in lines if line.startswith("square: ")]
        assert squares == ["square: 1", "square: 4", "square: 9"][:len(squares)], lines
        assert "numbers: context deadline exceeded" in lines, lines
        how = "after many squares" if len(squares) == 3 else "too early"
        assert lines[-1] == f"the pipeline is empty, {how}", lines
        if len(squares) == 3:
            return
    raise AssertionError(f"{TIMED_ATTEMPTS} runs ended too early")


def worker_pool(program):
    lines = output_of(program)
    assert lines[0] == "a worker gave up: job 13 is unlucky", lines
    expected = sum(job * job for job in range(1, 21) if job != 13)
    assert lines[1] == f"sum of squares without 13: {expected}", lines


def echo_server(program):
    serves_two_at_once([program, "2"])


def serves_two_at_once(command):
    """Two clients at once; the second is answered while the first says nothing."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline().split()[-1])
            with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as first, \
                    socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as second:
                for client, text in [(second, b"hello"), (first, b"x" * 200_000)]:
                    client.sendall(text)
                    client.shutdown(socket.SHUT_WR)
                    answer = b"".join(iter(lambda c=client: c.recv(65536), b""))
                    assert answer == text, (len(answer), len(text))
            assert server.wait(TIMEOUT_S) == 0
        finally:
            server.kill()


def main():
    name, program = sys.argv[1:]
    examples = [echo_server, ping_pong, pipeline, worker_pool]
    checks = {check.__name__: check for check in examples}
    checks[name](program)
    print(f"{name}: as expected")


if __name__ == "__main__":
    main()
