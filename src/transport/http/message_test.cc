#include "transport/http/message.h"

#include <gtest/gtest.h>

#include "transport/http/json_writer.h"
#include "transport/http/problem.h"
#include "transport/http/request_parser.h"

namespace vitrine::http {
namespace {

void Read(Request& request, const std::string& target) {
  RequestParser parser({});
  parser.Start(request);
  std::size_t used = 0;
  ASSERT_EQ(parser.Feed("GET " + target + " HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\r\n", used),
            RequestParser::State::kDone);
}

TEST(Request, FindsHeadersInAnyCase) {
  Request request;
  Read(request, "/a");
  EXPECT_EQ(request.header("x-a"), "1");
  EXPECT_EQ(request.header("X-B"), "");
  EXPECT_TRUE(request.HasHeader("HOST"));
}

TEST(Request, DecodesQueryValues) {
  Request request;
  Read(request, "/a?n=3&q=red+shoes%26%E9%9E%8B&flag&bad=%zz&q=second");
  EXPECT_EQ(request.QueryValue("n"), "3");
  EXPECT_EQ(request.QueryValue("q"), "red shoes&\xE9\x9E\x8B");
  EXPECT_EQ(request.QueryValue("flag"), "");
  EXPECT_FALSE(request.QueryValue("bad").has_value());
  EXPECT_FALSE(request.QueryValue("none").has_value());
}

TEST(PercentDecode, RefusesBrokenSequencesAndNul) {
  std::string out;
  EXPECT_TRUE(PercentDecode("a%2Fb+c", false, out));
  EXPECT_EQ(out, "a/b+c");
  for (const char* bad : {"%", "%1", "%g1", "%00"}) {
    EXPECT_FALSE(PercentDecode(bad, false, out)) << bad;
  }
  EXPECT_EQ(PercentEncode("a b/\xE9"), "a%20b%2F%E9");
}

TEST(Response, HeaderValuesCannotAddLines) {
  Response response;
  response.AddHeader("Location", "/a\r\nSet-Cookie: evil=1");
  EXPECT_EQ(response.header_lines(), "Location: /a  Set-Cookie: evil=1\r\n");
}

TEST(JsonWriter, WritesValuesWithCommas) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject()
      .Field("a", 1)
      .Field("b", 0.1)
      .Field("c", "x\"\\\n\x01")
      .Field("d", true)
      .Field("t", Micros{1'500'000})
      .FieldIfAny("left out", "");
  json.Key("list").BeginArray().Int(-5).Null().Double(1.0 / 0.0).String("\xE9\x9E\x8B").EndArray();
  json.Key("empty").BeginArray().EndArray();
  json.Key("set").Value(Attribute(std::vector<std::string>{"x", "y"}));
  json.Key("raw").Raw("{}").EndObject();
  EXPECT_EQ(out,
            "{\"a\":1,\"b\":0.1,\"c\":\"x\\\"\\\\\\n\\u0001\",\"d\":true,"
            "\"t\":\"1970-01-01T00:00:01.500000Z\","
            "\"list\":[-5,null,null,\"\xE9\x9E\x8B\"],\"empty\":[],\"set\":[\"x\",\"y\"],"
            "\"raw\":{}}");
}

TEST(JsonWriter, ReplacesInvalidUtf8) {
  std::string out;
  JsonWriter(out).String("a\xFF\xC0\x80z\xED\xA0\x80\xF4\x90\x80\x80\xE9\x9E");
  EXPECT_EQ(out.find('\xFF'), std::string::npos);
  EXPECT_EQ(out.find('\xC0'), std::string::npos);
  EXPECT_EQ(out.substr(0, 5), "\"a\xEF\xBF\xBD");
}

TEST(Problem, HasAStableShape) {
  Response response;
  WriteProblem(response, "id-1", NotFound("no item 'x'"));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
            "\"code\":\"not_found\",\"detail\":\"no item 'x'\",\"request_id\":\"id-1\"}");
}

TEST(Problem, KeepsInternalDetailInside) {
  Response response;
  WriteProblem(response, "id-1", Internal("pointer 0xdeadbeef"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("deadbeef"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::http
