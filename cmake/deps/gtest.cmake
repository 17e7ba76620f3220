vitrine_dependency(gtest HEADERS gtest/gtest.h LIBRARIES gtest DEPENDS Threads::Threads)
vitrine_dependency(gmock HEADERS gmock/gmock.h LIBRARIES gmock DEPENDS dep::gtest)
