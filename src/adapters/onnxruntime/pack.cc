#include "adapters/onnxruntime/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/onnxruntime/runtime.h"
#include "core/history.h"
#include "core/sha256.h"
#include "data/feature_spec.h"
#include "graph/artifact_files.h"
#include "graph/check.h"
#include "graph/golden_json.h"
#include "graph/item_vectors.h"
#include "graph/npy.h"
#include "graph/promised_tensors.h"
#include "graph/triton_layout.h"
#include "registry/model_version.h"
#include "serve/candidate_scorer.h"
#include "serve/dense_graph.h"
#include "serve/graph_scorer.h"
#include "serve/servable.h"

namespace vitrine::adapters {
namespace {

constexpr std::size_t kGoldenHistories = 8;
constexpr std::size_t kGoldenCandidates = 64;

/// Where the model file is and what a file beside it promises of it.
struct Source {
  std::string path;
  graph::TritonModel triton;
};

Result<std::string> ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return NotFound(fmt::format("{} cannot be opened", path));
  }
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return in.bad() ? Result<std::string>(Unavailable(fmt::format("{} cannot be read", path)))
                  : Result<std::string>(std::move(bytes));
}

Result<Source> FindSource(const PackOptions& options) {
  std::error_code error;
  if (!std::filesystem::exists(options.source, error)) {
    return NotFound(fmt::format("{} does not exist", options.source));
  }
  if (!std::filesystem::is_directory(options.source, error)) {
    return Source{.path = options.source, .triton = {}};
  }
  ASSIGN_OR_RETURN(graph::TritonModel triton, graph::ReadTritonModel(options.source));
  std::string path = triton.model_path;
  return Source{.path = std::move(path), .triton = std::move(triton)};
}

Status CheckName(const std::string& name) {
  if (name.empty()) {
    return InvalidArgument("a model file has no name of its own; give one: --name NAME");
  }
  return registry::CheckModelName(name);
}

/// The graph must run: on zeros, with each free size as 1, or as the caller says.
Status RunOnce(const Manifest& manifest, const serve::LoadedGraph& graph) {
  ASSIGN_OR_RETURN(const std::vector<Tensor> sample, serve::SampleInputs(manifest, graph.inputs()));
  std::vector<Tensor> outputs;
  const Status run = graph.Run(sample, outputs);
  if (run.ok()) {
    return Status::Ok();
  }
  std::string free;
  for (const TensorSpec& input : graph.inputs()) {
    const bool any = std::any_of(input.shape.begin(), input.shape.end(),
                                 [](std::int64_t size) { return size < 0; });
    free += any ? fmt::format(" --shape {}=[{}]", input.name, fmt::join(input.shape, ",")) : "";
  }
  return InvalidArgument(
      fmt::format("the model does not run on zeros: {}{}", run.message(),
                  free.empty() ? "" : "; say which sizes it takes, in place of each -1:" + free));
}

/// The vectors of a .npy file by item index: padding and unknown have none.
Result<graph::ItemVectors> ReadItems(const PackOptions& options,
                                     const serve::LoadedGraph& encoder) {
  if (options.feature_spec.empty() || options.vocabulary.empty()) {
    return InvalidArgument(
        "--items needs --features and --vocabulary: row n of it is of the vocabulary's line n");
  }
  ASSIGN_OR_RETURN(const std::string ids, ReadWhole(options.vocabulary));
  ASSIGN_OR_RETURN(const data::Vocabulary vocabulary, data::Vocabulary::Parse(ids));
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(options.items));
  Result<graph::NpyMatrix> matrix = graph::ParseNpyMatrix(bytes);
  RETURN_IF_ERROR(matrix.status().WithContext(options.items));
  const std::size_t items = vocabulary.width() - kFirstItem;
  if (matrix->rows != items || matrix->columns == 0) {
    return InvalidArgument(fmt::format("{} has {} rows of {} values, {} names {} items",
                                       options.items, matrix->rows, matrix->columns,
                                       options.vocabulary, items));
  }
  const Shape query = encoder.outputs().empty() ? Shape{} : encoder.outputs().front().shape;
  graph::ItemVectors vectors{
      .rows = vocabulary.width(),
      .width = matrix->columns,
      .bias = query.size() == 2 && query[1] == static_cast<std::int64_t>(matrix->columns) - 1,
      .values = {}};
  vectors.values.reserve(vectors.rows * vectors.width);
  vectors.values.assign(kFirstItem * vectors.width, 0.0F);
  vectors.values.insert(vectors.values.end(), matrix->values.begin(), matrix->values.end());
  return vectors;
}

