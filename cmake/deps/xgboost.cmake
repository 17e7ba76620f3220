vitrine_dependency(xgboost HEADERS xgboost/c_api.h LIBRARIES xgboost)
