vitrine_dependency(curl HEADERS curl/curl.h LIBRARIES curl)
