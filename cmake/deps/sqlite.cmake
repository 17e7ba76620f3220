vitrine_dependency(sqlite HEADERS sqlite3.h LIBRARIES sqlite3)
