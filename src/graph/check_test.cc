#include "graph/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vitrine_onnx/onnx.pb.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "graph/builder.h"

namespace vitrine::graph {
namespace {

namespace onnx = vitrine_onnx;
using testing::HasSubstr;

std::string SmallModel() {
  Builder b("small");
  const Value x = b.Input("x", DType::kFloat32, {"batch", 2});
  const Value w = b.Initializer("w", {2}, std::vector<float>{2, 3});
  b.Output("scores", b.Relu(b.Mul(x, w)), DType::kFloat32, {"batch", 2});
  return *b.Finish();
}

/// The small model after somebody changed it.
std::string Changed(const std::function<void(onnx::ModelProto&)>& change) {
  onnx::ModelProto model;
  CHECK(model.ParseFromString(SmallModel()));
  change(model);
  return model.SerializeAsString();
}

Status Refusal(const std::string& bytes, const CheckLimits& limits = {}) {
  return CheckModel(bytes, limits).status();
}

TEST(CheckTest, EveryPrefixOfAModelIsRefusedAsCutOff) {
  const std::string bytes = SmallModel();
  ASSERT_EQ(Refusal(bytes), Status());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const Status refused = Refusal(bytes.substr(0, n));
    ASSERT_FALSE(refused.ok()) << n;
    ASSERT_TRUE(refused.code() == Code::kDataLoss || refused.code() == Code::kInvalidArgument)
        << n << ": " << refused.ToString();
  }
  // The graph is nearly all of the file: cut anywhere inside it, the message says so.
  const Status cut = Refusal(bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(cut.code(), Code::kDataLoss);
  EXPECT_THAT(cut.message(), HasSubstr("cut off"));
  EXPECT_THAT(Refusal("").message(), HasSubstr("empty"));
}

TEST(CheckTest, OtherFilesAreNotOnnx) {
  for (const std::string text : {"{\"format\": 1}", "PK\x03\x04 a zip", "item_id,title\n1,a\n",
                                 "\x7f"
                                 "ELF",
                                 "\x08\x08"}) {
    const Status refused = Refusal(text);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(refused.message(), HasSubstr("not an ONNX model")) << text;
  }
}

TEST(CheckTest, RandomDamageNeverPassesUnnoticedAsACrash) {
  const std::string bytes = SmallModel();
  std::mt19937 random(5);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = bytes;
    for (unsigned i = 0; i <= random() % 4; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const Result<ModelSummary> summary = CheckModel(damaged);
    if (summary.ok()) {
      EXPECT_FALSE(summary->outputs.empty());
    }
  }
}

TEST(CheckTest, RefusesCustomDomainsWithTheirName) {
  const Status refused = Refusal(Changed([](onnx::ModelProto& m) {
    m.mutable_graph()->mutable_node(0)->set_domain("com.example");
    m.mutable_graph()->mutable_node(0)->set_op_type("Magic");
  }));
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("com.example.Magic"));
}

TEST(CheckTest, RefusesUnknownOperatorsOfTheStandardDomain) {
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                m.mutable_graph()->mutable_node(0)->set_op_type("Mull");
              })).message(),
              HasSubstr("uses Mull, which is not a standard ONNX operator"));
}

TEST(CheckTest, RefusesDataOutsideTheFile) {
  const Status refused = Refusal(Changed([](onnx::ModelProto& m) {
    auto& w = *m.mutable_graph()->mutable_initializer(0);
    w.clear_raw_data();
    w.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& where = *w.add_external_data();
    where.set_key("location");
    where.set_value("../../etc/passwd");
  }));
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("'w' keeps its data in another file"));
}

TEST(CheckTest, RefusesDataOutsideTheFileInsideAttributes) {
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                auto& a = *m.mutable_graph()->mutable_node(0)->add_attribute();
                a.set_name("value");
                a.mutable_t()->set_name("hidden");
                a.mutable_t()->set_data_location(onnx::TensorProto::EXTERNAL);
              })).message(),
              HasSubstr("'hidden' keeps its data in another file"));
}

