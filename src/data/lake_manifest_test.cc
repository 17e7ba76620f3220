#include "data/lake_manifest.h"

#include <gtest/gtest.h>

namespace vitrine::data {
namespace {

TEST(LakeManifest, ComesBackAsItWas) {
  LakeManifest sample;
  sample.next_part = 5;
  sample.log_watermark = 77;
  sample.snapshots = {"000001-a"};
  sample.erasure_pending = true;
  LakePart part;
  part.number = 4;
  part.path = "parts/raw-000004-events.parquet";
  part.kind = "events";
  part.rows = 10;
  part.reasons = {{"price: a value is not a number", 2, {"row 3: price: \"x\" is not a number"}}};
  part.columns = {{"price", "VARCHAR"}};
  sample.parts = {part};
  sample.mappings["h"] = {"shop", "name = \"shop\"", DefaultRules()};
  const auto back = LakeManifest::Parse(sample.ToJson(), "manifest.json");
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->parts, sample.parts);
  EXPECT_EQ(back->mappings, sample.mappings);
  EXPECT_EQ(back->ToJson(), sample.ToJson());
}

TEST(LakeManifest, DamageNamesTheFile) {
  const auto back = LakeManifest::Parse("{\"format\": 1}", "/d/lake/manifest.json");
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.status().code(), Code::kDataLoss);
  EXPECT_NE(back.status().message().find("/d/lake/manifest.json"), std::string::npos);
  EXPECT_EQ(LakeManifest::Parse("{\"format\": 2}", "m").status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace vitrine::data
