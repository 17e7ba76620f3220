#include "adapters/notify/address_policy.h"

#include <gtest/gtest.h>

namespace vitrine::adapters {
namespace {

bool Allowed(const AddressPolicy& policy, const char* text, bool encrypted = true) {
  const auto address = ParseIpAddress(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.has_value() && policy.Check(*address, encrypted).ok();
}

constexpr const char* kPublic[] = {"1.1.1.1",         "93.184.216.34",        "172.32.0.1",
                                   "100.128.0.1",     "2606:4700:4700::1111", "2002:101:101::1",
                                   "64:ff9b::101:101"};
constexpr const char* kPrivate[] = {"127.0.0.1",      "127.9.9.9",   "10.0.0.1",       "172.16.0.1",
                                    "172.31.255.255", "192.168.1.1", "100.64.0.1",     "::1",
                                    "fc00::1",        "fdff::1",     "::ffff:10.0.0.1"};
constexpr const char* kReserved[] = {
    "0.0.0.0",       "192.0.0.8",      "192.0.2.1",       "198.18.0.1",
    "203.0.113.9",   "224.0.0.1",      "255.255.255.255", "::",
    "fe80::1",       "ff02::1",        "2001:db8::1",     "2002:7f00:1::1",
    "2002:a00:1::1", "64:ff9b::a00:1", "64:ff9b:1::1",    "::127.0.0.1"};
constexpr const char* kMetadata[] = {"169.254.169.254",   "169.254.170.2", "169.254.170.23",
                                     "169.254.0.23",      "169.254.1.1",   "192.0.0.192",
                                     "100.100.100.200",   "168.63.129.16", "fd00:ec2::23",
                                     "fd00:ec2::254",     "fd20:ce::254",  "::ffff:169.254.169.254",
                                     "64:ff9b::a9fe:a9fe"};

TEST(AddressPolicyTest, OnlyPublicAddressesByDefault) {
  const AddressPolicy policy;
  for (const char* text : kPublic) {
    EXPECT_TRUE(Allowed(policy, text)) << text;
    EXPECT_FALSE(Allowed(policy, text, false)) << text << " in the open";
  }
  for (const auto& refused : {std::vector<const char*>(std::begin(kPrivate), std::end(kPrivate)),
                              {std::begin(kReserved), std::end(kReserved)},
                              {std::begin(kMetadata), std::end(kMetadata)}}) {
    for (const char* text : refused) {
      EXPECT_FALSE(Allowed(policy, text)) << text;
    }
  }
}

TEST(AddressPolicyTest, PrivateOnesWhereTheyAreAllowed) {
  const auto policy = AddressPolicy::Parse({"true"});
  ASSERT_TRUE(policy.ok());
  for (const char* text : kPrivate) {
    EXPECT_TRUE(Allowed(*policy, text)) << text;
    EXPECT_TRUE(Allowed(*policy, text, false)) << text;
  }
  for (const char* text : kReserved) {
    EXPECT_FALSE(Allowed(*policy, text)) << text;
  }
  for (const char* text : kMetadata) {
    EXPECT_FALSE(Allowed(*policy, text)) << text;
  }
}

TEST(AddressPolicyTest, OrTheNetworksThatAreNamed) {
  const auto policy =
      AddressPolicy::Parse({"10.1.0.0/16", "192.168.7.7", "fd12::/16", "198.18.0.0/15"});
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  for (const char* text : {"10.1.255.1", "192.168.7.7", "fd12::9", "198.19.3.3", "8.8.8.8"}) {
    EXPECT_TRUE(Allowed(*policy, text)) << text;
  }
  for (const char* text : {"10.2.0.1", "192.168.7.8", "fd13::9", "127.0.0.1", "169.254.169.254"}) {
    EXPECT_FALSE(Allowed(*policy, text)) << text;
  }
  for (const char* word : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "ten", "", "::/129"}) {
    EXPECT_EQ(AddressPolicy::Parse({word}).status().code(), Code::kInvalidArgument) << word;
  }
}

TEST(AddressPolicyTest, MetadataServicesStayShutWhateverIsNamed) {
  const auto policy = AddressPolicy::Parse({"true", "0.0.0.0/0", "::/0"});
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  EXPECT_TRUE(Allowed(*policy, "192.0.2.1")) << "reserved, and named";
  for (const char* text : kMetadata) {
    EXPECT_FALSE(Allowed(*policy, text)) << text;
  }
}

TEST(AddressPolicyTest, ARefusalSaysWhatAndWhichSetting) {
  const IpAddress address = ParseIpAddress("10.0.0.1").value_or(IpAddress{});
  const std::string message = AddressPolicy().Check(address, true).message();
  EXPECT_NE(message.find("10.0.0.1, a private"), std::string::npos) << message;
  EXPECT_NE(message.find("alerts.allow_private"), std::string::npos) << message;
}

}  // namespace
}  // namespace vitrine::adapters
