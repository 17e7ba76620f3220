#include "adapters/duckdb/snapshot_reader.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/item_rows.h"
#include "adapters/duckdb/lake_folder.h"
#include "adapters/duckdb/snapshot_view.h"
#include "data/attributes_json.h"

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;
using data::Interactions;

/// snapshots/<id> -> the lake's folder.
std::string LakeRootOf(const std::string& snapshot_dir) {
  return fs::weakly_canonical(fs::path(snapshot_dir)).parent_path().parent_path().string();
}

/// Types that the caller wants: named ones, or all that say what a user did with an item. A return
/// is no interest of its own: it takes its purchase back.
std::string TypeList(const std::set<EventType>& types) {
  std::vector<int> out;
  for (int i = 0; i < kEventTypes; ++i) {
    const auto type = static_cast<EventType>(i);
    const bool by_default =
        NeedsItem(type) && type != EventType::kImpression && type != EventType::kReturn;
    if (types.empty() ? by_default : types.contains(type)) {
      out.push_back(i);
    }
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

Result<std::vector<std::string>> ReadIds(Database& database, const std::string& table) {
  ASSIGN_OR_RETURN(Rows rows, database.Query("SELECT id FROM " + table + " ORDER BY n"));
  std::vector<std::string> out;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return out;
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      out.emplace_back(rows.Text(0, row));
    }
  }
}

Status MakeNumbers(Database& database, const std::string& table, const std::string& column) {
  return database.Execute(
      fmt::format("CREATE TEMP TABLE {0} AS SELECT id, (row_number() OVER (ORDER BY id) - "
                  "1)::UINTEGER AS n FROM "
                  "(SELECT DISTINCT {1} AS id FROM rows WHERE {1} IS NOT NULL)",
                  table, column));
}

/// The rows' columns, and the number of each row's order (0: none).
Status ReadRows(Database& database, Interactions& out, std::vector<std::uint32_t>& order) {
  ASSIGN_OR_RETURN(const std::int64_t all, database.QueryInteger("SELECT count(*) FROM rows"));
  const auto rows_wanted = static_cast<std::size_t>(all);
  out.user.reserve(rows_wanted);  // growing by doubling would hold a long log three times
  out.item.reserve(rows_wanted);
  out.ts.reserve(rows_wanted);
  out.type.reserve(rows_wanted);
  order.reserve(rows_wanted);
  ASSIGN_OR_RETURN(
      Rows rows,
      database.Query("SELECT u.n, i.n, coalesce(ts, 0), type, coalesce(o.n + 1, "
                     "0)::UINTEGER FROM rows "
                     "JOIN user_numbers u ON u.id = subject JOIN item_numbers i ON i.id = "
                     "item_id LEFT JOIN order_numbers o ON o.id = order_id ORDER BY u.n, "
                     "ordinal DESC, CASE WHEN ordinal THEN k ELSE ts END, k"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return Status::Ok();
    }
    const std::size_t count = rows.size();
    const auto append = [count](auto& to, const auto* from) {
      to.insert(to.end(), from, from + count);
    };
    append(out.user, rows.Values<std::uint32_t>(0));
    append(out.item, rows.Values<std::uint32_t>(1));
    append(order, rows.Values<std::uint32_t>(4));
    const auto* ts = rows.Values<std::int64_t>(2);
    const auto* type = rows.Values<std::uint8_t>(3);
    for (std::size_t row = 0; row < count; ++row) {
      out.ts.push_back({ts[row]});
      out.type.push_back(static_cast<EventType>(type[row]));
    }
  }
}

void FindUsers(Interactions& out) {
  out.user_begin.assign(out.users.size() + 1, 0);
  for (const std::uint32_t user : out.user) {
    ++out.user_begin[user + 1];
  }
  std::partial_sum(out.user_begin.begin(), out.user_begin.end(), out.user_begin.begin());
}

