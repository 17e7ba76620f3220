#include "apps/vitrine/diagnosing.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "monitor/diagnosis/diagnose.h"
#include "monitor/diagnosis/diagnosis_json.h"
#include "monitor/diagnosis/diagnosis_text.h"

namespace vitrine::apps {

Result<monitor::Question> QuestionOf(std::string_view name) {
  if (const auto question = monitor::ParseQuestion(name)) {
    return *question;
  }
  std::string names;
  for (std::size_t i = 0; i < monitor::kQuestions; ++i) {
    names += (i == 0 ? "" : ", ") +
             std::string(monitor::QuestionName(static_cast<monitor::Question>(i)));
  }
  return InvalidArgument(fmt::format("question '{}' is not known; there are: {}", name, names));
}

Result<monitor::Language> LanguageOf(std::string_view name) {
  if (name == "en" || name == "zh") {
    return name == "zh" ? monitor::Language::kChinese : monitor::Language::kEnglish;
  }
  return InvalidArgument(fmt::format("language '{}' is not known; use en or zh", name));
}

std::string ListenerText(const http::Listener& listener) {
  return listener.address.find(':') != std::string::npos
             ? fmt::format("[{}]:{}", listener.address, listener.port)
             : fmt::format("{}:{}", listener.address, listener.port);
}

std::vector<std::string> ListenerTexts(const std::vector<http::Listener>& listeners) {
  std::vector<std::string> texts;
  for (const http::Listener& listener : listeners) {
    if (listener.kind == http::Listener::Kind::kTcp) {
      texts.push_back(ListenerText(listener));
    }
  }
  return texts;
}

Result<std::string> LiveDiagnosis::Diagnose(std::string_view question,
                                            std::string_view language) const {
  ASSIGN_OR_RETURN(const monitor::Question asked, QuestionOf(question));
  ASSIGN_OR_RETURN(const monitor::Language spoken, LanguageOf(language));
  monitor::Evidence evidence = evidence_.Gather();
  const std::vector<std::string> listeners = listeners_.With([](const auto& all) { return all; });
  evidence.reach.server_alive = true;
  evidence.reach.server_speaks_tls = false;
  evidence.reach.listeners = listeners;
  auto json = nlohmann::json::parse(ToJson(monitor::Examine(asked, evidence), spoken));
  json["listeners"] = listeners;
  return json.dump();
}

}  // namespace vitrine::apps
