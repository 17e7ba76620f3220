/// The versions in memory and the aliases that requests name. Swapping an alias is one pointer: no
/// request fails, and those under way finish on the version they started with.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "core/time.h"
#include "serve/model_states.h"
#include "serve/served_model.h"

namespace vitrine::serve {

/// What is known of one version, for status pages.
struct VersionStatus {
  std::string version;
  VersionState state = VersionState::kNew;
  std::string error;  ///< why loading failed
  std::vector<std::string> aliases;
  double load_seconds = 0;
  std::optional<Retrieval> retrieval;  ///< of a dense model that is loaded
};

/// Loads `version` from `folder`; runs on the set's own thread, one at a time. A ServedModel where
/// scenes can use it.
using LoadModel = std::function<Result<std::shared_ptr<const Servable>>(const std::string& version,
                                                                        const std::string& folder)>;

/// Threads: every method from any thread. Get costs one short lock.
class ModelSet {
 public:
  explicit ModelSet(LoadModel load);
  ~ModelSet();  ///< waits for a load under way

  /// The version an alias points at; null where there is none, or where scenes cannot use it.
  [[nodiscard]] std::shared_ptr<const ServedModel> Get(std::string_view alias) const;
  /// A loaded version by "name:number"; null where it is not loaded.
  [[nodiscard]] std::shared_ptr<const Servable> Find(std::string_view version) const;
  /// The same; null also where scenes cannot use it.
  [[nodiscard]] std::shared_ptr<const ServedModel> FindModel(std::string_view version) const;
  /// The loaded version of a name with the highest number, of those that are not set aside; null where none is.
  [[nodiscard]] std::shared_ptr<const Servable> Newest(std::string_view name) const;

  /// Sets what should be. Aliases of versions that are loaded move before this returns (a roll back
  /// takes no load); the rest follows on the set's thread. A version that failed is tried again.
  void SetDesired(DesiredModels desired);
  /// Waits until what is, is what should be.
  /// Errors: kFailedPrecondition (a wanted version failed to load: names it and why),
  ///         kDeadlineExceeded (names what is missing).
  Status WaitUntilReached(Deadline deadline) const;
  /// The same of the aliases alone, which are what scenes need: a version that no alias wants may load, or
  /// fail, meanwhile.
  Status WaitUntilServing(Deadline deadline) const;

  [[nodiscard]] std::vector<VersionStatus> Versions() const;

 private:
  struct Loaded {
    std::shared_ptr<const Servable> servable;  ///< null while it is not loaded
    std::shared_ptr<const ServedModel> model;  ///< the same; null where scenes cannot use it
    bool aside = false;                        ///< DesiredModels::aside
  };
  struct Tables {
    std::map<std::string, std::shared_ptr<const ServedModel>, std::less<>> by_alias;
    std::map<std::string, Loaded, std::less<>> by_version;
  };
  struct Entry {
    VersionState state = VersionState::kNew;
    std::string error;
    double load_seconds = 0;
    Loaded loaded;
  };
  void Run(const std::stop_token& stop);
  std::optional<ModelAction> DoQuickActions();
  [[nodiscard]] ActualModels Actual() const;
  /// Of those that `counts` picks: a version that failed, with its reason. With mutex_ held.
  [[nodiscard]] Status Failure(const std::function<bool(const std::string&)>& counts) const;
  /// Aliases that do not point where they should. With mutex_ held.
  [[nodiscard]] std::string Missing() const;
  void Publish(const Aliases& aliases);
  void Load(const std::string& version, std::unique_lock<std::mutex>& lock);

  LoadModel load_;
  Published<Tables> tables_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable_any changed_;
  DesiredModels desired_;
  std::map<std::string, Entry, std::less<>> entries_;
  Aliases aliases_;
  std::jthread owner_;  // last: stops before the rest dies
};

}  // namespace vitrine::serve
