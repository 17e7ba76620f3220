/// contract.json: what the cleaned data of a snapshot promise, measured on them. The next snapshot
/// and every check of a file are held against it.
/// Threads: values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/lake_manifest.h"

namespace vitrine::data {

inline constexpr int kContractFormat = 1;

struct FieldContract {
  std::string type;            ///< "text" or "number"
  double present_share = 0;    ///< rows that have it
  std::string format;          ///< ids: "digits", "hex", "text"; else empty
  double least = 0, most = 0;  ///< numbers
  std::uint64_t longest = 0;   ///< texts: bytes
  friend bool operator==(const FieldContract&, const FieldContract&) = default;
};

struct Contract {
  std::uint64_t rows = 0;
  std::map<std::string, FieldContract, std::less<>> fields;
  std::map<std::string, std::uint64_t, std::less<>> events;  ///< rows by event name
  /// Columns of the files, by mapping and table: "online-retail/events".
  std::map<std::string, std::vector<SourceColumn>, std::less<>> columns;

  [[nodiscard]] std::string ToJson() const;
  /// Errors: kDataLoss, kFailedPrecondition (newer format).
  static Result<Contract> Parse(std::string_view text, const std::string& path);
};

/// What differs, a sentence each: columns that came, went or changed a type that both know; fields that fill or empty
/// by more than 10 points; ids of another format; event names that came or went.
std::vector<std::string> CompareContracts(const Contract& before, const Contract& now);

/// `now` over new rows merged into `before`: shares weighted by rows, ranges widened.
Contract MergeContracts(const Contract& before, const Contract& now);

}  // namespace vitrine::data