/// Item vectors beside the model make it one that scores items.
Result<std::unique_ptr<serve::LoadedGraph>> WithItems(const PackOptions& options,
                                                      std::unique_ptr<serve::LoadedGraph> encoder,
                                                      std::map<std::string, std::string>& files) {
  ASSIGN_OR_RETURN(const graph::ItemVectors vectors, ReadItems(options, *encoder));
  auto dense = serve::DenseGraph::Make(std::move(encoder), vectors);
  RETURN_IF_ERROR(dense.status().WithContext(options.items));
  ASSIGN_OR_RETURN(files[std::string(graph::kItemVectorsFile)], graph::ItemVectorsToBytes(vectors));
  return std::unique_ptr<serve::LoadedGraph>(*std::move(dense));
}

/// The files that make a model's scores those of items.
struct ScoringFiles {
  data::FeatureSpec spec;
  data::Vocabulary vocabulary;
  std::string ids;
};

Result<ScoringFiles> ReadScoringFiles(const PackOptions& options) {
  if (options.feature_spec.empty() || options.vocabulary.empty()) {
    return InvalidArgument(
        "--features and --vocabulary go together: one says how inputs are made, "
        "the other which item each score is of");
  }
  ASSIGN_OR_RETURN(const std::string spec_text, ReadWhole(options.feature_spec));
  ASSIGN_OR_RETURN(std::string ids, ReadWhole(options.vocabulary));
  ASSIGN_OR_RETURN(data::FeatureSpec spec, data::FeatureSpec::Parse(spec_text));
  ASSIGN_OR_RETURN(data::Vocabulary vocabulary, data::Vocabulary::Parse(ids));
  if (vocabulary.width() == kFirstItem) {
    return InvalidArgument(fmt::format("{} names no item", options.vocabulary));
  }
  if (spec.width() != vocabulary.width()) {
    return InvalidArgument(fmt::format("{} is of {} item numbers, {} of {}", options.feature_spec,
                                       spec.width(), options.vocabulary, vocabulary.width()));
  }
  return ScoringFiles{
      .spec = std::move(spec), .vocabulary = std::move(vocabulary), .ids = std::move(ids)};
}

/// History number h, of h + 1 purchases on as many days.
History GoldenHistory(std::size_t h, std::size_t items) {
  History history;
  for (std::size_t i = 0; i <= h; ++i) {
    history.push_back({.item = static_cast<ItemIndex>(kFirstItem + (h * 31 + i * 7) % items),
                       .ts = Micros{static_cast<std::int64_t>(i + 1) * kMicrosPerDay},
                       .type = EventType::kPurchase,
                       .basket = static_cast<std::uint32_t>(i)});
  }
  return history;
}

/// What a retriever answers now to a few histories.
Result<graph::Golden> RetrieverGolden(const PackOptions& options, const serve::LoadedGraph& graph,
                                      const ScoringFiles& items) {
  const data::FeatureSpec& spec = items.spec;
  const data::Vocabulary& vocabulary = items.vocabulary;
  RETURN_IF_ERROR(graph::CheckPromised(graph.inputs(), spec.Outputs(), "input", "model.onnx")
                      .WithContext(options.feature_spec));
  std::vector<data::FeatureInput> inputs;
  std::vector<History> histories;
  for (std::size_t h = 0; h < kGoldenHistories; ++h) {
    histories.push_back(GoldenHistory(h, vocabulary.ids().size()));
  }
  for (const History& history : histories) {
    inputs.push_back({.history = history, .as_of = history.back().ts, .candidates = {}});
  }
  graph::Golden golden;
  std::vector<Tensor> outputs;
  RETURN_IF_ERROR(spec.Apply(inputs, golden.inputs));
  RETURN_IF_ERROR(graph.Run(golden.inputs, outputs).WithContext("the first histories"));
  const serve::GraphScorer scorer(graph, spec, vocabulary.width());
  std::vector<double> scores;
  RETURN_IF_ERROR(scorer.Score(histories, scores).WithContext("the first histories"));
  golden.output = outputs.front().name();
  for (std::size_t h = 0; h < kGoldenHistories; ++h) {
    golden.rows.push_back(
        graph::TopOf(std::span(scores).subspan(h * vocabulary.width(), vocabulary.width())));
  }
  return golden;
}

