vitrine_dependency(beast HEADERS boost/beast.hpp boost/asio.hpp DEPENDS Threads::Threads)
