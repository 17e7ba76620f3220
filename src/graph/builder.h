/// Builds an ONNX model as a value: every network and counting model leaves training through it.
/// Writes opset 17 (ai.onnx), IR version 8.
///
///   graph::Builder b("markov");
///   const graph::Value history = b.Input("history", DType::kInt64, {"batch", "length"});
///   const graph::Value last = b.Gather(history, b.Scalar<std::int64_t>(-1), 1);
///   ...
///   b.Output("scores", scores, DType::kFloat64, {"batch", width});
///   ASSIGN_OR_RETURN(const std::string bytes, b.Finish());
///
/// Errors are kept: a wrong call (two values of one name, mixed types, a size that does not match)
/// makes Finish fail with the first reason, so that a graph is written without a check a line.
/// Threads: one builder, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "graph/value.h"

namespace vitrine::graph {

class Builder {
 public:
  explicit Builder(std::string graph_name);
  ~Builder();
  Builder(Builder&&) noexcept;
  Builder& operator=(Builder&&) noexcept;

  /// Prose inside the model file: what it is and how it was made.
  void SetDoc(std::string text);
  Value Input(std::string name, DType type, const std::vector<Dim>& shape);
  /// Gives `value` the outer name `name`.
  void Output(std::string name, const Value& value, DType type, const std::vector<Dim>& shape);

  /// A weight stored in the model. An empty name gets one made.
  template <typename T>
  Value Initializer(std::string name, const Shape& shape, std::span<const T> values) {
    return AddInitializer(std::move(name), DTypeOf<T>(), shape, std::as_bytes(values));
  }
  template <typename T>
  Value Initializer(std::string name, const Shape& shape, const std::vector<T>& values) {
    return Initializer(std::move(name), shape, std::span<const T>(values));
  }
  Value Initializer(const Tensor& tensor);
  /// A constant of no axes. Equal constants are stored once.
  template <typename T>
  Value Scalar(T value) {
    return AddConstant(DTypeOf<T>(), {}, std::as_bytes(std::span<const T>(&value, 1)));
  }
  /// A constant with one axis: shapes, axes, starts.
  Value Constants(const Ints& values);

  /// Writes a part of the graph, the whole graph of another model for instance. While `write` runs,
  /// inputs, weights and nodes are named "NAME.x", as are free sizes but that of the first axis (the
  /// batch's), and what it calls an output does not leave the model: it is in the answer, by name.
  /// Scopes nest. Errors: those of `write`.
  Result<std::map<std::string, Value>> Scope(std::string_view name,
                                             const std::function<Status(Builder&)>& write);

  /// Any standard operator of opset 17 (ai.onnx) that graph/operators.cc knows, or of ai.onnx.ml 3 by
  /// its full name ("ai.onnx.ml.TreeEnsembleRegressor"); returns its outputs. `inputs` may hold empty
  /// values for optional ones.
  std::vector<Value> Node(std::string_view op, const std::vector<Value>& inputs,
                          std::size_t outputs = 1, const std::vector<Attribute>& attributes = {});
  /// A node of one output.
  Value Op(std::string_view op, const std::vector<Value>& inputs,
           const std::vector<Attribute>& attributes = {}) {
    return Node(op, inputs, 1, attributes)[0];
  }

