/// Results that a long benchmark keeps as soon as they are known, so that a later run goes on from there.
/// Threads: one.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace vitrine::bench {

class KeptResults {
 public:
  /// `path`: JSON lines; made with its folder where missing. Lines that are none are passed over.
  explicit KeptResults(std::string path);
  /// `of`: everything that a result depends on. Null where none is kept.
  [[nodiscard]] const nlohmann::json* Find(const std::string& of) const;
  void Keep(const std::string& of, nlohmann::json row);

 private:
  std::string path_;
  std::map<std::string, nlohmann::json> rows_;
};

}  // namespace vitrine::bench