/// Without times a row's place is its time and its basket.
void NumberPlaces(Interactions& out) {
  for (std::size_t user = 0; user < out.users.size(); ++user) {
    for (std::size_t row = out.user_begin[user]; row < out.user_begin[user + 1]; ++row) {
      const std::size_t place = row - out.user_begin[user];
      out.ts[row] = {static_cast<std::int64_t>(place)};
      out.basket[row] = static_cast<std::uint32_t>(place);
    }
  }
}

/// Baskets of one user by first time, then order; `first` is the user's first row.
void NumberUserBaskets(Interactions& out, const std::vector<std::uint32_t>& order,
                       std::size_t first, std::size_t last) {
  struct Basket {
    std::int64_t start;
    std::uint32_t order;
    std::uint32_t number;
  };
  std::vector<Basket> baskets;
  std::vector<std::uint32_t> of_row;
  std::unordered_map<std::uint32_t, std::uint32_t> by_order;
  std::uint32_t moment = 0;  // the newest basket without an order
  for (std::size_t row = first; row < last; ++row) {
    const std::int64_t ts = out.ts[row].value;
    const auto fresh = static_cast<std::uint32_t>(baskets.size());
    std::uint32_t number = fresh;
    if (order[row] != 0) {
      number = by_order.emplace(order[row], fresh).first->second;
    } else if (moment < fresh && baskets[moment].order == 0 && baskets[moment].start == ts) {
      number = moment;
    } else {
      moment = fresh;
    }
    if (number == fresh) {
      baskets.push_back({ts, order[row], fresh});  // rows come by time: the first is the start
    }
    of_row.push_back(number);
  }
  std::sort(baskets.begin(), baskets.end(), [](const Basket& a, const Basket& b) {
    return std::pair(a.start, a.order) < std::pair(b.start, b.order);
  });
  std::vector<std::uint32_t> place(baskets.size());
  for (std::size_t i = 0; i < baskets.size(); ++i) {
    place[baskets[i].number] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t row = first; row < last; ++row) {
    out.basket[row] = place[of_row[row - first]];
  }
}

template <typename T>
void Permute(std::vector<T>& values, const std::vector<std::size_t>& from) {
  std::vector<T> out;
  out.reserve(values.size());
  for (const std::size_t row : from) {
    out.push_back(values[row]);
  }
  values = std::move(out);
}

/// Two orders of one moment: each basket's rows together.
void SortByBasket(Interactions& out) {
  std::vector<std::size_t> from(out.rows());
  std::iota(from.begin(), from.end(), std::size_t{0});
  const auto before = [&](std::size_t a, std::size_t b) {
    return std::tuple(out.user[a], out.ts[a].value, out.basket[a]) <
           std::tuple(out.user[b], out.ts[b].value, out.basket[b]);
  };
  if (std::is_sorted(from.begin(), from.end(), before)) {
    return;
  }
  std::stable_sort(from.begin(), from.end(), before);
  Permute(out.item, from);
  Permute(out.ts, from);
  Permute(out.type, from);
  Permute(out.basket, from);
}

}  // namespace

