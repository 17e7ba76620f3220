set(DUCKDB_ROOT "${VITRINE_DEPS_DIR}/duckdb" CACHE PATH "DuckDB: include/ and lib/")
vitrine_dependency(duckdb ROOT "${DUCKDB_ROOT}" HEADERS duckdb.h LIBRARIES duckdb)
