# The language, the warnings, and what makes an object file the same wherever it was built.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_LINK_WHAT_YOU_USE OFF)

find_package(Threads REQUIRED)

# __FILE__ and debug information name files from the repository's root, not this machine's folders.
# The second form is for ccache, which hands the compiler paths relative to the build folder.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
file(RELATIVE_PATH vitrine_up "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
if(vitrine_up)
  add_compile_options("-ffile-prefix-map=${vitrine_up}=")
endif()
add_compile_options(-fdiagnostics-color=auto)

# Only for our own files: generated and third-party code does not link this target. Designated initialisers name what
# differs from the default on purpose, so a field left out is no mistake. clang blames this libstdc++'s stable_sort for
# a deprecated call of its own.
add_library(vitrine_warnings INTERFACE)
target_compile_options(
  vitrine_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast
                             -Wno-missing-field-initializers
                             $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations> -Werror)
