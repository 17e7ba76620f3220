# Header-only: the compiled library of Debian was built with exceptions as errors and would add a run-time package.
vitrine_dependency(toml HEADERS toml++/toml.h)
