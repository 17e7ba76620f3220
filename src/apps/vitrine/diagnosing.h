/// Answers GET /v1/diagnosis out of what is gathered while the server runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/vitrine/live_evidence.h"
#include "core/guarded.h"
#include "core/status.h"
#include "monitor/diagnosis/cause.h"
#include "transport/http/server.h"
#include "transport/http/services.h"

namespace vitrine::apps {

class LiveDiagnosis final : public http::DiagnosisService {
 public:
  /// `listeners`: where others reach the server, as ListenerText writes it. Both outlive it.
  LiveDiagnosis(LiveEvidence& evidence, const Guarded<std::vector<std::string>>& listeners)
      : evidence_(evidence), listeners_(listeners) {}
  Result<std::string> Diagnose(std::string_view question, std::string_view language) const override;

 private:
  LiveEvidence& evidence_;
  const Guarded<std::vector<std::string>>& listeners_;
};

/// "127.0.0.1:7700", "[::]:7700"
std::string ListenerText(const http::Listener& listener);
/// Of those that others reach.
std::vector<std::string> ListenerTexts(const std::vector<http::Listener>& listeners);

/// Errors: kInvalidArgument, names what there is.
Result<monitor::Question> QuestionOf(std::string_view name);
Result<monitor::Language> LanguageOf(std::string_view name);

}  // namespace vitrine::apps
