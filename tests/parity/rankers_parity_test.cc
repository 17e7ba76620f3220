// Rankers of labelled rows: the serving runtime says the same probabilities as the trainer.
#include <gtest/gtest.h>

#include <memory>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/builder.h"
#include "serve/candidate_scorer.h"
#include "train/calibration.h"
#include "train/models/gbdt.h"
#include "train/models/lr.h"
#include "train/models/ranker_testing.h"

namespace vitrine {
namespace {

using train::test::DrawnRow;

double Truth(const DrawnRow& row) {
  double history = 0;
  for (const std::int64_t item : row.history) {
    history += item % 3 == 0 ? 0.7 : -0.2;
  }
  return 0.9 * double{row.number} * (row.level > 2 ? 1 : -1) + (row.item % 2 == 0 ? 0.8 : 0) +
         history - 0.4;
}

class RankersParity : public testing::TestWithParam<train::RankerFactory> {};

TEST_P(RankersParity, TheGraphSaysWhatTheTrainerSays) {
  const train::LabelledRows rows = train::test::LabelRows(train::test::DrawRows(3000, 1), Truth, 2);
  const auto parameters = train::Parameters::Resolve(GetParam().parameters, {});
  ASSERT_TRUE(parameters.ok());
  const auto ranker = *GetParam().create(*parameters);
  train::RankerContext context;
  context.chosen["rounds"] = 60;
  ASSERT_TRUE(ranker->Fit(rows, nullptr, context).ok());
  const train::Calibration calibration{0.8, -0.1};
  graph::Builder builder("ranker");
  const auto logit = ranker->WriteLogit(builder);
  ASSERT_TRUE(logit.ok()) << logit.status().ToString();
  builder.Output("probability", train::WriteCalibrated(builder, *logit, calibration),
                 DType::kFloat32, {"batch"});
  const auto bytes = builder.Finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const auto graph = adapters::LoadedForTest(*bytes);
  ASSERT_NE(graph, nullptr);

  // Fresh rows, those without a history among them, in batches of 1 and of many.
  for (const std::size_t count : {std::size_t{1}, std::size_t{500}}) {
    const train::LabelledRows fresh =
        train::test::LabelRows(train::test::DrawRows(count, 3), Truth, 4);
    std::vector<Tensor> outputs;
    ASSERT_TRUE(graph->Run(fresh.features, outputs).ok());
    std::vector<double> got;
    ASSERT_TRUE(serve::ReadCandidateScores(outputs.at(0), count, got).ok());
    std::vector<float> raw;
    ASSERT_TRUE(ranker->Score(fresh.features, raw).ok());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(got[i], calibration.Of(double{raw[i]}), 1e-6) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RankersParity,
                         testing::Values(train::LrFactory(), train::GbdtFactory()),
                         [](const auto& made) { return made.param.algorithm; });

}  // namespace
}  // namespace vitrine
