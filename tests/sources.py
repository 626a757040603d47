# SPDX-License-Identifier: Apache-2.0
"""The project's own files, and what a C++ file depends on. Shared by the checks in this folder."""

import functools
import hashlib
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUOTED_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@functools.cache
def project_files():
    """Every file that is in git or could be added to it, as paths relative to the root."""
    # safe.directory: root may check a clone that belongs to somebody else.
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [pathlib.PurePosixPath(name) for name in sorted(set(listed.split("\0"))) if name]
    return [path for path in paths if (ROOT / path).is_file()]


@functools.cache
def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@functools.cache
def includes_of(path):
    """The project's headers that one file names, as paths from the root."""
    named = [pathlib.PurePosixPath(name) for name in QUOTED_INCLUDE.findall(text_of(path))]
    return [name for name in named if (ROOT / name).is_file()]


def closure_of(path):
    """The file and every project header it reaches."""
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(includes_of(current))
    return sorted(seen)


def content_key(path, *context):
    """Changes when the file, a project header it reaches, or the context changes."""
    digest = hashlib.sha256("\0".join(context).encode())
    for part in closure_of(path):
        digest.update(f"{part}\0{text_of(part)}\0".encode())
    return digest.hexdigest()


class PassedBefore:
    """Remembers, in one file under build/, which content keys passed a check."""

    def __init__(self, name):
        self.file = ROOT / "build" / "cache" / name
        self.keys = set(self.file.read_text().split()) if self.file.exists() else set()

    def __contains__(self, key):
        return key in self.keys

    def add(self, key):
        """Keeps one more at once, so that a run that is interrupted loses none."""
        self.keys.add(key)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="ascii") as file:
            file.write(key + "\n")

    def store(self, keys):
        """Keeps only the keys of this run, so the file does not grow."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("\n".join(sorted(keys)) + "\n")
