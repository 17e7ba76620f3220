#include "apps/vitrine/remotes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "apps/vitrine/settings_table.h"
#include "data/feature_spec.h"
#include "transport/http/client_pool.h"
#include "transport/http/message.h"

namespace vitrine::apps {
namespace {

constexpr std::string_view kJsonBytes = "Inference-Header-Content-Length";
constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;
constexpr std::int64_t kMaxInFlight = 256;
constexpr std::int64_t kMaxDeadline = 60'000;

/// An address without a path, a user or a query: those would be parts of what is asked, or secrets.
Result<http::Endpoint> EndpointOf(const SettingsTable& table) {
  ASSIGN_OR_RETURN(const std::string url, table.Needed("url", "write http://HOST:PORT"));
  if (url.starts_with("https://")) {
    return InvalidArgument(fmt::format(
        "{} is an https address, and TLS is not spoken: name a proxy on this machine or network "
        "that takes http:// and goes on by TLS",
        table.Name("url")));
  }
  constexpr std::string_view kScheme = "http://";
  const std::string_view rest = std::string_view(url).substr(std::min(url.size(), kScheme.size()));
  const bool clean =
      url.starts_with(kScheme) && !rest.empty() &&
      std::all_of(rest.begin(), rest.end(), [](unsigned char c) {
        return c > ' ' && c < 0x7f &&
               std::string_view("/@?#\\").find(static_cast<char>(c)) == std::string_view::npos;
      });
  if (!clean) {
    return InvalidArgument(
        fmt::format("{} must be http://HOST:PORT and nothing more; the key goes into {}",
                    table.Name("url"), table.Name("key_file")));
  }
  Result<http::Endpoint> endpoint = http::ParseEndpoint(url);
  if (!endpoint.ok()) {
    return InvalidArgument(fmt::format("{}: {}", table.Name("url"), endpoint.status().message()));
  }
  return endpoint;
}

Result<adapters::RemoteAnswer> Send(http::ClientPool& pool, const adapters::RemoteCall& call) {
  http::HeaderList headers;
  if (!call.body.empty()) {
    headers.emplace_back("Content-Type",
                         call.json_bytes == 0 ? "application/json" : "application/octet-stream");
    if (call.json_bytes > 0) {
      headers.emplace_back(kJsonBytes, std::to_string(call.json_bytes));
    }
  }
  ASSIGN_OR_RETURN(http::ClientResponse response,
                   pool.Send(call.body.empty() ? "GET" : "POST", call.target, call.body, headers,
                             call.deadline));
  adapters::RemoteAnswer answer{.status = response.status, .body = std::move(response.body)};
  const std::string_view length = response.header(kJsonBytes);
  if (!length.empty()) {
    const auto [end, error] =
        std::from_chars(length.data(), length.data() + length.size(), answer.json_bytes);
    if (error != std::errc() || end != length.data() + length.size()) {
      return DataLoss(fmt::format("the header {} is no number of bytes", kJsonBytes));
    }
  }
  return answer;
}

/// Adds one; returns how many calls to it may be under way.
Result<std::size_t> AddRemote(const Settings& settings, const std::string& name,
                              data::EventLog& log, const serve::ItemStates& items,
                              MetricRegistry& metrics, Remotes& remotes) {
  const SettingsTable table(settings, "remote", name);
  ASSIGN_OR_RETURN(const http::Endpoint endpoint, EndpointOf(table));
  ASSIGN_OR_RETURN(const std::string key, table.Secret("key_file"));
  RETURN_IF_ERROR(table.Needed("features", "name the featurespec.json of its inputs").status());
  RETURN_IF_ERROR(table.Needed("vocabulary", "name the file of its item ids").status());
  ASSIGN_OR_RETURN(const std::string spec_text, table.File("features"));
  ASSIGN_OR_RETURN(const std::string ids, table.File("vocabulary"));
  ASSIGN_OR_RETURN(const std::int64_t deadline, table.Between("deadline_ms", 1, kMaxDeadline));
  ASSIGN_OR_RETURN(const std::int64_t in_flight, table.Between("in_flight", 1, kMaxInFlight));
  Result<data::FeatureSpec> spec = data::FeatureSpec::Parse(spec_text);
  RETURN_IF_ERROR(spec.status().WithContext(table.Name("features")));
  Result<data::FeatureSpec> same = data::FeatureSpec::Parse(spec_text);
  Result<data::Vocabulary> vocabulary = data::Vocabulary::Parse(ids);
  RETURN_IF_ERROR(vocabulary.status().WithContext(table.Name("vocabulary")));
  if (spec->width() != vocabulary->width()) {
    return InvalidArgument(fmt::format("{} is of {} item numbers, {} of {}", table.Name("features"),
                                       spec->width(), table.Name("vocabulary"),
                                       vocabulary->width()));
  }
  if (spec->defs().empty()) {
    return InvalidArgument(fmt::format("{} makes no input", table.Name("features")));
  }
  const auto places = static_cast<std::size_t>(in_flight);
  const auto connections = std::make_shared<http::ClientPool>(
      endpoint,
      http::ClientOptions{.connect_timeout = std::chrono::milliseconds(deadline),
                          .timeout = std::chrono::milliseconds(deadline),
                          .max_answer_bytes = kMaxAnswerBytes,
                          .api_key = key},
      places);
  const std::string& model = table.Text("model");
  std::string target = "/v2/models/" + http::PercentEncode(model.empty() ? name : model);
  if (const std::string& version = table.Text("version"); !version.empty()) {
    target += "/versions/" + http::PercentEncode(version);
  }
  auto graph = std::make_unique<adapters::RemoteGraph>(
      adapters::RemoteGraphOptions{
          .name = name,
          .target = std::move(target),
          .output = table.Text("output"),
          .deadline = std::chrono::milliseconds(deadline),
          .in_flight = places,
          .breaker = {},
          .retries = {},
          .send =
              [connections](const adapters::RemoteCall& call) { return Send(*connections, call); },
          .metrics = &metrics,
          .now = nullptr},
      *std::move(same));
  remotes.graphs.push_back(graph.get());
  serve::ModelParts parts{.manifest = {},
                          .spec = *std::move(spec),
                          .vocabulary = *std::move(vocabulary),
                          .graph = std::move(graph)};
  RETURN_IF_ERROR(remotes.rankers.Add(name, std::move(parts), log, items));
  return places;
}

}  // namespace

Result<Remotes> OpenRemotes(const Settings& settings, data::EventLog& log,
                            const serve::ItemStates& items, MetricRegistry& metrics) {
  Remotes remotes;
  std::size_t threads = 0;
  for (const std::string& name : settings.Remotes()) {
    ASSIGN_OR_RETURN(const std::size_t places,
                     AddRemote(settings, name, log, items, metrics, remotes));
    threads += places;
  }
  if (threads > 0) {
    // One that waits behind as many others would be late: it is answered without.
    remotes.pool = std::make_unique<http::BlockingPool>(threads, threads);
  }
  return remotes;
}

}  // namespace vitrine::apps
