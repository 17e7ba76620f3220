/// The data contract of a data directory, in force in its monitor.
#pragma once

#include <memory>
#include <string>

#include "adapters/files/numbered_files.h"
#include "core/status.h"
#include "data/event_log.h"
#include "monitor/contract/contract_book.h"
#include "monitor/online_monitor.h"

namespace vitrine::apps {

struct KeptContract {
  explicit KeptContract(std::string folder) : files(std::move(folder)) {}
  files::NumberedFiles files;
  std::unique_ptr<monitor::ContractBook> book;
};

/// `monitor` and `log` outlive it. Errors: ContractBook::Open's.
Result<std::unique_ptr<KeptContract>> OpenContract(std::string folder,
                                                   monitor::OnlineMonitor& monitor,
                                                   const data::EventLog& log);

}  // namespace vitrine::apps
