/// A snapshot that is already in memory, for tests of the trainer.
#pragma once

#include <utility>

#include "data/snapshot_reader.h"
#include "data/test_shop.h"

namespace vitrine::train::test {

class FakeReader final : public data::SnapshotReader {
 public:
  explicit FakeReader(data::test::Shop shop) : shop_(std::move(shop)) {}

  Result<data::Interactions> ReadInteractions(const std::string& snapshot_dir,
                                              const std::set<EventType>& types,
                                              const Progress&) override {
    asked_dir = snapshot_dir;
    asked_types = types;
    if (types.empty()) {
      return shop_.interactions;
    }
    data::Interactions kept = shop_.interactions;
    kept.user.clear();
    kept.item.clear();
    kept.ts.clear();
    kept.type.clear();
    kept.basket.clear();
    kept.user_begin.assign(1, 0);
    const data::Interactions& all = shop_.interactions;
    for (std::size_t u = 0; u < all.users.size(); ++u) {
      for (std::size_t r = all.user_begin[u]; r < all.user_begin[u + 1]; ++r) {
        if (types.contains(all.type[r])) {
          kept.user.push_back(all.user[r]);
          kept.item.push_back(all.item[r]);
          kept.ts.push_back(all.ts[r]);
          kept.type.push_back(all.type[r]);
          kept.basket.push_back(all.basket[r]);
        }
      }
      kept.user_begin.push_back(kept.item.size());
    }
    return kept;
  }

  Result<data::ItemTable> ReadItems(const std::string&, data::Interactions&) override {
    return shop_.items;
  }

  Result<data::UserTable> ReadUsers(const std::string&,
                                    const data::Interactions& interactions) override {
    data::UserTable users = users_;
    users.rows.resize(interactions.users.size());
    for (std::size_t u = 0; u < users.rows.size(); ++u) {
      users.rows[u].id = interactions.users[u];
    }
    return users;
  }
  void SetUsers(data::UserTable users) { users_ = std::move(users); }

  std::string asked_dir;
  std::set<EventType> asked_types;

 private:
  data::test::Shop shop_;
  data::UserTable users_;
};

}  // namespace vitrine::train::test
