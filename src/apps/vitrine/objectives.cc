#include "apps/vitrine/objectives.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "apps/vitrine/settings_table.h"

namespace vitrine::apps {
namespace {

constexpr std::int64_t kLongestMilliseconds = 10'000;

Result<monitor::ServiceObjective> ObjectiveOf(const Settings& settings, const std::string& name) {
  const SettingsTable table(settings, "objective", name);
  monitor::ServiceObjective objective;
  objective.name = name;
  ASSIGN_OR_RETURN(objective.target, table.Share("target"));
  ASSIGN_OR_RETURN(const std::int64_t milliseconds,
                   table.Between("milliseconds", 0, kLongestMilliseconds));
  if (milliseconds > 0) {
    objective.seconds = static_cast<double>(milliseconds) / 1e3;
  }
  objective.scene = table.Text("scene");
  RETURN_IF_ERROR(monitor::Validate(objective).WithContext("[objective." + name + "]"));
  return objective;
}

/// Whether a request of this route is one that a shopper waits for.
bool IsServed(std::string_view sample) {
  constexpr std::array<std::string_view, 5> kRoutes = {
      R"({route="/v1/recommend)", R"({route="/v1/similar)", R"({route="/v1/search)",
      R"({route="/v1/rank)", R"({route="/v2/models/)"};
  return std::any_of(kRoutes.begin(), kRoutes.end(),
                     [sample](std::string_view route) { return sample.starts_with(route); });
}

}  // namespace

Result<std::unique_ptr<monitor::ObjectiveWatch>> OpenObjectives(const Settings& settings,
                                                                const std::string& file) {
  std::vector<monitor::ServiceObjective> objectives;
  for (const std::string& name : settings.Objectives()) {
    ASSIGN_OR_RETURN(monitor::ServiceObjective objective, ObjectiveOf(settings, name));
    objectives.push_back(std::move(objective));
  }
  auto watch = std::make_unique<monitor::ObjectiveWatch>(
      objectives.empty() ? monitor::DefaultObjectives() : std::move(objectives));
  std::ifstream in(file, std::ios::binary);
  const std::string kept{std::istreambuf_iterator<char>(in), {}};
  if (!kept.empty()) {
    // A file that cannot be read costs the budgets of three days, not the start.
    static_cast<void>(watch->Load(kept));
  }
  return watch;
}

monitor::GoodOfAll ServedRequests(const MetricRegistry& metrics) {
  constexpr std::string_view kName = "vitrine_http_requests_total";
  monitor::GoodOfAll sum;
  const auto samples = metrics.Samples();
  for (auto at = samples.lower_bound(std::string(kName));
       at != samples.end() && at->first.starts_with(kName); ++at) {
    const std::string_view labels = std::string_view(at->first).substr(kName.size());
    if (IsServed(labels)) {
      const auto requests = static_cast<std::uint64_t>(at->second);
      sum.all += requests;
      sum.good += labels.find(R"(,status="5)") == std::string_view::npos ? requests : 0;
    }
  }
  return sum;
}

}  // namespace vitrine::apps
