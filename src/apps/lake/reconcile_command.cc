// vitrine-lake reconcile: our rows against another system's export.
#include <algorithm>

#include <fmt/format.h>

#include "adapters/duckdb/reconcile.h"
#include "adapters/toml/reconcile_source.h"
#include "apps/lake/commands.h"
#include "core/exit_code.h"
#include "data/timestamp.h"

namespace vitrine::apps {
namespace {

constexpr std::size_t kOutsideMb = 256;
constexpr std::size_t kLeastMb = 128;

}  // namespace

Result<std::string> RunReconcile(const LakeArguments& arguments, const Progress& progress) {
  ASSIGN_OR_RETURN(const data::ReconcileSource source,
                   adapters::LoadReconcileSource(arguments.contract.source));
  duckdb::ReconcileOptions options;
  options.memory_limit_mb = std::max(arguments.memory_limit_mb, kOutsideMb + kLeastMb) - kOutsideMb;
  options.threads = arguments.threads;
  options.data_dir = arguments.data;
  if (!arguments.contract.from.empty()) {
    ASSIGN_OR_RETURN(const data::ParsedTime time, data::ParseTime(arguments.contract.from));
    options.from = time.time;
  }
  if (!arguments.contract.until.empty()) {
    ASSIGN_OR_RETURN(const data::ParsedTime time, data::ParseTime(arguments.contract.until));
    options.until = time.time;
  }
  ASSIGN_OR_RETURN(const data::Reconciliation report, duckdb::Reconcile(source, options, progress));
  *arguments.verdict = report.agrees() ? kExitOk : kExitGateFailed;
  return arguments.json ? report.ToJson() : report.ToText();
}

}  // namespace vitrine::apps
