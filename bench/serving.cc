// The whole POST /v1/recommend path beside a bare loop over the same model's graph.
//
// Method: one server I/O thread, one client thread, on loopback. The same histories (the test cases
// of the data set) go to both sides. Throughput: kConnections keep-alive connections, one request
// outstanding on each; served and bare take turns, kPairs times; the ratio is taken pair by pair.
// Latency: open loop, arrivals drawn beforehand (Poisson) at half of the measured throughput, each
// latency counted from the moment the request was due, so that a server that falls behind shows it.
// The client's own lag is a bar: where it comes near p99, the client was too slow to judge the server.
//   serving [DATA_DIRECTORY]   one that has a champion; without it the amazon-beauty data set is run
//                              first (VITRINE_TEST_DATA, default ../shared), or a simulated shop
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/runtime.h"
#include "apps/vitrine/application.h"
#include "bench/report.h"
#include "evaluate/holdout.h"
#include "loop/child_process.h"
#include "transport/http/client.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kConnections = 8;
constexpr int kPairs = 10;
constexpr double kSeconds = 1;
constexpr double kLatencySeconds = 10;

/// One keep-alive connection with one request outstanding at most.
class Connection {
 public:
  explicit Connection(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  void Send(std::string_view request) {
    while (!request.empty()) {
      const ssize_t n = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
      CHECK(n > 0);
      request.remove_prefix(static_cast<std::size_t>(n));
    }
    got_.clear();
    busy = true;
  }
  /// Reads what is there; true once the answer is whole.
  bool Read() {
    char buffer[16384];
    const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
    CHECK(n > 0);
    got_.append(buffer, static_cast<std::size_t>(n));
    const auto head = got_.find("\r\n\r\n");
    if (head == std::string::npos) {
      return false;
    }
    CHECK(got_.starts_with("HTTP/1.1 200"));
    const auto at = got_.find("Content-Length: ");
    CHECK(at < head);
    std::size_t length = 0;
    std::from_chars(got_.data() + at + 16, got_.data() + head, length);
    busy = got_.size() < head + 4 + length;
    return !busy;
  }
  [[nodiscard]] int fd() const { return fd_; }

  bool busy = false;
  Clock::time_point due;

 private:
  int fd_;
  std::string got_;
};

/// The same questions for both sides.
struct Questions {
  std::vector<std::string> requests;
  std::vector<std::vector<Tensor>> inputs;
};

double ServedPerSecond(int port, const Questions& questions, std::size_t& next) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<pollfd> polls;
  for (std::size_t c = 0; c < kConnections; ++c) {
    connections.push_back(std::make_unique<Connection>(port));
    polls.push_back({connections.back()->fd(), POLLIN, 0});
  }
  const auto ask = [&](Connection& connection) {
    connection.Send(questions.requests[next++ % questions.requests.size()]);
  };
  for (const auto& connection : connections) {
    ask(*connection);
  }
  const auto begin = Clock::now();
  std::size_t answers = 0;
  std::chrono::duration<double> taken{0};
  while (taken.count() < kSeconds) {
    ::poll(polls.data(), polls.size(), 1000);
    for (std::size_t c = 0; c < kConnections; ++c) {
      if ((polls[c].revents & POLLIN) != 0 && connections[c]->Read()) {
        ++answers;
        ask(*connections[c]);
      }
    }
    taken = Clock::now() - begin;
  }
  return static_cast<double>(answers) / taken.count();
}

double BarePerSecond(const serve::LoadedGraph& graph, const Questions& questions,
                     std::size_t& next) {
  std::vector<Tensor> outputs;
  const auto begin = Clock::now();
  std::size_t runs = 0;
  std::chrono::duration<double> taken{0};
  while (taken.count() < kSeconds) {
    CHECK(graph.Run(questions.inputs[next++ % questions.inputs.size()], outputs).ok());
    ++runs;
    taken = Clock::now() - begin;
  }
  return static_cast<double>(runs) / taken.count();
}

struct Latencies {
  std::vector<double> microseconds;
  double lag_p99 =
      0;  ///< of the client: sent this long after it was due though a connection was free
};

Latencies OpenLoop(int port, const Questions& questions, double per_second) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<pollfd> polls;
  for (std::size_t c = 0; c < 4 * kConnections; ++c) {
    connections.push_back(std::make_unique<Connection>(port));
    polls.push_back({connections.back()->fd(), POLLIN, 0});
  }
  std::mt19937_64 random(7);
  std::exponential_distribution<double> gap(per_second);
  std::vector<double> schedule;
  for (double at = gap(random); at < kLatencySeconds; at += gap(random)) {
    schedule.push_back(at);
  }
  Latencies out;
  std::vector<double> lags;
  std::size_t next = 0;
  std::size_t open = 0;
  const auto begin = Clock::now();
  const auto since = [begin](Clock::time_point t) {
    return std::chrono::duration<double>(t - begin).count();
  };
  while (next < schedule.size() || open > 0) {
    for (const auto& connection : connections) {
      const double now = since(Clock::now());
      if (next >= schedule.size() || schedule[next] > now) {
        break;
      }
      if (!connection->busy) {
        connection->due = begin + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(schedule[next]));
        lags.push_back((now - schedule[next]) * 1e6);
        connection->Send(questions.requests[next++ % questions.requests.size()]);
        ++open;
      }
    }
    // Sleeps until the next arrival: a spinning client would take a core from the server. Its own
    // wake-ups are in the latencies, and in its lag.
    const double wait =
        next < schedule.size() ? std::max(0.0, schedule[next] - since(Clock::now())) : 1;
    const timespec pause{.tv_sec = static_cast<time_t>(wait),
                         .tv_nsec = static_cast<long>((wait - std::floor(wait)) * 1e9)};
    ::ppoll(polls.data(), polls.size(), &pause, nullptr);
    for (std::size_t c = 0; c < connections.size(); ++c) {
      if (connections[c]->busy && (polls[c].revents & POLLIN) != 0 && connections[c]->Read()) {
        out.microseconds.push_back(
            std::chrono::duration<double, std::micro>(Clock::now() - connections[c]->due).count());
        --open;
      }
    }
  }
  std::sort(out.microseconds.begin(), out.microseconds.end());
  std::sort(lags.begin(), lags.end());
  out.lag_p99 = lags.empty() ? 0 : lags[lags.size() * 99 / 100];
  return out;
}

