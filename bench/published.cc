#include "bench/published.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace vitrine::bench {
namespace {

struct Published {
  std::string_view set;
  std::string_view spec;
  std::string_view figures;
};

// Full ranking, history left out, leave-one-out on the same 22,363 users.
constexpr std::array kPublished = {
    Published{"amazon-beauty", "popularity", ".0152 / .0068 (PopRec, S3-Rec's repository)"},
    Published{"amazon-beauty", "gru4rec", ".0283 / .0137 (GRU4Rec, S3-Rec's repository)"},
    Published{"amazon-beauty", "sasrec", ".0921 / .0531 (sampled softmax, eSASRec 2025)"},
    Published{"amazon-beauty", "esasrec", ".0928 / .0523 (eSASRec 2025)"},
    Published{"amazon-beauty", "bsarec", ".1008 / .0611 (BSARec's repository, one seed)"},
};

constexpr std::array<std::string_view, 9> kNetworks = {"bert4rec",  "bsarec",  "caser",
                                                       "esasrec",   "gru4rec", "lstm",
                                                       "nextitnet", "sasrec",  "two-tower"};

}  // namespace

std::string PublishedOf(const std::string& set, const std::string& spec) {
  for (const Published& one : kPublished) {
    if (one.set == set && one.spec == spec) {
      return std::string(one.figures);
    }
  }
  return "";
}

bool IsNetwork(const std::string& spec) {
  return std::find(kNetworks.begin(), kNetworks.end(), spec) != kNetworks.end();
}

std::vector<Promise> PromisesOf(const std::string& set) {
  if (set == "amazon-beauty") {
    return {{"one network", true, "recall@10", "all", .1000},
            {"one network", true, "ndcg@10", "all", .0605},
            {"one network", true, "ndcg@10", "not_same_day", .0256},
            {"best", false, "recall@10", "all", .1250},
            {"best", false, "ndcg@10", "all", .0780},
            {"best", false, "ndcg@10", "not_same_day", .0370}};
  }
  if (set == "online-retail") {
    return {{"best", false, "recall@10", "all", .22}, {"best", false, "ndcg@10", "all", .315}};
  }
  // Rows by time, label rating >= 4: a user and an item bias alone give .7143.
  if (set == "ml-100k") {
    return {{"best", false, "auc", "all", .740}};
  }
  if (set == "online-shoppers") {
    return {{"best", false, "auc", "all", .930}};
  }
  return {};
}

}  // namespace vitrine::bench
