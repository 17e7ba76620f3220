#include "data/snapshot_manifest.h"

#include <gtest/gtest.h>

namespace vitrine::data {
namespace {

SnapshotManifest Sample() {
  SnapshotManifest out;
  out.id = "000002-abc";
  out.parent = "000001-def";
  out.raw_parts = {1, 3};
  out.parts = {{"parts/clean-000002-1-events.parquet", "events", "aa", 7},
               {"snapshots/000002-abc/quarantine-1.parquet", "quarantine", "bb", 2}};
  out.rules["m"] = DefaultRules();
  out.rows = 7;
  out.window_from = {5};
  out.ordinal_time = true;
  out.hash = out.ComputeHash();
  return out;
}

TEST(SnapshotManifest, ComesBackAsItWas) {
  const SnapshotManifest sample = Sample();
  const auto back = SnapshotManifest::Parse(sample.ToJson(), "manifest.json");
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->ToJson(), sample.ToJson());
  EXPECT_EQ(back->parts, sample.parts);
  EXPECT_EQ(back->rules, sample.rules);
}

TEST(SnapshotManifest, TheHashIsOfTheContentNotOfPlacesAndNames) {
  SnapshotManifest moved = Sample();
  moved.id = "000009-xyz";
  moved.created = {1};
  moved.parts[1].path = "elsewhere";
  EXPECT_EQ(moved.ComputeHash(), Sample().hash);
  SnapshotManifest other = Sample();
  other.parts[0].sha256 = "ab";
  EXPECT_NE(other.ComputeHash(), Sample().hash);
}

TEST(SnapshotManifest, DamageAndNewerFormatsAreTold) {
  std::string text = Sample().ToJson();
  text.replace(text.find("\"rows\": 7"), 9, "\"rows\": 8");
  const auto changed = SnapshotManifest::Parse(text, "m.json");
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.status().code(), Code::kDataLoss);
  EXPECT_NE(changed.status().message().find("m.json is damaged"), std::string::npos);
  EXPECT_EQ(SnapshotManifest::Parse("{", "m.json").status().code(), Code::kDataLoss);
  text = Sample().ToJson();
  text.replace(text.find("\"format\": 1"), 11, "\"format\": 9");
  EXPECT_EQ(SnapshotManifest::Parse(text, "m.json").status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace vitrine::data
