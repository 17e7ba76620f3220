vitrine_dependency(benchmark HEADERS benchmark/benchmark.h LIBRARIES benchmark DEPENDS Threads::Threads)
