/// Names that other systems give to events, so that a shop's present tags can be sent as they are.
#pragma once

#include <optional>
#include <string_view>

#include "core/event.h"

namespace vitrine::http {

/// The type of a canonical name, or of the name that GA4, Segment, Google's retail API or Alibaba's
/// AIRec has for it. None for a name of nobody.
std::optional<EventType> EventTypeOf(std::string_view name);

}  // namespace vitrine::http
