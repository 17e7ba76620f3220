#include "data/contract.h"

#include <gtest/gtest.h>

namespace vitrine::data {
namespace {

Contract Sample() {
  Contract out;
  out.rows = 100;
  out.fields["price"] = {.type = "number", .present_share = 1, .least = 1, .most = 9};
  out.fields["user_id"] = {.type = "text", .present_share = 1, .format = "digits", .longest = 5};
  out.events = {{"view", 90}, {"purchase", 10}};
  out.columns["shop/events"] = {{"Price", "VARCHAR"}, {"User", "VARCHAR"}};
  return out;
}

TEST(Contract, ComesBackAsItWas) {
  const auto back = Contract::Parse(Sample().ToJson(), "contract.json");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->ToJson(), Sample().ToJson());
  EXPECT_EQ(back->fields, Sample().fields);
  EXPECT_EQ(Contract::Parse("[]", "c").status().code(), Code::kDataLoss);
}

TEST(CompareContracts, SaysWhatDiffersAndNothingElse) {
  EXPECT_TRUE(CompareContracts(Sample(), Sample()).empty());
  Contract now = Sample();
  now.fields["price"].present_share = 0.5;
  now.fields["user_id"].format = "text";
  now.events = {{"view", 90}, {"click", 3}};
  now.columns["shop/events"] = {{"Price", "DOUBLE"}, {"Colour", "VARCHAR"}};
  now.columns["other/events"] = {{"X", "VARCHAR"}};  // never seen before: nothing to compare with
  EXPECT_EQ(CompareContracts(Sample(), now),
            (std::vector<std::string>{
                "shop/events: the column 'Price' was VARCHAR and is DOUBLE",
                "shop/events: the column 'User' is gone",
                "shop/events: the column 'Colour' is new",
                "price is present in 50 % of the rows, was 100 %",
                "user_id looks like text now, was digits: is it the same id?",
                "the event 'click' is new (3 rows)",
                "the event 'purchase' does not come any more",
            }));
}

TEST(MergeContracts, SharesByRowsAndWiderRanges) {
  Contract now = Sample();
  now.rows = 300;
  now.fields["price"] = {.type = "number", .present_share = 0, .least = 0, .most = 20};
  const Contract merged = MergeContracts(Sample(), now);
  EXPECT_EQ(merged.rows, 400U);
  EXPECT_DOUBLE_EQ(merged.fields.at("price").present_share, 0.25);
  EXPECT_EQ(merged.fields.at("price").least, 0);
  EXPECT_EQ(merged.fields.at("price").most, 20);
  EXPECT_EQ(merged.events.at("view"), 180U);
  EXPECT_EQ(MergeContracts(Contract(), now).fields, now.fields);
}

}  // namespace
}  // namespace vitrine::data
