// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/object_cache.h"

#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/sha256.h"

using namespace weft;

namespace {

struct Folder {
  std::string path = "/tmp/weft-cache-XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

std::string key_of(const std::string& what) {
  Sha256 hash;
  hash.add(what);
  return hash.hex();
}

// Writes `content` as the object, and counts.
ObjectCache::Make maker(const std::string& content, int& made) {
  return [&made, content](const std::string&, const std::string& object) -> Status {
    ++made;
    std::ofstream(object) << content;
    return Nothing{};
  };
}

// The path of the entry; others who fill it are waited for.
Result<std::string> fill(ObjectCache& cache, const std::string& key, std::string_view module,
                         const ObjectCache::Make& make) {
  auto entry = cache.fill(key, module, make, [] { ::poll(nullptr, 0, 1); });
  if (!entry) return entry.error();
  return entry->path();
}

// The path of the entry, or "".
std::string find(const ObjectCache& cache, const std::string& key) {
  const auto entry = cache.find(key);
  return entry ? entry->path() : "";
}

std::string start_of(const std::string& path, std::size_t length) {
  std::ifstream in(path);
  std::string text(length, '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  return text;
}

}  // namespace

TEST_CASE("SHA-256 with the processor's own instructions and without gives the same") {
  for (const std::size_t length : {0, 1, 55, 56, 63, 64, 65, 127, 128, 1'000, 100'003}) {
    CAPTURE(length);
    std::vector<std::byte> bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i * i * 31 + i / 7);
    Sha256 fast;
    Sha256 plain(false);
    fast.add(std::span<const std::byte>(bytes).first(length / 3));
    fast.add(std::span<const std::byte>(bytes).subspan(length / 3));
    plain.add(std::span<const std::byte>(bytes));
    CHECK(fast.hex() == plain.hex());
  }
}

TEST_CASE("SHA-256 of the standard's examples") {
  CHECK(key_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(key_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(key_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(key_of(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("an entry is made once and found again") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  int made = 0;
  CHECK(find(*cache, key_of("a")).empty());
  for (int i = 0; i < 3; ++i) {
    auto path = fill(*cache, key_of("a"), "a.wasm", maker("object a", made));
    REQUIRE(path.ok());
    CHECK(start_of(*path, 8) == "object a");
  }
  CHECK(made == 1);
  REQUIRE(cache->entries().size() == 1);
  CHECK(cache->entries().front().module == "a.wasm");
  CHECK(cache->clear() == 1);
  CHECK(cache->entries().empty());
}

TEST_CASE("a damaged entry, one of another key and one that others may write are made again") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  int made = 0;
  const std::string path = *fill(*cache, key_of("a"), "a.wasm", maker("object a", made));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);

  SUBCASE("a byte is another") {
    std::fstream file(path, std::ios::in | std::ios::out);
    file.seekp(3);
    file.put('X');
  }
  SUBCASE("its end is missing") {
    REQUIRE(::truncate(path.c_str(), 50) == 0);
  }
  SUBCASE("it is empty") {
    REQUIRE(::truncate(path.c_str(), 0) == 0);
  }
  SUBCASE("it is another's") {
    std::filesystem::remove(path);
    std::filesystem::rename(*fill(*cache, key_of("b"), "b.wasm", maker("object b", made)), path);
    made = 1;
  }
  SUBCASE("others may write it") {
    REQUIRE(::chmod(path.c_str(), 0622) == 0);
  }
  SUBCASE("it is a link") {
    std::filesystem::rename(path, folder.path + "/elsewhere");
    std::filesystem::create_symlink(folder.path + "/elsewhere", path);
  }

  CHECK(find(*cache, key_of("a")).empty());
  auto again = fill(*cache, key_of("a"), "a.wasm", maker("object a", made));
  REQUIRE(again.ok());
  CHECK(made == 2);
  CHECK(start_of(*again, 8) == "object a");
  CHECK(find(*cache, key_of("a")) == path);
}

TEST_CASE("damage in the part that is not loaded is found when line numbers are used, and mended") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  std::string object(2000, 'x');
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_phoff = sizeof header;
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_filesz = 1000;
  std::memcpy(object.data(), &header, sizeof header);
  std::memcpy(object.data() + sizeof header, &segment, sizeof segment);
  int made = 0;
  const std::string path = *fill(*cache, key_of("a"), "a.wasm", maker(object, made));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(cache->find(key_of("a"))->has_good_lines());
  const auto damage = [&](int at) {
    std::fstream file(path, std::ios::in | std::ios::out);
    file.seekp(at);
    file.put('X');
  };
  damage(1500);
  CHECK(find(*cache, key_of("a")) == path);
  CHECK_FALSE(cache->entries().front().good);
  CHECK_FALSE(cache->find(key_of("a"))->has_good_lines());
  CHECK(find(*cache, key_of("a")).empty());
  REQUIRE(fill(*cache, key_of("a"), "a.wasm", maker(object, made)).ok());
  CHECK(made == 2);
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  damage(999);
  CHECK(find(*cache, key_of("a")).empty());
}

TEST_CASE("a folder that others may write is not trusted") {
  const Folder folder;
  const std::string path = folder.path + "/c";
  REQUIRE(ObjectCache::open(path).ok());
  REQUIRE(::chmod(path.c_str(), 0777) == 0);
  const auto refused = ObjectCache::open(path);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("chmod go-w") != std::string::npos);
}

TEST_CASE("a folder is not trusted when another user may put another in its place") {
  const Folder folder;
  const std::string parent = folder.path + "/parent";
  REQUIRE(::mkdir(parent.c_str(), 0700) == 0);
  REQUIRE(ObjectCache::open(parent + "/c").ok());

  SUBCASE("all may write the folder above") {
    REQUIRE(::chmod(parent.c_str(), 0777) == 0);
  }
  SUBCASE("a group may write the folder above") {
    REQUIRE(::chmod(parent.c_str(), 0770) == 0);
  }
  SUBCASE("the folder above belongs to another user") {
    if (::geteuid() != 0) return;  // Only root can give a folder away.
    REQUIRE(::chown(parent.c_str(), 12'345, 12'345) == 0);
  }
  SUBCASE("a link of another user leads to it") {
    if (::geteuid() != 0) return;
    const std::string link = folder.path + "/link";
    std::filesystem::create_symlink(parent, link);
    REQUIRE(ObjectCache::open(link + "/c").ok());
    REQUIRE(::lchown(link.c_str(), 12'345, 12'345) == 0);
    const auto refused = ObjectCache::open(link + "/c");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find(link + ": others may change it") == 0);
    return;
  }

  const auto refused = ObjectCache::open(parent + "/c");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find(parent + ": others may change it") == 0);
}

