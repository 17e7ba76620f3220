#include "transport/http/message.h"

#include <array>
#include <utility>

namespace vitrine::http {
namespace {

constexpr std::array<std::string_view, kMethods> kMethodNames = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"};

// Past this a buffer is given back after its request, so that one large body is not kept forever.
constexpr std::size_t kKeptCapacity = 64 * 1024;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void ClearKeeping(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

}  // namespace

std::string_view MethodName(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

Method ParseMethod(std::string_view token) {
  for (std::size_t i = 0; i + 1 < kMethodNames.size(); ++i) {
    if (token == kMethodNames[i]) {
      return static_cast<Method>(i);
    }
  }
  return Method::kOther;
}

bool EqualNoCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) {
      return false;
    }
  }
  return true;
}

std::string_view Request::header(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name.size == name.size() && EqualNoCase(Slice(field.name), name)) {
      return Slice(field.value);
    }
  }
  return {};
}

bool Request::HasHeader(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualNoCase(Slice(field.name), name)) {
      return true;
    }
  }
  return false;
}

std::optional<std::string> Request::QueryValue(std::string_view name) const {
  std::string_view rest = query();
  std::string decoded;
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (!PercentDecode(pair.substr(0, equals), true, decoded) || decoded != name) {
      continue;
    }
    std::string value;
    const std::string_view raw =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!PercentDecode(raw, true, value)) {
      return std::nullopt;
    }
    return value;
  }
  return std::nullopt;
}

Request::Span Request::Store(std::string_view text) {
  const Span span{static_cast<std::uint32_t>(head_.size()),
                  static_cast<std::uint32_t>(text.size())};
  head_.append(text);
  return span;
}

void Request::Clear(std::size_t body_limit) {
  head_.clear();
  ClearKeeping(body_);
  fields_.clear();
  method_text_ = path_ = query_ = Span{};
  method_ = Method::kOther;
  minor_version_ = 1;
  keep_alive_ = true;
  has_body_ = false;
  expects_continue_ = false;
  on_pool_ = false;
  body_limit_ = body_limit;
  id_.clear();
  scope_.route = nullptr;
  for (std::string& arg : scope_.args) {
    arg.clear();
  }
  scope_.principal.clear();
  scope_.permissions = 0;
  scope_.trace.Begin({});
}

void Request::EnsurePadding() {
  if (body_.capacity() < body_.size() + kBodyPadding) {
    body_.reserve(body_.size() + kBodyPadding);
  }
}

void Response::AddHeader(std::string_view name, std::string_view value) {
  lines_.append(name);
  lines_.append(": ");
  for (const char c : value) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    lines_.push_back(control ? ' ' : c);
  }
  lines_.append("\r\n");
}

void Response::Clear() {
  status = 200;
  content_type = "application/json";
  ClearKeeping(body);
  lines_.clear();
  move_to_pool_ = false;
  suspended_ = nullptr;
  if (stream_) {
    stream_ = nullptr;
  }
}

bool PercentDecode(std::string_view text, bool plus, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) {
        return false;
      }
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return false;
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus && c == '+') {
      c = ' ';
    }
    out.push_back(c);
  }
  return true;
}

std::string PercentEncode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

std::string_view ReasonPhrase(int status) {
  static constexpr std::pair<int, std::string_view> kPhrases[] = {
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (const auto& [code, phrase] : kPhrases) {
    if (code == status) {
      return phrase;
    }
  }
  return "Status";
}

}  // namespace vitrine::http
