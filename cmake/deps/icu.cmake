vitrine_dependency(icu HEADERS unicode/unistr.h LIBRARIES icuuc icui18n)
