vitrine_dependency(openssl HEADERS openssl/evp.h LIBRARIES ssl crypto)
