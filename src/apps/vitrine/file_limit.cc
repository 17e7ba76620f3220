#include "apps/vitrine/file_limit.h"

#include <sys/resource.h>

namespace vitrine::apps {

void RaiseFileLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    static_cast<void>(setrlimit(RLIMIT_NOFILE, &files));
  }
}

}  // namespace vitrine::apps
