vitrine_dependency(hnswlib HEADERS hnswlib/hnswlib.h DEPENDS Threads::Threads)
