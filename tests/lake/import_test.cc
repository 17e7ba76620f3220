// Files of every kind into the lake: what is taken, what is refused, and what is said about it.
#include <zlib.h>

#include "lake_fixture.h"

namespace vitrine {
namespace {

class ImportTest : public LakeTest {
 protected:
  std::string Failure(const std::string& path, const std::string& mapping, Code code) {
    const auto report = Import(path, mapping);
    EXPECT_FALSE(report.ok());
    EXPECT_EQ(report.status().code(), code) << report.status().message();
    return report.status().message();
  }
};

TEST_F(ImportTest, BrokenRowsAreCountedWithSamples) {
  const auto report = MustImport(
      Write("log.csv", std::string(kLogHeader) + "view,u1,,a,2026-01-01 10:00:00,,,,,\n"
                                                 "view,u1\n"
                                                 "view,u1,,a,soon,,,,,\n"
                                                 "view,u1,,a,2026-01-01 10:00:00,many,,,,\n"
                                                 "view,\"u\n1\",,a,2026-01-01 10:00:00,,,,,\n"),
      LogMapping().replace(LogMapping().find("ts = \"ts\""), 9,
                           "ts = { column = \"ts\", format = \"iso8601\" }"));
  const auto& file = report.files.at(0);
  EXPECT_EQ(file.rows_read, 5U);
  EXPECT_EQ(file.accepted, 1U);
  EXPECT_EQ(file.rejected, 4U);
  std::string told = report.ToText();
  EXPECT_NE(told.find("line 3: view,u1"), std::string::npos) << told;
  EXPECT_NE(told.find("quantity: \"many\" is not a number"), std::string::npos) << told;
  EXPECT_NE(told.find("ts: \"soon\" is not a time"), std::string::npos) << told;
  EXPECT_NE(told.find("user_id: holds a control character"), std::string::npos) << told;
}

TEST_F(ImportTest, TheSameFileCountsOnceAndEqualRowsAreNotMerged) {
  const std::string row = "view,u1,,a,2026-01-01 10:00:00,,,,,\n";
  const std::string path = Write("log.csv", kLogHeader + row + row);
  const std::string keep = "[[rules]]\nname = \"exact_duplicates\"\naction = \"flag\"\n";
  EXPECT_FALSE(MustImport(path, LogMapping(keep)).files.at(0).already_there);
  EXPECT_TRUE(MustImport(path, LogMapping(keep)).files.at(0).already_there);
  MustClean();
  EXPECT_EQ(Read()["u1"], "a a");
  // Under another mapping the file replaces itself, and what was cleaned from it goes.
  EXPECT_TRUE(MustImport(path, LogMapping()).files.at(0).replaced_earlier);
  const auto out = MustClean();
  EXPECT_TRUE(out.report.full);
  EXPECT_EQ(Read()["u1"], "a");
}

TEST_F(ImportTest, TimesAreFoundAndReported) {
  const std::string mapping = LogMapping();
  const auto seconds =
      MustImport(Write("s.csv", std::string(kLogHeader) + "view,u1,,a,1767225600,,,,,\n"), mapping);
  EXPECT_NE(seconds.files.at(0).time_taken.find("unix_s"), std::string::npos);
  const auto millis = MustImport(
      Write("ms.csv", std::string(kLogHeader) + "view,u1,,b,1767225600500,,,,,\n"), mapping);
  EXPECT_NE(millis.files.at(0).time_taken.find("unix_ms"), std::string::npos);
  MustImport(
      Write("iso.csv", std::string(kLogHeader) + "view,u1,,c,2026-01-01T08:00:01+08:00,,,,,\n"
                                                 "view,u1,,d,2026-01-01T00:00:02Z,,,,,\n"
                                                 "view,u1,,e,2025-12-31T19:00:03.25-0500,,,,,\n"),
      mapping);
  std::string zoned = mapping;
  zoned.replace(zoned.find("ts = \"ts\""), 9,
                "ts = { column = \"ts\", pattern = \"%d/%m/%Y %H:%M\", zone = \"Asia/Shanghai\" }");
  MustImport(Write("p.csv", std::string(kLogHeader) + "view,u1,,f,01/01/2026 08:01,,,,,\n"), zoned);
  const auto out = MustClean();
  duckdb::ParquetSnapshotReader reader({});
  const auto data = reader.ReadInteractions(out.folder, {}, {});
  ASSERT_TRUE(data.ok());
  std::vector<std::int64_t> offsets;
  for (const Micros ts : data->ts) {
    offsets.push_back(ts.value - 1'767'225'600 * kMicrosPerSecond);
  }
  EXPECT_EQ(offsets,
            (std::vector<std::int64_t>{0, 500'000, 1'000'000, 2'000'000, 3'250'000, 60'000'000}));
  EXPECT_NE(Failure(Write("d.csv", std::string(kLogHeader) + "view,u1,,a,01/02/2026,,,,,\n"),
                    mapping, Code::kInvalidArgument)
                .find("day first and month first"),
            std::string::npos);
}

TEST_F(ImportTest, JsonLinesWithListsAndFilters) {
  const std::string path = Write(
      "events.jsonl",
      R"({"event_name":"purchase","event_timestamp":1767225600000000,"user_pseudo_id":"p1","ecommerce":{"transaction_id":"t1"},"event_params":[{"key":"currency","value":{"string_value":"EUR"}}],"items":[{"item_id":"a","price":2.5,"quantity":2},{"item_id":"b","price":1}]})"
      "\n"
      R"({"event_name":"view_item","event_timestamp":1767225601000000,"user_id":"u1","user_pseudo_id":"p1","items":[{"item_id":"c"}]})"
      "\n"
      R"({"event_name":"session_start","event_timestamp":1767225601000000,"user_pseudo_id":"p1","items":[]})"
      "\nnot json\n\n");
  data::ImportRequest request;
  request.paths = {path};
  request.now = kTestNow;
  request.mapping = adapters::LoadMapping("ga4").value();
  const auto report = lake_->Import(request, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->files.at(0).rows_read, 5U);
  EXPECT_EQ(report->files.at(0).accepted, 3U);
  EXPECT_EQ(report->files.at(0).ignored, 1U);
  EXPECT_EQ(report->files.at(0).rejected, 1U);
  const auto out = MustClean();
  duckdb::ParquetSnapshotReader reader({});
  const auto data = reader.ReadInteractions(out.folder, {EventType::kPurchase}, {});
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->users, std::vector<std::string>{"p1"});
  EXPECT_EQ(data->items, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(Numbers(out.folder, "quantity"), std::vector<double>{2}) << "b has none";
  EXPECT_EQ(data->basket, (std::vector<std::uint32_t>{0, 0}));
}

TEST_F(ImportTest, SegmentIdentifiesAndListsProducts) {
  const std::string path = Write(
      "calls.jsonl",
      R"({"type":"track","event":"Product Viewed","messageId":"m1","anonymousId":"x","timestamp":"2026-01-01T10:00:00Z","properties":{"product_id":"a","price":3}})"
      "\n"
      R"({"type":"identify","messageId":"m2","userId":"u","anonymousId":"x","timestamp":"2026-01-01T10:01:00Z"})"
      "\n"
      R"({"type":"track","event":"Order Completed","messageId":"m3","userId":"u","timestamp":"2026-01-01T10:02:00Z","properties":{"order_id":"o","products":[{"product_id":"a","quantity":1},{"sku":"b"}]}})"
      "\n"
      R"({"type":"page","messageId":"m4","userId":"u","timestamp":"2026-01-01T10:02:00Z"})"
      "\n");
  data::ImportRequest request;
  request.paths = {path};
  request.now = kTestNow;
  request.mapping = adapters::LoadMapping("segment").value();
  const auto report = lake_->Import(request, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  MustClean();
  EXPECT_EQ(Read(), (std::map<std::string, std::string>{{"u", "a a b"}}));
}

TEST_F(ImportTest, RecboleHeadersCarryTypes) {
  std::filesystem::create_directories(folder_ + "/in/ml");
  Write("ml/ml.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "1\t10\t5\t881250949\n2\t11\t3.5\t891717742\n");
  Write("ml/ml.item",
        "item_id:token\tmovie_title:token_seq\tclass:token_seq\tyear:float\n"
        "10\tToy \"Story\"\tAnimation Comedy\t1995\n");
  Write("ml/ml.user", "user_id:token\tage:float\toccupation:token\n1\t24\ttechnician\n");
  data::ImportRequest request;
  request.paths = {folder_ + "/in/ml"};
  request.now = kTestNow;
  request.mapping = adapters::LoadMapping("recbole").value();
  const auto report = lake_->Import(request, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->files.size(), 3U);
  const auto out = MustClean();
  duckdb::ParquetSnapshotReader reader({});
  auto data = reader.ReadInteractions(out.folder, {EventType::kRating}, {});
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->rows(), 2U);
  const auto items = reader.ReadItems(out.folder, *data);
  ASSERT_TRUE(items.ok());
  EXPECT_EQ(items->rows[0].title, "Toy \"Story\"");
  EXPECT_EQ(items->rows[0].categories, (std::vector<std::string>{"Animation", "Comedy"}));
  EXPECT_EQ(std::get<double>(items->rows[0].attributes.at("year")), 1995);
}

TEST_F(ImportTest, AirecTables) {
  std::filesystem::create_directories(folder_ + "/in/ai");
  Write("ai/behavior.csv",
        "trace_id,user_id,imei,item_id,bhv_type,bhv_time,scene_id\n"
        "t1,u1,,a,expose,1767225600,home\nt1,u1,,a,click,1767225601,home\n"
        ",u1,,a,buy,1767225602,home\n,,dev9,b,collect,1767225603,home\n");
  Write("ai/item.csv",
        "item_id,title,category_path,tags,status\na,Schuhe,Mode|Schuhe,\"rot,neu\",1\n");
  data::ImportRequest request;
  request.paths = {folder_ + "/in/ai"};
  request.now = kTestNow;
  request.mapping = adapters::LoadMapping("airec").value();
  const auto report = lake_->Import(request, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto out = MustClean();
  EXPECT_EQ(out.report.total_impressions, 1U);
  EXPECT_EQ(Read(), (std::map<std::string, std::string>{{"u1", "a a"}, {"dev9", "b"}}));
}

TEST_F(ImportTest, WrongMappingsNameTheColumnsOfTheFile) {
  std::string mapping = LogMapping();
  mapping.replace(mapping.find("user_id = \"user\""), 16, "user_id = \"usr\"");
  const std::string message =
      Failure(Write("log.csv", std::string(kLogHeader) + "view,u1,,a,1767225600,,,,,\n"), mapping,
              Code::kInvalidArgument);
  EXPECT_NE(message.find("no column 'usr'"), std::string::npos) << message;
  EXPECT_NE(message.find("did you mean 'user'?"), std::string::npos) << message;
  EXPECT_NE(message.find("event, user, anon"), std::string::npos) << message;
}

TEST_F(ImportTest, EmptyAndUselessFilesAreRefusedAndNothingIsKept) {
  EXPECT_NE(
      Failure(Write("empty.csv", ""), LogMapping(), Code::kFailedPrecondition).find("0 bytes"),
      std::string::npos);
  EXPECT_NE(Failure(Write("head.csv", kLogHeader), LogMapping(), Code::kInvalidArgument)
                .find("no time at all"),
            std::string::npos);
  const std::string none =
      Failure(Write("none.csv", std::string(kLogHeader) + "view,u1,,a,2026-01-01,x,,,,\n"),
              LogMapping(), Code::kFailedPrecondition);
  EXPECT_NE(none.find("none of the 1 rows"), std::string::npos) << none;
  EXPECT_NE(none.find("not a number"), std::string::npos) << none;
  EXPECT_NE(Failure(Write("u16.csv", std::string("\xff\xfe") + "a"), LogMapping(),
                    Code::kFailedPrecondition)
                .find("UTF-16"),
            std::string::npos);
  EXPECT_NE(Failure(folder_ + "/in/nothing.csv", LogMapping(), Code::kNotFound).find("there is no"),
            std::string::npos);
  EXPECT_FALSE(lake_->Manifest().ok());
}

TEST_F(ImportTest, LinesWithoutEndAreRefusedInBoundedMemory) {
  std::string mapping = LogMapping();
  mapping.replace(mapping.find("files = "), 8, "max_line_bytes = 1000\nfiles = ");
  const std::string header = kLogHeader;
  const std::string line = Failure(
      Write("long.csv", header + "view,u1,,a,2026-01-01,,,,,\n" + std::string(5000, 'x') + "\n"),
      mapping, Code::kFailedPrecondition);
  EXPECT_NE(line.find("line 3 is longer than 1000 bytes"), std::string::npos) << line;
  std::string rest;
  for (int i = 0; i < 100; ++i) {
    rest += "view,u1,,a,2026-01-01,,,,,\n";
  }
  const std::string quote =
      Failure(Write("quote.csv", header + "view,\"u1,,a,2026-01-01,,,,,\n" + rest), mapping,
              Code::kFailedPrecondition);
  EXPECT_NE(quote.find("line 2"), std::string::npos) << quote;
  EXPECT_NE(quote.find("never closes"), std::string::npos) << quote;
}

TEST_F(ImportTest, DamagedGzipIsRefused) {
  const std::string text = std::string(kLogHeader) + "view,u1,,a,2026-01-01,,,,,\n";
  const std::string path = folder_ + "/in/log.csv.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  std::string mapping = LogMapping();
  mapping.replace(mapping.find("[\"*.csv\"]"), 9, "[\"*.csv.gz\"]");
  EXPECT_EQ(MustImport(path, mapping).Accepted(), 1U);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 9);
  EXPECT_NE(Failure(path, mapping, Code::kFailedPrecondition).find("cut off or damaged"),
            std::string::npos);
}

TEST_F(ImportTest, AFolderWithoutItsFilesNamesThePatterns) {
  const std::string message = Failure(folder_ + "/in", LogMapping(), Code::kNotFound);
  EXPECT_NE(message.find("it takes *.csv"), std::string::npos) << message;
}

TEST_F(ImportTest, ACheckKeepsNothing) {
  data::ImportRequest request;
  request.paths = {Write("log.csv", std::string(kLogHeader) + "view,u1,,a,2026-01-01,,,,,\n")};
  request.mapping = adapters::ParseMapping(LogMapping(), "test.toml").value();
  const auto report = lake_->Check(request, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_TRUE(report->dry_run);
  EXPECT_EQ(report->Accepted(), 1U);
  EXPECT_FALSE(lake_->Manifest().ok());
}

TEST_F(ImportTest, ACheckHoldsTheFileAgainstTheContract) {
  MustImport(Write("log.csv", std::string(kLogHeader) + "view,7,,a,2026-01-01,,2,,,\n"),
             LogMapping());
  MustClean();
  data::ImportRequest request;
  request.paths = {Write("next.csv",
                         "event,user,anon,item,ts,quantity,order,id,replaces,price2\n"
                         "view,u8,,a,2026-01-01,,,,,\n")};
  std::string mapping = LogMapping();
  mapping.replace(mapping.find("price = \"price\""), 15,
                  "price = { column = \"price\", optional = true }");
  request.mapping = adapters::ParseMapping(mapping, "test.toml").value();
  const auto report = lake_->Check(request, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  const std::string told = report->ToText();
  EXPECT_NE(told.find("the column 'price' is gone"), std::string::npos) << told;
  EXPECT_NE(told.find("the column 'price2' is new"), std::string::npos) << told;
  EXPECT_NE(told.find("price is present in 0 % of the rows, was 100 %"), std::string::npos) << told;
  EXPECT_NE(told.find("user_id looks like text now, was digits"), std::string::npos) << told;
}

}  // namespace
}  // namespace vitrine
