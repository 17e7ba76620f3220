/// How each platform wants its messages signed.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vitrine::adapters {

/// 32 bytes. Source: RFC 2104 with SHA-256.
std::string HmacSha256(std::string_view key, std::string_view text);
/// Source: RFC 4648, section 4.
std::string Base64(std::string_view bytes);
/// Empty where the text is no base64.
std::string FromBase64(std::string_view text);
/// Everything but unreserved characters. Source: RFC 3986, section 2.3.
std::string UrlEncoded(std::string_view text);

/// "timestamp=...&sign=..." to put behind the robot's address.   Units: milliseconds since 1970
/// Source: DingTalk, "Custom robot security settings": base64(HMAC(secret, "timestamp\nsecret")).
std::string DingTalkQuery(std::int64_t milliseconds, std::string_view secret);

/// The field `sign` of a message to a Feishu robot.   Units: seconds since 1970
/// Source: Feishu, "Custom bot": base64(HMAC(key "timestamp\nsecret", empty text)).
std::string FeishuSign(std::int64_t seconds, std::string_view secret);

/// The header `webhook-signature`: "v1," and base64(HMAC(key, "id.timestamp.body")).   Units: seconds since 1970
/// A secret "whsec_..." is the base64 of the key; any other is the key itself.
/// Source: Standard Webhooks 1.0.
std::string WebhookSignature(std::string_view id, std::int64_t seconds, std::string_view body,
                             std::string_view secret);

}  // namespace vitrine::adapters