/// What a ranker answers now to one history and some candidates.
Result<graph::Golden> RankerGolden(const PackOptions& options, const serve::LoadedGraph& graph,
                                   const ScoringFiles& items) {
  const auto layout = serve::CandidateLayout::Of(items.spec, graph.inputs());
  RETURN_IF_ERROR(layout.status().WithContext(options.feature_spec));
  const std::size_t count = items.vocabulary.ids().size();
  const History history = GoldenHistory(kGoldenHistories - 1, count);
  std::vector<ItemIndex> candidates;
  for (std::size_t c = 0; c < std::min(kGoldenCandidates, count); ++c) {
    candidates.push_back(static_cast<ItemIndex>(kFirstItem + c));
  }
  const data::FeatureInput input{
      .history = history, .as_of = history.back().ts, .candidates = candidates};
  std::vector<Tensor> features;
  std::vector<double> scores;
  RETURN_IF_ERROR(serve::CheckScoredAlone(graph, items.spec, *layout, input)
                      .WithContext("the first candidates"));
  RETURN_IF_ERROR(serve::ScoreCandidates(graph, items.spec, *layout, input, features, scores));
  std::vector<Tensor> arranged;
  const std::span<const Tensor> inputs = layout->Arrange(features, candidates.size(), arranged);
  graph::Golden golden;
  golden.inputs.assign(inputs.begin(), inputs.end());
  golden.output = graph.outputs().front().name;
  scores.insert(scores.begin(), kFirstItem, 0);
  golden.rows.push_back(graph::TopOf(scores));
  return golden;
}

/// The model scores items: with its FeatureSpec it answers, and the golden set is what it answers now.
Status AddScoring(const PackOptions& options, const serve::LoadedGraph& graph, Manifest& manifest,
                  std::map<std::string, std::string>& files) {
  ASSIGN_OR_RETURN(ScoringFiles items, ReadScoringFiles(options));
  ASSIGN_OR_RETURN(const graph::Golden golden, options.kind == ModelKind::kRanker
                                                   ? RankerGolden(options, graph, items)
                                                   : RetrieverGolden(options, graph, items));
  ASSIGN_OR_RETURN(files[std::string(graph::kGoldenFile)], graph::GoldenToJson(golden));
  const History longest = GoldenHistory(kGoldenHistories - 1, items.vocabulary.ids().size());
  manifest.kind = options.kind;
  manifest.feature_spec_hash = items.spec.Hash();
  manifest.vocabulary_hash = Sha256Hex(items.ids);
  manifest.vocabulary_size = items.vocabulary.ids().size();
  manifest.window_from = longest.front().ts;
  manifest.window_to = longest.back().ts;
  files[std::string(graph::kFeatureSpecFile)] = items.spec.ToJson();
  files[std::string(graph::kVocabularyFile)] = std::move(items.ids);
  return Status::Ok();
}

}  // namespace

Status AddShape(const std::string& text, std::map<std::string, Shape>& shapes) {
  const auto equals = text.rfind('=');
  bool good = equals != std::string::npos && equals > 0;
  Shape shape;
  for (const char* at = text.data() + equals + 1; good && at != text.data() + text.size();) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(at, end, shape.emplace_back());
    good = error == std::errc() && (stop == end || (*stop == ',' && stop + 1 != end));
    at = stop == end ? end : stop + 1;
  }
  if (!good) {
    return InvalidArgument(fmt::format(
        "'{}' is no shape of an input; write INPUT=SIZE,SIZE, for example ids=1,32", text));
  }
  shapes[text.substr(0, equals)] = std::move(shape);
  return Status::Ok();
}

Result<Manifest> PackModel(const PackOptions& options, const std::string& to) {
  ASSIGN_OR_RETURN(const Source source, FindSource(options));
  Manifest manifest;
  manifest.name = options.name.empty() ? source.triton.name : options.name;
  RETURN_IF_ERROR(CheckName(manifest.name));
  RETURN_IF_ERROR(graph::CheckModelFile(source.path).status());
  ASSIGN_OR_RETURN(const auto runtime, MakeOnnxRuntime());
  ASSIGN_OR_RETURN(auto graph, runtime->Load(source.path, {}));
  RETURN_IF_ERROR(
      graph::CheckPromised(source.triton.inputs, graph->inputs(), "input", "config.pbtxt"));
  RETURN_IF_ERROR(
      graph::CheckPromised(source.triton.outputs, graph->outputs(), "output", "config.pbtxt"));
  std::map<std::string, std::string> files;
  if (!options.items.empty()) {
    ASSIGN_OR_RETURN(graph, WithItems(options, std::move(graph), files));
  }
  manifest.algorithm = "imported";
  manifest.kind = ModelKind::kGraph;
  manifest.inputs = graph->inputs();
  manifest.outputs = graph->outputs();
  manifest.code_version = options.code_version;
  manifest.sample_shapes = options.sample_shapes;
  manifest.max_rows = source.triton.max_rows;
  if (options.feature_spec.empty() && options.vocabulary.empty()) {
    RETURN_IF_ERROR(RunOnce(manifest, *graph));
  } else {
    RETURN_IF_ERROR(AddScoring(options, *graph, manifest, files));
  }
  ASSIGN_OR_RETURN(files[std::string(graph::kModelFile)], ReadWhole(source.path));
  ASSIGN_OR_RETURN(graph::Artifact artifact, graph::WriteArtifact(to, manifest, files));
  return std::move(artifact.manifest);
}

}  // namespace vitrine::adapters
