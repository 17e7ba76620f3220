// Tensors and errors of ModelInfer over a real connection.
#include <cstdint>
#include <string>
#include <vector>

#include "transport/grpc/server_testing.h"
#include "transport/inference/types.h"

namespace vitrine::rpc {
namespace {

using Contents = ::inference::InferTensorContents;

/// The same six values of a type as raw bytes and, but for FP16, as contents.
struct Case {
  DType type;
  std::string raw;
  Contents contents;
};

template <typename T>
std::string Raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <typename T, typename Add>
Case Of(const std::vector<T>& values, Add add) {
  Case c{DTypeOf<T>(), Raw(values), {}};
  for (const T value : values) {
    add(c.contents, value);
  }
  return c;
}

std::vector<Case> Cases() {
  const auto ints = [](Contents& c, std::int32_t v) { c.add_int_contents(v); };
  const auto uints = [](Contents& c, std::uint32_t v) { c.add_uint_contents(v); };
  std::vector<Case> cases = {
      Of<std::int8_t>({-128, -1, 0, 1, 5, 127}, ints),
      Of<std::int16_t>({-32768, -1, 0, 1, 5, 32767}, ints),
      Of<std::int32_t>({INT32_MIN, -1, 0, 1, 5, INT32_MAX}, ints),
      Of<std::int64_t>({INT64_MIN, -1, 0, 1, 5, INT64_MAX},
                       [](Contents& c, std::int64_t v) { c.add_int64_contents(v); }),
      Of<std::uint8_t>({0, 1, 2, 3, 5, 255}, uints),
      Of<std::uint16_t>({0, 1, 2, 3, 5, 65535}, uints),
      Of<std::uint32_t>({0, 1, 2, 3, 5, UINT32_MAX}, uints),
      Of<std::uint64_t>({0, 1, 2, 3, 5, UINT64_MAX},
                        [](Contents& c, std::uint64_t v) { c.add_uint64_contents(v); }),
      Of<float>({-1.5F, 0, 1e-40F, 1e38F, 2, 3},
                [](Contents& c, float v) { c.add_fp32_contents(v); }),
      Of<double>({-1.5, 0, 1e-310, 1e308, 2, 3},
                 [](Contents& c, double v) { c.add_fp64_contents(v); })};
  cases.push_back(
      {DType::kFloat16, std::string("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x00\x00\x7c", 12), {}});
  Case flags{DType::kBool, std::string("\x01\x00\x01\x01\x00\x00", 6), {}};
  Case texts{DType::kString, {}, {}};
  for (const char flag : flags.raw) {
    flags.contents.add_bool_contents(flag != 0);
  }
  for (const std::string& text : {std::string("plain"), std::string(), std::string("\0\xFF", 2),
                                  std::string("中文"), std::string(300, 'x'), std::string("end")}) {
    const auto length = static_cast<std::uint32_t>(text.size());
    texts.raw += Raw(std::vector<std::uint32_t>{length}) + text;
    texts.contents.add_bytes_contents(text);
  }
  cases.push_back(flags);
  cases.push_back(texts);
  return cases;
}

class GrpcInference : public GrpcTest {
 protected:
  static Request Of(const Case& c) {
    Request request = Zeros(std::string(DTypeName(c.type)));
    auto& input = *request.mutable_inputs(0);
    input.set_datatype(std::string(inference::ProtocolTypeName(c.type)));
    input.set_shape(0, 2);
    input.set_shape(1, 3);
    request.clear_raw_input_contents();
    return request;
  }
};

TEST_F(GrpcInference, EveryTypeComesBackAsItWentRawAndTyped) {
  Start();
  ASSERT_EQ(Cases().size(), kDTypes.size());
  for (const Case& c : Cases()) {
    for (const bool typed : {false, true}) {
      SCOPED_TRACE(std::string(DTypeName(c.type)) + (typed ? " typed" : " raw"));
      Request request = Of(c);
      if (typed) {
        *request.mutable_inputs(0)->mutable_contents() = c.contents;
      } else {
        request.add_raw_input_contents(c.raw);
      }
      Answer answer;
      const grpc::Status status = Infer(request, &answer);
      if (typed && c.type == DType::kFloat16) {
        Expect(status, grpc::StatusCode::INVALID_ARGUMENT, "raw_input_contents only");
        continue;
      }
      ASSERT_TRUE(status.ok()) << status.error_message();
      ASSERT_EQ(answer.outputs_size(), 2);
      ASSERT_EQ(answer.raw_output_contents_size(), 2);
      EXPECT_EQ(answer.outputs(0).name(), "y");
      EXPECT_EQ(answer.outputs(0).datatype(), inference::ProtocolTypeName(c.type));
      EXPECT_EQ(answer.outputs(0).shape_size(), 2);
      EXPECT_EQ(answer.raw_output_contents(0), c.raw);
      EXPECT_EQ(answer.raw_output_contents(1), Raw(std::vector<std::int64_t>{2, 3}));
    }
  }
}

TEST_F(GrpcInference, OutputsComeInTheOrderAskedAndTheIdComesBack) {
  Start();
  Request request = Zeros("float32");
  request.set_id("q-7");
  request.set_model_version("1");
  (*request.mutable_parameters())["priority"].set_uint64_param(3);
  (*request.mutable_parameters())["timeout"].set_int64_param(60'000'000);
  (*request.mutable_parameters())["sequence_id"].set_int64_param(0);
  (*request.mutable_parameters())["sequence_start"].set_bool_param(false);
  for (const char* name : {"shape", "y", "shape"}) {
    request.add_outputs()->set_name(name);
  }
  Answer answer;
  ASSERT_TRUE(Infer(request, &answer).ok());
  EXPECT_EQ(answer.id(), "q-7");
  EXPECT_EQ(answer.model_name(), "float32");
  EXPECT_EQ(answer.model_version(), "1");
  ASSERT_EQ(answer.outputs_size(), 3);
  EXPECT_EQ(answer.outputs(0).name(), "shape");
  EXPECT_EQ(answer.outputs(1).name(), "y");
  EXPECT_EQ(answer.raw_output_contents(2), Raw(std::vector<std::int64_t>{1, 2}));
  // No rows at all is a request too.
  ASSERT_TRUE(Infer(Zeros("float32", 0), &answer).ok());
  EXPECT_EQ(answer.raw_output_contents(0), "");
}

TEST_F(GrpcInference, WhatIsWrongIsNamedWithItsCode) {
  Start();
  using Code = grpc::StatusCode;
  const auto refused = [&](Code code, std::string_view words, const auto& spoil) {
    Request request = Zeros("float32");
    spoil(request);
    Expect(Infer(request), code, words);
  };
  refused(Code::NOT_FOUND, "'far'", [](Request& r) { r.set_model_name("far"); });
  refused(Code::NOT_FOUND, "version 3", [](Request& r) { r.set_model_version("3"); });
  refused(Code::INVALID_ARGUMENT, "no input 'z'",
          [](Request& r) { r.mutable_inputs(0)->set_name("z"); });
  refused(Code::INVALID_ARGUMENT, "unknown datatype 'FP8'",
          [](Request& r) { r.mutable_inputs(0)->set_datatype("FP8"); });
  refused(Code::INVALID_ARGUMENT, "cannot fill",
          [](Request& r) { r.mutable_inputs(0)->set_shape(0, std::int64_t{1} << 62); });
  refused(Code::INVALID_ARGUMENT, "cannot fill",
          [](Request& r) { r.mutable_inputs(0)->set_shape(0, -1); });
  refused(Code::INVALID_ARGUMENT, "8 bytes",
          [](Request& r) { r.mutable_inputs(0)->set_shape(0, 2); });
  refused(Code::INVALID_ARGUMENT, "more than 32 axes", [](Request& r) {
    for (int i = 0; i < 40; ++i) {
      r.mutable_inputs(0)->add_shape(1);
    }
  });
  refused(Code::INVALID_ARGUMENT, "2 raw_input_contents for 1 inputs",
          [](Request& r) { r.add_raw_input_contents("x"); });
  refused(Code::INVALID_ARGUMENT, "send one of them",
          [](Request& r) { r.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1); });
  refused(Code::INVALID_ARGUMENT, "cannot fill", [](Request& r) {
    r.clear_raw_input_contents();  // values in a field of another type
    r.mutable_inputs(0)->mutable_contents()->add_fp64_contents(1);
    r.mutable_inputs(0)->mutable_contents()->add_fp64_contents(1);
  });
  refused(Code::INVALID_ARGUMENT, "3 values in fp32_contents, its shape wants 2", [](Request& r) {
    r.clear_raw_input_contents();
    for (int i = 0; i < 3; ++i) {
      r.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
    }
  });
  refused(Code::INVALID_ARGUMENT, "128, which its type does not hold", [](Request& r) {
    r.clear_raw_input_contents();
    r.set_model_name("int8");
    r.mutable_inputs(0)->set_datatype("INT8");
    r.mutable_inputs(0)->mutable_contents()->add_int_contents(1);
    r.mutable_inputs(0)->mutable_contents()->add_int_contents(128);
  });
  refused(Code::INVALID_ARGUMENT, "no output 'z'",
          [](Request& r) { r.add_outputs()->set_name("z"); });
  refused(Code::UNIMPLEMENTED, "sequences",
          [](Request& r) { (*r.mutable_parameters())["sequence_id"].set_string_param("s"); });
  refused(Code::UNIMPLEMENTED, "classify", [](Request& r) {
    (*r.add_outputs()->mutable_parameters())["classification"].set_int64_param(3);
  });
  refused(Code::UNIMPLEMENTED, "shared memory", [](Request& r) {
    (*r.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("s");
  });
  refused(Code::UNIMPLEMENTED, "shared memory", [](Request& r) {
    (*r.add_outputs()->mutable_parameters())["shared_memory_region"].set_string_param("s");
  });
  // A failure of the server is named by an id alone.
  const grpc::Status failed = Infer(Zeros("float32", 13));
  Expect(failed, Code::INTERNAL, "(request ");
  EXPECT_EQ(failed.error_message().find("secret"), std::string::npos);
}

TEST_F(GrpcInference, AStreamAnswersInOrderAndAFailureDoesNotEndIt) {
  Start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 30s);
  const auto stream = stub_->ModelStreamInfer(&context);
  for (int i = 0; i < 6; ++i) {
    Request request = Zeros(i == 3 ? "far" : (i == 4 ? "slow" : "float32"), i + 1);
    request.set_id(std::to_string(i));
    (*request.mutable_parameters())["triton_enable_empty_final_response"].set_bool_param(i == 5);
    ASSERT_TRUE(stream->Write(request));
  }
  ASSERT_TRUE(stream->WritesDone());
  for (int i = 0; i < 6; ++i) {
    ::inference::ModelStreamInferResponse answer;
    ASSERT_TRUE(stream->Read(&answer)) << i;
    EXPECT_EQ(answer.infer_response().id(), std::to_string(i));
    EXPECT_EQ(answer.error_message().empty(), i != 3) << answer.error_message();
    EXPECT_EQ(answer.infer_response().raw_output_contents_size(), i == 3 ? 0 : 2);
    EXPECT_EQ(answer.infer_response().parameters().count("triton_final_response"),
              i == 5 ? 1U : 0U);
  }
  ::inference::ModelStreamInferResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcInference, ACallThatIsCancelledWhileItWaitsIsNotRun) {
  Start();
  gate_.Close();
  std::thread first([this] { EXPECT_TRUE(Infer(Zeros("slow")).ok()); });
  ASSERT_TRUE(gate_.WaitForRuns(1));
  const int runs = runs_;
  const auto wait = [](const auto& met) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!met() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(1ms);
    }
    return met();
  };
  grpc::ClientContext context;
  std::thread second([&] {
    Answer answer;
    EXPECT_EQ(stub_->ModelInfer(&context, Zeros("slow"), &answer).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  EXPECT_TRUE(wait([this] { return inference_.waiting() == 1; }));
  context.TryCancel();
  second.join();
  EXPECT_TRUE(wait([this] { return metrics_.Samples()["vitrine_grpc_abandoned_total"] == 1; }));
  gate_.Open();
  first.join();
  EXPECT_TRUE(wait([this] { return inference_.Counts("slow", "")[0].fail == 1; }));
  EXPECT_EQ(runs_, runs);
  EXPECT_EQ(inference_.waiting(), 0U);
  // Its memory serves the next call, which is not taken for one that has left.
  EXPECT_TRUE(Infer(Zeros("slow")).ok());
  EXPECT_EQ(runs_, runs + 1);
}

}  // namespace
}  // namespace vitrine::rpc
