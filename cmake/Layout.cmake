# Where things lie: built programs in bin/ of the build folder, fetched libraries in .deps/ of the source tree.

set(VITRINE_BIN_DIR "${CMAKE_BINARY_DIR}/bin")
set(VITRINE_GENERATED_DIR "${CMAKE_BINARY_DIR}/generated")
set(VITRINE_DEPS_DIR "${CMAKE_SOURCE_DIR}/.deps" CACHE PATH "Where ./dev setup put what Debian does not have")
set(VITRINE_FOLDERS "" CACHE STRING
    "Only these folders (such as core;text;tests/contract); empty builds everything")

# Adds each folder that matches the patterns, has a CMakeLists.txt, was not left out by VITRINE_FOLDERS, and was not
# added before.
function(vitrine_add_folders)
  foreach(pattern IN LISTS ARGN)
    file(GLOB folders RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" CONFIGURE_DEPENDS
         "${CMAKE_CURRENT_SOURCE_DIR}/${pattern}/CMakeLists.txt")
    foreach(list_file IN LISTS folders)
      get_filename_component(folder "${list_file}" DIRECTORY)
      get_property(added DIRECTORY PROPERTY SUBDIRECTORIES)
      if((NOT VITRINE_FOLDERS OR folder IN_LIST VITRINE_FOLDERS)
         AND NOT "${CMAKE_CURRENT_SOURCE_DIR}/${folder}" IN_LIST added)
        add_subdirectory("${folder}")
      endif()
    endforeach()
  endforeach()
endfunction()
