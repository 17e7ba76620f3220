#include "apps/vitrine/channels.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "adapters/notify/channel.h"
#include "apps/vitrine/settings_table.h"

namespace vitrine::apps {
namespace {

using adapters::ChannelKind;

constexpr std::int64_t kMaxSeconds = 60;

/// An address without a token stands in the settings; any other is a secret, and stands in a file.
Result<std::string> UrlOf(const SettingsTable& table, ChannelKind kind) {
  const bool open = kind == ChannelKind::kEmail || kind == ChannelKind::kAlertmanager;
  if (!table.Text("url").empty()) {
    return open ? Result<std::string>(table.Text("url"))
                : InvalidArgument(fmt::format(
                      "{}: the address of such a channel is a secret; write it into a file, and "
                      "name that in {}",
                      table.Name("url"), table.Name("url_file")));
  }
  if (table.Text("url_file").empty()) {
    return InvalidArgument(
        fmt::format("{} is empty; {}", table.Name(open ? "url" : "url_file"),
                    open ? "write the address" : "name a file whose first line is the address"));
  }
  return table.Secret("url_file");
}

Result<monitor::AlertChannel> OpenChannel(const Settings& settings, const std::string& name,
                                          const adapters::AddressPolicy& addresses) {
  const SettingsTable table(settings, "channel", name);
  adapters::ChannelOptions options;
  Result<ChannelKind> kind = adapters::ParseChannelKind(table.Text("kind"));
  RETURN_IF_ERROR(kind.status().WithContext(table.Name("kind")));
  options.kind = *kind;
  ASSIGN_OR_RETURN(options.url, UrlOf(table, options.kind));
  ASSIGN_OR_RETURN(options.secret, table.Secret("secret_file"));
  ASSIGN_OR_RETURN(const std::int64_t seconds, table.Between("timeout_seconds", 1, kMaxSeconds));
  options.user = table.Text("user");
  options.from = table.Text("from");
  options.to = table.List("to");
  options.encrypted = table.Flag("tls");
  options.call.addresses = addresses;
  options.call.time = std::chrono::seconds(seconds);
  options.call.connect_time = options.call.time / 2;
  if (!table.Text("ca_file").empty()) {
    RETURN_IF_ERROR(table.File("ca_file").status());
    options.call.ca_file = table.Text("ca_file");
  }
  const std::string& language = table.Text("language");
  if (language != "en" && language != "zh") {
    return InvalidArgument(
        fmt::format("{} is '{}'; it can be en or zh", table.Name("language"), language));
  }
  auto channel = adapters::MakeChannel(std::move(options));
  RETURN_IF_ERROR(channel.status().WithContext(fmt::format("[channel.{}]", name)));
  return monitor::AlertChannel{
      .name = name,
      .kind = table.Text("kind"),
      .language = language == "zh" ? monitor::Language::kChinese : monitor::Language::kEnglish,
      .channel = *std::move(channel)};
}

}  // namespace

Result<std::vector<monitor::AlertChannel>> OpenChannels(const Settings& settings) {
  Result<adapters::AddressPolicy> addresses =
      adapters::AddressPolicy::Parse(settings.List("alerts.allow_private"));
  RETURN_IF_ERROR(addresses.status().WithContext("alerts.allow_private"));
  std::vector<monitor::AlertChannel> channels;
  for (const std::string& name : settings.Channels()) {
    ASSIGN_OR_RETURN(monitor::AlertChannel channel, OpenChannel(settings, name, *addresses));
    channels.push_back(std::move(channel));
  }
  return channels;
}

}  // namespace vitrine::apps
