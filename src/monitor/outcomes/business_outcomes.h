/// What answers are worth to the shop, by version and scene since it began: revenue per visitor, order value, visitors who
/// come back a day and a week later, revenue per thousand shown places (of an ad slot its eCPM, where purchases are what is
/// paid for), time spent on what was shown.
/// Values are summed as they are: a shop has one currency. What is bought counts for the answer that the purchase is joined
/// to; a return with a price takes it back.
/// Memory: 8,192 visits (a visitor with a version and scene) and 8,192 visitors, sampled by hash beyond that (hash_sample.h),
/// 128 versions and scenes; about 1.2 MiB. An anonymous visitor who is identified later counts as two.
/// Follows from the log alone. Threads: one caller at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/artifact.h"
#include "core/time.h"
#include "monitor/outcomes/hash_sample.h"
#include "monitor/quality_counts.h"

namespace vitrine::monitor {

/// Sum over sum, with a 95 % interval by leaving out one group of shoppers after the other.
struct PartAndWhole {
  double part = 0;
  double whole = 0;
};
MetricValue GroupedRatio(std::span<const PartAndWhole> groups);

struct BusinessRow {
  std::string model;
  std::string scene;
  double visitors = 0;        ///< all, by the sample where it is one
  std::uint64_t sampled = 0;  ///< visitors that the figures rest on
  MetricValue revenue;        ///< per visitor, each counted up to `revenue_cap`
  double revenue_cap =
      0;  ///< the 99 % quantile over those who bought; 0: fewer than 50 did, nothing is capped
  double orders = 0;  ///< as `visitors`
  MetricValue order_value;
  std::uint64_t day1_of = 0;  ///< visitors whose next day is over
  MetricValue day1;           ///< share of them with an answer on that day, in any scene
  std::uint64_t day7_of = 0;
  MetricValue day7;
  MetricValue revenue_per_thousand;  ///< shown places
  std::uint64_t dwells = 0;
  MetricValue dwell_seconds;  ///< a dwell event
};

class BusinessOutcomes {
 public:
  /// An answer; `subject` 0: nobody. Gives the number by which events name its row.
  std::uint16_t OnAnswer(std::string_view row, std::uint64_t subject, std::size_t group,
                         std::size_t places, Micros ts);
  /// What an event joined to such an answer brought; negative where it was given back. `order` 0: none is named.
  void OnValue(std::uint16_t row, std::uint64_t subject, std::size_t group, double value,
               std::uint64_t order);
  void OnDwell(std::uint16_t row, std::size_t group, double seconds);

  [[nodiscard]] std::vector<BusinessRow> Report() const;

  [[nodiscard]] nlohmann::json Save() const;
  /// Replaces everything; throws nlohmann::json::exception where it is none.
  void Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kMostVisits = 8192;
  static constexpr std::size_t kMostRows = 128;  ///< beyond it the last one takes what comes

  struct Visit {
    std::uint64_t key = 0;
    std::uint64_t sampled_by = 0;  ///< the subject
    std::uint16_t row = 0;
    std::int32_t first_day = 0;
    std::uint32_t orders = 0;
    std::uint64_t last_order = 0;
    double revenue = 0;
  };
  struct Visitor {
    std::uint64_t key = 0;
    std::uint64_t sampled_by = 0;
    std::int32_t newest_day = 0;
    std::uint64_t days = 0;  ///< bit i: i days before the newest
  };
  struct Group {
    double shown = 0;
    double revenue = 0;
    double dwells = 0;
    double dwell_seconds = 0;
  };
  struct Row {
    std::string name;
    std::uint64_t hash = 0;
    std::int32_t newest_day = 0;
    std::array<Group, kShopperGroups> groups{};
  };
  std::uint16_t NumberOf(std::string_view row);
  Visit* VisitOf(std::uint16_t row, std::uint64_t subject);
  void BeginDay(std::int32_t day);
  /// Whether a visitor was there on a day; true and false only within 64 days.
  [[nodiscard]] bool CameOn(std::uint64_t subject, std::int32_t day) const;
  void FillVisits(BusinessRow& out, std::uint16_t row) const;

  std::vector<Row> rows_;
  HashSample<Visit> visits_{kMostVisits};
  HashSample<Visitor> visitors_{kMostVisits};
  std::int32_t today_ = 0;
};

}  // namespace vitrine::monitor