TEST_CASE("an entry that was checked stays what it is when another is put in its place") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  int made = 0;
  const std::string path = *fill(*cache, key_of("a"), "a.wasm", maker("object a", made));
  const auto entry = cache->find(key_of("a"));
  REQUIRE(entry.has_value());
  std::filesystem::remove(path);
  std::ofstream(path) << "object b";
  CHECK(start_of("/proc/self/fd/" + std::to_string(entry->fd()), 8) == "object a");
}

TEST_CASE("a cache is what its folder was when it was opened") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  int made = 0;
  REQUIRE(fill(*cache, key_of("a"), "a.wasm", maker("object a", made)).ok());
  std::filesystem::rename(folder.path + "/c", folder.path + "/moved");
  std::filesystem::create_directory(folder.path + "/c");
  CHECK_FALSE(find(*cache, key_of("a")).empty());
  CHECK(cache->clear() == 1);
  CHECK(std::filesystem::is_empty(folder.path + "/c"));
}

TEST_CASE("no process waits for a FIFO, a folder or a socket in the place of an entry") {
  using Put = void (*)(const std::string& path);
  const Put puts[] = {
      [](const std::string& path) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); },
      [](const std::string& path) { std::filesystem::create_directories(path + "/with/more"); },
      [](const std::string& path) { REQUIRE(::mknod(path.c_str(), S_IFSOCK | 0600, 0) == 0); },
      [](const std::string& path) { std::filesystem::create_symlink("/nowhere/at/all", path); },
  };
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  const std::string path = folder.path + "/c/" + key_of("a") + ".so";
  int made = 0;
  for (const Put put : puts) {
    for (const bool clear_first : {true, false}) {
      put(path);
      CHECK(find(*cache, key_of("a")).empty());
      REQUIRE(cache->entries().size() == 1);
      CHECK_FALSE(cache->entries().front().good);
      if (clear_first) CHECK(cache->clear() == 1);
      CHECK(fill(*cache, key_of("a"), "a.wasm", maker("object a", made)).ok());
      CHECK(start_of(find(*cache, key_of("a")), 8) == "object a");
      CHECK(cache->clear() == 1);
    }
  }
}

