# VITRINE_SANITIZE is a list in the compiler's words: "address,undefined" or "thread". Empty builds without.

set(VITRINE_SANITIZE "" CACHE STRING "Sanitizers to build with, such as address,undefined or thread")
if(VITRINE_SANITIZE)
  add_compile_options(-fsanitize=${VITRINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VITRINE_SANITIZE})
  add_compile_definitions(VITRINE_SANITIZED=1)
  # The instrumentation hides from this compiler that std::regex sets its functions before it calls them.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
