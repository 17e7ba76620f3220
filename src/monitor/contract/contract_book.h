/// The versions of a data contract: 1, 2, 3, ... each with its author and reason; none is ever
/// changed. The newest is in force.
/// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/status.h"
#include "core/time.h"
#include "monitor/contract/contract_rule.h"

namespace vitrine::monitor {

/// Port: numbered texts that are kept. Embedded: adapters/files.
class ContractStore {
 public:
  virtual ~ContractStore() = default;
  /// Durable once it returns. Errors: kAlreadyExists, kResourceExhausted (disk full), kUnavailable.
  virtual Status Add(std::uint64_t number, std::string_view text) = 0;
  /// Rising. Errors: kUnavailable.
  virtual Result<std::vector<std::uint64_t>> Numbers() const = 0;
  /// Errors: kNotFound, kUnavailable.
  virtual Result<std::string> Read(std::uint64_t number) const = 0;
};

struct ContractVersion {
  std::uint64_t version = 0;
  std::string author;
  std::string reason;
  std::string how;  ///< "learn" or "set"
  Micros at;
  DataContract contract;
};
nlohmann::ordered_json ToJson(const ContractVersion& version, bool with_contract);
/// Errors: kDataLoss (`path` names it).
Result<ContractVersion> VersionFromJson(std::string_view text, const std::string& path);

/// What somebody does to the contract.
struct ContractAct {
  DataContract contract;
  std::string author;
  std::string reason;
  std::uint64_t based_on = 0;  ///< the version that the author looked at; 0: whichever there is
  Micros at;
};

class ContractBook {
 public:
  using Listener = std::function<void(const std::shared_ptr<const ContractVersion>&)>;
  /// Reads the newest version. `store` outlives it; `listener` is told of each version that comes
  /// into force, the first one here. Errors: those of the store, kDataLoss.
  static Result<std::unique_ptr<ContractBook>> Open(ContractStore& store, Listener listener);

  /// Null where there is none yet.
  [[nodiscard]] std::shared_ptr<const ContractVersion> Current() const;
  /// Errors: kNotFound.
  [[nodiscard]] Result<ContractVersion> Get(std::uint64_t version) const;
  /// Newest first, below `before` (0: from the newest), without their contracts.
  [[nodiscard]] Result<std::vector<ContractVersion>> List(std::uint64_t before,
                                                          std::size_t limit) const;

  /// What a person has edited: Edited() over the version in force.
  /// Errors: kAborted (somebody else was faster: names both versions), kInvalidArgument, the store's.
  Result<ContractVersion> Set(ContractAct act);
  /// What was learned; what is pinned stays.
  Result<ContractVersion> Learn(ContractAct act);

 private:
  ContractBook(ContractStore& store, Listener listener)
      : store_(store), listener_(std::move(listener)) {}
  Result<ContractVersion> Keep(ContractVersion next);
  [[nodiscard]] Status CheckBase(const ContractAct& act) const;

  ContractStore& store_;
  Listener listener_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ContractVersion> current_;
};

}  // namespace vitrine::monitor
