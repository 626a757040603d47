# SPDX-License-Identifier: Apache-2.0
"""A nats-server on loopback, with JetStream in a folder of its own, and what weft does on it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

from harness import TIMEOUT_S
from processes import children_of, wait_for

NATS_SERVER = "nats-server"


class NatsServer:
    """Listens on a port of the system's choice, and on the same one when it is started again."""

    def __init__(self, folder, jetstream=True, config=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.port = -1
        self.process = None
        store = f'jetstream {{ store_dir: "{self.folder}/store" }}\n' if jetstream else ""
        self.config = store + config

    def start(self):
        file = self.folder / "server.conf"
        file.write_text(f'host: "127.0.0.1"\nport: {self.port}\n'
                        f'ports_file_dir: "{self.folder}"\n{self.config}')
        for old in self.folder.glob("*.ports"):
            old.unlink()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([NATS_SERVER, "-c", file], stdout=log, stderr=log)
        wait_for(self._said_its_port)
        return self

    def _said_its_port(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        for ports in self.folder.glob("*.ports"):
            with contextlib.suppress(json.JSONDecodeError, KeyError):  # It is being written.
                url = json.loads(ports.read_text())["nats"][0]
                self.port = int(url.rsplit(":", 1)[1])
                return True
        return False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def url(self, user=""):
        return f"nats://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    def streams(self):
        """Their names, from the store: a stream that was removed is not there."""
        return sorted(path.name for path in self.folder.glob("store/jetstream/*/streams/*"))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Workers:
    """Workers of one server; all are ended at the end."""

    def __init__(self, weft, environment, url, folder, options=()):
        self.command = [str(weft), "worker", "--nats", url, *map(str, options)]
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.environment = {**environment, "TMPDIR": str(self.folder)}
        self.running = []

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.running.append(subprocess.Popen(self.command, env=self.environment,
                                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        return self.running[-1]

    def stop_one_at_work(self):
        """Stops the process that runs a part, so that it can't end; its worker."""
        found = []

        def has_stopped():
            for worker in self.running:
                for child in children_of(worker.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGSTOP)
                        found.append(worker)
                        return True
            return False

        wait_for(has_stopped)
        return found[0]

    def kill_one_at_work(self):
        """Kills (-9) one that runs a part, while it runs it."""
        worker = self.stop_one_at_work()
        worker.kill()
        worker.wait()
        self.running.remove(worker)

    def log(self):
        return (self.folder / "log").read_text()

    def end(self):
        for worker in self.running:
            worker.send_signal(signal.SIGTERM)
        codes = [worker.wait(TIMEOUT_S) for worker in self.running]
        self.running.clear()
        return codes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.running:
            worker.kill()
            worker.wait()
