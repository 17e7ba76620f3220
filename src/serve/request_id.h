/// Names of answers.
#pragma once

#include <string>

namespace vitrine::serve {

/// "req_" and 32 hex digits; distinct with overwhelming likelihood, also between processes.
/// Threads: any.
std::string NewRequestId();
/// The same into memory that is used again.
void MakeRequestId(std::string& id);

}  // namespace vitrine::serve
