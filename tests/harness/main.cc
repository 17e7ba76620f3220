// The main of every test program. Each process gets a temporary folder of its own, removed at the end: the cases of
// one program run side by side as processes, and so do several people's builds on one machine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#ifdef __SANITIZE_THREAD__
// RocksDB's library is not instrumented: its own synchronisation is invisible, while the memory that its calls of
// memcpy and memcmp touch is not; nor is that of its calls of std::string, which the linker may take to our instrumented
// ones. Reports that have it on the stack say nothing. What our code does with the library stays watched. Its globals go
// when the process ends, while its threads still rest: what exit frees then is not watched either.
// gRPC's is not either, and hands memory from thread to thread by locks that look like none, also in the code of its
// and protobuf's headers: reports with one of their functions on the stack say nothing. Ours on its threads stay watched.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:librocksdb.so\n"
         "race:librocksdb\n"
         "race:^__run_exit_handlers$\n"
         "called_from_lib:libgrpc.so\n"
         "called_from_lib:libgrpc++.so\n"
         "race:libgrpc\n"
         "race:libgpr.so\n"
         "race:libupb\n"
         "race:libabsl_\n"
         "race:^grpc::\n"
         "race:^google::protobuf::\n";
}
#endif

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();

  std::string folder = (std::filesystem::temp_directory_path() / "vitrine-test-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 1;
  }
  setenv("TMPDIR", folder.c_str(), 1);
  setenv("TEST_TMPDIR", folder.c_str(), 1);

  // ctest names the build's programs; a test started by hand finds them beside itself.
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  setenv("VITRINE_BIN", self.parent_path().parent_path().c_str(), 0);

  const int result = RUN_ALL_TESTS();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return result;
}
