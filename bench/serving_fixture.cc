#include "bench/serving_fixture.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "evaluate/holdout.h"
#include "loop/child_process.h"
#include "transport/http/client.h"
#include "transport/http/load_target.h"

namespace vitrine::bench {
namespace {

std::string Bin() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string();
}

}  // namespace

TemporaryFolder::TemporaryFolder()
    : path_((std::filesystem::temp_directory_path() / "vitrine-bench-XXXXXX").string()) {
  CHECK(::mkdtemp(path_.data()) != nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Prepare(const std::string& data, const std::vector<std::string>& specs) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const std::string beauty =
      std::string(root == nullptr ? "../shared" : root) + "/data/amazon-beauty";
  loop::ChildCommand command{.program = Bin() + "/vitrine", .arguments = {"--data", data}};
  if (std::filesystem::exists(beauty)) {
    command.arguments.insert(
        command.arguments.end(),
        {"run", beauty, "--mapping", "tests/data/mappings/amazon-beauty.toml", "--protocol",
         "tests/data/protocols/amazon-beauty.toml", "--no-serve"});
    for (const std::string& spec : specs) {
      command.arguments.insert(command.arguments.end(), {"--spec", spec});
      std::printf("model: %s on amazon-beauty\n", spec.c_str());
    }
  } else {
    command.arguments.emplace_back("demo");
    std::printf("model: the demo's, on a simulated shop\n");
  }
  const auto outcome = loop::RunChild(command, {}, {});
  CHECK(outcome.ok());
  if (outcome->exit_code != 0) {
    std::fprintf(stderr, "%s", outcome->last_error_lines.c_str());
    std::exit(1);
  }
}

std::unique_ptr<apps::Application> Serve(const std::string& data,
                                         const std::vector<std::string>& settings) {
  std::vector<std::string> all = {"server.listen=127.0.0.1:0",
                                  "server.grpc_listen=", "server.threads=1"};
  all.insert(all.end(), settings.begin(), settings.end());
  auto loaded = apps::Settings::Load("", [](const std::string&) { return std::nullopt; }, all);
  CHECK(loaded.ok());
  auto server = apps::Application::Start({.data = data, .settings = *std::move(loaded)});
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().message().c_str());
    std::exit(1);
  }
  CHECK((*server)->WaitUntilReady(After(std::chrono::seconds(60))).ok());
  return *std::move(server);
}

http::Endpoint EndpointOf(const apps::Application& server) {
  auto endpoint = http::ParseEndpoint(server.url());
  CHECK(endpoint.ok());
  return *std::move(endpoint);
}

std::string Asking(const std::string& body) {
  std::string request;
  http::AppendRequest({.method = "POST", .target = "/v1/recommend", .body = body}, {}, "",
                      {{"Content-Type", "application/json"}}, request);
  return request;
}

std::vector<std::string> AskingAll(const std::vector<std::string>& bodies) {
  std::vector<std::string> requests;
  std::transform(bodies.begin(), bodies.end(), std::back_inserter(requests), Asking);
  return requests;
}

std::vector<std::string> BodiesOfTestCases(const std::string& data, const std::string& question) {
  constexpr std::size_t kMost = 5000;
  const auto holdout = evaluate::ReadHoldout(HoldoutOf(data));
  CHECK(holdout.ok());
  nlohmann::json asked = nlohmann::json::parse(question);
  std::vector<std::string> bodies;
  for (const evaluate::HoldoutCase& one : holdout->cases) {
    if (one.part != evaluate::Part::kTest || bodies.size() == kMost) {
      continue;
    }
    nlohmann::json history = nlohmann::json::array();
    for (const evaluate::HoldoutEvent& event : one.history) {
      history.push_back(holdout->items[event.item]);
    }
    asked["user_id"] = one.user;
    asked["history"] = std::move(history);
    bodies.push_back(asked.dump());
  }
  return bodies;
}

simulate::LoadResult Load(const http::Endpoint& endpoint, const std::vector<std::string>& requests,
                          std::size_t connections, const simulate::LoadOptions& options) {
  const auto target = http::MakeLoadTarget(endpoint, requests, {.connections = connections});
  CHECK(target.ok());
  auto result = simulate::RunLoad(**target, options);
  CHECK(result.ok() && result->total.counts.failed() == 0);
  return *std::move(result);
}

simulate::LoadResult ServeForASecond(const http::Endpoint& endpoint,
                                     const std::vector<std::string>& requests) {
  return Load(endpoint, requests, kConnections,
              {.concurrency = kConnections,
               .warmup = 0,
               .window = simulate::kNanosPerSecond,
               .windows = 1});
}

std::string HoldoutOf(const std::string& data) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/jobs")) {
    const std::string file = entry.path().string() + "/holdout.jsonl";
    newest = std::filesystem::exists(file) ? std::max(newest, file) : newest;
  }
  return newest;
}

}  // namespace vitrine::bench
