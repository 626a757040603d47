// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect_command.h"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "base/printable.h"
#include "control/json.h"
#include "sim/quantities.h"
#include "tools/command_line.h"
#include "tools/control_client.h"
#include "tools/exit_codes.h"
#include "tools/guest_table.h"
#include "tools/messages.h"
#include "tools/top_screen.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr const char* kWhich = "Its process id, or the path of its socket; needed when several run";

Result<json::object> ask(const std::string& weft, const json::object& request) {
  auto meant = meant_weft(weft);
  if (!meant) return meant.error();
  auto client = ControlClient::connect(*meant);
  if (!client) return client.error();
  return client->ask(request);
}

// Asks for a text and prints it.
int print_text_of(const char* command, const std::string& weft, const char* request) {
  const auto answer = ask(weft, {{"request", request}});
  if (!answer) return complain(command, answer.error(), kExitFatal);
  std::string wrong;
  const std::string text = control::JsonFields(*answer, wrong).text("text");
  return print({0, printable_lines(text)});
}

struct PsApp {
  CLI::App app{
      "Lists the guests of this user's running wefts: those of weft run --control.\n"
      "weft ps [WEFT]...",
      "weft ps"};
  std::vector<std::string> wefts;
  PsApp() { app.add_option("WEFT", wefts, "Only this one: a process id or the path of a socket"); }
};

struct TopApp {
  CLI::App app{
      "Shows what the guests of a running weft do, again and again. q ends it.\n"
      "weft top [options] [WEFT]",
      "weft top"};
  std::string weft;
  std::string every = "1s";
  std::string times;
  TopApp() {
    app.add_option("WEFT", weft, kWhich);
    app.add_option("--every", every, "How often (default 1s)")->type_name("TIME");
    app.add_option("--times", times, "End after so many screens")->type_name("NUMBER");
  }
};

struct KillApp {
  CLI::App app{
      "Ends guests of a running weft, in whatever state they are.\n"
      "weft kill WEFT GUEST...\nweft kill WEFT --all",
      "weft kill"};
  std::string weft;
  std::vector<std::string> guests;
  bool all = false;
  KillApp() {
    app.add_option("WEFT", weft, "Its process id, or the path of its socket")->required();
    app.add_option("GUEST", guests, "The numbers of the guests, as weft ps shows them");
    app.add_flag("--all", all, "All of its guests");
  }
};

struct DumpApp {
  CLI::App app{"Prints every green thread of a running weft, with its state.\nweft dump [WEFT]",
               "weft dump"};
  std::string weft;
  DumpApp() { app.add_option("WEFT", weft, kWhich); }
};

struct StatsApp {
  CLI::App app{"Prints the figures of a running weft as OpenMetrics text.\nweft stats [WEFT]",
               "weft stats"};
  std::string weft;
  StatsApp() { app.add_option("WEFT", weft, kWhich); }
};

struct TraceApp {
  CLI::App app{
      "Has a running weft write a trace: what its guests do from now on, until stop.\n"
      "weft trace start WEFT FILE\nweft trace stop WEFT",
      "weft trace"};
  std::string what;
  std::string weft;
  std::string file;
  TraceApp() {
    app.add_option("WHAT", what, "start or stop")->required()->check(one_of({"start", "stop"}));
    app.add_option("WEFT", weft, "Its process id, or the path of its socket")->required();
    app.add_option("FILE", file, "FILE.json (Perfetto) or FILE.csv");
  }
};

}  // namespace

CommandHelp ps_help() {
  return describe(PsApp().app);
}
CommandHelp top_help() {
  return describe(TopApp().app);
}
CommandHelp kill_help() {
  return describe(KillApp().app);
}
CommandHelp dump_help() {
  return describe(DumpApp().app);
}
CommandHelp trace_help() {
  return describe(TraceApp().app);
}
CommandHelp stats_help() {
  return describe(StatsApp().app);
}

int ps_command(const std::vector<std::string>& args) {
  PsApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  if (cli.wefts.empty()) {
    auto all = control_sockets();
    if (!all) return complain("ps", all.error(), kExitFatal);
    cli.wefts = std::move(*all);
  }
  int code = 0;
  std::string lines;
  for (const std::string& weft : cli.wefts) {
    auto client = ControlClient::connect(weft);
    if (!client) {
      code = complain("ps", client.error(), kExitFatal);
      continue;
    }
    const auto answer = client->ask({{"request", "guests"}});
    const auto sample = answer ? read_sample(*answer) : Result<GuestSample>(answer.error());
    if (sample) {
      lines += ps_lines(client->pid(), *sample);
    } else {
      code = complain("ps", sample.error(), kExitFatal);
    }
  }
  if (lines.empty() && code != 0) return code;
  const int printed = print({0, ps_heading() + lines});
  return printed != 0 ? printed : code;
}

int top_command(const std::vector<std::string>& args) {
  TopApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  const auto every = read_time("--every", cli.every);
  if (!every) return print(wrong_use("top", every.error().message));
  std::uint64_t times = 0;
  if (!cli.times.empty()) {
    const auto count = read_count("--times", cli.times, 1);
    if (!count) return print(wrong_use("top", count.error().message));
    times = *count;
  }
  auto meant = meant_weft(cli.weft);
  if (!meant) return complain("top", meant.error(), kExitFatal);
  auto client = ControlClient::connect(*meant);
  if (!client) return complain("top", client.error(), kExitFatal);
  if (Status shown = show_top(*client, *every, times); !shown) {
    return complain("top", shown.error(), kExitFatal);
  }
  return 0;
}

int kill_command(const std::vector<std::string>& args) {
  KillApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  if (cli.all != cli.guests.empty()) {
    return print(wrong_use("kill", "name the guests to end, or --all"));
  }
  std::vector<json::object> requests;
  if (cli.all) requests.push_back({{"request", "kill"}, {"all", true}});
  for (const std::string& word : cli.guests) {
    const auto guest = read_count("GUEST", word, 1);
    if (!guest) return print(wrong_use("kill", guest.error().message));
    requests.push_back({{"request", "kill"}, {"guest", *guest}});
  }
  auto client = ControlClient::connect(cli.weft);
  if (!client) return complain("kill", client.error(), kExitFatal);
  int code = 0;
  for (const json::object& request : requests) {
    if (const auto answer = client->ask(request); !answer) {
      code = complain("kill", answer.error(), kExitFatal);
    }
  }
  return code;
}

int dump_command(const std::vector<std::string>& args) {
  DumpApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return print_text_of("dump", cli.weft, "dump");
}

int stats_command(const std::vector<std::string>& args) {
  StatsApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return print_text_of("stats", cli.weft, "stats");
}

int trace_command(const std::vector<std::string>& args) {
  TraceApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  const bool starts = cli.what == "start";
  if (starts == cli.file.empty()) {
    return print(wrong_use("trace", "start needs a file, and stop has none"));
  }
  json::object request = {{"request", starts ? "trace-start" : "trace-stop"}};
  if (starts) request["file"] = std::filesystem::absolute(cli.file).string();
  const auto answer = ask(cli.weft, request);
  return answer ? 0 : complain("trace", answer.error(), kExitFatal);
}

}  // namespace weft::tools
