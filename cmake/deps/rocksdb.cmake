vitrine_dependency(rocksdb HEADERS rocksdb/db.h LIBRARIES rocksdb DEPENDS Threads::Threads)
