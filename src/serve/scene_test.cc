#include "serve/scene.h"

#include <gtest/gtest.h>

#include <cmath>

#include "serve/scene_json.h"

namespace vitrine::serve {
namespace {

Scene FullScene() {
  Scene scene = *DefaultScenes().at("home");
  scene.name = "sale";
  scene.ranker = "challenger";
  scene.rules = {
      {.name = "summer",
       .kind = RuleKind::kBoost,
       .when = {.brands = {"A"}, .price_min = 1, .price_max = 9.5},
       .factor = 1.5,
       .from = Micros{1'700'000'000 * kMicrosPerSecond},
       .until = Micros{1'800'000'000 * kMicrosPerSecond}},
      {.name = "gone", .kind = RuleKind::kHide, .when = {.tags = {"old"}}},
      {.name = "first", .kind = RuleKind::kPin, .when = {.items = {"x"}}, .position = 2}};
  scene.spacing = {.max_per_brand = 2, .max_per_category = 3, .brand_gap = 1};
  scene.diversity = {.method = DiversityMethod::kDpp,
                     .strength = 0.25,
                     .pool = 70,
                     .brand = 0.5,
                     .category = 2,
                     .tags = 0,
                     .vectors = 3};
  scene.exposure = {.share = 0.2, .days = 14, .impressions = 500};
  scene.fallback = FallbackOrder::kTrending;
  scene.filters.exclude_seen = true;
  return scene;
}

TEST(SceneJson, WritesAndReadsEveryField) {
  const Scene scene = FullScene();
  const auto read = SceneFromJson(SceneToJson(scene));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, scene);
}

TEST(SceneJson, WritesAndReadsTheDefaults) {
  const auto read = ScenesFromJson(ScenesToJson(DefaultScenes()));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ASSERT_EQ(read->size(), 6U);
  for (const auto& [name, scene] : DefaultScenes()) {
    EXPECT_EQ(*read->at(name), *scene) << name;
    EXPECT_TRUE(Validate(*scene).ok());
  }
}

TEST(SceneJson, WritesAndReadsARule) {
  for (const Rule& rule : FullScene().rules) {
    const auto read = RuleFromJson(RuleToJson(rule));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, rule);
  }
  EXPECT_EQ(RuleFromJson(R"({"nam": "x"})").status().message(),
            "rule.nam is not known; did you mean 'name'?");
}

TEST(SceneJson, NamesTheFieldThatIsWrong) {
  const auto message = [](std::string_view json) {
    return SceneFromJson(json).status().ToString();
  };
  EXPECT_EQ(message("{"), "INVALID_ARGUMENT: this is not JSON");
  EXPECT_EQ(message(R"({"name": 3})"), "INVALID_ARGUMENT: scene.name is not a text");
  EXPECT_EQ(message(R"({"name": "a", "retreiver": "x"})"),
            "INVALID_ARGUMENT: scene.retreiver is not known; did you mean 'retriever'?");
  EXPECT_EQ(message(R"({"name": "a", "rules": [{"name": "r", "kind": "bost"}]})"),
            "INVALID_ARGUMENT: scene.rules[0].kind is 'bost'; it can be boost, hide, pin");
  EXPECT_EQ(message(R"({"name": "a", "rules": [{"name": "r", "when": {"price_min": "1"}}]})"),
            "INVALID_ARGUMENT: scene.rules[0].when.price_min is not a number");
  EXPECT_EQ(message(R"({"name": "a", "diversity": {"method": "ddp"}})"),
            "INVALID_ARGUMENT: scene.diversity.method is 'ddp'; it can be mmr, dpp");
  EXPECT_EQ(message(R"({"name": "a", "exposure": {"shares": 0.1}})"),
            "INVALID_ARGUMENT: scene.exposure.shares is not known; did you mean 'share'?");
  EXPECT_EQ(message(R"({"name": "a", "n_max": -1})"),
            "INVALID_ARGUMENT: scene.n_max is not a whole number of 0 or more");
}

TEST(SceneJson, RefusesANewerFormat) {
  EXPECT_EQ(ScenesFromJson(R"({"format": 2, "scenes": []})").status().code(),
            Code::kFailedPrecondition);
}

TEST(Scene, ValidateNamesWhatIsWrong) {
  const auto wrong = [](auto change) {
    Scene scene = FullScene();
    change(scene);
    return Validate(scene).message();
  };
  EXPECT_EQ(wrong([](Scene&) {}), "");
  EXPECT_NE(wrong([](Scene& s) { s.n_default = 200; }).find("n_default"), std::string::npos);
  EXPECT_NE(wrong([](Scene& s) { s.candidates = 10; }).find("candidates"), std::string::npos);
  EXPECT_NE(wrong([](Scene& s) { s.rules[1].when = {}; }).find("'gone'"), std::string::npos);
  EXPECT_NE(wrong([](Scene& s) { s.rules[1].name = "summer"; }).find("two rules"),
            std::string::npos);
  EXPECT_NE(wrong([](Scene& s) { s.rules[0].until = s.rules[0].from; }).find("until"),
            std::string::npos);
  const auto names = [&wrong](const char* field, auto change) {
    EXPECT_NE(wrong(change).find(field), std::string::npos) << field << ": " << wrong(change);
  };
  for (const double strength : {-0.1, 1.1, std::nan("")}) {
    names("diversity.strength", [=](Scene& s) { s.diversity.strength = strength; });
    names("exposure.share", [=](Scene& s) { s.exposure.share = strength; });
  }
  names("diversity.pool", [](Scene& s) { s.diversity.pool = 0; });
  names("diversity.pool", [](Scene& s) { s.diversity.pool = kMaxAnswer + 1; });
  names("weighs brand", [](Scene& s) { s.diversity.tags = -1; });
  names("weighs brand", [](Scene& s) { s.diversity.tags = std::nan(""); });
  names("weighs nothing", [](Scene& s) {
    s.diversity.brand = s.diversity.category = s.diversity.tags = s.diversity.vectors = 0;
  });
  names("exposure.days", [](Scene& s) { s.exposure.days = 0; });
  names("exposure.days", [](Scene& s) { s.exposure.days = kMostNewDays + 1; });
  names("exposure.impressions", [](Scene& s) { s.exposure.impressions = -1; });
}

TEST(SceneBook, PutsReplacesAndKeepsTheDefaults) {
  SceneBook book;
  const auto before = book.Find("home").value();
  Scene scene = *before;
  scene.n_default = 7;
  ASSERT_TRUE(book.Put(scene).ok());
  EXPECT_EQ(book.Find("home").value()->n_default, 7U);
  EXPECT_EQ(before->n_default, 10U);  // what a request holds does not change under it
  ASSERT_TRUE(book.Put(FullScene()).ok());
  EXPECT_TRUE(book.Remove("sale").ok());
  EXPECT_EQ(book.Remove("sale").code(), Code::kNotFound);
  EXPECT_EQ(book.Remove("home").code(), Code::kFailedPrecondition);
  scene.n_max = 0;
  EXPECT_EQ(book.Put(scene).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::serve
