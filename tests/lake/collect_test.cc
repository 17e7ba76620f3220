// Which snapshots go, and that nothing goes that another one shares.
#include "lake_fixture.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

class CollectTest : public LakeTest {
 protected:
  /// A snapshot of everything, judged anew where `full`; its manifest.
  data::SnapshotManifest AddDay(int day, bool full = false) {
    MustImport(Write(fmt::format("day{}.csv", day),
                     kLogHeader + fmt::format("view,u{},,a,2026-01-01 0{}:00:00,,,,,\n", day, day)),
               LogMapping());
    MustClean({.as_of = kTestNow, .mapping = std::nullopt, .full = full});
    const auto newest = lake_->Snapshot("");
    EXPECT_TRUE(newest.ok());
    return newest.ok() ? *newest : data::SnapshotManifest{};
  }
  data::Collected Collect(data::CollectRequest request) {
    request.before = {Now().value + kMicrosPerDay};
    const auto collected = lake_->Collect(request);
    EXPECT_TRUE(collected.ok()) << collected.status().message();
    return collected.ok() ? *collected : data::Collected{};
  }
  [[nodiscard]] bool Has(const data::SnapshotPart& part) const {
    return fs::exists(folder_ + "/data/lake/" + part.path);
  }
  [[nodiscard]] std::uint64_t Bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& file : fs::recursive_directory_iterator(folder_ + "/data/lake")) {
      if (file.is_regular_file() && file.path().filename() != "manifest.json") {
        bytes += file.file_size();
      }
    }
    return bytes;
  }
};

TEST_F(CollectTest, OldSnapshotsGoAndWhatTheOthersShareStays) {
  const data::SnapshotManifest first = AddDay(1);
  const data::SnapshotManifest second = AddDay(2);
  const data::SnapshotManifest third = AddDay(3, /*full=*/true);  // shares no cleaned part
  const data::SnapshotManifest fourth = AddDay(4);
  const std::uint64_t before = Bytes();
  const data::Collected would = Collect({.newest = 1, .before = {}, .needed = {}, .remove = false});
  EXPECT_EQ(would.snapshots, (std::vector<std::string>{first.id, second.id, third.id}));
  EXPECT_EQ(Bytes(), before);
  const data::Collected done = Collect({.newest = 1, .before = {}, .needed = {second.hash}});
  EXPECT_EQ(done.snapshots, (std::vector<std::string>{first.id, third.id}));
  EXPECT_EQ(lake_->Manifest()->snapshots, (std::vector<std::string>{second.id, fourth.id}));
  for (const data::SnapshotManifest* stays : {&second, &fourth}) {
    for (const data::SnapshotPart& part : stays->parts) {
      EXPECT_TRUE(Has(part)) << part.path << " of " << stays->id;
    }
  }
  EXPECT_FALSE(fs::exists(lake_->SnapshotFolder(first.id) + "/manifest.json"));
  EXPECT_TRUE(fs::exists(lake_->SnapshotFolder(first.id))) << "the second has its quarantine there";
  EXPECT_EQ(Read().size(), 4U) << "the newest reads as before";
  const data::Collected rest = Collect({.newest = 0, .before = {}, .needed = {}});
  EXPECT_EQ(rest.snapshots, std::vector<std::string>{second.id}) << "the newest always stays";
  EXPECT_GT(rest.files, 0U);
  EXPECT_FALSE(fs::exists(lake_->SnapshotFolder(first.id))) << "nobody shares it any more";
  EXPECT_EQ(AddDay(5).parent, fourth.id);
  EXPECT_EQ(Read().size(), 5U);
  ASSERT_TRUE(lake_->Clean({.as_of = kTestNow, .mapping = std::nullopt, .replay = true}, {}).ok())
      << "the quarantine is whole";
}

TEST_F(CollectTest, ItSaysHowMuchGoes) {
  AddDay(1);
  AddDay(2, /*full=*/true);
  const std::uint64_t before = Bytes();
  // The manifests of snapshots are counted too; Bytes leaves those out.
  const data::Collected done = Collect({.newest = 1, .before = {}, .needed = {}});
  EXPECT_GT(done.bytes, before - Bytes());
  EXPECT_LT(Bytes(), before);
}

TEST_F(CollectTest, TheYoungStayAndADamagedOneHoldsAll) {
  const data::SnapshotManifest first = AddDay(1);
  AddDay(2);
  const auto young = lake_->Collect({.newest = 1, .before = first.created, .needed = {}});
  ASSERT_TRUE(young.ok());
  EXPECT_TRUE(young->snapshots.empty());
  std::ofstream(lake_->SnapshotFolder(first.id) + "/manifest.json", std::ios::trunc) << "{";
  EXPECT_EQ(
      lake_->Collect({.newest = 1, .before = {Now().value + 1}, .needed = {}}).status().code(),
      Code::kDataLoss);
  EXPECT_EQ(lake_->Manifest()->snapshots.size(), 2U);
}

TEST_F(CollectTest, ADeathBetweenManifestAndFilesIsMadeUpForByTheNextWriter) {
  const data::SnapshotManifest first = AddDay(1);
  AddDay(2, /*full=*/true);
  {  // What the dead one had written: the manifest, no file gone.
    auto manifest = lake_->Manifest();
    ASSERT_TRUE(manifest.ok());
    manifest->snapshots.erase(manifest->snapshots.begin());
    ASSERT_TRUE(
        duckdb::WriteDurably(folder_ + "/data/lake/manifest.json", manifest->ToJson()).ok());
  }
  ASSERT_TRUE(fs::exists(lake_->SnapshotFolder(first.id)));
  EXPECT_TRUE(Collect({.newest = 1, .before = {}, .needed = {}}).snapshots.empty());
  EXPECT_FALSE(fs::exists(lake_->SnapshotFolder(first.id)));
  for (const data::SnapshotPart& part : first.parts) {
    EXPECT_EQ(Has(part), part.path.find("raw-") != std::string::npos) << part.path;
  }
}

}  // namespace
}  // namespace vitrine
