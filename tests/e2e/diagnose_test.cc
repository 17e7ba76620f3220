// Systems that are broken for real, each in one way, and what the diagnosis says of them first.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/exit_code.h"
#include "e2e/diagnose_testing.h"

namespace vitrine::e2e {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Of every version in the store.
std::vector<fs::path> ModelFiles(const std::string& data) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(data + "/artifacts")) {
    if (entry.path().filename() == "model.onnx") {
      files.push_back(entry.path());
    }
  }
  return files;
}

class Diagnose : public DiagnosedShop {};

TEST_F(Diagnose, ALargerVersionIsSlower) {
  Register("light", Graph(1));
  Register("heavy", Graph(1, 8));
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Deploy(client, "light");
  TellFavourites(client);
  Ask(client, 500);
  Deploy(client, "heavy");
  Ask(client, 400);
  const json look = Look(client, "slower_after_deploy");
  EXPECT_EQ(First(look), "larger_model") << look.dump(1);
  EXPECT_EQ(First(Look(client, "all")), "larger_model");
  // The service monitor shows where the time went since that deploy; the cores are looked at once a second.
  json load;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  do {
    Ask(client, 20);
    const auto service = client.Get("/v1/monitors/service");
    ASSERT_TRUE(service.ok());
    load = json::parse(service->body)["load"];
  } while (load["cpu_share"].is_null() && std::chrono::steady_clock::now() < until);
  EXPECT_GT(load["stages"]["graph_seconds"], load["stages"]["features_seconds"]) << load.dump(1);
  EXPECT_GT(load["answers_per_second"], 0) << load.dump(1);
  EXPECT_GT(load["cpu_share"], 0) << load.dump(1);
  // The command asks the same server, and speaks Chinese where it is asked to.
  const loop::ChildOutcome said =
      RunProgram("vitrine", {"--data", data(), "diagnose", "slower_after_deploy", "--lang", "zh"});
  EXPECT_EQ(said.exit_code, kExitOk);
  EXPECT_NE(said.output.find("模型比之前更大"), std::string::npos) << said.output;
  EXPECT_NE(said.output.find("vitrine model rollback"), std::string::npos) << said.output;
}

TEST_F(Diagnose, ABrokenFeatureAndABackwardModelAreWorse) {
  Register("good", Graph(1));
  Register("deaf", Graph(2), "favourite");  // reads events that nobody sends
  Register("backward", Graph(-1));
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Deploy(client, "good");
  TellFavourites(client);
  Ask(client, 800);
  Deploy(client, "deaf");
  Ask(client, 800);
  WaitUntilCounted(client);
  const json deaf = Look(client, "worse_after_deploy");
  EXPECT_EQ(First(deaf), "fallbacks_up") << deaf.dump(1);
  EXPECT_EQ(deaf["causes"][0]["evidence"][0]["subject"], "no_history");
  Deploy(client, "good");
  Deploy(client, "backward");
  Ask(client, 800);
  WaitUntilCounted(client);
  const json backward = Look(client, "worse_after_deploy");
  EXPECT_EQ(First(backward), "model_worse") << backward.dump(1);
}

