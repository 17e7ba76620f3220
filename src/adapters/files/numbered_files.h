/// Numbered texts as files of one folder: 000001.json, 000002.json, ... none is ever changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "monitor/contract/contract_book.h"

namespace vitrine::files {

/// Threads: Add by one caller at a time, the rest by any.
class NumberedFiles final : public monitor::ContractStore {
 public:
  explicit NumberedFiles(std::string folder) : folder_(std::move(folder)) {}

  Status Add(std::uint64_t number, std::string_view text) override;
  Result<std::vector<std::uint64_t>> Numbers() const override;
  Result<std::string> Read(std::uint64_t number) const override;

 private:
  [[nodiscard]] std::string PathOf(std::uint64_t number) const;
  std::string folder_;
};

}  // namespace vitrine::files
