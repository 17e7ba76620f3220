#include "search/scan_kernels.h"

#include <array>

namespace vitrine::search {
namespace {

struct Found {
  std::array<const ScanKernels*, 3> kernels{};
  std::size_t count = 0;
};

Found Find() {
  Found found;
  for (const ScanKernels* kernels : {PortableKernels(), Avx2Kernels(), Avx512Kernels()}) {
    if (kernels != nullptr) {
      found.kernels[found.count++] = kernels;
    }
  }
  return found;
}

}  // namespace

std::span<const ScanKernels* const> AvailableKernels() {
  static const Found found = Find();
  return std::span(found.kernels).first(found.count);
}

}  // namespace vitrine::search
