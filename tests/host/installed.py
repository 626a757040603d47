#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is installed is enough to build on, and may be moved: tests/host/installed.py BUILDDIR

Installs the build into a folder and moves that to another place, under build/installed of this
tree. There, tests/installed has programs in C and C++ that know nothing of the sources. They are
built and run by what pkg-config says, by CMake's find_package, with the shared library and with the
static one, and with weft as a Meson subproject; so are the examples in examples/embed, in C++, C,
Python and Go. Settings of the program that the library does not
share are told by the linker, inner headers can't be included, and the library exports only what
the headers declare.

Prints a line for each claim; ends with 1 when one does not hold.
"""

import contextlib
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests/installed"
PATIENCE_S = 600  # When something hangs.
CMAKE = ["cmake", "-G", "Ninja"]  # Not every system has make, which is its default.
WHAT_IT_SAYS = {"consumer.cpp": "a guest called add(2, 40) = 42\na G of its own\n",
                "consumer.c": "a thread of weft\n",
                "ends.cpp": "parked: 1\nparked, of one that has ended: 1\na coroutine: 2\n"
                            "a future: 3\na handler with its 7: killed\n"}

COMPILERS = {"server.cpp": (["c++", "-std=c++20"], "weft"),
             "server.c": (["cc", "-std=c11"], "weft-c")}

# Compiled so, a program can't work with this library: what the linker says, or the compiler.
MISMATCHES = [
    ("-DBOOST_ASIO_DISABLE_THREADS", "weft_was_built_with_BOOST_ASIO_DISABLE_THREADS"),
    ("-DBOOST_ASIO_ENABLE_HANDLER_TRACKING",
     "weft_was_built_with_BOOST_ASIO_ENABLE_HANDLER_TRACKING"),
    ("-fno-rtti", "weft_was_built_with_fno_rtti"),
    ("-fsanitize=address", "weft_was_built_with_fsanitize_address"),
    ("-D_GLIBCXX_DEBUG", "weft_was_built_with_GLIBCXX_DEBUG"),
    ("-fno-exceptions", "weft needs exceptions: compile without -fno-exceptions"),
    ("-std=c++17", "weft needs C++20"),
    ("-D_LIBCPP_VERSION=1", "compile without -stdlib=libc++"),
]


def run(words, **environment):
    return subprocess.run([str(word) for word in words], env={**os.environ, **environment},
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def output_of(words, **environment):
    done = run(words, **environment)
    assert done.returncode == 0, f"{shlex.join(map(str, words))}\n{done.stdout}{done.stderr}"
    return done.stdout


class Installed:
    """The prefix, after it was moved, and a folder to build in."""

    def __init__(self, build):
        # Not the test's own: two builds may be tested at once.
        self.scratch = ROOT / "build/installed" / build.name
        shutil.rmtree(self.scratch, ignore_errors=True)
        staged = self.scratch / "staged"
        output_of(["meson", "install", "-C", build, "--no-rebuild", "--destdir", staged])
        header, = staged.rglob("weft/weft.h")
        self.prefix = self.scratch / "prefix"
        header.parents[2].rename(self.prefix)
        shutil.rmtree(staged)
        self.pc = next(self.prefix.rglob("weft.pc"))
        self.libraries = self.pc.parent.parent

    def flags(self, package, *words):
        return shlex.split(output_of(["pkg-config", *words, "--cflags", "--libs", package],
                                     PKG_CONFIG_PATH=str(self.pc.parent)))

    def says(self, program):
        return output_of([program], LD_LIBRARY_PATH=str(self.libraries))

    def compiled(self, source, *flags):
        compiler = ["c++", "-std=c++20"] if source.endswith(".cpp") else ["cc", "-std=c11"]
        program = self.scratch / "program"
        done = run([*compiler, PROGRAMS / source, "-o", program, *flags])
        return done, program


# ---- claims ----------------------------------------------------------------------------------


def what_is_installed_names_no_place(prefix):
    for file in [prefix.pc, prefix.pc.with_name("weft-c.pc"),
                 *prefix.prefix.rglob("weftConfig*.cmake")]:
        text = file.read_text()
        assert not re.search(r"(?<![\w})*.])/\w", text), f"an absolute path in {file}:\n{text}"


def pkg_config_builds_both_faces(prefix):
    for source, package in [("consumer.cpp", "weft"), ("consumer.c", "weft-c")]:
        done, program = prefix.compiled(source, *prefix.flags(package))
        assert done.returncode == 0, done.stderr
        assert prefix.says(program) == WHAT_IT_SAYS[source]


def the_end_of_a_guest_is_an_operation_for_any_token(prefix):
    done, program = prefix.compiled("ends.cpp", *prefix.flags("weft"))
    assert done.returncode == 0, done.stderr
    assert prefix.says(program) == WHAT_IT_SAYS["ends.cpp"]


def clang_builds_both_faces(prefix):
    """With libstdc++: see what_must_agree_is_told_by_name."""
    for source, compiler, package in [("consumer.cpp", ["clang++", "-std=c++20"], "weft"),
                                      ("consumer.c", ["clang", "-std=c11"], "weft-c")]:
        program = prefix.scratch / "program"
        output_of([*compiler, PROGRAMS / source, "-o", program, *prefix.flags(package)])
        assert prefix.says(program) == WHAT_IT_SAYS[source]


def the_static_library_needs_no_other(prefix):
    for source, package in [("consumer.cpp", "weft"), ("consumer.c", "weft-c")]:
        flags = [str(prefix.libraries / "libweft.a") if flag == "-lweft" else flag
                 for flag in prefix.flags(package, "--static")]
        done, program = prefix.compiled(source, *flags)
        assert done.returncode == 0, done.stderr
        assert output_of([program]) == WHAT_IT_SAYS[source]


def cmake_finds_it(prefix):
    work = prefix.scratch / "cmake"
    output_of([*CMAKE, "-S", PROGRAMS, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix.prefix}"])
    output_of(["cmake", "--build", work])
    for name, source in [("cpp", "consumer.cpp"), ("cpp_static", "consumer.cpp"),
                         ("c", "consumer.c")]:
        assert prefix.says(work / name) == WHAT_IT_SAYS[source], name


def cmake_refuses_another_version(prefix):
    work = prefix.scratch / "cmake-version"
    work.mkdir()
    (work / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(p)\nfind_package(weft 7.1 REQUIRED)\n")
    done = run([*CMAKE, "-S", work, "-B", work / "b", f"-DCMAKE_PREFIX_PATH={prefix.prefix}"])
    assert done.returncode != 0 and "7.1" in done.stderr, done.stderr


def cmake_finds_it_beside_libraries_in_lib64(prefix):
    """Debian's cmake looks into lib and not into lib64, Fedora's into both."""
    build = prefix.scratch / "lib64"
    output_of(["meson", "setup", "-Dlibdir=lib64", build, ROOT])
    plan = json.loads(output_of(["meson", "introspect", "--install-plan", build]))
    config = plan["configure"][str(build / "capi/weftConfig.cmake")]
    assert config["destination"] == "lib/cmake/weft/weftConfig.cmake", config
    assert config["tag"] == "devel", config
    text = (build / "capi/weftConfig.cmake").read_text()
    assert 'prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ' in text, text
    assert '"${prefix}/lib64/libweft.so.' in text, text


def a_subproject_is_the_library_alone(prefix):
    """It is set up and asked what it builds and how; to build it takes as long as weft does."""
    project = prefix.scratch / "subproject"
    (project / "subprojects").mkdir(parents=True)
    for name in ["consumer.cpp", "consumer.c", "meson.build"]:
        shutil.copy(PROGRAMS / name, project)
    (project / "subprojects/weft").symlink_to(ROOT)
    build = project / "build"
    output_of(["meson", "setup", "--force-fallback-for=weft,weft-c", build, project])
    targets = {target["name"] for target in json.loads(
        output_of(["meson", "introspect", "--targets", build]))}
    assert {"cpp", "c", "api-headers"} <= targets, targets
    assert not targets & {"weft-bench", "unit-base", "guests"}, targets
    output_of(["ninja", "-C", build, "subprojects/weft/capi/include/weft_api_headers.h"])
    include = build / "subprojects/weft/capi/include"
    output_of(["c++", "-std=c++20", "-fsyntax-only", f"-I{include}", project / "consumer.cpp"])


def inner_headers_cannot_be_included(prefix):
    done = run(["c++", "-std=c++20", "-fsyntax-only", "-x", "c++", "-",
                f"-I{prefix.prefix / 'include'}", "-include", "weft/detail/guest/runtime.h"])
    assert "an inner part of weft: include <weft/weft.hpp>" in done.stderr, done.stderr


def headers_compile_as_cpp20_and_newer(prefix):
    for header, standard in [("weft.hpp", "c++23"), ("asio.hpp", "c++20")]:
        output_of(["c++", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                   "-fsyntax-only", f"-I{prefix.prefix / 'include'}",
                   "-include", f"weft/{header}", "-x", "c++", "/dev/null"])


def what_must_agree_is_told_by_name(prefix):
    for setting, message in MISMATCHES:
        done, _ = prefix.compiled("consumer.cpp", *prefix.flags("weft"), setting)
        assert done.returncode != 0, f"{setting} is not refused"
        assert message in done.stderr, f"{setting}: {done.stderr[-2000:]}"


def headers_of_another_version_are_told_by_name(prefix):
    version = "_".join(output_of(["pkg-config", "--modversion", "weft"], PKG_CONFIG_PATH=str(
        prefix.pc.parent)).split(".")[:2])
    name = "weft_was_built_with_headers_of_version_"
    done, _ = prefix.compiled("consumer.cpp", *prefix.flags("weft"), f"-D{name}{version}={name}9_9")
    assert done.returncode != 0 and f"{name}9_9" in done.stderr, done.stderr[-2000:]


def on_libcxx_the_cpp_face_is_refused_and_the_c_face_works(prefix):
    libcxx = ["clang++", "-std=c++20", "-stdlib=libc++"]
    for header in ["weft.hpp", "go.hpp", "asio.hpp", "control.hpp", "explore.hpp"]:
        done = run([*libcxx, "-fsyntax-only", "-Wfatal-errors", f"-I{prefix.prefix / 'include'}",
                    "-include", f"weft/{header}", "-x", "c++", "/dev/null"])
        assert "compile without -stdlib=libc++, or use weft.h" in done.stderr, done.stderr[:2000]
    program = prefix.scratch / "program"
    output_of([*libcxx, PROGRAMS / "libcxx.cpp", "-o", program, *prefix.flags("weft-c")])
    assert prefix.says(program) == "a thread of weft, and libc++\n"


def the_library_exports_what_its_headers_declare(prefix):
    library, = prefix.libraries.glob("libweft.so.[0-9]")
    listed = output_of(["nm", "-D", "--defined-only", "--demangle", "--format=just-symbols",
                        library]).splitlines()
    text = "\n".join(file.read_text() for file in (prefix.prefix / "include/weft").rglob("*.*"))
    names = set(re.findall(r"\w+", text))
    names |= set(re.findall(r"weft_debug_\w+", (ROOT / "tools/gdb/weft-gdb.py").read_text()))
    strangers = []
    for symbol in listed:
        name = re.sub(r"^(?:vtable|typeinfo name|typeinfo|guard variable) for ", "", symbol)
        name = re.sub(r"@@?WEFT_\d+$|\[abi:cxx11\]", "", name)
        if name.startswith(("WEFT_", "weft_was_built_with", "boost::asio::detail::keyword_tss")):
            continue  # The version itself; what os/agreement.h puts together; see weft.map.
        words = re.findall(r"\w+", re.sub(r"[(<].*", "", name))
        if not words or words[0] != "weft" and not words[0].startswith("weft_") \
                or not set(words) <= names | {"weft"}:
            strangers.append(symbol)
    assert len(listed) > 50, "hardly anything is exported"
    assert not strangers, "exported, and in no header:\n" + "\n".join(strangers)


def each_block_of_the_guide_compiles(prefix):
    """A block is a whole program or a function: all of them together are one."""
    blocks = re.findall(r"^```cpp\n(.*?)^```", (ROOT / "docs/embedding.md").read_text(),
                        re.MULTILINE | re.DOTALL)
    assert len(blocks) > 5, "the guide has lost its blocks"
    source = prefix.scratch / "guide.cpp"
    source.write_text(f'#include "{PROGRAMS}/guide.hpp"\n' + "\n".join(blocks))
    program = prefix.scratch / "guide"
    output_of(["c++", "-std=c++20", "-Wall", "-Wextra", source, "-o", program,
               *prefix.flags("weft")])
    done = run([program], LD_LIBRARY_PATH=str(prefix.libraries))
    assert done.stderr == "guest.wasm: No such file or directory\n", done.stderr


def the_servers_have_at_most_80_lines(_):
    for source in COMPILERS:
        lines = len((ROOT / "examples/embed" / source).read_text().splitlines())
        assert lines <= 80, f"examples/embed/{source} has {lines} lines"


def embedded_guest(prefix):
    """examples/embed/guest/guest.c, compiled."""
    guests = prefix.scratch / "guests"
    if not guests.exists():
        output_of([ROOT / "scripts/build_guests.py", ROOT / "examples/embed/guest", guests])
    return guests / "c_guest.wasm"


class Server:
    """examples/embed: a server outside of the tree, and what it says of its guests."""

    def __init__(self, prefix, source):
        program = prefix.scratch / source.replace(".", "-")
        compiler, package = COMPILERS[source]
        if not program.exists():
            pedantic = ["-pedantic"] if source.endswith(".c") else []
            output_of([*compiler, "-Wall", "-Wextra", "-Werror", *pedantic,
                       ROOT / "examples/embed" / source, "-o", program, *prefix.flags(package)])
        self.process = subprocess.Popen(
            [program, embedded_guest(prefix)], stdout=subprocess.PIPE, bufsize=0,
            env={**os.environ, "LD_LIBRARY_PATH": str(prefix.libraries)})
        self.port = int(self.says().split()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def says(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        assert ready, "the server says nothing"
        return self.process.stdout.readline().decode()  # Unbuffered: select sees what is left.

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)


def runs_a_guest_for_each_connection(prefix, source):
    with Server(prefix, source) as server:
        clients = [server.connect() for _ in range(20)]
        for i, client in enumerate(clients):
            client.sendall(f"key {i}\n".encode())
        for i, client in enumerate(clients):
            with client, client.makefile() as lines:
                assert lines.readline() == f"the value of key {i}\n"
        ended = [server.says() for _ in clients]
        assert all(line.endswith(": exited\n") for line in ended), ended


def ends_guests_with_their_clients_and_by_their_limits(prefix, source):
    with Server(prefix, source) as server:
        ends = []
        while "killed\n" not in ends:  # A guest that reads just then sees the reset, and exits.
            gone = server.connect()
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.sendall(b"one\n")
            gone.recv(100)
            gone.sendall(b"two\n")
            time.sleep(0.005 * (len(ends) % 10 + 1))  # Its lookup takes 20 ms.
            gone.close()  # By a reset.
            ends.append(server.says().split(": ")[1])
            assert len(ends) < 200, ends
        with server.connect() as greedy:
            greedy.sendall(b"x" * 250 + b"\n")
            greedy.recv(1000)
            greedy.sendall((b"x" * 250 + b"\n") * 100)  # Its output is limited to 16 KiB.
            with contextlib.suppress(ConnectionError):  # It is closed with lines still to be read.
                while greedy.recv(1 << 16):
                    pass
            assert server.says().endswith(": output limit reached\n")


def the_server_in_cpp_runs_a_guest_for_each_connection(prefix):
    runs_a_guest_for_each_connection(prefix, "server.cpp")


def the_server_in_cpp_ends_guests_with_their_clients_and_by_their_limits(prefix):
    ends_guests_with_their_clients_and_by_their_limits(prefix, "server.cpp")


def the_server_in_c_runs_a_guest_for_each_connection(prefix):
    runs_a_guest_for_each_connection(prefix, "server.c")


def the_server_in_c_ends_guests_with_their_clients_and_by_their_limits(prefix):
    ends_guests_with_their_clients_and_by_their_limits(prefix, "server.c")


def a_python_program_runs_guests_by_ctypes(prefix):
    library, = prefix.libraries.glob("libweft.so.[0-9]")
    said = output_of([sys.executable, ROOT / "examples/embed/embed.py", embedded_guest(prefix),
                      library])
    assert said == "the value of one\nthe value of two\nexited with 0\n", said


def a_go_program_runs_guests_by_cgo(prefix):
    program = prefix.scratch / "embed-go"
    output_of(["go", "build", "-o", program, ROOT / "examples/embed/embed.go"],
              PKG_CONFIG_PATH=str(prefix.pc.parent), CGO_ENABLED="1", GO111MODULE="off",
              GOFLAGS="")
    said = output_of([program, embedded_guest(prefix)], LD_LIBRARY_PATH=str(prefix.libraries))
    assert said == "".join(f"the value of {word}\nexited: true, with 0\n"
                           for word in ["one", "two"]), said


def what_belongs_to_a_library_is_there(prefix):
    for pattern in ["include/weft/weft.hpp", "include/weft/weft.h", "share/man/man1/weft.1",
                    "share/bash-completion/completions/weft", "share/licenses/weft/LICENSE",
                    "bin/weft"]:
        assert (prefix.prefix / pattern).exists(), f"{pattern} is not installed"
    soname = output_of(["readelf", "-d", next(prefix.libraries.glob("libweft.so.[0-9]"))])
    assert re.search(r"SONAME.*\[libweft\.so\.\d+\]", soname), soname


CLAIMS = [
    what_belongs_to_a_library_is_there, what_is_installed_names_no_place,
    pkg_config_builds_both_faces, clang_builds_both_faces,
    the_end_of_a_guest_is_an_operation_for_any_token,
    the_static_library_needs_no_other, cmake_finds_it,
    cmake_refuses_another_version, cmake_finds_it_beside_libraries_in_lib64,
    a_subproject_is_the_library_alone, inner_headers_cannot_be_included,
    headers_compile_as_cpp20_and_newer,
    each_block_of_the_guide_compiles, the_servers_have_at_most_80_lines,
    the_server_in_cpp_runs_a_guest_for_each_connection,
    the_server_in_cpp_ends_guests_with_their_clients_and_by_their_limits,
    the_server_in_c_runs_a_guest_for_each_connection,
    the_server_in_c_ends_guests_with_their_clients_and_by_their_limits,
    a_python_program_runs_guests_by_ctypes, a_go_program_runs_guests_by_cgo,
    what_must_agree_is_told_by_name, headers_of_another_version_are_told_by_name,
    on_libcxx_the_cpp_face_is_refused_and_the_c_face_works,
    the_library_exports_what_its_headers_declare]


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    prefix = Installed(pathlib.Path(arguments[0]).resolve())
    failed = 0
    for claim in CLAIMS:
        try:
            claim(prefix)
            print(f"holds: {claim.__name__.replace('_', ' ')}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"FAILED: {claim.__name__.replace('_', ' ')}\n{error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