TEST(CheckTest, RefusesShapesThatDoNotFitTheirData) {
  const auto with_dim = [](std::int64_t dim) {
    return Changed([dim](onnx::ModelProto& m) {
      m.mutable_graph()->mutable_initializer(0)->set_dims(0, dim);
    });
  };
  EXPECT_THAT(Refusal(with_dim(3)).message(), HasSubstr("'w' should hold 12 bytes and holds 8"));
  EXPECT_THAT(Refusal(with_dim(-2)).message(), HasSubstr("negative size -2"));
  EXPECT_THAT(Refusal(with_dim(std::int64_t{1} << 62)).message(), HasSubstr("impossible shape"));
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                auto& w = *m.mutable_graph()->mutable_initializer(0);
                w.clear_raw_data();
                w.add_float_data(1);
              })).message(),
              HasSubstr("should hold 2 values and holds 1"));
}

TEST(CheckTest, RefusesWrongOrderAndDuplicates) {
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                m.mutable_graph()->mutable_node()->SwapElements(0, 1);
              })).message(),
              HasSubstr("which nothing before it makes"));
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                *m.mutable_graph()->add_initializer() = m.graph().initializer(0);
              })).message(),
              HasSubstr("'w' is stored twice"));
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                *m.mutable_graph()->add_node() = m.graph().node(0);
              })).message(),
              HasSubstr("which is made already"));
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) {
                m.mutable_graph()->mutable_output(0)->set_name("elsewhere");
              })).message(),
              HasSubstr("'elsewhere' is never made"));
}

TEST(CheckTest, RefusesFunctionsTrainingAndUnknownTypes) {
  EXPECT_THAT(
      Refusal(Changed([](onnx::ModelProto& m) { m.add_functions()->set_name("Gelu2"); })).message(),
      HasSubstr("local functions ('Gelu2')"));
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) { m.add_training_info(); })).message(),
              HasSubstr("training"));
  EXPECT_THAT(Refusal(Changed([](onnx::ModelProto& m) { m.clear_opset_import(); })).message(),
              HasSubstr("no version of ai.onnx"));
  EXPECT_THAT(
      Refusal(Changed([](onnx::ModelProto& m) {
        m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
            onnx::TensorProto::COMPLEX64);
      })).message(),
      HasSubstr("input 'x' has the type number 14"));
}

TEST(CheckTest, LimitsHold) {
  const std::string bytes = SmallModel();
  EXPECT_EQ(Refusal(bytes, {.max_bytes = bytes.size() - 1}).code(), Code::kResourceExhausted);
  EXPECT_EQ(Refusal(bytes, {.max_nodes = 2}).code(), Code::kResourceExhausted);
  const std::string nested = Changed([](onnx::ModelProto& m) {
    onnx::GraphProto* graph = m.mutable_graph();
    for (int depth = 0; depth < 12; ++depth) {
      auto& node = *graph->add_node();
      node.set_op_type("If");
      node.add_input("x");
      auto& branch = *node.add_attribute();
      branch.set_name("then_branch");
      graph = branch.mutable_g();
    }
  });
  EXPECT_EQ(Refusal(nested, {.max_depth = 12}), Status());
  EXPECT_THAT(Refusal(nested).message(), HasSubstr("nested more than 8 deep"));
}

TEST(CheckTest, InnerGraphsSeeOuterValuesOnly) {
  const auto with_inner = [](const char* input) {
    return Changed([input](onnx::ModelProto& m) {
      auto& node = *m.mutable_graph()->add_node();
      node.set_op_type("If");
      node.add_input("x");
      node.add_output("chosen");
      auto& branch = *node.add_attribute();
      branch.set_name("then_branch");
      auto& inner = *branch.mutable_g()->add_node();
      inner.set_op_type("Relu");
      inner.add_input(input);
      inner.add_output("inner");
      auto& after = *m.mutable_graph()->add_node();
      after.set_op_type("Relu");
      after.add_input(input == std::string("w") ? "w" : "inner");
      after.add_output("after");
    });
  };
  EXPECT_EQ(Refusal(with_inner("w")), Status());
  EXPECT_THAT(Refusal(with_inner("x")).message(), HasSubstr("takes 'inner'"));
}

TEST(CheckTest, AMissingFileIsNotFound) {
  EXPECT_EQ(CheckModelFile("/nowhere/model.onnx").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace vitrine::graph
