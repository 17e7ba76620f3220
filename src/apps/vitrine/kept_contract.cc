#include "apps/vitrine/kept_contract.h"

#include <utility>

namespace vitrine::apps {
namespace {

/// What the log says of items and users.
monitor::KnownIds KnownIdsOf(const data::EventLog& log) {
  return {.item =
              [&log](std::string_view id) {
                monitor::CatalogueFacts facts;
                if (const auto item = log.GetItem(id); item.ok()) {
                  facts.known = true;
                  facts.price = item->price;
                  item->currency.copy(facts.currency.data(), facts.currency.size() - 1);
                }
                return facts;
              },
          .user = [&log](std::string_view id) { return log.GetUser(id).ok(); }};
}

}  // namespace

Result<std::unique_ptr<KeptContract>> OpenContract(std::string folder,
                                                   monitor::OnlineMonitor& monitor,
                                                   const data::EventLog& log) {
  auto kept = std::make_unique<KeptContract>(std::move(folder));
  monitor.SetKnownIds(KnownIdsOf(log));
  ASSIGN_OR_RETURN(
      kept->book,
      monitor::ContractBook::Open(
          kept->files, [&monitor](const std::shared_ptr<const monitor::ContractVersion>& version) {
            monitor.SetContract({version, &version->contract}, version->version);
          }));
  return kept;
}

}  // namespace vitrine::apps
