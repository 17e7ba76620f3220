# LibTorch as Debian packages it, named directly: its own CMake package drags gflags, protobuf and oneDNN into every
# user and takes seconds to read. Torch_DIR points to another copy's share/cmake/Torch.
if(Torch_DIR)
  get_filename_component(vitrine_torch_root "${Torch_DIR}/../../.." ABSOLUTE)
  vitrine_dependency(torch ROOT "${vitrine_torch_root}" HEADERS torch/script.h LIBRARIES torch torch_cpu c10
                     INCLUDES "${vitrine_torch_root}/include/torch/csrc/api/include" DEPENDS Threads::Threads)
else()
  find_path(VITRINE_TORCH_API torch/torch.h PATH_SUFFIXES torch/csrc/api/include)
  mark_as_advanced(VITRINE_TORCH_API)
  if(NOT VITRINE_TORCH_API)
    vitrine_missing(torch "its header torch/torch.h")
  endif()
  vitrine_dependency(torch HEADERS torch/script.h LIBRARIES torch torch_cpu c10 glog INCLUDES "${VITRINE_TORCH_API}"
                     DEPENDS Threads::Threads)

  # Debian lets the reference BLAS stand in for OpenBLAS behind one link; training is then 4.7 times slower.
  find_file(VITRINE_BLAS libblas.so.3 PATHS /usr/lib/${CMAKE_CXX_LIBRARY_ARCHITECTURE} /usr/lib64 /usr/lib)
  mark_as_advanced(VITRINE_BLAS)
  if(VITRINE_BLAS)
    file(REAL_PATH "${VITRINE_BLAS}" vitrine_blas_file)
  endif()
  if(NOT vitrine_blas_file MATCHES "openblas")
    vitrine_missing(openblas "libblas.so.3 is '${vitrine_blas_file}'; with it installed, 'update-alternatives --auto \
libblas.so.3-${CMAKE_CXX_LIBRARY_ARCHITECTURE}' picks it")
  endif()
endif()
