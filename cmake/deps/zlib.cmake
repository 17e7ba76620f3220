vitrine_dependency(zlib HEADERS zlib.h LIBRARIES z)
