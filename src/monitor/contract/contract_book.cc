#include "monitor/contract/contract_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/json_fields.h"
#include "monitor/contract/contract_json.h"
#include "monitor/contract/learn_contract.h"

namespace vitrine::monitor {

using Json = nlohmann::ordered_json;

namespace {

std::string NameOf(std::uint64_t version) {
  return fmt::format("version {} of the data contract", version);
}

}  // namespace

Json ToJson(const ContractVersion& version, bool with_contract) {
  Json out = {{"version", version.version},
              {"at", FormatIso(version.at)},
              {"author", version.author},
              {"how", version.how},
              {"reason", version.reason}};
  if (with_contract) {
    out["contract"] = ToJson(version.contract);
  }
  return out;
}

Result<ContractVersion> VersionFromJson(std::string_view text, const std::string& path) {
  auto read = [&]() -> Result<ContractVersion> {
    ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
    if (!json.is_object()) {
      return InvalidArgument("it is no object");
    }
    data::JsonFields fields(json, "");
    ContractVersion out;
    fields.Read("version", out.version);
    fields.Read("at", out.at);
    fields.Read("author", out.author);
    fields.Read("how", out.how);
    fields.Read("reason", out.reason);
    const Json* contract = fields.Find("contract");
    RETURN_IF_ERROR(fields.Finish());
    if (contract == nullptr) {
      return InvalidArgument("it has no contract");
    }
    ASSIGN_OR_RETURN(out.contract, ContractFromJson(*contract));
    return out;
  }();
  if (!read.ok() && read.status().code() == Code::kInvalidArgument) {
    return DataLoss(
        fmt::format("{} is damaged ({}); restore it from a backup", path, read.status().message()));
  }
  return read;
}

Result<std::unique_ptr<ContractBook>> ContractBook::Open(ContractStore& store, Listener listener) {
  std::unique_ptr<ContractBook> book(new ContractBook(store, std::move(listener)));
  ASSIGN_OR_RETURN(const std::vector<std::uint64_t> numbers, store.Numbers());
  if (!numbers.empty()) {
    ASSIGN_OR_RETURN(ContractVersion newest, book->Get(numbers.back()));
    book->current_ = std::make_shared<const ContractVersion>(std::move(newest));
    book->listener_(book->current_);
  }
  return book;
}

std::shared_ptr<const ContractVersion> ContractBook::Current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

Result<ContractVersion> ContractBook::Get(std::uint64_t version) const {
  ASSIGN_OR_RETURN(const std::string text, store_.Read(version));
  return VersionFromJson(text, NameOf(version));
}

Result<std::vector<ContractVersion>> ContractBook::List(std::uint64_t before,
                                                        std::size_t limit) const {
  ASSIGN_OR_RETURN(std::vector<std::uint64_t> numbers, store_.Numbers());
  std::reverse(numbers.begin(), numbers.end());
  std::vector<ContractVersion> out;
  for (const std::uint64_t number : numbers) {
    if (out.size() < limit && (before == 0 || number < before)) {
      ASSIGN_OR_RETURN(ContractVersion version, Get(number));
      version.contract = {};
      out.push_back(std::move(version));
    }
  }
  return out;
}

Status ContractBook::CheckBase(const ContractAct& act) const {
  const std::uint64_t now = current_ == nullptr ? 0 : current_->version;
  if (act.based_on != 0 && act.based_on != now) {
    return Status(
        Code::kAborted,
        fmt::format("the data contract is at version {} by now, and this is a change of version "
                    "{}; look at "
                    "what came in between (vitrine data contract diff {} {}), then change that",
                    now, act.based_on, act.based_on, now));
  }
  return Status::Ok();
}

Result<ContractVersion> ContractBook::Keep(ContractVersion next) {
  next.version = current_ == nullptr ? 1 : current_->version + 1;
  RETURN_IF_ERROR(Validate(next.contract));
  RETURN_IF_ERROR(store_.Add(next.version, ToJson(next, true).dump(1) + "\n"));
  current_ = std::make_shared<const ContractVersion>(next);
  listener_(current_);
  return next;
}

Result<ContractVersion> ContractBook::Set(ContractAct act) {
  RETURN_IF_ERROR(Validate(act.contract));
  const std::scoped_lock lock(mutex_);
  RETURN_IF_ERROR(CheckBase(act));
  const DataContract none;
  return Keep({.version = 0,
               .author = std::move(act.author),
               .reason = std::move(act.reason),
               .how = "set",
               .at = act.at,
               .contract = Edited(current_ == nullptr ? none : current_->contract,
                                  std::move(act.contract))});
}

Result<ContractVersion> ContractBook::Learn(ContractAct act) {
  const std::scoped_lock lock(mutex_);
  RETURN_IF_ERROR(CheckBase(act));
  if (current_ != nullptr) {
    KeepPinned(current_->contract, act.contract);
  }
  return Keep({.version = 0,
               .author = std::move(act.author),
               .reason = std::move(act.reason),
               .how = "learn",
               .at = act.at,
               .contract = std::move(act.contract)});
}

}  // namespace vitrine::monitor
