#include "simulate/shop.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>

namespace vitrine::simulate {
namespace {

struct Kind {
  const char* english;
  const char* chinese;
};

struct Category {
  const char* english;
  const char* chinese;
  std::array<Kind, 4> kinds;
  double price;  // of a middling product
};

constexpr std::array<Category, 16> kCategories = {{
    {"Audio",
     "音响",
     {{{"Wireless Headphones", "无线耳机"},
       {"Bluetooth Speaker", "蓝牙音箱"},
       {"Soundbar", "回音壁"},
       {"Microphone", "麦克风"}}},
     80},
    {"Phones",
     "手机",
     {{{"Smartphone", "智能手机"},
       {"Phone Case", "手机壳"},
       {"Fast Charger", "快充充电器"},
       {"Screen Protector", "屏幕保护膜"}}},
     120},
    {"Computers",
     "电脑",
     {{{"Laptop", "笔记本电脑"},
       {"Mechanical Keyboard", "机械键盘"},
       {"Gaming Mouse", "游戏鼠标"},
       {"Monitor", "显示器"}}},
     200},
    {"Cameras",
     "相机",
     {{{"Mirrorless Camera", "微单相机"},
       {"Camera Lens", "相机镜头"},
       {"Tripod", "三脚架"},
       {"Memory Card", "存储卡"}}},
     150},
    {"Kitchen",
     "厨房",
     {{{"Rice Cooker", "电饭煲"},
       {"Chef Knife", "厨刀"},
       {"Frying Pan", "煎锅"},
       {"Electric Kettle", "电热水壶"}}},
     45},
    {"Coffee",
     "咖啡",
     {{{"Coffee Beans", "咖啡豆"},
       {"Coffee Grinder", "磨豆机"},
       {"Espresso Machine", "意式咖啡机"},
       {"Travel Mug", "随行杯"}}},
     35},
    {"Tea",
     "茶叶",
     {{{"Green Tea", "绿茶"},
       {"Oolong Tea", "乌龙茶"},
       {"Teapot", "茶壶"},
       {"Tea Cup Set", "茶杯套装"}}},
     25},
    {"Beauty",
     "美妆",
     {{{"Face Cream", "面霜"},
       {"Lipstick", "口红"},
       {"Sunscreen", "防晒霜"},
       {"Makeup Brush", "化妆刷"}}},
     22},
    {"Clothing",
     "服装",
     {{{"Down Jacket", "羽绒服"},
       {"Cotton T-Shirt", "纯棉T恤"},
       {"Jeans", "牛仔裤"},
       {"Wool Sweater", "羊毛衫"}}},
     40},
    {"Shoes",
     "鞋靴",
     {{{"Running Shoes", "跑步鞋"},
       {"Hiking Boots", "登山靴"},
       {"Sandals", "凉鞋"},
       {"Sneakers", "运动鞋"}}},
     60},
    {"Sports",
     "运动",
     {{{"Yoga Mat", "瑜伽垫"},
       {"Dumbbell", "哑铃"},
       {"Badminton Racket", "羽毛球拍"},
       {"Water Bottle", "运动水壶"}}},
     30},
    {"Outdoor",
     "户外",
     {{{"Camping Tent", "露营帐篷"},
       {"Sleeping Bag", "睡袋"},
       {"Headlamp", "头灯"},
       {"Backpack", "双肩背包"}}},
     70},
    {"Baby",
     "母婴",
     {{{"Baby Stroller", "婴儿推车"},
       {"Baby Bottle", "奶瓶"},
       {"Diapers", "纸尿裤"},
       {"Baby Lotion", "婴儿润肤露"}}},
     35},
    {"Toys",
     "玩具",
     {{{"Building Blocks", "积木"},
       {"Puzzle", "拼图"},
       {"Remote Control Car", "遥控车"},
       {"Plush Bear", "毛绒熊"}}},
     25},
    {"Home",
     "家居",
     {{{"Desk Lamp", "台灯"},
       {"Pillow", "枕头"},
       {"Storage Box", "收纳箱"},
       {"Humidifier", "加湿器"}}},
     30},
    {"Pets",
     "宠物",
     {{{"Cat Food", "猫粮"},
       {"Dog Leash", "牵引绳"},
       {"Cat Tree", "猫爬架"},
       {"Pet Bed", "宠物床"}}},
     28},
}};

constexpr std::array<Kind, 24> kBrands = {{
    {"Aurora", "极光"}, {"Bamboo", "青竹"},   {"Cirrus", "卷云"},  {"Dunes", "沙丘"},
    {"Ember", "余烬"},  {"Fable", "童话"},    {"Glade", "林间"},   {"Harbor", "港湾"},
    {"Iris", "鸢尾"},   {"Juniper", "杜松"},  {"Kestrel", "红隼"}, {"Lumen", "流明"},
    {"Maple", "枫叶"},  {"Nimbus", "雨云"},   {"Orchid", "兰花"},  {"Pebble", "卵石"},
    {"Quartz", "石英"}, {"Ripple", "涟漪"},   {"Summit", "峰顶"},  {"Tidal", "潮汐"},
    {"Umbra", "影子"},  {"Velvet", "天鹅绒"}, {"Willow", "柳树"},  {"Zephyr", "和风"},
}};

constexpr std::array<Kind, 8> kStyles = {{{"Classic", "经典"},
                                          {"Pro", "专业版"},
                                          {"Mini", "迷你"},
                                          {"Max", "加大"},
                                          {"Lite", "轻量"},
                                          {"Deluxe", "豪华"},
                                          {"Eco", "环保"},
                                          {"Travel", "旅行"}}};

constexpr std::array<Kind, 8> kColours = {{{"Black", "黑色"},
                                           {"White", "白色"},
                                           {"Red", "红色"},
                                           {"Blue", "蓝色"},
                                           {"Green", "绿色"},
                                           {"Grey", "灰色"},
                                           {"Pink", "粉色"},
                                           {"Gold", "金色"}}};

/// Nearly normal (Irwin-Hall of twelve): equal on every machine, which std::normal_distribution is
/// not.
double Normal(std::mt19937_64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) {
    sum += Uniform(random);
  }
  return sum;
}

}  // namespace

double Uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

std::size_t Pick(std::mt19937_64& random, std::size_t n) {
  return std::min(n - 1, static_cast<std::size_t>(Uniform(random) * static_cast<double>(n)));
}

Shop::Shop(const ShopOptions& options, Micros opened)
    : options_(options), by_category_(kCategories.size()) {
  std::mt19937_64 random(options.seed);
  products_.resize(options.products);
  NameProducts(random, opened);
  PairProducts(random);
}

std::string Shop::CategoryName(std::size_t category) {
  return kCategories.at(category % kCategories.size()).english;
}

double Shop::Season(std::size_t category, Micros at) const {
  if (options_.season == 0) {
    return 0;
  }
  const double turn = static_cast<double>(at.value) / static_cast<double>(28 * kMicrosPerDay) +
                      static_cast<double>(category) / static_cast<double>(by_category_.size());
  return options_.season * std::sin(2 * std::numbers::pi * turn);
}

void Shop::NameProducts(std::mt19937_64& random, Micros opened) {
  for (std::size_t p = 0; p < products_.size(); ++p) {
    Product& product = products_[p];
    product.category = Pick(random, kCategories.size());
    product.brand = Pick(random, kBrands.size());
    const Category& category = kCategories.at(product.category);
    const Kind& kind = category.kinds.at(Pick(random, category.kinds.size()));
    const Kind& brand = kBrands.at(product.brand);
    const Kind& style = kStyles.at(Pick(random, kStyles.size()));
    const Kind& colour = kColours.at(Pick(random, kColours.size()));
    // A long tail: few products are liked by nearly everybody.
    product.appeal = 1.2 * Normal(random) - 1;
    Item& item = product.item;
    item.id = fmt::format("sim-{:05}", p);
    item.valid_from = {opened.value + NewcomerAfter(p)};
    item.title =
        fmt::format("{} {} {} {} | {}{}{}{}", brand.english, style.english, kind.english,
                    colour.english, brand.chinese, style.chinese, kind.chinese, colour.chinese);
    item.description = fmt::format("Simulated {} by {}. 模拟商品：{}。", kind.english,
                                   brand.english, kind.chinese);
    item.brand = brand.english;
    item.categories = {fmt::format("{} > {}", category.english, kind.english)};
    item.price = std::round(category.price * std::exp(0.5 * Normal(random)) * 100) / 100;
    item.currency = "CNY";
    item.stock = static_cast<double>(5 + Pick(random, 200));
    item.attributes = {{"colour", std::string(colour.english)},
                       {"category_zh", std::string(category.chinese)},
                       {"simulated", true}};
    by_category_[product.category].push_back(p);
  }
}

std::int64_t Shop::NewcomerAfter(std::size_t product) const {
  const auto products = static_cast<double>(products_.size());
  const double old = products * (1 - options_.newcomers);
  const double place = static_cast<double>(product) - old;
  return place < 0 ? 0
                   : static_cast<std::int64_t>((place + 1) / (products - old) *
                                               static_cast<double>(options_.newcomer_days) *
                                               static_cast<double>(kMicrosPerDay));
}

void Shop::PairProducts(std::mt19937_64& random) {
  for (std::size_t p = 0; p < products_.size(); ++p) {
    Product& product = products_[p];
    // Most companions stand in the same category, some in the next one (coffee and mugs).
    for (std::size_t c = 0; c < options_.companions; ++c) {
      const std::size_t category =
          Uniform(random) < 0.7 ? product.category : (product.category + 1) % by_category_.size();
      const std::vector<std::size_t>& shelf = by_category_[category];
      if (shelf.empty()) {
        continue;
      }
      const std::size_t other = shelf[Pick(random, shelf.size())];
      if (other != p) {
        product.companions.push_back(other);
      }
    }
  }
}

std::size_t Shop::Find(const std::string& id) const {
  std::size_t number = products_.size();
  if (id.starts_with("sim-")) {
    const auto [end, error] = std::from_chars(id.data() + 4, id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size()) {
      return products_.size();
    }
  }
  return std::min(number, products_.size());
}

}  // namespace vitrine::simulate
