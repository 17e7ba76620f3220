#include "monitor/json_view.h"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vitrine::monitor {
namespace {

using nlohmann::json;

TEST(JsonViewTest, ReadsWhatNlohmannReads) {
  const std::string text =
      R"({"counts":[1,2.5,true,[0.1,2,3e5],[7,8,9]],"empty":[],"most":18446744073709551615})";
  const json expected = json::parse(text);
  JsonDocument document;
  const JsonView view = document.Parse(text);
  const auto same = [&]<typename T>(std::size_t place) {
    EXPECT_EQ(view.at("counts").at(place).get<T>(), expected.at("counts").at(place).get<T>());
  };
  same.operator()<std::uint64_t>(0);
  same.operator()<double>(0);
  same.operator()<double>(1);
  same.operator()<bool>(2);
  same.operator()<std::vector<double>>(3);
  same.operator()<std::vector<int>>(4);
  same.operator()<std::vector<std::uint64_t>>(4);
  same.operator()<std::array<double, 3>>(3);
  same.operator()<std::array<std::uint32_t, 3>>(4);
  EXPECT_EQ(view.at("counts").size(), 5U);
  EXPECT_TRUE(view.at("empty").get<std::vector<double>>().empty());
  EXPECT_EQ(view.at("most").get<std::uint64_t>(), ~std::uint64_t{0});
  EXPECT_TRUE(view.contains("empty"));
  EXPECT_FALSE(view.contains("nothing"));
  EXPECT_FALSE(view.at("counts").contains("empty"));
}

TEST(JsonViewTest, ThrowsNlohmannsExceptionWhereItIsSomethingElse) {
  JsonDocument document;
  EXPECT_THROW((void)document.Parse("{\"a\":"), json::exception);
  EXPECT_THROW((void)document.Parse(""), json::exception);
  const JsonView view = document.Parse(R"({"a":[1,-2,"x",4294967296,[1,2]]})");
  EXPECT_THROW((void)view.at("b"), json::exception);
  EXPECT_THROW((void)view.at(0), json::exception);
  EXPECT_THROW((void)view.size(), json::exception);
  const JsonView a = view.at("a");
  EXPECT_THROW((void)a.at(5), json::exception);
  EXPECT_THROW((void)a.at(1).get<std::uint64_t>(), json::exception);
  EXPECT_THROW((void)a.at(2).get<double>(), json::exception);
  EXPECT_THROW((void)a.at(0).get<bool>(), json::exception);
  EXPECT_THROW((void)a.get<std::vector<double>>(), json::exception);
  EXPECT_THROW((void)(a.at(4).get<std::array<double, 3>>()), json::exception);
  const JsonView wide = document.Parse("[4294967296,-1]");
  EXPECT_THROW((void)(wide.get<std::array<std::uint32_t, 2>>()), json::exception);
  EXPECT_THROW((void)wide.get<std::vector<int>>(), json::exception);
}

}  // namespace
}  // namespace vitrine::monitor
