// SPDX-License-Identifier: Apache-2.0
// Fuzz target: paths. Two claims, for any path in a tree with planted links:
//
//   the two resolvers (openat2 and the walk) give the same answer, and what they open lies inside;
//   no call that takes a path changes or creates anything outside.
//
// The input is a list of operations. A path is built from the names that exist, the special ones,
// and raw bytes, so that the fuzzer finds ways through the links quickly.
#include <fcntl.h>

#include <array>
#include <string>

#include "os/wasip1/resolve.h"
#include "tests/fuzz/fuzz_world.h"

namespace {

using namespace weft;
using fuzz::Bytes;
using wasip1::Errno;
using wasip1::ResolverKind;
using wasip1::Size;

constexpr int kStepsMax = 24;

std::string path_from(Bytes& in) {
  static constexpr std::array<const char*, 32> kNames = {
      "..",     ".",        "",          "file", "sub",    "deep",     "up_dir", "up_file",
      "up_new", "link_dir", "link_file", "up",   "parent", "loop_a",   "slash",  "proc_root",
      "dot",    "dotdot",   "zigzag",    "new",  "secret", "outside",  "dir",    "inside",
      "self",   "proc",     "fd",        "cwd",  "root",   "sub/deep", "../..",  "new2"};
  std::string path;
  const int parts = 1 + in.u8() % 8;
  for (int i = 0; i < parts; ++i) {
    const std::uint8_t what = in.u8();
    if (i > 0) path += '/';
    if (what < 224) {
      path += kNames[what % kNames.size()];
    } else {
      for (const std::uint8_t byte : in.take(what - 223)) path += static_cast<char>(byte);
    }
  }
  return path;
}

bool lies_inside(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const std::string where = fuzz::fs::read_symlink(link).string();
  const std::string root = fuzz::tree().inside().string();
  return where == root || where.starts_with(root + "/");
}

void compare_resolvers(const std::string& raw, int flags) {
  static const wasip1::Resolver kernel(ResolverKind::openat2);
  static const wasip1::Resolver walk(ResolverKind::walk);
  std::string path;
  if (wasip1::check_path(raw, path) != Errno::success) return;
  const UniqueFd root(::open(fuzz::tree().inside().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd first;
  UniqueFd second;
  const Errno a = kernel.open(root.get(), path, flags, 0, first);
  const Errno b = walk.open(root.get(), path, flags, 0, second);
  WEFT_CHECK(a == b, "the resolvers disagree");
  if (a != Errno::success) return;
  WEFT_CHECK(lies_inside(first.get()) && lies_inside(second.get()), "opened outside");
  struct stat one = {};
  struct stat two = {};
  WEFT_CHECK(::fstat(first.get(), &one) == 0 && ::fstat(second.get(), &two) == 0, "no status");
  WEFT_CHECK(one.st_ino == two.st_ino && one.st_dev == two.st_dev, "the resolvers differ");
}

// One call with one or two paths, by the same door that a guest's calls come through.
void call(fuzz::Guest& guest, const char* name, const std::string& path, const std::string& other,
          Bytes& in) {
  std::array<std::byte, 32 * 1024> bytes{};
  constexpr Size kPath = 1024;
  constexpr Size kOther = 16 * 1024;
  const wasip1::Memory memory(bytes);
  for (const auto& [at, text] : {std::pair{kPath, &path}, std::pair{kOther, &other}}) {
    std::transform(text->begin(), text->end(), bytes.begin() + at,
                   [](char c) { return static_cast<std::byte>(c); });
  }
  const wasip1::Function* function = wasip1::find("wasi_snapshot_preview1", name);
  std::array<std::uint64_t, 16> args{};
  std::size_t n = 0;
  bool first_path = true;
  // Arguments by their names: a path is followed by its length; descriptors are the preopen or one
  // that an earlier path_open of this input gave.
  std::string_view names = function->arg_names;
  while (!names.empty()) {
    const std::string_view arg = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(names.size(), arg.size() + 1));
    if (arg.ends_with("path")) {
      args[n++] = first_path ? kPath : kOther;
    } else if (arg.ends_with("path_len")) {
      args[n++] = first_path ? path.size() : other.size();
      first_path = false;
    } else if (arg.ends_with("fd") && !arg.starts_with("opened")) {
      args[n++] = 3 + in.u8() % 4;
    } else if (arg.starts_with("opened") || arg.find("buf") != arg.npos || arg == "filestat") {
      args[n++] = arg.ends_with("len") ? 64 : 64 + 64 * (n % 4);
    } else if (arg.find("rights") != arg.npos || arg.find("base") != arg.npos ||
               arg.find("inheriting") != arg.npos) {
      args[n++] = ~0ull;
    } else {
      args[n++] = in.u8() % 16;
    }
  }
  (void)function->call(guest.process(), memory, args.data());
}

void play(Bytes& in, fuzz::Guest& guest) {
  static constexpr std::array<const char*, 10> kCalls = {"path_open",
                                                         "path_create_directory",
                                                         "path_remove_directory",
                                                         "path_unlink_file",
                                                         "path_rename",
                                                         "path_link",
                                                         "path_symlink",
                                                         "path_readlink",
                                                         "path_open",
                                                         "path_filestat_set_times"};
  for (int step = 0; step < kStepsMax && !in.empty(); ++step) {
    const std::uint8_t op = in.u8();
    const std::string path = path_from(in);
    if (op < 96) {
      constexpr std::array<int, 4> kFlags = {O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY | O_NONBLOCK,
                                             O_RDONLY | O_DIRECTORY};
      compare_resolvers(path, kFlags[op % kFlags.size()]);
    } else {
      call(guest, kCalls[op % kCalls.size()], path, path_from(in), in);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes in(data, size);
  fuzz::tree().reset();
  wasip1::ProcessConfig config;
  config.resolver = in.u8() % 2 == 0 ? ResolverKind::automatic : ResolverKind::walk;
  fuzz::Guest guest(std::move(config));
  guest.run([&] { play(in, guest); });
  fuzz::tree().check_outside();
  return 0;
}
