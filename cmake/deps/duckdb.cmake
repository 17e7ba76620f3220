vitrine_root(DUCKDB_ROOT duckdb)
vitrine_dependency(duckdb ROOT "${DUCKDB_ROOT}" HEADERS duckdb.h LIBRARIES duckdb)
