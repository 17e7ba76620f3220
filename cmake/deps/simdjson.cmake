vitrine_dependency(simdjson HEADERS simdjson.h LIBRARIES simdjson)
