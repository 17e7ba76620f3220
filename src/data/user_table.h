/// What is known of the users of a snapshot, beside what they did.
/// Threads: a value.
#pragma once

#include <vector>

#include "core/catalogue.h"

namespace vitrine::data {

/// Newest row of every user, same numbering as Interactions::users; users without one have only their id.
struct UserTable {
  std::vector<User> rows;
};

}  // namespace vitrine::data
