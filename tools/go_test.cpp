// SPDX-License-Identifier: Apache-2.0
#include "tools/go_test.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "base/unique_fd.h"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

// What "go test" is told with one dash, of what a test binary knows, and of what the compiler does.
constexpr std::array<std::string_view, 3> kTestFlags = {"v", "short", "failfast"};
constexpr std::array<std::string_view, 7> kTestValues = {"run",      "skip",  "count", "timeout",
                                                         "parallel", "bench", "cpu"};
constexpr std::array<std::string_view, 4> kBuildValues = {"tags", "ldflags", "gcflags", "mod"};

// How many tests that call t.Parallel may run at once: natively as many as there are processors. Go
// on wasm sees one, and would run one after the other.
constexpr const char* kParallel = "-test.parallel=8";

template <class Words>
bool is_one_of(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct GoTest {
  std::string package;
  std::vector<std::string> build;   // For go test -c.
  std::vector<std::string> binary;  // For the test binary.
  std::vector<std::string> rest;    // For weft test.
  // What "go test" sets when it is not told.
  bool has_timeout = false;
  bool has_parallel = false;
};

// "run=TestX" of "-run=TestX" and, as Go has it, of "--run=TestX"; "" when the word has no dash.
std::string_view without_dashes(std::string_view word) {
  if (!word.starts_with('-')) return {};
  word.remove_prefix(word.starts_with("--") ? 2 : 1);
  return word;
}

// Will the guest have this directory, by an option of the user's?
bool has_directory(const std::vector<std::string>& words, std::string_view name) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return word == name || word.ends_with("::" + std::string(name)) ||
           word == "--empty-dir=" + std::string(name);
  });
}

// Takes the words apart. The value of a flag is in the same word, behind "=", or the next one.
Result<GoTest> read_words(const std::vector<std::string>& args) {
  GoTest test;
  for (std::size_t n = 0; n < args.size(); ++n) {
    const std::string& word = args[n];
    const std::size_t equals = word.find('=');
    // That of a Go flag may begin with a dash (-ldflags -s); options of weft begin with two.
    const auto value = [&](std::string_view of) -> Result<std::string> {
      if (equals != std::string::npos) return word.substr(equals + 1);
      if (n + 1 == args.size()) return Error{std::string(of) + " needs a value"};
      if (args[n + 1].starts_with(of == "--go" ? "-" : "--")) {
        return Error{std::string(of) + " needs a value, and " + printable(args[n + 1]) +
                     " is an option"};
      }
      return args[++n];
    };
    const std::string_view text = without_dashes(word);
    const std::string_view flag = text.substr(0, text.find('='));
    if (word == "--") {
      test.binary.insert(test.binary.end(), args.begin() + static_cast<std::ptrdiff_t>(n) + 1,
                         args.end());
      break;
    }
    if (word == ":::") return Error{"--go is a test of one guest; there is no ::: beside it"};
    if (word == "--go" || word.starts_with("--go=")) {
      auto package = value("--go");
      if (!package) return package.error();
      test.package = *package;
    } else if (is_one_of(kTestFlags, flag)) {
      test.binary.push_back("-test." + std::string(text));
    } else if (is_one_of(kTestValues, flag)) {
      test.has_timeout = test.has_timeout || flag == "timeout";
      test.has_parallel = test.has_parallel || flag == "parallel";
      auto given = value(word);
      if (!given) return given.error();
      test.binary.push_back("-test." + std::string(flag) + "=" + *given);
    } else if (is_one_of(kBuildValues, flag)) {
      auto given = value(word);
      if (!given) return given.error();
      test.build.push_back("-" + std::string(flag) + "=" + *given);
    } else if (flag == "race") {
      return Error{"-race is not there for wasm; weft explores schedules instead"};
    } else {
      test.rest.push_back(word);
    }
  }
  if (test.package.empty()) return Error{"--go needs a package: ./pkg"};
  return test;
}

std::vector<std::string> environment() {
  std::vector<std::string> words;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view word = *at;
    if (!word.starts_with("GOOS=") && !word.starts_with("GOARCH=")) words.emplace_back(word);
  }
  words.emplace_back("GOOS=wasip1");
  words.emplace_back("GOARCH=wasm");
  return words;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

// Runs the go command; what it writes to stdout, else its stderr is the user's.
Result<std::string> run_go(std::vector<std::string> words, const std::string& what) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("go", errno);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  std::vector<std::string> env = environment();
  words.insert(words.begin(), "go");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, "go", &actions, nullptr, pointers(words).data(), pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  to.reset();
  if (error == ENOENT) {
    return Error{
        "--go needs the go command, which is not in PATH: install Go, or build the test "
        "binary elsewhere and give it in place of the package"};
  }
  if (error != 0) return errno_error("go", error);
  std::string text = read_all(from.get());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{"go " + words[1] + " can't " + what + "; what it says stands above"};
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// Builds the package's test binary; its testdata, if there is one, goes to the guest.
Result<std::string> build(GoTest& test) {
  std::vector<std::string> list = {"list", "-f", "{{.Dir}}"};
  std::vector<std::string> compile = {"test", "-c"};
  for (auto* words : {&list, &compile}) {
    words->insert(words->end(), test.build.begin(), test.build.end());
  }
  list.push_back(test.package);
  auto folder = run_go(list, "find " + test.package);
  if (!folder) return folder.error();
  if (folder->find('\n') != std::string::npos) {
    return Error{"--go takes one package; " + test.package + " is several"};
  }
  const fs::path path = *folder;
  const std::string binary = path.filename().string() + ".test.wasm";
  std::error_code ignored;
  fs::remove(binary, ignored);  // A package without tests makes none.
  compile.insert(compile.end(), {"-o", binary, test.package});
  auto built = run_go(compile, "build the tests of " + test.package);
  if (!built) return built.error();
  if (!fs::exists(binary, ignored)) return Error{test.package + " has no tests"};
  if (fs::is_directory(path / "testdata", ignored)) {
    test.rest.push_back("--dir=" + (path / "testdata").string() + "::/testdata");
  }
  return binary;
}

}  // namespace

Result<std::vector<std::string>> expand_go_test(const std::vector<std::string>& args) {
  const bool is_go = std::any_of(args.begin(), args.end(), [](const std::string& word) {
    return word == "--go" || word.starts_with("--go=");
  });
  if (!is_go) return args;
  auto test = read_words(args);
  if (!test) return test.error();
  std::string binary = test->package;
  if (!binary.ends_with(".wasm")) {
    auto built = build(*test);
    if (!built) return built.error();
    binary = *built;
  }
  std::vector<std::string> words = {"--leaks", "--env=PWD=/"};
  for (const char* directory : {"/", "/tmp"}) {
    if (!has_directory(test->rest, directory)) {
      words.push_back("--empty-dir=" + std::string(directory));
    }
  }
  words.insert(words.end(), test->rest.begin(), test->rest.end());
  words.push_back(binary);
  if (!test->has_timeout) words.emplace_back("-test.timeout=10m");
  if (!test->has_parallel) words.emplace_back(kParallel);
  words.insert(words.end(), test->binary.begin(), test->binary.end());
  return words;
}

}  // namespace weft::tools
