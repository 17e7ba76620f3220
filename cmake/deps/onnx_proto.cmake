# The ONNX schema, compiled by protoc under a package and a file name of our own: LibTorch registers the original ones
# in the same process.
find_program(VITRINE_PROTOC protoc)
mark_as_advanced(VITRINE_PROTOC)
if(NOT VITRINE_PROTOC)
  vitrine_missing(protobuf "its compiler protoc")
endif()
set(vitrine_onnx_schema "${VITRINE_DEPS_DIR}/onnx/onnx-ml.proto")
if(NOT EXISTS "${vitrine_onnx_schema}")
  vitrine_missing(onnx_proto "its schema onnx-ml.proto")
endif()
vitrine_dependency(protobuf HEADERS google/protobuf/message.h LIBRARIES protobuf DEPENDS Threads::Threads)

set(vitrine_onnx_proto "${VITRINE_GENERATED_DIR}/vitrine_onnx/onnx.proto")
configure_file("${vitrine_onnx_schema}" "${vitrine_onnx_proto}" COPYONLY)
add_custom_command(
  OUTPUT "${VITRINE_GENERATED_DIR}/vitrine_onnx/onnx.pb.cc" "${VITRINE_GENERATED_DIR}/vitrine_onnx/onnx.pb.h"
  COMMAND "${VITRINE_PROTOC}" "--proto_path=${VITRINE_GENERATED_DIR}" "--cpp_out=${VITRINE_GENERATED_DIR}"
          vitrine_onnx/onnx.proto
  DEPENDS "${vitrine_onnx_proto}"
  VERBATIM)
add_library(vitrine_onnx_proto STATIC "${VITRINE_GENERATED_DIR}/vitrine_onnx/onnx.pb.cc"
                                      "${VITRINE_GENERATED_DIR}/vitrine_onnx/onnx.pb.h")
target_include_directories(vitrine_onnx_proto SYSTEM PUBLIC "${VITRINE_GENERATED_DIR}")
target_link_libraries(vitrine_onnx_proto PUBLIC dep::protobuf)
target_compile_options(vitrine_onnx_proto PRIVATE -w)
add_library(dep::onnx_proto ALIAS vitrine_onnx_proto)
