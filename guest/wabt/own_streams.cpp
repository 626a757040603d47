// SPDX-License-Identifier: Apache-2.0
// libwabt's stdin, stdout and stderr in libweft.so.
//
// Debian's libwabt.a is made for programs: three references in it, to these variables of the C
// library, can't be linked into a shared library. So there they have other names (objcopy, in
// guest/wabt/meson.build), and are variables of ours.
#include <cstdio>

extern "C" {
[[gnu::visibility("hidden")]] FILE* weft_wabt_stdin = nullptr;
[[gnu::visibility("hidden")]] FILE* weft_wabt_stdout = nullptr;
[[gnu::visibility("hidden")]] FILE* weft_wabt_stderr = nullptr;
}

namespace {

[[gnu::constructor]] void take_streams() {
  weft_wabt_stdin = stdin;
  weft_wabt_stdout = stdout;
  weft_wabt_stderr = stderr;
}

}  // namespace
