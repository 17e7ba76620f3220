#include "monitor/outcomes/business_outcomes.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "monitor/quality_row.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

constexpr double kZ = 1.959963984540054;
constexpr double kCapQuantile = 0.99;
constexpr std::size_t kFewestBuyers = 50;
constexpr int kFewestGroups = 6;
/// A version that answered nobody for so long leaves the sample.
constexpr std::int32_t kIdleDays = 32;

std::int32_t DayAt(Micros ts) {
  return static_cast<std::int32_t>(ts.value >= 0 ? ts.value / kMicrosPerDay
                                                 : (ts.value + 1) / kMicrosPerDay - 1);
}

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

/// Mean of part over mean of whole with an interval over independent visitors.
/// Source: Cochran, Sampling Techniques, 3rd edition, 2.11 (the ratio estimator's variance)
MetricValue VisitorRatio(std::span<const PartAndWhole> visitors) {
  double part = 0;
  double whole = 0;
  for (const PartAndWhole& visitor : visitors) {
    part += visitor.part;
    whole += visitor.whole;
  }
  const double mean = Ratio(part, whole);
  double squares = 0;
  for (const PartAndWhole& visitor : visitors) {
    const double miss = visitor.part - mean * visitor.whole;
    squares += miss * miss;
  }
  const auto n = static_cast<double>(visitors.size());
  const double half = n < 2 || whole == 0 ? 0 : kZ * std::sqrt(squares * n / (n - 1)) / whole;
  return {mean, std::max(0.0, mean - half), mean + half};
}

}  // namespace

MetricValue GroupedRatio(std::span<const PartAndWhole> groups) {
  double part = 0;
  double whole = 0;
  int filled = 0;
  for (const PartAndWhole& group : groups) {
    part += group.part;
    whole += group.whole;
    filled += group.whole > 0 ? 1 : 0;
  }
  const double mean = Ratio(part, whole);
  if (filled < kFewestGroups) {
    return {mean, mean, mean};
  }
  double squares = 0;
  for (const PartAndWhole& group : groups) {
    if (group.whole > 0) {
      const double without = Ratio(part - group.part, whole - group.whole) - mean;
      squares += without * without;
    }
  }
  const double freedom = filled - 1;
  const double half = StudentQuantile(freedom) * std::sqrt(squares * freedom / filled);
  return {mean, std::max(0.0, mean - half), mean + half};
}

std::uint16_t BusinessOutcomes::NumberOf(std::string_view row) {
  const std::uint64_t hash = StableHash(row);
  for (std::size_t at = 0; at < rows_.size(); ++at) {
    if (rows_[at].hash == hash) {
      return static_cast<std::uint16_t>(at);
    }
  }
  if (rows_.size() == kMostRows) {
    return kMostRows - 1;
  }
  Row& fresh = rows_.emplace_back();
  fresh.name = rows_.size() == kMostRows ? "other\nother" : std::string(row);
  fresh.hash = StableHash(fresh.name);
  return static_cast<std::uint16_t>(rows_.size() - 1);
}

BusinessOutcomes::Visit* BusinessOutcomes::VisitOf(std::uint16_t row, std::uint64_t subject) {
  const std::uint64_t key = subject ^ (rows_[row].hash * 0x9E3779B97F4A7C15ULL);
  return visits_.Get(key == 0 ? 1 : key, subject);
}

std::uint16_t BusinessOutcomes::OnAnswer(std::string_view row, std::uint64_t subject,
                                         std::size_t group, std::size_t places, Micros ts) {
  const std::int32_t day = DayAt(ts);
  if (day > today_) {
    BeginDay(day);
  }
  const std::uint16_t number = NumberOf(row);
  rows_[number].groups[group].shown += static_cast<double>(places);
  rows_[number].newest_day = std::max(rows_[number].newest_day, day);
  if (subject == 0) {
    return number;
  }
  if (Visit* visit = VisitOf(number, subject); visit != nullptr && visit->first_day == 0) {
    visit->row = number;
    visit->first_day = day;
  }
  if (Visitor* visitor = visitors_.Get(subject, subject); visitor != nullptr) {
    const std::int32_t later = day - visitor->newest_day;
    if (visitor->days == 0 || later >= 64) {
      visitor->newest_day = day;
      visitor->days = 1;
    } else if (later > 0) {
      visitor->newest_day = day;
      visitor->days = visitor->days << later | 1U;
    } else if (later > -64) {
      visitor->days |= std::uint64_t{1} << -later;
    }
  }
  return number;
}

