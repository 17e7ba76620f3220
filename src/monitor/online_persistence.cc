// OnlineMonitor across a restart.
#include <fmt/format.h>

#include "monitor/online_state.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

constexpr int kFormat = 2;
/// The first in which what follows from the log stands beside its watermark; before, it is made again from the log.
constexpr int kFirstWithWatermark = 2;
/// Versions whose counters are kept although nobody watches them (yet).
constexpr std::size_t kMostSavedModels = 64;

using Counts = std::map<std::string, std::uint64_t, std::less<>>;

json OfCounts(const Counts& counts) {
  json out = json::object();
  for (const auto& [name, n] : counts) {
    out[name] = n;
  }
  return out;
}

Counts CountsOf(const json& j) {
  Counts counts;
  for (const auto& [name, n] : j.items()) {
    counts[name] = n.get<std::uint64_t>();
  }
  return counts;
}

}  // namespace

void OnlineMonitor::RestoreModel(const std::string& name, Model& model) {
  const auto saved = state_->saved_models.find(name);
  if (saved == state_->saved_models.end()) {
    return;
  }
  const std::scoped_lock lock(model.mutex);
  // Counters of other references (the version's number was given anew) are left behind.
  if (model.window.Load(saved->second.at("window")).ok()) {
    model.shown.Restore(saved->second.at("shown").get<std::vector<std::uint64_t>>());
  }
  state_->saved_models.erase(saved);
}

std::string OnlineMonitor::Save() const {
  json out = {{"format", kFormat}};
  std::string attribution;
  {
    const std::scoped_lock lock(state_->mutex);
    out["since"] = state_->since.value;
    out["duplicates"] = state_->duplicates;
    out["fallbacks"] = OfCounts(state_->fallbacks);
    out["failures"] = OfCounts(state_->failures);
    out["rejected"] = OfCounts(state_->rejected);
    json service = json::array();
    for (const auto& [key, c] : state_->service) {
      service.push_back({key.first, key.second, c.answers, c.fallbacks, c.seconds.view().sum,
                         c.seconds.view().counts});
    }
    out["service"] = std::move(service);
  }
  {
    const std::scoped_lock lock(state_->log_mutex);
    out["watermark"] = state_->watermark;
    out["newest_event"] = state_->newest_event.value;
    json events = json::array();
    for (const State::EventCounts& c : state_->events) {
      events.push_back({c.accepted, c.without_request, c.anonymous, c.late});
    }
    out["events"] = std::move(events);
    out["robot_events"] = state_->robot_events;
    out["service_hours"] = state_->service_hours.Save();
    out["contract"] = state_->contract.Save();
    attribution = state_->attribution.Save();
  }
  json models = json::object();
  std::map<std::string, std::shared_ptr<Model>, std::less<>> watched;
  {
    const std::scoped_lock lock(state_->models_mutex);
    watched = state_->models;
    for (const auto& [name, saved] : state_->saved_models) {
      models[name] = saved;
    }
  }
  for (const auto& [name, model] : watched) {
    const std::scoped_lock lock(model->mutex);
    models[name] = {{"window", model->window.Save()}, {"shown", model->shown.words()}};
  }
  out["models"] = std::move(models);
  std::string text = out.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();  // its brace: the largest part comes behind, as it is
  return fmt::format(R"({},"attribution":{}}})", text, attribution);
}

Status OnlineMonitor::LoadLog(const json& saved, State& read) {
  read.watermark = saved.at("watermark").get<std::uint64_t>();
  read.newest_event = Micros{saved.at("newest_event").get<std::int64_t>()};
  read.robot_events = saved.value("robot_events", std::uint64_t{0});
  const json& events = saved.at("events");
  for (std::size_t t = 0; t < read.events.size() && t < events.size(); ++t) {
    const auto n = events[t].get<std::array<std::uint64_t, 4>>();
    read.events[t] = {n[0], n[1], n[2], n[3]};
  }
  read.service_hours.Load(saved.at("service_hours"));
  return read.attribution.Load(saved.at("attribution"));
}

Status OnlineMonitor::Load(std::string_view saved) {
  try {
    const json j = json::parse(saved);
    const int format = j.at("format").get<int>();
    if (format > kFormat) {
      return FailedPrecondition(fmt::format(
          "the saved monitor state has format {}, this program reads up to {}", format, kFormat));
    }
    State read(options_);
    read.since = Micros{j.at("since").get<std::int64_t>()};
    read.duplicates = j.at("duplicates").get<std::uint64_t>();
    read.fallbacks = CountsOf(j.at("fallbacks"));
    read.failures = CountsOf(j.at("failures"));
    read.rejected = CountsOf(j.at("rejected"));
    if (format >= kFirstWithWatermark) {
      RETURN_IF_ERROR(LoadLog(j, read));
    }
    for (const json& row : j.at("service")) {
      auto& counts = read.service[{row.at(0).get<std::string>(), row.at(1).get<std::string>()}];
      counts.answers = row.at(2).get<std::uint64_t>();
      counts.fallbacks = row.at(3).get<std::uint64_t>();
      counts.seconds.Restore(row.at(5).get<std::vector<std::uint64_t>>(), row.at(4).get<double>());
    }
    for (const auto& [name, model] : j.at("models").items()) {
      static_cast<void>(model.at("shown").get<std::vector<std::uint64_t>>());
      static_cast<void>(model.at("window").at("series"));
      if (read.saved_models.size() < kMostSavedModels) {
        read.saved_models[name] = model;
      }
    }

    LiveContract contract;  // a state from before there were contracts has none
    if (format >= kFirstWithWatermark && j.contains("contract")) {
      contract.Load(j.at("contract"));
    }
    const std::scoped_lock lock(state_->mutex, state_->log_mutex, state_->models_mutex);
    state_->contract.TakeOver(std::move(contract));
    state_->since = read.since;
    state_->watermark = read.watermark;
    state_->newest_event = read.newest_event;
    state_->robot_events = read.robot_events;
    state_->service_hours = std::move(read.service_hours);
    state_->duplicates = read.duplicates;
    state_->fallbacks = std::move(read.fallbacks);
    state_->failures = std::move(read.failures);
    state_->rejected = std::move(read.rejected);
    state_->attribution = std::move(read.attribution);
    state_->service = std::move(read.service);  // metrics are looked up again
    state_->events = read.events;
    state_->saved_models = std::move(read.saved_models);
    for (const auto& [name, model] : state_->models) {
      RestoreModel(name, *model);
    }
    return Status::Ok();
  } catch (const json::exception& e) {
    return InvalidArgument(fmt::format("the saved monitor state is broken: {}", e.what()));
  }
}

}  // namespace vitrine::monitor
