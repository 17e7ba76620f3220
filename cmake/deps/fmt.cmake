vitrine_dependency(fmt HEADERS fmt/format.h LIBRARIES fmt)
