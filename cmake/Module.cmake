# How a folder declares what it builds. Paths in includes start at src/.
include(GoogleTest)

option(VITRINE_PCH "Use the precompiled headers that targets name (PCH)" OFF)

# What every target of ours shares.
function(vitrine_own target)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${target} PRIVATE vitrine_warnings)
endfunction()

# vitrine_library(<name> [SOURCES ...] [PUBLIC deps...] [PRIVATE deps...] [PCH headers...] [GXX_ONLY])
# A static library vitrine_<name>, used as vitrine::<name>; without sources it is header-only.
# GXX_ONLY: its files need g++ (LibTorch's headers). Under another compiler only its headers remain, for checking.
function(vitrine_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "GXX_ONLY" "" "SOURCES;PUBLIC;PRIVATE;PCH")
  vitrine_no_leftovers(vitrine_library ${name} ${ARG_UNPARSED_ARGUMENTS})
  set(target vitrine_${name})
  if(ARG_GXX_ONLY AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(ARG_SOURCES)
    list(REMOVE_ITEM ARG_PUBLIC dep::torch)
    list(REMOVE_ITEM ARG_PRIVATE dep::torch)
  endif()
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    vitrine_own(${target})
    target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}/src")
    target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
    if(VITRINE_PCH AND ARG_PCH)
      target_precompile_headers(${target} PRIVATE ${ARG_PCH})
      target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
    endif()
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${CMAKE_SOURCE_DIR}/src")
    target_link_libraries(${target} INTERFACE ${ARG_PUBLIC} ${ARG_PRIVATE})
  endif()
  add_library(vitrine::${name} ALIAS ${target})
endfunction()

# vitrine_executable: the shared part of tests, programs and benchmarks; sets <built> to whether it exists here.
function(vitrine_executable target folder output built)
  cmake_parse_arguments(PARSE_ARGV 4 ARG "GXX_ONLY" "" "SOURCES;DEPS")
  vitrine_no_leftovers(${target} "${output}" ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_GXX_ONLY AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(${built} FALSE PARENT_SCOPE)
    return()
  endif()
  add_executable(${target} ${ARG_SOURCES})
  vitrine_own(${target})
  target_link_libraries(${target} PRIVATE ${ARG_DEPS})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME "${output}" RUNTIME_OUTPUT_DIRECTORY "${folder}")
  set(${built} TRUE PARENT_SCOPE)
endfunction()

# vitrine_program(<name> SOURCES ... [DEPS ...] [GXX_ONLY])  ->  bin/<name>
function(vitrine_program name)
  vitrine_executable(program_${name} "${VITRINE_BIN_DIR}" ${name} built ${ARGN})
endfunction()

# vitrine_bench(<name> SOURCES ... [DEPS ...] [GXX_ONLY])  ->  bin/bench/<name>, run by ./dev bench <name>
function(vitrine_bench name)
  vitrine_executable(bench_${name} "${VITRINE_BIN_DIR}/bench" ${name} built ${ARGN})
  if(built)
    target_link_libraries(bench_${name} PRIVATE dep::benchmark)
  endif()
endfunction()

# vitrine_test(<name> SOURCES ... [DEPS ...] [LABELS sanitize|slow|data|e2e ...] [TIMEOUT seconds] [NEEDS targets...]
#              [SERIAL] [GXX_ONLY])
# A GoogleTest program bin/tests/<name> with its main; each case is one ctest test named <name>.<suite>.<case>, and
# GTEST_SKIP counts as skipped. Cases run in the repository's root with VITRINE_BIN naming this build's bin/, and each
# process with a temporary folder of its own (tests/harness).
#   sanitize  also built and run under the sanitizers;  slow  only in ./dev test --full
#   NEEDS     programs that a case starts (program_vitrine);  SERIAL  never beside another test (it measures time)
function(vitrine_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "SERIAL;GXX_ONLY" "TIMEOUT" "LABELS;NEEDS;SOURCES;DEPS")
  vitrine_no_leftovers(vitrine_test ${name} ${ARG_UNPARSED_ARGUMENTS})
  set(target test_${name})
  set(gxx_only)
  if(ARG_GXX_ONLY)
    set(gxx_only GXX_ONLY)
  endif()
  vitrine_executable(${target} "${VITRINE_BIN_DIR}/tests" ${name} built ${gxx_only} SOURCES ${ARG_SOURCES}
                     DEPS ${ARG_DEPS} vitrine_test_main)
  if(NOT built)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  foreach(label IN LISTS ARG_LABELS)
    if(NOT label MATCHES "^(sanitize|slow|data|e2e)$")
      message(FATAL_ERROR "vitrine_test(${name}): unknown label '${label}'")
    endif()
  endforeach()
  set(properties TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "VITRINE_BIN=${VITRINE_BIN_DIR}")
  if(ARG_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  # A parameter's printed value may hold addresses: its name alone is the same in every run.
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
                       TEST_PREFIX "${name}." WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
                       PROPERTIES ${properties})
  vitrine_label_tests(${target} ${ARG_LABELS})
  if(ARG_NEEDS)
    add_dependencies(${target} ${ARG_NEEDS})
  endif()
  if("sanitize" IN_LIST ARG_LABELS)
    add_dependencies(tests_sanitize ${target})
  endif()
endfunction()

# Labels every discovered case. Not by gtest_discover_tests, which lets only the first label through.
function(vitrine_label_tests target)
  if(NOT ARGN)
    return()
  endif()
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake")
  file(CONFIGURE OUTPUT "${script}" @ONLY CONTENT [[
foreach(case IN LISTS @target@_TESTS)
  set_tests_properties("${case}" PROPERTIES LABELS "@ARGN@")
endforeach()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${script}")
endfunction()

# The tests that the sanitizer builds make; everything else there is left unbuilt.
add_custom_target(tests_sanitize)

function(vitrine_no_leftovers function name)
  if(ARGN)
    message(FATAL_ERROR "${function}(${name}): unexpected '${ARGN}'")
  endif()
endfunction()
