#include "bench/quality_sets.h"

#include <cstdlib>

namespace vitrine::bench {

std::vector<DataSet> DataSets() {
  const char* given = std::getenv("VITRINE_TEST_DATA");
  const std::string root = std::string(given == nullptr ? "../shared" : given) + "/data/";
  return {{"amazon-beauty", root + "amazon-beauty", "tests/data/mappings/amazon-beauty.toml",
           "tests/data/protocols/amazon-beauty.toml"},
          {"online-retail", root + "online-retail", "online-retail", "last-basket"},
          {"ml-100k", root + "ml-100k", "tests/data/mappings/ml-100k.toml",
           "tests/data/protocols/ml-100k.toml", Kind::kRows},
          {"online-shoppers", root + "online-shoppers/online_shoppers_intention.csv", "Revenue",
           "tests/data/protocols/online-shoppers.toml", Kind::kTable},
          // The column that is filled in with hindsight of the session.
          {"online-shoppers-live",
           root + "online-shoppers/online_shoppers_intention.csv",
           "Revenue",
           "tests/data/protocols/online-shoppers.toml",
           Kind::kTable,
           {"PageValues"}}};
}

std::vector<std::string> MetricsOf(Kind kind) {
  return kind == Kind::kCases
             ? std::vector<std::string>{"recall@10", "ndcg@10"}
             : std::vector<std::string>{"auc",     "log_loss",          "average_precision",
                                        "brier",   "calibration_error", "calibration_ratio",
                                        "accuracy"};
}

}  // namespace vitrine::bench
