/// A simulated log as large as one likes, streamed to files: simulated, and good for costs only.
#pragma once

#include <cstdint>
#include <string>

namespace vitrine::bench {

struct ScaleLog {
  std::uint64_t users = 1'000'000;
  std::uint64_t items = 100'000;
  std::uint64_t events = 20'000'000;  ///< about: what users' lengths add up to
  std::uint64_t seed = 1;
};

/// What came out.
struct WrittenLog {
  std::uint64_t events = 0;
  /// Sum over users of events squared: what counting pairs of items grows with.
  double pairs = 0;
  std::uint64_t bytes = 0;
};

/// Writes events-NN.csv (event,user_id,item_id,ts), items.csv (item_id,title,category,price) and mapping.toml into
/// `folder`, which exists. Memory: a constant, whatever the size.
///   lengths    of users: exponential with a heavy tail (mean events / users, at most 60 times that)
///   items      of a draw: probability about 1 / rank (Zipf)
///   order      what follows an item is one of its four companions in half of the cases, something of its
///              category in a quarter, any draw else; so that sequences and pairs tell something
/// The same seed gives the same bytes.
WrittenLog WriteScaleLog(const ScaleLog& log, const std::string& folder);

}  // namespace vitrine::bench
