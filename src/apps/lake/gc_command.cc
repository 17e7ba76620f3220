// vitrine-lake gc: snapshots that nothing needs.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/duck_lake.h"
#include "apps/lake/commands.h"
#include "data/timestamp.h"

namespace vitrine::apps {

Result<std::string> RunGc(const LakeArguments& arguments, const Progress& /*progress*/) {
  data::CollectRequest request{.newest = arguments.gc.newest, .remove = !arguments.gc.dry_run};
  request.before = Now();
  if (!arguments.gc.before.empty()) {
    ASSIGN_OR_RETURN(const data::ParsedTime time, data::ParseTime(arguments.gc.before));
    request.before = time.time;
  }
  request.needed.insert(arguments.gc.needed.begin(), arguments.gc.needed.end());
  ASSIGN_OR_RETURN(const data::Collected collected,
                   duckdb::OpenDuckLake(arguments.data, {})->Collect(request));
  if (arguments.json) {
    return nlohmann::json({{"removed", request.remove},
                           {"snapshots", collected.snapshots},
                           {"files", collected.files},
                           {"bytes", collected.bytes}})
               .dump(1) +
           "\n";
  }
  if (collected.snapshots.empty()) {
    return std::string("No snapshot is too many: nothing goes.\n");
  }
  return fmt::format("{} {} snapshots: {} files, {:.1f} MB\n  {}\n",
                     request.remove ? "Removed" : "Would remove", collected.snapshots.size(),
                     collected.files, static_cast<double>(collected.bytes) / 1e6,
                     fmt::join(collected.snapshots, "\n  "));
}

}  // namespace vitrine::apps
