#include "apps/vitrine/process_metrics.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace vitrine::apps {

std::uint64_t ResidentBytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double ProcessCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int count = ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
  return count > 0 ? static_cast<std::uint64_t>(count)
                   : std::max(1U, std::thread::hardware_concurrency());
}

void AddProcessMetrics(MetricRegistry& metrics, const serve::ModelSet& models,
                       const search::LiveCatalogue& catalogue) {
  metrics.SetCallback("vitrine_process_resident_bytes", "Resident memory of the server.", {},
                      [] { return static_cast<double>(ResidentBytes()); });
  metrics.SetCallback("vitrine_process_cpu_seconds", "CPU time of the server so far.", {},
                      ProcessCpuSeconds);
  metrics.SetCallback("vitrine_models_loaded", "Versions in memory.", {},
                      [&models] { return static_cast<double>(models.Versions().size()); });
  metrics.SetCallback("vitrine_search_items", "Items in the search index.", {},
                      [&catalogue] { return static_cast<double>(catalogue.items()); });
}

}  // namespace vitrine::apps