Result<Interactions> ParquetSnapshotReader::ReadInteractions(const std::string& snapshot_dir,
                                                             const std::set<EventType>& types,
                                                             const Progress& progress) {
  ASSIGN_OR_RETURN(const data::SnapshotManifest manifest, ReadSnapshotManifest(snapshot_dir));
  ASSIGN_OR_RETURN(const auto database, Database::Open(options_));
  database->CancelWith(progress.stop);
  progress.report({.stage = "read snapshot",
                   .done = 0,
                   .total = static_cast<double>(manifest.rows),
                   .unit = "rows",
                   .detail = manifest.id});
  RETURN_IF_ERROR(MakeEventsView(*database, LakeRootOf(snapshot_dir), manifest, true));
  RETURN_IF_ERROR(database->Execute(fmt::format(
      "CREATE TEMP TABLE rows AS SELECT subject, item_id, ts, type, order_id, "
      "ordinal, k FROM events WHERE type IN ({}) AND subject IS NOT NULL AND item_id IS NOT NULL",
      TypeList(types))));
  RETURN_IF_ERROR(MakeNumbers(*database, "user_numbers", "subject"));
  RETURN_IF_ERROR(MakeNumbers(*database, "item_numbers", "item_id"));
  RETURN_IF_ERROR(MakeNumbers(*database, "order_numbers", "order_id"));
  Interactions out;
  std::vector<std::uint32_t> order;
  ASSIGN_OR_RETURN(out.users, ReadIds(*database, "user_numbers"));
  ASSIGN_OR_RETURN(out.items, ReadIds(*database, "item_numbers"));
  RETURN_IF_ERROR(ReadRows(*database, out, order));
  out.ordinal_time = manifest.ordinal_time;
  out.window_from = manifest.window_from;
  out.window_to = manifest.window_to;
  out.snapshot = manifest.hash;
  FindUsers(out);
  out.basket.resize(out.rows());
  if (out.ordinal_time) {
    NumberPlaces(out);
  } else {
    for (std::size_t user = 0; user < out.users.size(); ++user) {
      NumberUserBaskets(out, order, out.user_begin[user], out.user_begin[user + 1]);
    }
    SortByBasket(out);
  }
  progress.report({.stage = "read snapshot",
                   .done = static_cast<double>(out.rows()),
                   .total = static_cast<double>(out.rows()),
                   .unit = "rows",
                   .detail = manifest.id});
  return out;
}

Result<data::ItemTable> ParquetSnapshotReader::ReadItems(const std::string& snapshot_dir,
                                                         Interactions& interactions) {
  ASSIGN_OR_RETURN(const data::SnapshotManifest manifest, ReadSnapshotManifest(snapshot_dir));
  ASSIGN_OR_RETURN(const auto database, Database::Open(options_));
  ASSIGN_OR_RETURN(std::vector<Item> catalogue,
                   ReadCurrentItems(*database, LakeRootOf(snapshot_dir), manifest));
  data::ItemTable out;
  std::vector<std::string> ids;
  std::vector<std::uint32_t> moved(interactions.items.size());
  std::size_t at = 0;
  for (std::size_t old = 0; old <= interactions.items.size(); ++old) {
    const bool end = old == interactions.items.size();
    while (at < catalogue.size() && (end || catalogue[at].id < interactions.items[old])) {
      ids.push_back(catalogue[at].id);
      out.rows.push_back(std::move(catalogue[at++]));
    }
    if (end) {
      break;
    }
    moved[old] = static_cast<std::uint32_t>(ids.size());
    if (at < catalogue.size() && catalogue[at].id == interactions.items[old]) {
      out.rows.push_back(std::move(catalogue[at++]));
    } else {
      out.rows.emplace_back().id = interactions.items[old];
    }
    ids.push_back(std::move(interactions.items[old]));
  }
  interactions.items = std::move(ids);
  for (std::uint32_t& item : interactions.item) {
    item = moved[item];
  }
  return out;
}

Result<data::UserTable> ParquetSnapshotReader::ReadUsers(const std::string& snapshot_dir,
                                                         const Interactions& interactions) {
  ASSIGN_OR_RETURN(const data::SnapshotManifest manifest, ReadSnapshotManifest(snapshot_dir));
  ASSIGN_OR_RETURN(const auto database, Database::Open(options_));
  data::UserTable out;
  for (const std::string& id : interactions.users) {
    out.rows.emplace_back().id = id;
  }
  bool found = false;
  RETURN_IF_ERROR(MakeUsersView(*database, LakeRootOf(snapshot_dir), manifest, found));
  if (!found) {
    return out;
  }
  ASSIGN_OR_RETURN(Rows rows,
                   database->Query("SELECT id, valid_from, attributes FROM current_users"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return out;
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::string_view id = rows.Text(0, row);
      const auto at = std::lower_bound(interactions.users.begin(), interactions.users.end(), id);
      if (at != interactions.users.end() && *at == id) {
        User& user = out.rows[static_cast<std::size_t>(at - interactions.users.begin())];
        user.valid_from.value = rows.Integer(1, row);
        user.attributes = data::AttributesFromJson(rows.Text(2, row));
      }
    }
  }
}

}  // namespace vitrine::duckdb
