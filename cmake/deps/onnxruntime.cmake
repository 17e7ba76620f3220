# The library is a PyPI wheel's, the headers are Debian 13's: the C API is versioned, and an older header asks a newer
# library for its own version of the function table.
vitrine_root(ONNXRUNTIME_ROOT onnxruntime)
vitrine_dependency(onnxruntime ROOT "${ONNXRUNTIME_ROOT}" HEADERS onnxruntime_c_api.h LIBRARIES onnxruntime)