  Value Add(const Value& a, const Value& b) { return Op("Add", {a, b}); }
  Value Sub(const Value& a, const Value& b) { return Op("Sub", {a, b}); }
  Value Mul(const Value& a, const Value& b) { return Op("Mul", {a, b}); }
  Value Div(const Value& a, const Value& b) { return Op("Div", {a, b}); }
  Value Pow(const Value& a, const Value& b) { return Op("Pow", {a, b}); }
  Value MatMul(const Value& a, const Value& b) { return Op("MatMul", {a, b}); }
  Value Sqrt(const Value& x) { return Op("Sqrt", {x}); }
  Value Relu(const Value& x) { return Op("Relu", {x}); }
  Value Erf(const Value& x) { return Op("Erf", {x}); }
  Value Equal(const Value& a, const Value& b) { return Op("Equal", {a, b}); }
  Value Greater(const Value& a, const Value& b) { return Op("Greater", {a, b}); }
  Value GreaterOrEqual(const Value& a, const Value& b) { return Op("GreaterOrEqual", {a, b}); }
  Value And(const Value& a, const Value& b) { return Op("And", {a, b}); }
  Value Not(const Value& x) { return Op("Not", {x}); }
  Value Where(const Value& condition, const Value& yes, const Value& no) {
    return Op("Where", {condition, yes, no});
  }
  Value Softmax(const Value& x, std::int64_t axis = -1) {
    return Op("Softmax", {x}, {{"axis", axis}});
  }
  /// Normalises the last axis, then scale and bias (one row each).
  Value LayerNorm(const Value& x, const Value& scale, const Value& bias, float epsilon) {
    return Op("LayerNormalization", {x, scale, bias}, {{"axis", -1}, {"epsilon", epsilon}});
  }
  Value Cast(const Value& x, DType type);
  Value Gather(const Value& data, const Value& indices, std::int64_t axis = 0) {
    return Op("Gather", {data, indices}, {{"axis", axis}});
  }
  /// -1 takes what is left, 0 keeps the axis.
  Value Reshape(const Value& x, const Ints& shape) { return Op("Reshape", {x, Constants(shape)}); }
  Value Transpose(const Value& x, Ints perm) {
    return Op("Transpose", {x}, {{"perm", std::move(perm)}});
  }
  Value Concat(const std::vector<Value>& parts, std::int64_t axis) {
    return Op("Concat", parts, {{"axis", axis}});
  }
  Value Squeeze(const Value& x, const Ints& axes) { return Op("Squeeze", {x, Constants(axes)}); }
  Value Unsqueeze(const Value& x, const Ints& axes) {
    return Op("Unsqueeze", {x, Constants(axes)});
  }
  /// One axis of `x`, from `start` to `end` (exclusive); negative ones count from the end.
  Value Slice(const Value& x, std::int64_t axis, std::int64_t start, std::int64_t end,
              std::int64_t step = 1) {
    return Op("Slice",
              {x, Constants({start}), Constants({end}), Constants({axis}), Constants({step})});
  }
  Value Expand(const Value& x, const Value& shape) { return Op("Expand", {x, shape}); }
  /// The sizes of `x` as a 1-d int64 tensor.
  Value ShapeOf(const Value& x) { return Op("Shape", {x}); }
  Value ReduceSum(const Value& x, const Ints& axes, bool keep) {
    return Op("ReduceSum", {x, Constants(axes)}, {{"keepdims", keep ? 1 : 0}});
  }
  Value CumSum(const Value& x, std::int64_t axis, bool exclusive = false) {
    return Op("CumSum", {x, Scalar(axis)}, {{"exclusive", exclusive ? 1 : 0}});
  }
  Value Range(const Value& start, const Value& limit, const Value& step) {
    return Op("Range", {start, limit, step});
  }
  /// A tensor of the sizes in `shape` (1-d int64), filled with `fill`.
  template <typename T>
  Value Filled(const Value& shape, T fill) {
    return Op("ConstantOfShape", {shape},
              {{"value", Tensor::Of<T>("", {1}, std::span<const T>(&fill, 1))}});
  }
  /// data with updates added at indices along `axis`; equal indices add up in their order.
  Value ScatterAdd(const Value& data, const Value& indices, const Value& updates,
                   std::int64_t axis) {
    return Op("ScatterElements", {data, indices, updates}, {{"axis", axis}, {"reduction", "add"}});
  }

  /// The type of a value; none for an unknown one (after an error).
  [[nodiscard]] std::optional<DType> TypeOf(const Value& value) const;

  /// Serialised bytes, checked: every value is defined before its use and once, types are known,
  /// outputs are made. The builder is empty afterwards.
  /// Errors: kInvalidArgument (the first wrong call, with the node's name), kResourceExhausted
  ///         (2 GiB and more: the format's limit).
  Result<std::string> Finish();

 private:
  Value AddInitializer(std::string name, DType type, const Shape& shape,
                       std::span<const std::byte> bytes);
  Value AddConstant(DType type, const Shape& shape, std::span<const std::byte> bytes);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::graph
