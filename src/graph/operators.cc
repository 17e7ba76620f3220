#include "graph/operators.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace vitrine::graph {
namespace {

// ai.onnx, opset 1 to 23, control flow included, training operators left out; a space around each.
constexpr std::string_view kStandard =
    " "
    "Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention "
    "AveragePool BatchNormalization Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr "
    "BitwiseXor BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress "
    "Concat ConcatFromSequence Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos "
    "Cosh CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Dropout "
    "DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather "
    "GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater "
    "GreaterOrEqual GridSample GroupNormalization HammingWindow HannWindow HardSigmoid "
    "HardSwish Hardmax Identity If InstanceNormalization IsInf IsNaN LRN LSTM "
    "LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool "
    "MatMul MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization "
    "MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss "
    "NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or "
    "PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal "
    "RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 "
    "ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign "
    "RotaryEmbedding Round STFT Scan Scatter ScatterElements ScatterND Selu SequenceAt "
    "SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap "
    "Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus "
    "Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat StringNormalizer "
    "StringSplit Sub Sum Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile TopK "
    "Transpose Trilu Unique Unsqueeze Upsample Where Xor ";

constexpr std::string_view kStandardMl =
    " "
    "ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer "
    "Imputer LabelEncoder LinearClassifier LinearRegressor Normalizer OneHotEncoder "
    "SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier "
    "TreeEnsembleRegressor ZipMap ";

/// "inputs>outputs", a letter a tensor:
///   upper case  a type of its own, equal wherever the letter stands again
///   b bool   l int64   i int32 or int64   f float32 or float64   @ what the attribute names
///   ?  after an input: it may be left out        *  any number of them, at least one
using Signature = std::string_view;

const std::map<std::string_view, Signature>& Signatures() {
  static const std::map<std::string_view, Signature> table = [] {
    std::map<std::string_view, Signature> t = {
        {"And", "bb>b"},
        {"ArgMax", "T>l"},
        {"Cast", "T>@"},
        {"Clip", "TT?T?>T"},
        {"Compress", "Tb>T"},
        {"Concat", "T*>T"},
        {"ConstantOfShape", "l>@"},
        {"CumSum", "Ti>T"},
        {"Dropout", "Tf?b?>Tb"},
        {"Expand", "Tl>T"},
        {"Gather", "Ti>T"},
        {"GatherElements", "Ti>T"},
        {"GatherND", "Tl>T"},
        {"Gemm", "TTT?>T"},
        {"GRU", "TTTT?I?T?>TT"},
        {"LayerNormalization", "TTT?>TUU"},
        {"LSTM", "TTTT?I?T?T?T?>TTT"},
        {"MatMul", "TT>T"},
        {"NonZero", "T>l"},
        {"Not", "b>b"},
        {"OneHot", "UVT>T"},
        {"Or", "bb>b"},
        {"Pad", "TlT?>T"},
        {"Pow", "TU>T"},
        {"Range", "TTT>T"},
        {"ReduceSum", "Tl?>T"},
        {"Reshape", "Tl>T"},
        {"ScatterElements", "TiT>T"},
        {"ScatterND", "TlT>T"},
        {"Shape", "T>l"},
        {"Size", "T>l"},
        {"Slice", "TJJJ?J?>T"},
        {"Split", "Tl?>T*"},
        {"Squeeze", "Tl?>T"},
        {"Tile", "Tl>T"},
        {"TopK", "Tl>Tl"},
        {"Trilu", "Tl?>T"},
        {"Unsqueeze", "Tl>T"},
        {"Where", "bTT>T"},
        {"Xor", "bb>b"},
        // Its answer (Y) is float32, whatever it reads.
        {"ai.onnx.ml.TreeEnsembleRegressor", "T>Y"},
    };
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Mod", "PRelu"}) {
      t[op] = "TT>T";
    }
    for (const char* op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
      t[op] = "TT>b";
    }
    for (const char* op : {"Max", "Min", "Sum", "Mean"}) {
      t[op] = "T*>T";
    }
    for (const char* op :
         {"Abs",        "Ceil",       "Cos",         "Elu",      "Erf",       "Exp",
          "Flatten",    "Floor",      "HardSigmoid", "Identity", "LeakyRelu", "Log",
          "LogSoftmax", "Neg",        "Reciprocal",  "ReduceL2", "ReduceMax", "ReduceMean",
          "ReduceMin",  "ReduceProd", "Relu",        "Round",    "Selu",      "Sigmoid",
          "Sign",       "Sin",        "Softmax",     "Softplus", "Sqrt",      "Tanh",
          "Transpose"}) {
      t[op] = "T>T";
    }
    return t;
  }();
  return table;
}

