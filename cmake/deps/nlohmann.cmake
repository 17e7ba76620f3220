vitrine_dependency(nlohmann HEADERS nlohmann/json.hpp)
