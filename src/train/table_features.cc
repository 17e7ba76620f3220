#include "train/table_features.h"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <variant>

namespace vitrine::train {
namespace {

/// What the training rows hold in one column.
struct Seen {
  bool numbers_only = true;
  bool whole = true;
  bool negative = false;
  std::set<double> numbers;      ///< kMostCodes + 1 at most
  std::set<std::string> others;  ///< 2 at most

  void Take(const Attribute& cell) {
    if (const double* number = std::get_if<double>(&cell)) {
      whole = whole && *number == std::floor(*number);
      negative = negative || *number < 0;
      if (numbers.size() <= kMostCodes) {
        numbers.insert(*number);
      }
      return;
    }
    numbers_only = false;
    if (others.size() < 2) {
      const auto* text = std::get_if<std::string>(&cell);
      const auto* flag = std::get_if<bool>(&cell);
      others.insert(text != nullptr ? *text : flag != nullptr && *flag ? "true" : "false");
    }
  }
  [[nodiscard]] bool says_something() const { return numbers.size() + others.size() > 1; }
  [[nodiscard]] const char* op() const {
    if (!numbers_only || (whole && numbers.size() <= kMostCodes)) {
      return "level";
    }
    return negative ? "standardise" : "log_standardise";
  }
};

}  // namespace

Status UseTableFeatures(const evaluate::LabelledSet& set, TrainSpec& spec) {
  if (!spec.features.empty()) {
    return Status::Ok();
  }
  std::map<std::string, Seen> columns;
  for (const evaluate::LabelledRow& row : set.rows) {
    if (row.part == evaluate::Part::kTraining) {
      for (const auto& [name, cell] : row.context) {
        columns[name].Take(cell);
      }
    }
  }
  for (const auto& [name, seen] : columns) {
    if (seen.says_something()) {
      spec.features.push_back(
          {.name = name, .op = seen.op(), .source = "context." + name, .options = {}});
    }
  }
  return spec.features.empty()
             ? InvalidArgument("the table has no column with two different values to learn from")
             : Status::Ok();
}

}  // namespace vitrine::train
