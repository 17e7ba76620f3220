# gRPC, and the messages and service of api/inference.proto compiled by protoc.
find_program(VITRINE_PROTOC protoc)
find_program(VITRINE_GRPC_PLUGIN grpc_cpp_plugin)
mark_as_advanced(VITRINE_PROTOC VITRINE_GRPC_PLUGIN)
if(NOT VITRINE_PROTOC)
  vitrine_missing(protobuf "its compiler protoc")
endif()
if(NOT VITRINE_GRPC_PLUGIN)
  vitrine_missing(grpc "its compiler grpc_cpp_plugin")
endif()
vitrine_dependency(grpc HEADERS grpcpp/grpcpp.h LIBRARIES grpc++ grpc gpr absl_synchronization DEPENDS Threads::Threads)

# Under a folder of our own in the registry of files that all messages of a process share.
set(vitrine_inference_dir "${VITRINE_GENERATED_DIR}/vitrine_inference")
set(vitrine_inference_proto "${vitrine_inference_dir}/inference.proto")
configure_file("${CMAKE_SOURCE_DIR}/api/inference.proto" "${vitrine_inference_proto}" COPYONLY)
set(vitrine_inference_sources "${vitrine_inference_dir}/inference.pb.cc" "${vitrine_inference_dir}/inference.grpc.pb.cc")
set(vitrine_inference_headers "${vitrine_inference_dir}/inference.pb.h" "${vitrine_inference_dir}/inference.grpc.pb.h")
add_custom_command(
  OUTPUT ${vitrine_inference_sources} ${vitrine_inference_headers}
  COMMAND "${VITRINE_PROTOC}" "--proto_path=${VITRINE_GENERATED_DIR}" "--cpp_out=${VITRINE_GENERATED_DIR}"
          "--grpc_out=${VITRINE_GENERATED_DIR}" "--plugin=protoc-gen-grpc=${VITRINE_GRPC_PLUGIN}"
          vitrine_inference/inference.proto
  DEPENDS "${vitrine_inference_proto}"
  VERBATIM)
add_library(vitrine_inference_proto STATIC ${vitrine_inference_sources} ${vitrine_inference_headers})
target_include_directories(vitrine_inference_proto SYSTEM PUBLIC "${VITRINE_GENERATED_DIR}")
target_link_libraries(vitrine_inference_proto PUBLIC dep::grpc dep::protobuf)
target_compile_options(vitrine_inference_proto PRIVATE -w)
add_library(dep::inference_proto ALIAS vitrine_inference_proto)