TEST_F(Diagnose, WhatKeepsItFromStartingIsFoundWithoutAServer) {
  Register("good", Graph(1));
  {
    RunningServer server(data());
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    Deploy(client, "good");
    EXPECT_EQ(First(Diagnosed({"does_not_start"})), "nothing");
    EXPECT_EQ(server.Stop(), 0);
  }
  const std::vector<std::string> free = {"--set", "server.listen=127.0.0.1:0", "--set",
                                         "server.grpc_listen="};
  const json healthy = Diagnosed({"does_not_start"}, free);
  EXPECT_EQ(First(healthy), "nothing") << healthy.dump(1);
  EXPECT_GE(healthy["healthy"].size(), 9U) << healthy.dump(1);

  // A port that another program holds.
  const int other = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(other, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(other, 1), 0);
  ASSERT_EQ(::getsockname(other, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string listen = "server.listen=127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_NE(RunProgram("vitrine", {"--data", data(), "--set", listen, "up"}).exit_code, 0);
  EXPECT_EQ(First(Diagnosed({"does_not_start"}, {"--set", listen})), "port_in_use");
  ::close(other);

  EXPECT_EQ(First(Diagnosed({"does_not_start"}, {"--set", "server.listne=x"})), "setting_wrong");
  EXPECT_EQ(First(Diagnosed({"does_not_start"}, {"--set", "server.listen=0.0.0.0:0"})),
            "key_needed");

  const std::vector<fs::path> files = ModelFiles(data());
  ASSERT_EQ(files.size(), 1U);
  fs::permissions(files[0], fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(files[0], std::ios::app) << 'x';
  const json damaged = Diagnosed({"does_not_start"}, free);
  EXPECT_EQ(First(damaged), "file_damaged") << damaged.dump(1);
  {
    // A server goes on without the version, and knows why.
    RunningServer server(data());
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    EXPECT_EQ(First(Look(client, "does_not_start")), "file_damaged");
    EXPECT_EQ(server.Stop(), 0);
  }
  fs::permissions(files[0].parent_path(), fs::perms::owner_write, fs::perm_options::add);
  fs::remove(files[0]);
  EXPECT_EQ(First(Diagnosed({"does_not_start"}, free)), "file_missing");

  std::fstream db(data() + "/vitrine.db", std::ios::binary | std::ios::in | std::ios::out);
  db.seekp(0);
  db << "this is no database any more";
  db.close();
  EXPECT_EQ(First(Diagnosed({"does_not_start"}, free)), "database_damaged");
}

struct Fault {
  const char* name;
  Behaviour behaviour;
  const char* first;
};

class DiagnoseNumbers : public DiagnosedShop, public testing::WithParamInterface<Fault> {};

TEST_P(DiagnoseNumbers, AreWrong) {
  Register("good", Graph(1));
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Deploy(client, "good");
  TellFavourites(client);
  Ask(client, 150);
  Ask(client, 1800, GetParam().behaviour);
  WaitUntilCounted(client);
  const json look = Look(client, "monitor_shows_wrong_numbers");
  EXPECT_EQ(First(look), GetParam().first) << look.dump(1);
}

INSTANTIATE_TEST_SUITE_P(
    OfFaults, DiagnoseNumbers,
    testing::Values(
        Fault{"LostIds", {.names_request = false, .knows_shopper = false}, "requests_missing"},
        Fault{"InventedIds", {.invents_request = true}, "requests_unknown"},
        Fault{"SentTwice", {.copies = 2}, "events_twice"},
        Fault{"EightHoursBehind", {.clock_seconds = -8 * 3600}, "time_zone_wrong"},
        Fault{"EightHoursAhead", {.clock_seconds = 8 * 3600}, "clock_wrong"}),
    [](const testing::TestParamInfo<Fault>& fault) { return std::string(fault.param.name); });

std::string ScrapeConfig(const std::string& target, const std::string& more = "") {
  return "global:\n  scrape_interval: 15s\nscrape_configs:\n  - job_name: vitrine\n" + more +
         "    static_configs:\n      - targets: ['" + target + "']\n";
}

TEST_F(Diagnose, WhyTheMonitorCannotBeReachedIsFoundFromWhereItIsAsked) {
  const auto first = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"monitor_cannot_be_reached"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const json diagnosis = Diagnosed(all);
    EXPECT_TRUE(diagnosis.is_object());
    return First(diagnosis);
  };
  std::string target;
  std::string closed;
  {
    RunningServer server(data());
    ASSERT_TRUE(server.ok());
    target = "127.0.0.1:" + std::to_string(server.port());
    closed = "127.0.0.1:" + std::to_string(server.port() == 9 ? 10 : 9);
    const auto config = [&](const std::string& name, const std::string& text) {
      return Write(name, text);
    };
    EXPECT_EQ(first({}), "nothing");
    EXPECT_EQ(first({"--scrape-config", config("good.yml", ScrapeConfig(target))}), "nothing");
    EXPECT_EQ(first({"--scrape-config", config("port.yml", ScrapeConfig(closed))}), "port_wrong");
    EXPECT_EQ(first({"--scrape-config",
                     config("path.yml", ScrapeConfig(target, "    metrics_path: /prometheus\n"))}),
              "scrape_path_wrong");
    EXPECT_EQ(
        first({"--scrape-config", config("tls.yml", ScrapeConfig(target, "    scheme: https\n"))}),
        "tls_mismatch");
    EXPECT_EQ(first({"--address", "http://" + target}), "nothing");
    // Of all questions nothing is wrong either; what was looked at is said.
    const loop::ChildOutcome said = RunProgram("vitrine", {"--data", data(), "diagnose"});
    EXPECT_NE(said.output.find("Nothing found."), std::string::npos) << said.output;
    EXPECT_NE(said.output.find("whether a connection comes about"), std::string::npos)
        << said.output;
    EXPECT_EQ(server.Stop(), 0);
  }
  EXPECT_EQ(first({"--scrape-config", Write("gone.yml", ScrapeConfig(target))}), "server_down");
  const loop::ChildOutcome remote =
      Vitrine({"--server", "http://" + target, "diagnose", "monitor_cannot_be_reached"});
  EXPECT_EQ(First(json::parse(remote.output, nullptr, false)), "server_down") << remote.output;

  const loop::ChildOutcome made = Vitrine({"key", "create", "ops", "--scope", "operate"});
  ASSERT_EQ(made.exit_code, 0) << made.last_error_lines;
  const std::string key = json::parse(made.output).value("key", "");
  ASSERT_FALSE(key.empty()) << made.output;
  RunningServer guarded(data(), {"--set", "server.require_keys=true"});
  ASSERT_TRUE(guarded.ok());
  target = "127.0.0.1:" + std::to_string(guarded.port());
  EXPECT_EQ(first({}), "nothing");
  EXPECT_EQ(first({"--address", target}), "key_refused");
  EXPECT_EQ(first({"--scrape-config", Write("keyless.yml", ScrapeConfig(target))}), "key_refused");
  const std::string with_key =
      "    authorization:\n      credentials_file: " + Write("key.txt", key + "\n") + "\n";
  EXPECT_EQ(first({"--scrape-config", Write("key.yml", ScrapeConfig(target, with_key))}),
            "nothing");
}

// Two versions that do the same, deployed one after the other under traffic, and a look after each few answers. Five
// servers, each with shoppers of its own; the looks at one server share what they look at.
TEST_F(Diagnose, AHundredLooksAtHealthyServersFindNothing) {
  constexpr int kServers = 5;
  constexpr int kLooks = 20;
  Register("good", Graph(1));
  Register("same", Graph(2));
  int looks = 0;
  for (int number = 0; number < kServers; ++number) {
    random_.seed(static_cast<std::uint64_t>(number) + 100);
    const std::string copy = folder_.path() + "/copy" + std::to_string(number);
    fs::copy(data(), copy, fs::copy_options::recursive);
    RunningServer server(copy);
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    Deploy(client, "good");
    TellFavourites(client);
    Ask(client, 500);
    Deploy(client, "same");
    for (int look = 0; look < kLooks; ++look) {
      Ask(client, 40);
      const json found = Look(client, "all");
      ++looks;
      EXPECT_EQ(First(found), "nothing")
          << "server " << number << ", look " << look << ": " << found.dump(1);
    }
    WaitUntilCounted(client);
    const json last = Look(client, "all");
    EXPECT_EQ(First(last), "nothing") << last.dump(1);
    // Looked at, not merely left out.
    const std::string healthy = last["healthy"].dump();
    for (const char* name : {"\"latency\"", "\"quality\"", "\"fallbacks\"", "\"joins\"",
                             "\"duplicates\"", "\"clock\"", "\"behind\"", "\"started\""}) {
      EXPECT_NE(healthy.find(name), std::string::npos) << name << " in " << last.dump(1);
    }
  }
  EXPECT_EQ(looks, 100);
}

}  // namespace
}  // namespace vitrine::e2e
