# The library is a PyPI wheel's, the headers are Debian 13's: the C API is versioned, and an older header asks a newer
# library for its own version of the function table.
set(ONNXRUNTIME_ROOT "${VITRINE_DEPS_DIR}/onnxruntime" CACHE PATH "ONNX Runtime: include/ and lib/")
vitrine_dependency(onnxruntime ROOT "${ONNXRUNTIME_ROOT}" HEADERS onnxruntime_c_api.h LIBRARIES onnxruntime)
