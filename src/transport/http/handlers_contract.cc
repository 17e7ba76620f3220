// The data contract: the version in force, its history, and what people and learning change.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "data/json_fields.h"
#include "monitor/contract/contract_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"

namespace vitrine::http {
namespace {

using Json = nlohmann::ordered_json;
using monitor::ContractAct;
using monitor::ContractChange;
using monitor::ContractVersion;

constexpr std::size_t kMaxPage = 1000;
constexpr std::size_t kMaxReasonBytes = 1000;
constexpr std::size_t kAuditedChanges = 20;

void Write(Response& response, const Json& json) {
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A version's number; false after a problem.
bool ReadVersion(std::string_view text, std::string_view name, const Request& request,
                 Response& response, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || out == 0) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'" + std::string(name) + "' is a version's number, from 1 on.");
    return false;
  }
  return true;
}

/// {"reason": "...", "based_on": 3, "contract": {...}}. Errors: kInvalidArgument.
Result<ContractAct> ReadAct(const Services& services, const Request& request) {
  ASSIGN_OR_RETURN(const Json json, data::ParseJson(request.body()));
  if (!json.is_object()) {
    return InvalidArgument("the body is an object with 'contract' and 'reason'");
  }
  data::JsonFields fields(json, "");
  ContractAct act;
  fields.Read("reason", act.reason);
  fields.Read("based_on", act.based_on);
  const Json* contract = fields.Find("contract");
  RETURN_IF_ERROR(fields.Finish());
  if (contract == nullptr) {
    return InvalidArgument("'contract' is missing; GET /v1/data-contract gives the one in force");
  }
  if (act.reason.size() > kMaxReasonBytes) {
    return InvalidArgument("'reason' has at most 1000 bytes");
  }
  ASSIGN_OR_RETURN(act.contract, monitor::ContractFromJson(*contract));
  act.author = request.scope().principal;
  act.at = TimeNow(services);
  return act;
}

Json OfChange(const ContractChange& change) {
  return {{"rule", change.rule},
          {"field", change.field},
          {"before", change.before},
          {"after", change.after}};
}

using Change = Result<ContractVersion> (monitor::ContractBook::*)(ContractAct);

void Apply(const Services& services, Request& request, Response& response, Change change,
           std::string_view action) {
  if (!Need(services.contract, "a data contract", request, response)) {
    return;
  }
  Result<ContractAct> act = ReadAct(services, request);
  if (!act.ok()) {
    WriteProblem(response, request.id(), act.status());
    return;
  }
  const auto before = services.contract->Current();
  const Result<ContractVersion> made = (services.contract->*change)(*std::move(act));
  if (!made.ok()) {
    WriteProblem(response, request.id(), made.status());
    return;
  }
  const auto changes =
      monitor::Diff(before == nullptr ? monitor::DataContract() : before->contract, made->contract);
  Json listed = Json::array();
  for (std::size_t i = 0; i < std::min(changes.size(), kAuditedChanges); ++i) {
    listed.push_back(changes[i].rule + (changes[i].field.empty() ? "" : " " + changes[i].field));
  }
  const Json evidence = {
      {"reason", made->reason}, {"changes", changes.size()}, {"changed", std::move(listed)}};
  if (Audit(services, request, response, action, "version " + std::to_string(made->version),
            evidence.dump(-1, ' ', false, Json::error_handler_t::replace))) {
    Write(response, monitor::ToJson(*made, true));
  }
}

}  // namespace

void GetDataContract(const Services& services, Request& request, Response& response) {
  if (!Need(services.contract, "a data contract", request, response)) {
    return;
  }
  const auto current = services.contract->Current();
  if (current == nullptr) {
    WriteProblem(response, request.id(), 404, "not_found",
                 "There is no data contract yet. Learn one from what was collected: vitrine data "
                 "contract learn.");
    return;
  }
  Write(response, monitor::ToJson(*current, true));
}

void PutDataContract(const Services& services, Request& request, Response& response) {
  Apply(services, request, response, &monitor::ContractBook::Set, "data_contract.set");
}

void LearnDataContract(const Services& services, Request& request, Response& response) {
  Apply(services, request, response, &monitor::ContractBook::Learn, "data_contract.learn");
}

void ListDataContractVersions(const Services& services, Request& request, Response& response) {
  Page page;
  if (!Need(services.contract, "a data contract", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  std::uint64_t before = 0;
  if (!page.cursor.empty() && !ReadVersion(page.cursor, "cursor", request, response, before)) {
    return;
  }
  auto versions = services.contract->List(before, page.limit + 1);
  if (!versions.ok()) {
    WriteProblem(response, request.id(), versions.status());
    return;
  }
  const bool more = versions->size() > page.limit;
  if (more) {
    versions->pop_back();
  }
  Json list = Json::array();
  for (const ContractVersion& version : *versions) {
    list.push_back(monitor::ToJson(version, false));
  }
  Write(response,
        {{"versions", std::move(list)},
         {"next_cursor", more ? Json(std::to_string(versions->back().version)) : Json(nullptr)}});
}

void GetDataContractVersion(const Services& services, Request& request, Response& response) {
  std::uint64_t number = 0;
  if (!Need(services.contract, "a data contract", request, response) ||
      !ReadVersion(request.arg(0), "version", request, response, number)) {
    return;
  }
  const auto version = services.contract->Get(number);
  if (!version.ok()) {
    WriteProblem(response, request.id(), version.status());
    return;
  }
  Write(response, monitor::ToJson(*version, true));
}

void DiffDataContract(const Services& services, Request& request, Response& response) {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  if (!Need(services.contract, "a data contract", request, response) ||
      !ReadVersion(request.QueryValue("from").value_or(""), "from", request, response, from) ||
      !ReadVersion(request.QueryValue("to").value_or(""), "to", request, response, to)) {
    return;
  }
  const auto before = services.contract->Get(from);
  const auto after = services.contract->Get(to);
  if (!before.ok() || !after.ok()) {
    WriteProblem(response, request.id(), before.ok() ? after.status() : before.status());
    return;
  }
  Json list = Json::array();
  for (const ContractChange& change : monitor::Diff(before->contract, after->contract)) {
    list.push_back(OfChange(change));
  }
  Write(response, {{"from", from}, {"to", to}, {"changes", std::move(list)}});
}

}  // namespace vitrine::http
