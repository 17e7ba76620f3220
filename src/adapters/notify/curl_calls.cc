#include "adapters/notify/curl_calls.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace vitrine::adapters {
namespace {

struct EasyFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
using List = std::unique_ptr<curl_slist, ListFree>;
using Url = std::unique_ptr<CURLU, UrlFree>;

/// What the callbacks of one call know.
struct Call {
  const CallOptions& options;
  const std::stop_token& stop;
  bool encrypted = true;
  Status refused;  // why an address was not connected to; the last one
  std::string answer;
  bool too_long = false;
  std::string_view upload;
};

bool Start() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  return started == CURLE_OK;
}

std::optional<IpAddress> AddressOf(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    IpAddress out{};
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, &v4.sin_addr, 4);
    return out;
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    IpAddress out{};
    std::memcpy(out.data(), &v6.sin6_addr, out.size());
    return out;
  }
  return std::nullopt;
}

curl_socket_t OpenSocket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& call = *static_cast<Call*>(self);
  const std::optional<IpAddress> ip = AddressOf(address->addr);
  Status status = PermissionDenied("the channel leads to something that is no IP address");
  if (ip.has_value()) {
    status = call.options.addresses.Check(*ip, call.encrypted);
  }
  if (!status.ok()) {
    call.refused = std::move(status);
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t TakeAnswer(char* data, std::size_t size, std::size_t count, void* self) {
  auto& call = *static_cast<Call*>(self);
  const std::size_t bytes = size * count;
  if (call.answer.size() + bytes > call.options.most_answer_bytes) {
    call.too_long = true;
    return CURL_WRITEFUNC_ERROR;
  }
  call.answer.append(data, bytes);
  return bytes;
}

std::size_t GiveUpload(char* data, std::size_t size, std::size_t count, void* self) {
  auto& call = *static_cast<Call*>(self);
  const std::size_t bytes = std::min(size * count, call.upload.size());
  std::memcpy(data, call.upload.data(), bytes);
  call.upload.remove_prefix(bytes);
  return bytes;
}

int AskWhetherToStop(void* self, curl_off_t /*down*/, curl_off_t /*downloaded*/, curl_off_t /*up*/,
                     curl_off_t /*uploaded*/) {
  return static_cast<Call*>(self)->stop.stop_requested() ? 1 : 0;
}

/// One option after the other; the first that libcurl does not take stays.
class Options {
 public:
  explicit Options(CURL* curl) : curl_(curl) {}
  template <typename T>
  void Set(CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(curl_, option, value);
    first_ = first_ == CURLE_OK ? code : first_;
  }
  [[nodiscard]] Status status() const {
    return first_ == CURLE_OK ? Status::Ok()
                              : Unavailable(fmt::format("libcurl cannot make the call: {}",
                                                        curl_easy_strerror(first_)));
  }

 private:
  CURL* curl_;
  CURLcode first_ = CURLE_OK;
};

void SetCommon(Options& set, Call& call, const std::string& url, const char* protocols) {
  set.Set(CURLOPT_URL, url.c_str());
  set.Set(CURLOPT_PROTOCOLS_STR, protocols);
  set.Set(CURLOPT_REDIR_PROTOCOLS_STR, protocols);
  set.Set(CURLOPT_FOLLOWLOCATION, 0L);
  set.Set(CURLOPT_PROXY, "");  // else the environment's
  set.Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set.Set(CURLOPT_NOSIGNAL, 1L);
  set.Set(CURLOPT_FORBID_REUSE, 1L);
  set.Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.options.connect_time.count()));
  set.Set(CURLOPT_TIMEOUT_MS, static_cast<long>(call.options.time.count()));
  set.Set(CURLOPT_SSL_VERIFYPEER, 1L);
  set.Set(CURLOPT_SSL_VERIFYHOST, 2L);
  set.Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!call.options.ca_file.empty()) {
    set.Set(CURLOPT_CAINFO, call.options.ca_file.c_str());
    set.Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  set.Set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&call));
  set.Set(CURLOPT_WRITEFUNCTION, &TakeAnswer);
  set.Set(CURLOPT_WRITEDATA, static_cast<void*>(&call));
  set.Set(CURLOPT_NOPROGRESS, 0L);
  set.Set(CURLOPT_XFERINFOFUNCTION, &AskWhetherToStop);
  set.Set(CURLOPT_XFERINFODATA, static_cast<void*>(&call));
}

/// Whether name, connection, TLS and the mail server's greeting are behind it: what connect_time is for.
bool Connected(CURL* curl) {
  curl_off_t micros = 0;
  return curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &micros) == CURLE_OK && micros > 0;
}

