/// Request ids: what joins an answer, its log lines, its impression and later events.
/// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace vitrine::http {

/// A new id, unique over processes and restarts: 16 random hex digits of this process and thread,
/// then a counter ("5f0c9a1be2d34477-1a").
void MakeRequestId(std::string& out);

/// The caller's id where it is 1 to 128 characters of [A-Za-z0-9._:/+=@-], otherwise a new one.
void TakeRequestId(std::string_view offered, std::string& out);

}  // namespace vitrine::http