void BusinessOutcomes::BeginDay(std::int32_t day) {
  today_ = day;
  visits_.Keep(
      [this](const Visit& visit) { return rows_[visit.row].newest_day > today_ - kIdleDays; });
  visitors_.Keep([this](const Visitor& visitor) { return visitor.newest_day > today_ - 64; });
}

void BusinessOutcomes::OnValue(std::uint16_t row, std::uint64_t subject, std::size_t group,
                               double value, std::uint64_t order) {
  if (row >= rows_.size() || !std::isfinite(value)) {
    return;
  }
  rows_[row].groups[group].revenue += value;
  Visit* visit = subject == 0 ? nullptr : VisitOf(row, subject);
  if (visit == nullptr) {
    return;
  }
  if (visit->first_day == 0) {
    visit->row = row;
    visit->first_day = today_;
  }
  visit->revenue += value;
  if (value > 0 && (order == 0 || order != visit->last_order)) {
    ++visit->orders;
    visit->last_order = order;
  }
}

void BusinessOutcomes::OnDwell(std::uint16_t row, std::size_t group, double seconds) {
  if (row < rows_.size() && std::isfinite(seconds) && seconds > 0) {
    rows_[row].groups[group].dwells += 1;
    rows_[row].groups[group].dwell_seconds += seconds;
  }
}

bool BusinessOutcomes::CameOn(std::uint64_t subject, std::int32_t day) const {
  const Visitor* visitor = visitors_.Find(subject);
  const std::int32_t before = visitor == nullptr ? -1 : visitor->newest_day - day;
  return visitor != nullptr && before >= 0 && before < 64 &&
         (visitor->days >> static_cast<unsigned>(before) & 1U) != 0;
}

void BusinessOutcomes::FillVisits(BusinessRow& out, std::uint16_t row) const {
  std::vector<double> bought;
  std::uint64_t day1 = 0;
  std::uint64_t day7 = 0;
  for (const Visit& visit : visits_.rows()) {
    if (visit.row != row) {
      continue;
    }
    ++out.sampled;
    if (visit.revenue > 0) {
      bought.push_back(visit.revenue);
    }
    // Whose visits are sampled more thinly than visits themselves is not known to come back.
    if (visitors_.Find(visit.sampled_by) == nullptr) {
      continue;
    }
    if (visit.first_day + 1 < today_) {
      ++out.day1_of;
      day1 += CameOn(visit.sampled_by, visit.first_day + 1) ? 1 : 0;
    }
    if (visit.first_day + 7 < today_) {
      ++out.day7_of;
      day7 += CameOn(visit.sampled_by, visit.first_day + 7) ? 1 : 0;
    }
  }
  out.day1 = WilsonInterval(day1, out.day1_of);
  out.day7 = WilsonInterval(day7, out.day7_of);
  if (bought.size() >= kFewestBuyers) {
    const auto at = static_cast<std::size_t>(kCapQuantile * static_cast<double>(bought.size() - 1));
    std::nth_element(bought.begin(), bought.begin() + static_cast<std::ptrdiff_t>(at),
                     bought.end());
    out.revenue_cap = bought[at];
  }
  std::vector<PartAndWhole> revenue;
  std::vector<PartAndWhole> orders;
  for (const Visit& visit : visits_.rows()) {
    if (visit.row == row) {
      const double value = std::max(0.0, visit.revenue);
      revenue.push_back({out.revenue_cap > 0 ? std::min(value, out.revenue_cap) : value, 1});
      orders.push_back({value, static_cast<double>(visit.orders)});
      out.orders += visit.orders;
    }
  }
  out.revenue = VisitorRatio(revenue);
  out.order_value = VisitorRatio(orders);
  out.visitors = static_cast<double>(out.sampled) * visits_.weight();
  out.orders *= visits_.weight();
}

