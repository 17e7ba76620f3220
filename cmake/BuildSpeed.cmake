# What makes a second build cheap: a compiler cache that hits across build folders, and a fast linker.

option(VITRINE_CCACHE "Compile through ccache" ON)
if(VITRINE_CCACHE)
  find_program(VITRINE_CCACHE_PROGRAM ccache)
  if(NOT VITRINE_CCACHE_PROGRAM)
    message(FATAL_ERROR "ccache is missing. './dev setup' brings it (or set VITRINE_CCACHE=OFF).")
  endif()
  # The base folder makes paths relative, and the working directory stays out of the key, so that every build folder
  # and every clone shares one cache. Sloppiness is what ccache needs to cache users of precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1;CCACHE_SLOPPINESS=pch_defines,time_macros;${VITRINE_CCACHE_PROGRAM}")
endif()

find_program(VITRINE_MOLD_PROGRAM mold)
if(NOT VITRINE_MOLD_PROGRAM)
  message(FATAL_ERROR "The linker mold is missing. './dev setup' brings it.")
endif()
add_link_options(-fuse-ld=mold)
