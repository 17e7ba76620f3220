#include "apps/vitrine/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr std::size_t kRowsPerCall = 1000;

Result<json> Answer(Result<http::ClientResponse> response, std::string_view what) {
  RETURN_IF_ERROR(response.status());
  if (!response->ok()) {
    return Internal(
        fmt::format("{}: {} {}", what, response->status, response->body.substr(0, 300)));
  }
  json parsed = json::parse(response->body, nullptr, false);
  if (!parsed.is_object()) {
    return Internal(fmt::format("{}: the answer is not a JSON object", what));
  }
  return parsed;
}

}  // namespace

std::string EventJson(const Event& event) {
  json row = {{"event_id", event.event_id},
              {"event", EventName(event.type)},
              {"ts", event.ts.value},
              {"user_id", event.user_id}};
  json items = json::array();
  for (const EventItem& item : event.items) {
    json one = {{"item_id", item.item_id}, {"quantity", item.quantity}};
    if (item.price > 0) {
      one["price"] = item.price;
    }
    if (item.position >= 0) {
      one["position"] = item.position;
    }
    items.push_back(std::move(one));
  }
  if (!items.empty()) {
    row["items"] = std::move(items);
  }
  for (const auto& [name, value] :
       {std::pair("request_id", &event.request_id), std::pair("scene", &event.scene),
        std::pair("order_id", &event.order_id), std::pair("currency", &event.currency)}) {
    if (!value->empty()) {
      row[name] = *value;
    }
  }
  return row.dump();
}

std::string ItemJson(const Item& item) {
  json attributes = json::object();
  for (const auto& [name, attribute] : item.attributes) {
    std::visit([&attributes, &name](const auto& value) { attributes[name] = value; }, attribute);
  }
  return json({{"id", item.id},
               {"valid_from", item.valid_from.value},
               {"title", item.title},
               {"description", item.description},
               {"brand", item.brand},
               {"categories", item.categories},
               {"price", item.price},
               {"currency", item.currency},
               {"stock", item.stock},
               {"attributes", std::move(attributes)}})
      .dump();
}

Result<Posted> Simulation::PostRows(std::string_view route, const std::vector<std::string>& rows) {
  Posted posted;
  for (std::size_t begin = 0; begin < rows.size(); begin += kRowsPerCall) {
    const std::size_t end = std::min(rows.size(), begin + kRowsPerCall);
    std::string body(1, '[');
    for (std::size_t i = begin; i < end; ++i) {
      if (i > begin) {
        body += ',';
      }
      body += rows[i];
    }
    body += ']';
    ASSIGN_OR_RETURN(const json answer, Answer(client_.Post(route, body), route));
    posted.accepted += answer.value("accepted", std::uint64_t{0});
    posted.duplicates += answer.value("duplicate", std::uint64_t{0});
    posted.rejected += answer.value("rejected", std::uint64_t{0});
    for (const json& row : answer.value("rows", json::array())) {
      if (row.value("verdict", "") == "rejected") {
        ++posted.rejected_by_code[row.value("code", "")];
      }
    }
  }
  return posted;
}

Result<Posted> Simulation::PostCatalogue() { return PostNewcomers({0}, Now()); }

Result<Posted> Simulation::PostNewcomers(Micros from, Micros until) {
  std::vector<std::string> rows;
  for (const simulate::Product& product : shop_.products()) {
    if (product.item.valid_from > from && product.item.valid_from <= until) {
      rows.push_back(ItemJson(product.item));
    }
  }
  return PostRows("/v1/items", rows);
}

Result<Posted> Simulation::PostOrders(Micros now) {
  return orders_ == nullptr ? Posted() : PostEvents(orders_->Due(now));
}

Result<Posted> Simulation::PostEvents(const std::vector<Event>& events) {
  std::vector<std::string> rows;
  rows.reserve(events.size());
  for (Event event : events) {
    if (fault_) {
      fault_(event);
    }
    rows.push_back(EventJson(event));
  }
  return PostRows("/v1/events", rows);
}

Status Simulation::VisitOnce(std::size_t shopper, std::size_t n, Traffic& traffic,
                             std::vector<Event>& reactions) {
  const std::string& user = shoppers_.shopper(shopper).id;
  const json request = {{"scene", "home"}, {"user_id", user}, {"n", n}};
  ASSIGN_OR_RETURN(const json answer,
                   Answer(client_.Post("/v1/recommend", request.dump()), "/v1/recommend"));
  const std::string id = answer.value("request_id", "");
  ++traffic.answers;
  if (answer.contains("fallback") && answer["fallback"].is_string() &&
      !answer["fallback"].get<std::string>().empty()) {
    ++traffic.fallbacks;
  } else {
    traffic.last_request = id;
    traffic.last_user = user;
  }
  std::vector<std::size_t> shown;
  for (const json& item : answer.value("items", json::array())) {
    const std::size_t product = shop_.Find(item.value("item_id", ""));
    if (product < shop_.products().size()) {
      shown.push_back(product);
      ++traffic.shown_of[product];
    }
  }
  traffic.shown += shown.size();
  traffic.expected_clicks += shoppers_.ExpectedClicks(shopper, shown);
  for (const std::size_t place : shoppers_.Click(shopper, shown)) {
    const Item& item = shop_.products()[shown[place]].item;
    Event event;
    event.event_id = fmt::format("sim-live-{}-{}", id, ++serial_);
    event.type = EventType::kClick;
    event.user_id = user;
    event.items = {
        {.item_id = item.id, .position = static_cast<std::int32_t>(place), .price = item.price}};
    event.ts = Now();
    event.request_id = id;
    event.scene = "home";
    event.currency = "CNY";
    ++traffic.clicks;
    reactions.push_back(event);
    if (shoppers_.Buys(shopper, shown[place])) {
      event.event_id += "-buy";
      event.type = EventType::kPurchase;
      event.order_id = fmt::format("sim-live-order-{}-{}", id, serial_);
      ++traffic.purchases;
      traffic.revenue += item.price;
      if (orders_ != nullptr) {
        orders_->Decided(std::move(event));
      } else {
        reactions.push_back(std::move(event));
      }
    }
  }
  return Status::Ok();
}

Result<Traffic> Simulation::Visit(std::size_t visits, std::size_t n) {
  const auto started = std::chrono::steady_clock::now();
  Traffic traffic;
  traffic.shown_of.resize(shop_.products().size());
  std::vector<Event> reactions;
  for (std::size_t v = 0; v < visits; ++v) {
    const std::size_t shopper = simulate::Pick(shoppers_.random(), shoppers_.size());
    RETURN_IF_ERROR(VisitOnce(shopper, n, traffic, reactions));
    // What they do on their own goes to the shop's log too, without an answer's id.
    if (v % 4 == 0) {
      const std::size_t product = shoppers_.LookAtNext(shopper);
      Event view;
      view.event_id = fmt::format("sim-own-{}-{}", Now().value, ++serial_);
      view.type = EventType::kView;
      view.user_id = shoppers_.shopper(shopper).id;
      view.items = {{.item_id = shop_.products()[product].item.id}};
      view.ts = Now();
      reactions.push_back(std::move(view));
    }
    if (reactions.size() >= 100 || v + 1 == visits) {
      RETURN_IF_ERROR(PostEvents(reactions).status());
      reactions.clear();
    }
  }
  traffic.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return traffic;
}

}  // namespace vitrine::apps
