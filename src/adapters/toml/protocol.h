/// Reads evaluation protocols from TOML files; protocols/*.toml are the ready ones.
///   name = "last-basket"        kind = "last_basket" | "leave_one_out" | "time_split" | "labelled"
///   history = "filtered"|"kept" ks = [5, 10, 20]
///   events = ["purchase"]       target_events = ["purchase"]
///   minimum_length = 3          minimum_baskets = 3      distinct_in_basket = true
///   test_days = 7               validation_days = 7
///   test_share = 0.1            validation_share = 0.1
///   test_rows = "index mod 5 = 4"                          validation_rows = "index mod 5 = 3"
///   rows = "events"|"shown"     scene = "home"           click_minutes = 30    purchase_hours = 24
///   position_bias = "none"|"shopper_item"|"item"|"randomised"                  position_clip = 10
///   fit_for_test = "training+validation" | "training"
///   age = "position"|"basket"|"day"
///   [vocabulary] items = "all"|"fitted"   popularity = "users"|"baskets"|"events"
///   [[slice]]    name = "not_same_day"    where = "target.asin < last.asin"
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "evaluate/protocol.h"

namespace vitrine::adapters {

/// `origin` stands in messages, before line and column.
/// Errors: kInvalidArgument: not TOML, an unknown key ("did you mean"), a wrong type or value.
Result<evaluate::Protocol> ParseProtocol(std::string_view text, const std::string& origin);

/// Errors: kNotFound (no such file), and ParseProtocol's.
Result<evaluate::Protocol> ReadProtocol(const std::string& path);

}  // namespace vitrine::adapters