// libcurl's own texts for codes name no URL; those of its error buffer may.
Status StatusOf(CURLcode code, CURL* curl, const Call& call) {
  switch (code) {
    case CURLE_OK:
      return Status::Ok();
    case CURLE_OPERATION_TIMEDOUT:
      if (!Connected(curl)) {
        return DeadlineExceeded(
            fmt::format("no connection within {} ms",
                        std::min(call.options.connect_time, call.options.time).count()));
      }
      return DeadlineExceeded(fmt::format("no answer within {} ms", call.options.time.count()));
    case CURLE_ABORTED_BY_CALLBACK:
      return Cancelled("the server ends");
    case CURLE_COULDNT_RESOLVE_HOST:
      return Unavailable("the host's name cannot be resolved; look at the address and at DNS");
    case CURLE_PEER_FAILED_VERIFICATION:
      return Unavailable(
          "the host's certificate is not valid; where it is your own, name its authority in "
          "ca_file");
    case CURLE_USE_SSL_FAILED:
      return Unavailable("the mail server offers no STARTTLS, and mail is sent encrypted only");
    default:
      break;
  }
  if (!call.refused.ok() && (code == CURLE_COULDNT_CONNECT || code == CURLE_FAILED_INIT)) {
    return call.refused;
  }
  if (call.too_long) {
    return ResourceExhausted(
        fmt::format("the answer is longer than {} bytes", call.options.most_answer_bytes));
  }
  return Unavailable(curl_easy_strerror(code));
}

Result<List> ListOf(const std::vector<std::string>& lines) {
  List list;
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) {
      return ResourceExhausted("no memory for a message");
    }
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

Result<Easy> NewCall() {
  Easy curl(Start() ? curl_easy_init() : nullptr);
  if (curl == nullptr) {
    return Unavailable("libcurl does not start");
  }
  return curl;
}

std::string Part(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK || text == nullptr) {
    return {};
  }
  std::string out = text;
  curl_free(text);
  return out;
}

}  // namespace

Result<HttpAnswer> PostByCurl(const HttpPost& post, const CallOptions& options,
                              const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const Easy curl, NewCall());
  // No "Expect: 100-continue": robots do not answer it, and each message would wait a second.
  std::vector<std::string> lines = post.headers;
  lines.emplace_back("Expect:");
  ASSIGN_OR_RETURN(const List headers, ListOf(lines));
  Call call{.options = options,
            .stop = stop,
            .encrypted = post.url.starts_with("https://"),
            .refused = {},
            .answer = {},
            .upload = {}};
  Options set(curl.get());
  SetCommon(set, call, post.url, "http,https");
  set.Set(CURLOPT_HTTPHEADER, headers.get());
  set.Set(CURLOPT_USERAGENT, "vitrine");
  set.Set(CURLOPT_POST, 1L);
  set.Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  set.Set(CURLOPT_POSTFIELDS, post.body.c_str());
  RETURN_IF_ERROR(set.status());
  RETURN_IF_ERROR(StatusOf(curl_easy_perform(curl.get()), curl.get(), call));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return HttpAnswer{.status = static_cast<int>(status), .body = std::move(call.answer)};
}

Status MailByCurl(const Mail& mail, const CallOptions& options, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const Easy curl, NewCall());
  ASSIGN_OR_RETURN(const List to, ListOf(mail.to));
  Call call{.options = options,
            .stop = stop,
            .encrypted = mail.encrypted,
            .refused = {},
            .answer = {},
            .upload = mail.message};
  Options set(curl.get());
  SetCommon(set, call, mail.url, "smtp,smtps");
  set.Set(CURLOPT_USE_SSL, static_cast<long>(mail.encrypted ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  if (!mail.user.empty()) {
    set.Set(CURLOPT_USERNAME, mail.user.c_str());
    set.Set(CURLOPT_PASSWORD, mail.password.c_str());
  }
  set.Set(CURLOPT_MAIL_FROM, mail.from.c_str());
  set.Set(CURLOPT_MAIL_RCPT, to.get());
  set.Set(CURLOPT_UPLOAD, 1L);
  set.Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.message.size()));
  set.Set(CURLOPT_READFUNCTION, &GiveUpload);
  set.Set(CURLOPT_READDATA, static_cast<void*>(&call));
  RETURN_IF_ERROR(set.status());
  const CURLcode code = curl_easy_perform(curl.get());
  Status status = StatusOf(code, curl.get(), call);
  long answered = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answered);
  if (!status.ok() && status.code() == Code::kUnavailable && answered >= 400) {
    return Unavailable(fmt::format("the mail server answered {}: {}", answered, status.message()));
  }
  return status;
}

Status CheckUrl(const std::string& url, const std::vector<std::string>& schemes) {
  const Url parsed(Start() ? curl_url() : nullptr);
  const bool clean =
      std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (parsed == nullptr || !clean ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return InvalidArgument("it is not a URL");
  }
  const std::string scheme = Part(parsed, CURLUPART_SCHEME);
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) {
    return InvalidArgument(
        fmt::format("the URL must begin with {}://", fmt::join(schemes, ":// or ")));
  }
  if (!Part(parsed, CURLUPART_USER).empty() || !Part(parsed, CURLUPART_PASSWORD).empty()) {
    return InvalidArgument("a URL holds no user and no password");
  }
  if (Part(parsed, CURLUPART_HOST).empty() || !Part(parsed, CURLUPART_FRAGMENT).empty()) {
    return InvalidArgument("the URL must have a host, and no part behind '#'");
  }
  return Status::Ok();
}

}  // namespace vitrine::adapters
