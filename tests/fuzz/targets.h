/// What a stranger may send, and the code that reads it first. Each takes any bytes and must come back: no crash,
/// no leak, no hang; what an input must hold besides is a CHECK of the target.
#pragma once

#include <string_view>

namespace vitrine::fuzz {

/// Requests as they come from a socket, read whole and in pieces.
void HttpRequest(std::string_view bytes);
/// A body of /v2: how much of it is JSON (2 bytes), then JSON and raw tensors.
void InferenceBody(std::string_view bytes);
/// A raw body of /v2: which input the model has (1 byte), then its values.
void RawInference(std::string_view bytes);
/// A request of ModelInfer over gRPC.
void InferenceMessage(std::string_view bytes);
/// Packed bodies: which coding (1 byte), then the body.
void PackedBody(std::string_view bytes);
/// A body of POST /v1/events, /v1/items or /v1/users: which (1 byte), then the rows.
void RowsBody(std::string_view bytes);
/// A model file.
void OnnxModel(std::string_view bytes);
/// items.f32 of an artifact.
void ItemVectors(std::string_view bytes);
/// A .npy file of item vectors.
void NpyMatrix(std::string_view bytes);
/// A model's config.pbtxt.
void TextFields(std::string_view bytes);

}  // namespace vitrine::fuzz