std::vector<BusinessRow> BusinessOutcomes::Report() const {
  std::vector<BusinessRow> rows;
  for (std::size_t at = 0; at < rows_.size(); ++at) {
    const Row& row = rows_[at];
    BusinessRow& out = rows.emplace_back();
    out.model = row.name.substr(0, row.name.find('\n'));
    out.scene = row.name.substr(row.name.find('\n') + 1);
    FillVisits(out, static_cast<std::uint16_t>(at));
    std::array<PartAndWhole, kShopperGroups> shown{};
    std::array<PartAndWhole, kShopperGroups> dwell{};
    for (std::size_t g = 0; g < kShopperGroups; ++g) {
      shown[g] = {1000 * row.groups[g].revenue, row.groups[g].shown};
      dwell[g] = {row.groups[g].dwell_seconds, row.groups[g].dwells};
      out.dwells += static_cast<std::uint64_t>(row.groups[g].dwells);
    }
    out.revenue_per_thousand = GroupedRatio(shown);
    out.dwell_seconds = GroupedRatio(dwell);
  }
  std::sort(rows.begin(), rows.end(), [](const BusinessRow& a, const BusinessRow& b) {
    return std::tie(a.model, a.scene) < std::tie(b.model, b.scene);
  });
  return rows;
}

json BusinessOutcomes::Save() const {
  json rows = json::array();
  for (const Row& row : rows_) {
    json groups = json::array();
    for (const Group& g : row.groups) {
      groups.insert(groups.end(), {g.shown, g.revenue, g.dwells, g.dwell_seconds});
    }
    rows.push_back({row.name, row.newest_day, std::move(groups)});
  }
  json visits = json::array();
  for (const Visit& v : visits_.rows()) {
    visits.push_back({v.key, v.sampled_by, v.row, v.first_day, v.orders, v.last_order, v.revenue});
  }
  json visitors = json::array();
  for (const Visitor& v : visitors_.rows()) {
    visitors.push_back({v.key, v.newest_day, v.days});
  }
  return {{"rows", std::move(rows)},
          {"visits", std::move(visits)},
          {"visits_level", visits_.level()},
          {"visitors", std::move(visitors)},
          {"visitors_level", visitors_.level()},
          {"today", today_}};
}

void BusinessOutcomes::Load(const json& saved) {
  BusinessOutcomes read;
  for (const json& j : saved.at("rows")) {
    Row& row = read.rows_.emplace_back();
    row.name = j.at(0).get<std::string>();
    row.hash = StableHash(row.name);
    row.newest_day = j.at(1).get<std::int32_t>();
    const auto groups = j.at(2).get<std::array<double, 4 * kShopperGroups>>();
    for (std::size_t g = 0; g < kShopperGroups; ++g) {
      row.groups[g] = {groups[4 * g], groups[4 * g + 1], groups[4 * g + 2], groups[4 * g + 3]};
    }
  }
  if (read.rows_.size() > kMostRows) {
    throw json::other_error::create(501, "more versions and scenes than there may be", nullptr);
  }
  std::vector<Visit> visits;
  for (const json& j : saved.at("visits")) {
    Visit v{j.at(0).get<std::uint64_t>(), j.at(1).get<std::uint64_t>(),
            j.at(2).get<std::uint16_t>(), j.at(3).get<std::int32_t>(),
            j.at(4).get<std::uint32_t>(), j.at(5).get<std::uint64_t>(),
            j.at(6).get<double>()};
    if (v.row >= read.rows_.size()) {
      throw json::other_error::create(501, "a visit without its version", nullptr);
    }
    visits.push_back(v);
  }
  read.visits_.Restore(saved.at("visits_level").get<unsigned>(), std::move(visits));
  std::vector<Visitor> visitors;
  for (const json& j : saved.at("visitors")) {
    visitors.push_back({j.at(0).get<std::uint64_t>(), j.at(0).get<std::uint64_t>(),
                        j.at(1).get<std::int32_t>(), j.at(2).get<std::uint64_t>()});
  }
  read.visitors_.Restore(saved.at("visitors_level").get<unsigned>(), std::move(visitors));
  read.today_ = saved.at("today").get<std::int32_t>();
  *this = std::move(read);
}

}  // namespace vitrine::monitor
