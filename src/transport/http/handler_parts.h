/// What handlers share: pages, times, refusals. Internal.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"
#include "transport/http/json_writer.h"
#include "transport/http/message.h"
#include "transport/http/problem.h"
#include "transport/http/services.h"

namespace vitrine::http {

/// How long a handler waits for the log.
inline constexpr std::chrono::milliseconds kLogWait{10'000};

/// `?limit=&cursor=` of a list.
struct Page {
  std::size_t limit = 100;
  std::string cursor;
};
/// False after writing a problem (limit not in 1..`max`).
bool ReadPage(const Request& request, Response& response, std::size_t max, Page& page);

/// Writes the problem of a service that this server runs without; true where it is there.
bool Need(const void* service, std::string_view what, const Request& request, Response& response);

/// The model and version that the path names. Null after writing a problem.
std::shared_ptr<const serve::Servable> AskedModel(const Services& services, const Request& request,
                                                  Response& response);

/// Writes the problem of a failed append: a full disk is 507, which no retry soon can cure.
void WriteAppendProblem(const Status& status, const Request& request, Response& response);

/// A query parameter as a whole number; false after writing a problem.
bool ReadCount(const Request& request, Response& response, std::string_view name, std::size_t max,
               std::size_t& out);
/// A query parameter as true or false ("1", "true", "0", "false"); false after writing a problem.
bool ReadSwitch(const Request& request, Response& response, std::string_view name, bool& out);

/// Refuses an Idempotency-Key that is too long; true where it is fine, or none came.
bool CheckIdempotencyKey(const Request& request, Response& response);

/// Refuses an id that no row may have; true where it is fine.
bool CheckGivenId(std::string_view field, std::string_view id, const Request& request,
                  Response& response);

Micros TimeNow(const Services& services);

/// Ends a page: `"next_cursor": "..."` or null.
void WriteNextCursor(JsonWriter& json, bool more, std::string_view last);

/// Writes an entry of the audit trail where there is one; an error becomes a problem and false.
bool Audit(const Services& services, const Request& request, Response& response,
           std::string_view action, std::string_view subject, std::string_view evidence);

}  // namespace vitrine::http
