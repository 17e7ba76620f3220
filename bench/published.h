/// What papers and others' runs say of models under the same protocols, and what is promised of ours.
#pragma once

#include <string>
#include <vector>

namespace vitrine::bench {

/// "R@10 .0928, N@10 .0523 (source)"; empty where nothing comparable is known.
std::string PublishedOf(const std::string& set, const std::string& spec);

/// One network over the sequence of items, no counting and no joining.
bool IsNetwork(const std::string& spec);

struct Promise {
  std::string what;  ///< "one network", "best"
  bool networks_only = false;
  std::string metric;  ///< "ndcg@10"
  std::string slice;   ///< "all"
  double bound = 0;
};
std::vector<Promise> PromisesOf(const std::string& set);

}  // namespace vitrine::bench
