#include "adapters/duckdb/states.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/item_rows.h"
#include "adapters/duckdb/lake_folder.h"
#include "adapters/duckdb/snapshot_reader.h"
#include "adapters/duckdb/snapshot_view.h"
#include "data/attributes_json.h"
#include "data/event_log.h"

namespace vitrine::duckdb {
namespace {

using data::Interactions;
using nlohmann::json;

/// Lines of JSON into a file that appears whole or not at all.
class LineFile {
 public:
  explicit LineFile(std::string path)
      : path_(std::move(path)), file_(std::fopen((path_ + ".new").c_str(), "wb"), std::fclose) {}

  Status Add(const json& line) {
    const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (!file_ || std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
      return Failure();
    }
    ++lines_;
    return Status::Ok();
  }

  Result<std::uint64_t> Close() {
    if (!file_ || std::fflush(file_.get()) != 0) {
      return Failure();
    }
    file_.reset();
    RETURN_IF_ERROR(SyncFile(path_ + ".new"));
    if (std::rename((path_ + ".new").c_str(), path_.c_str()) != 0) {
      return Failure();
    }
    return lines_;
  }

 private:
  [[nodiscard]] Status Failure() const {
    return errno == ENOSPC
               ? ResourceExhausted(fmt::format("the disk is full while writing {}", path_))
               : Unavailable(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  }
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::uint64_t lines_ = 0;
};

json StateOf(const Interactions& data, std::size_t user) {
  const std::size_t first = data.user_begin[user], last = data.user_begin[user + 1];
  const std::size_t from = std::max(first, last - std::min(last, data::kMaxStateEvents));
  json events = json::array();
  std::set<std::string_view> bought, hidden;
  for (std::size_t row = first; row < last; ++row) {
    const std::string& item = data.items[data.item[row]];
    if (data.type[row] == EventType::kPurchase) {
      bought.insert(item);
    } else if (data.type[row] == EventType::kHide) {
      hidden.insert(item);
    }
    if (row >= from) {
      events.push_back(
          {item, data.ts[row].value, static_cast<int>(data.type[row]), data.basket[row]});
    }
  }
  return {{"subject", data.users[user]},
          {"events", std::move(events)},
          {"bought", bought},
          {"hidden", hidden}};
}

/// The newest attributes of every user of the table of users.
Result<std::map<std::string, json, std::less<>>> ReadAttributes(
    const DatabaseOptions& options, const std::string& lake_root,
    const data::SnapshotManifest& manifest) {
  std::map<std::string, json, std::less<>> out;
  ASSIGN_OR_RETURN(const auto database, Database::Open(options));
  bool found = false;
  RETURN_IF_ERROR(MakeUsersView(*database, lake_root, manifest, found));
  if (!found) {
    return out;
  }
  ASSIGN_OR_RETURN(Rows rows, database->Query("SELECT id, attributes FROM current_users"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return out;
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      json attributes = json::parse(rows.Text(1, row), nullptr, false);
      if (attributes.is_object()) {
        out.emplace(rows.Text(0, row), std::move(attributes));
      }
    }
  }
}

json ItemLine(const Item& item) {
  json line = {{"id", item.id}};
  const auto put = [&line](const char* key, const auto& value) {
    if (!value.empty()) {
      line[key] = value;
    }
  };
  put("title", item.title);
  put("description", item.description);
  put("brand", item.brand);
  put("categories", item.categories);
  put("currency", item.currency);
  put("tags", item.tags);
  put("image_url", item.image_url);
  put("vectors", item.vectors);
  if (item.price != 0) {
    line["price"] = item.price;
  }
  if (item.stock >= 0) {
    line["stock"] = item.stock;
  }
  if (item.hidden) {
    line["hidden"] = true;
  }
  if (item.valid_from.value != 0) {
    line["valid_from"] = FormatIso(item.valid_from);
  }
  if (!item.attributes.empty()) {
    line["attributes"] = json::parse(data::AttributesToJson(item.attributes));
  }
  return line;
}

}  // namespace

Result<std::uint64_t> WriteStates(const DatabaseOptions& options, const std::string& snapshot_dir,
                                  const std::string& path, const Progress& progress) {
  ASSIGN_OR_RETURN(const data::SnapshotManifest manifest, ReadSnapshotManifest(snapshot_dir));
  ParquetSnapshotReader reader(options);
  ASSIGN_OR_RETURN(const Interactions data, reader.ReadInteractions(snapshot_dir, {}, progress));
  ASSIGN_OR_RETURN(auto attributes, ReadAttributes(options, snapshot_dir + "/../..", manifest));
  LineFile file(path);
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    json line = StateOf(data, user);
    const auto known = attributes.find(data.users[user]);
    if (known != attributes.end()) {
      line["attributes"] = std::move(known->second);
    }
    RETURN_IF_ERROR(file.Add(line));
    if (progress.cancelled()) {
      return Cancelled("stopped on request; nothing was changed");
    }
  }
  return file.Close();
}

Result<std::uint64_t> WriteCatalogue(const DatabaseOptions& options, const std::string& lake_root,
                                     const data::SnapshotManifest& manifest,
                                     const std::string& path, const Progress& progress) {
  ASSIGN_OR_RETURN(const auto database, Database::Open(options));
  database->CancelWith(progress.stop);
  ASSIGN_OR_RETURN(const std::vector<Item> items, ReadCurrentItems(*database, lake_root, manifest));
  LineFile file(path);
  for (const Item& item : items) {
    RETURN_IF_ERROR(file.Add(ItemLine(item)));
  }
  return file.Close();
}

}  // namespace vitrine::duckdb
