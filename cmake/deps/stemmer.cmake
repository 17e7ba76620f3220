vitrine_dependency(stemmer HEADERS libstemmer.h LIBRARIES stemmer)