/// Types that the letters of one call stand for.
using Bindings = std::map<char, DType>;

std::string WhatFits(char letter, const Bindings& bound) {
  switch (letter) {
    case 'b':
      return "bool";
    case 'l':
      return "int64";
    case 'i':
      return "int32 or int64";
    case 'f':
      return "float32 or float64";
    default:
      return std::string(DTypeName(bound.at(letter)));
  }
}

bool Fits(char letter, DType type, Bindings& bound) {
  switch (letter) {
    case 'b':
      return type == DType::kBool;
    case 'l':
      return type == DType::kInt64;
    case 'i':
      return type == DType::kInt32 || type == DType::kInt64;
    case 'f':
      return type == DType::kFloat32 || type == DType::kFloat64;
    default:
      return bound.emplace(letter, type).first->second == type;
  }
}

Status MatchInputs(std::string_view op, std::string_view pattern,
                   const std::vector<std::optional<DType>>& inputs, Bindings& bound) {
  std::size_t next = 0;
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    const char letter = pattern[p];
    const char mark = p + 1 < pattern.size() ? pattern[p + 1] : ' ';
    const bool optional = mark == '?';
    const bool repeated = mark == '*';
    p += optional || repeated ? 1 : 0;
    const bool given = next < inputs.size() && inputs[next].has_value();
    if (!given && !optional) {
      return InvalidArgument(fmt::format("operator {} lacks its input {}", op, next));
    }
    do {
      const std::optional<DType> input = next < inputs.size() ? inputs[next] : std::nullopt;
      if (input && !Fits(letter, *input, bound)) {
        return InvalidArgument(fmt::format("operator {}: input {} is {}, it takes {}", op, next,
                                           DTypeName(*input), WhatFits(letter, bound)));
      }
      ++next;
    } while (repeated && next < inputs.size());
  }
  if (next < inputs.size()) {
    return InvalidArgument(
        fmt::format("operator {} got {} inputs, it takes {}", op, inputs.size(), next));
  }
  return Status::Ok();
}

}  // namespace

bool IsStandardOperator(std::string_view domain, std::string_view op) {
  const bool main = domain.empty() || domain == "ai.onnx";
  if (op.empty() || op.find(' ') != std::string_view::npos || (!main && domain != "ai.onnx.ml")) {
    return false;
  }
  return (main ? kStandard : kStandardMl).find(fmt::format(" {} ", op)) != std::string_view::npos;
}

Result<std::vector<DType>> OutputTypes(std::string_view op,
                                       const std::vector<std::optional<DType>>& inputs,
                                       std::size_t outputs, std::optional<DType> attribute) {
  const auto found = Signatures().find(op);
  if (found == Signatures().end()) {
    return InvalidArgument(
        fmt::format("operator {} has no signature; add it to graph/operators.cc", op));
  }
  const std::size_t arrow = found->second.find('>');
  const std::string_view out = found->second.substr(arrow + 1);
  Bindings bound;
  RETURN_IF_ERROR(MatchInputs(op, found->second.substr(0, arrow), inputs, bound));
  const bool repeated = out.ends_with('*');
  if (outputs == 0 || (!repeated && outputs > out.size())) {
    return InvalidArgument(fmt::format("operator {} cannot have {} outputs", op, outputs));
  }
  std::vector<DType> types;
  for (std::size_t o = 0; o < outputs; ++o) {
    const char letter = repeated ? out[0] : out[o];
    if (letter == '@') {
      if (!attribute) {
        return InvalidArgument(fmt::format("operator {} lacks the attribute of its type", op));
      }
      types.push_back(*attribute);
    } else if (letter == 'b' || letter == 'l') {
      types.push_back(letter == 'b' ? DType::kBool : DType::kInt64);
    } else {
      // A letter that no input has is float32: LayerNormalization's mean and deviation (U), Y.
      const auto known = bound.find(letter);
      types.push_back(known == bound.end() ? DType::kFloat32 : known->second);
    }
  }
  return types;
}

}  // namespace vitrine::graph
