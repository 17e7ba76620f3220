vitrine_dependency(cli11 HEADERS CLI/CLI.hpp)