std::string Bin() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string();
}

/// A data directory with a champion, made by the programs.
void Prepare(const std::string& data) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const std::string beauty =
      std::string(root == nullptr ? "../shared" : root) + "/data/amazon-beauty";
  loop::ChildCommand command{.program = Bin() + "/vitrine", .arguments = {"--data", data}};
  if (std::filesystem::exists(beauty)) {
    command.arguments.insert(
        command.arguments.end(),
        {"run", beauty, "--mapping", "tests/data/mappings/amazon-beauty.toml", "--protocol",
         "tests/data/protocols/amazon-beauty.toml", "--spec", "item-knn-decay", "--no-serve"});
    std::printf("model: item-knn-decay on amazon-beauty\n");
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

/// The newest job's cases, as requests and as the graph's inputs.
Questions Ask(const std::string& data, const adapters::LoadedArtifact& model) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/jobs")) {
    const std::string file = entry.path().string() + "/holdout.jsonl";
    newest = std::filesystem::exists(file) ? std::max(newest, file) : newest;
  }
  const auto holdout = evaluate::ReadHoldout(newest);
  CHECK(holdout.ok());
  Questions questions;
  for (const evaluate::HoldoutCase& one : holdout->cases) {
    if (one.part != evaluate::Part::kTest || questions.requests.size() == 5000) {
      continue;
    }
    json ids = json::array();
    History history;
    for (const evaluate::HoldoutEvent& event : one.history) {
      ids.push_back(holdout->items[event.item]);
      history.push_back({.item = model.vocabulary->Find(holdout->items[event.item]),
                         .ts = event.ts,
                         .type = event.type,
                         .basket = event.basket});
    }
    const std::string body = json({{"n", 10}, {"user_id", one.user}, {"history", ids}}).dump();
    questions.requests.push_back(
        "POST /v1/recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
    const data::FeatureInput input{.history = history, .candidates = {}};
    std::vector<Tensor> inputs;
    CHECK(model.features->Apply({&input, 1}, inputs).ok());
    questions.inputs.push_back(std::move(inputs));
  }
  CHECK(!questions.requests.empty());
  return questions;
}

std::string ChampionFolder(int port) {
  http::Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(port);
  http::Client client(endpoint);
  const auto answer = client.Get("/v1/models/champion");
  CHECK(answer.ok() && answer->ok());
  const std::string hash = json::parse(answer->body)["artifact"];
  return "/artifacts/sha256/" + hash.substr(0, 2) + "/" + hash.substr(2, 2) + "/" + hash;
}

int Main(int argc, char** argv) {
  std::string data = argc > 1 ? argv[1] : "";
  std::optional<std::string> made;
  if (data.empty()) {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine-bench-XXXXXX").string();
    made = ::mkdtemp(name.data());
    data = *made + "/data";
    Prepare(data);
  }
  auto settings = apps::Settings::Load(
      "", [](const std::string&) { return std::nullopt; },
      {"server.listen=127.0.0.1:0", "server.grpc_listen=", "server.threads=1"});
  CHECK(settings.ok());
  auto server = apps::Application::Start({.data = data, .settings = *std::move(settings)});
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().message().c_str());
    return 1;
  }
  CHECK((*server)->WaitUntilReady(After(std::chrono::seconds(60))).ok());
  const std::string url = (*server)->url();
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  const auto runtime = adapters::MakeOnnxRuntime();
  CHECK(runtime.ok());
  const auto model = adapters::LoadArtifact(data + ChampionFolder(port), **runtime);
  CHECK(model.ok());
  const Questions questions = Ask(data, *model);

  std::size_t next = 0;
  ServedPerSecond(port, questions, next);  // warm
  BarePerSecond(*model->graph, questions, next);
  std::vector<double> served;
  std::vector<double> bare;
  std::vector<double> ratios;
  for (int pair = 0; pair < kPairs; ++pair) {
    served.push_back(ServedPerSecond(port, questions, next));
    bare.push_back(BarePerSecond(*model->graph, questions, next));
    ratios.push_back(served.back() / bare.back());
  }
  const Latencies latencies = OpenLoop(port, questions, Median(served) / 2);
  const auto at = [&latencies](double share) {
    const auto n = static_cast<double>(latencies.microseconds.size());
    return latencies.microseconds[static_cast<std::size_t>(share * (n - 1))];
  };
  Report("serving", {{"recommendations served a second, one I/O thread", Median(served), "1/s",
                      true, 0, kPairs, Spread(served)},
                     {"bare runs of the same graph a second", Median(bare), "1/s", true, 0, kPairs,
                      Spread(bare)},
                     {"served / bare", Median(ratios), "", true, 0, kPairs, Spread(ratios)},
                     {"p50 at half load, open loop", at(0.5), "us", false, 0, 1, 0},
                     {"p99 at half load, open loop", at(0.99), "us", false, 0, 1, 0},
                     {"p99 of the client's own lag", latencies.lag_p99, "us", false, 0, 1, 0}});
  server->reset();
  if (made) {
    std::filesystem::remove_all(*made);
  }
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Main(argc, argv); }