TEST_CASE("a FIFO or a folder in the place of the lock is replaced") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  const std::string path = folder.path + "/c/lock";
  SUBCASE("FIFO") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  }
  SUBCASE("folder") {
    std::filesystem::create_directories(path + "/with/more");
  }
  int made = 0;
  CHECK(fill(*cache, key_of("a"), "a.wasm", maker("object a", made)).ok());
  CHECK(std::filesystem::is_regular_file(path));
}

TEST_CASE("what a killed process left is removed by the next that fills; a living one keeps its") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  const auto work_folders = [&] {
    int count = 0;
    for (const auto& item : std::filesystem::directory_iterator(folder.path + "/c")) {
      if (item.path().filename().string().starts_with("work-")) ++count;
    }
    return count;
  };
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto own = ObjectCache::open(folder.path + "/c");
    (void)fill(*own, key_of("a"), "a.wasm", [](auto& work, auto&) -> Status {
      std::ofstream(work + "/half") << "half an object";
      ::kill(::getpid(), SIGKILL);
      return Nothing{};
    });
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFSIGNALED(status));
  CHECK(work_folders() == 1);
  std::ofstream(folder.path + "/c/work-file") << "is no folder";
  int made = 0;
  // While one fills, another fills: the left folder goes, the one in use stays.
  const auto outer = fill(*cache, key_of("b"), "b.wasm", [&](auto& work, auto& object) -> Status {
    CHECK(work_folders() == 1);
    CHECK(fill(*cache, key_of("c"), "c.wasm", maker("object c", made)).ok());
    CHECK(std::filesystem::is_directory(work));
    std::ofstream(object) << "object b";
    return Nothing{};
  });
  CHECK(outer.ok());
  CHECK(work_folders() == 0);
}

TEST_CASE("a failure to make is handed on and leaves nothing") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c");
  REQUIRE(cache.ok());
  const auto fail = [](const std::string&, const std::string&) -> Status {
    return Error{"no, thanks"};
  };
  auto path = fill(*cache, key_of("a"), "a.wasm", fail);
  REQUIRE_FALSE(path.ok());
  CHECK(path.error().message == "no, thanks");
  for (const auto& item : std::filesystem::directory_iterator(cache->folder())) {
    CHECK(item.path().filename() == "lock");
  }
}

TEST_CASE("what was used longest ago goes when there is no room") {
  const Folder folder;
  auto cache = ObjectCache::open(folder.path + "/c", 3'000);
  REQUIRE(cache.ok());
  int made = 0;
  const std::string kilobyte(1'000, 'x');
  for (const char* key : {"a", "b", "c", "d"}) {
    auto path = fill(*cache, key_of(key), key, maker(kilobyte, made));
    REQUIRE(path.ok());
    // A second apart, as far as the files know.
    const timespec times[2] = {{0, UTIME_OMIT}, {1'000'000 + made, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path->c_str(), times, 0) == 0);
  }
  CHECK(find(*cache, key_of("a")).empty());
  CHECK_FALSE(find(*cache, key_of("d")).empty());
}

TEST_CASE("of ten processes that want the same entry one makes it") {
  const Folder folder;
  const std::string counter = folder.path + "/made";
  std::vector<pid_t> children;
  for (int i = 0; i < 10; ++i) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      auto cache = ObjectCache::open(folder.path + "/c");
      auto path = fill(*cache, key_of("a"), "a.wasm", [&](auto&, const std::string& object) {
        std::ofstream(counter, std::ios::app) << "made\n";
        ::usleep(20'000);
        std::ofstream(object) << "object a";
        return Status(Nothing{});
      });
      ::_exit(path.ok() && start_of(*path, 8) == "object a" ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    CHECK(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  CHECK(std::filesystem::file_size(counter) == 5);
}
