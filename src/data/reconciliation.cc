#include "data/reconciliation.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::data {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kDayText = 10;  // "2026-03-01"

std::string DayText(Micros day) { return FormatIso(day).substr(0, kDayText); }

}  // namespace

bool WithinTolerance(const ReconciledDay& day, const Reconciliation& of) {
  const auto wrong = static_cast<double>(day.missing + day.extra + day.different);
  const double rounding = of.difference * static_cast<double>(std::max(day.theirs, day.ours));
  return wrong <= of.rows_tolerance * static_cast<double>(day.theirs) &&
         std::abs(day.our_amount - day.their_amount) <=
             of.amount_tolerance * std::abs(day.their_amount) + rounding;
}

bool Reconciliation::agrees() const {
  return std::all_of(days.begin(), days.end(), [](const ReconciledDay& day) { return day.within; });
}

std::string Reconciliation::ToJson() const {
  Json out = {
      {"source", source},
      {"key", key},
      {"event", event},
      {"agrees", agrees()},
      {"tolerance",
       {{"rows", rows_tolerance}, {"amount", amount_tolerance}, {"difference", difference}}},
      {"refused", refused},
      {"days", Json::array()},
      {"items", Json::array()},
      {"ids", Json::array()}};
  for (const ReconciledDay& day : days) {
    out["days"].push_back({{"day", DayText(day.day)},
                           {"theirs", day.theirs},
                           {"ours", day.ours},
                           {"missing", day.missing},
                           {"extra", day.extra},
                           {"different", day.different},
                           {"their_amount", day.their_amount},
                           {"our_amount", day.our_amount},
                           {"within", day.within}});
  }
  for (const ReconciledItem& item : items) {
    out["items"].push_back({{"item", item.item},
                            {"their_amount", item.their_amount},
                            {"our_amount", item.our_amount}});
  }
  for (const ReconciledId& id : ids) {
    out["ids"].push_back({{"id", id.id},
                          {"what", id.what},
                          {"day", DayText(id.day)},
                          {"their_amount", id.their_amount},
                          {"our_amount", id.our_amount}});
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string Reconciliation::ToText() const {
  ReconciledDay all;
  std::size_t outside = 0;
  std::string text;
  for (const ReconciledDay& day : days) {
    all.theirs += day.theirs;
    all.ours += day.ours;
    all.missing += day.missing;
    all.extra += day.extra;
    all.different += day.different;
    all.their_amount += day.their_amount;
    all.our_amount += day.our_amount;
    if (!day.within) {
      ++outside;
      text += fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>14.2f} {:>14.2f}\n",
                          DayText(day.day), day.theirs, day.ours, day.missing, day.extra,
                          day.different, day.their_amount, day.our_amount);
    }
  }
  const std::string head =
      fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>14} {:>14}\n", "day", "theirs", "ours",
                  "missing", "extra", "different", "their amount", "our amount");
  const std::string sum = fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>14.2f} {:>14.2f}\n",
                                      "all", all.theirs, all.ours, all.missing, all.extra,
                                      all.different, all.their_amount, all.our_amount);
  std::string out =
      fmt::format("{}: {} by {}, {} days, {} of them outside the tolerance\n", source, event, key,
                  days.size(), outside) +
      (refused > 0 ? fmt::format("{} rows of theirs could not be read\n", refused) : "") + head +
      text + sum;
  for (const ReconciledItem& item : items) {
    out += fmt::format("  item {}: theirs {:.2f}, ours {:.2f}\n", item.item, item.their_amount,
                       item.our_amount);
  }
  for (const ReconciledId& id : ids) {
    out += fmt::format("  {} {} on {}: theirs {:.2f}, ours {:.2f}\n", id.what, id.id,
                       DayText(id.day), id.their_amount, id.our_amount);
  }
  return out;
}

}  // namespace vitrine::data
