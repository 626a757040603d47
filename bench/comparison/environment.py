# SPDX-License-Identifier: Apache-2.0
"""What a figure depends on besides the code: the machine, its load, and what built the programs."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

NOTHING = "not to be seen"


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def cpu_model():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    virtual = " (virtual machine)" if re.search(r"^flags.*\bhypervisor\b", text, re.M) else ""
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} processors{virtual}"


def governor():
    file = pathlib.Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return file.read_text(encoding="utf-8").strip() if file.exists() else NOTHING


def build_options(build):
    text = first_line(["meson", "introspect", "--buildoptions", str(build)])
    options = {o["name"]: o["value"] for o in json.loads(text or "[]")}
    return options


def describe(build, contenders):
    """(what, value) lines for the top of a report."""
    lines = [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", cpu_model()),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("governor", governor()),
        ("load before", " ".join(f"{load:.1f}" for load in os.getloadavg())),
        ("C++ compiler", first_line(["c++", "--version"]) or NOTHING),
        ("build type", build_options(build).get("buildtype", NOTHING)),
        ("Rust compiler", first_line(["rustc", "--version"]) or NOTHING),
    ]
    return lines + [(c.name, c.version) for c in contenders]


def warnings(build):
    """Reasons to doubt the figures, known before anything has run."""
    found = []
    options = build_options(build)
    if options.get("buildtype") != "release":
        found.append(f"{build} is a {options.get('buildtype', 'strange')} build: the figures mean "
                     "nothing; use one with --buildtype=release")
    if options.get("b_sanitize", "none") != "none":
        found.append(f"{build} has sanitizers: the figures mean nothing")
    if governor() not in (NOTHING, "performance"):
        found.append(f"the governor is {governor()}: the clock changes while it is measured")
    if os.getloadavg()[0] > 0.5:
        found.append(f"the machine is busy (load {os.getloadavg()[0]:.1f}): more rounds help")
    return found
