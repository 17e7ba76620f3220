/// Rankers that other servers run: what a scene names as "remote:NAME". The program makes them from its
/// settings; no request can add one.
/// Threads: filled before anybody serves, then immutable.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/event_log.h"
#include "serve/item_states.h"
#include "serve/served_model.h"

namespace vitrine::serve {

class OutsideRankers {
 public:
  static constexpr std::string_view kPrefix = "remote:";
  /// True of the ranker of a scene, and of the model of an answer, that is one of these.
  static bool Names(std::string_view ranker) { return ranker.starts_with(kPrefix); }

  /// Adds "remote:NAME"; the graph asks its server. Nothing is asked yet.
  /// Errors: those of ServedModel::Make.
  Status Add(const std::string& name, ModelParts parts, data::EventLog& log,
             const ItemStates& items);

  /// By "remote:NAME"; null where there is none.
  [[nodiscard]] std::shared_ptr<const ServedModel> Find(std::string_view ranker) const;
  /// "remote:a, remote:b"; for messages.
  [[nodiscard]] std::string Known() const;
  [[nodiscard]] const std::map<std::string, std::shared_ptr<const ServedModel>, std::less<>>& all()
      const {
    return rankers_;
  }

 private:
  std::map<std::string, std::shared_ptr<const ServedModel>, std::less<>> rankers_;
};

}  // namespace vitrine::serve
