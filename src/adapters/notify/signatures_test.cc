// Against vectors worked out outside of this program: of RFC 4231 and Standard Webhooks, and by Python's hmac.
#include "adapters/notify/signatures.h"

#include <gtest/gtest.h>

namespace vitrine::adapters {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0xfU];
  }
  return out;
}

TEST(SignaturesTest, Hmac) {
  // RFC 4231, test case 2.
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(SignaturesTest, Base64BothWays) {
  // RFC 4648, section 10.
  for (const auto& [plain, coded] : {std::pair<std::string, std::string>("f", "Zg=="),
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(Base64(plain), coded);
    EXPECT_EQ(FromBase64(coded), plain);
  }
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(FromBase64("Zg="), "");
  EXPECT_EQ(FromBase64("Z*=="), "");
}

TEST(SignaturesTest, DingTalk) {
  EXPECT_EQ(DingTalkQuery(1'800'000'000'123, "SECd5a1f0c2b7e94"),
            "timestamp=1800000000123&sign=nlOk9L1hBVLdeT59%2B9OVLp71qizuGnxQ1FZ32Hs9dMc%3D");
}

TEST(SignaturesTest, Feishu) {
  EXPECT_EQ(FeishuSign(1'800'000'000, "Fq1jd83kfLw0"),
            "4J64AOqYjtgUxo+lJXTpuktTbphE6CzLlwchOAMDxes=");
}

TEST(SignaturesTest, Webhook) {
  // The example of the Standard Webhooks specification.
  EXPECT_EQ(WebhookSignature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1'614'265'330,
                             R"({"test": 2432232314})", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(WebhookSignature("n7", 1'800'000'000, "{}", "plain-secret"),
            "v1,QQ8Wo169LlvBDBkzpyuWK0dydPpfCQo0DUqGQkG/gx0=");
}

}  // namespace
}  // namespace vitrine::adapters
