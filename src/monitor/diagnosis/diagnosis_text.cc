#include "monitor/diagnosis/diagnosis_text.h"

#include <array>

namespace vitrine::monitor {
namespace {

struct QuestionWords {
  std::string_view name;
  std::string_view english;
  std::string_view chinese;
};

constexpr std::array<QuestionWords, kQuestions> kQuestionTexts = {{
    {"slower_after_deploy", "Why is it slower after a deploy?", "为什么部署后变慢？"},
    {"worse_after_deploy", "Why are results worse after a deploy?", "为什么部署后效果变差？"},
    {"does_not_start", "Why does it not start?", "为什么无法启动？"},
    {"monitor_shows_wrong_numbers", "Why does the monitor show wrong numbers?",
     "为什么监控数字不对？"},
    {"monitor_cannot_be_reached", "Why can the monitor not be reached?", "为什么无法访问监控？"},
    {"all", "What is wrong?", "哪里有问题？"},
}};

struct LookWords {
  Look look;
  std::string_view name;
  std::string_view english;
  std::string_view chinese;
};

constexpr std::array<LookWords, kLooks> kLookTexts = {{
    {Look::kLatency, "latency", "the time of answers", "回答耗时"},
    {Look::kQueue, "queue_time", "the time that requests wait", "排队耗时"},
    {Look::kFeatures, "feature_time", "the time of features", "特征耗时"},
    {Look::kGraph, "graph_time", "the time of the graph", "计算图耗时"},
    {Look::kRest, "other_time", "the time around features and graph", "其他耗时"},
    {Look::kModelSize, "model_size", "the size of the model", "模型大小"},
    {Look::kBatches, "batches", "how many rows run together", "批大小"},
    {Look::kIndex, "index", "how dense items are found", "向量检索方式"},
    {Look::kCores, "cores", "the number of cores", "CPU 核数"},
    {Look::kCpu, "cpu", "how busy the cores are", "CPU 占用"},
    {Look::kLoad, "load", "how many requests come", "请求量"},
    {Look::kCache, "cache", "the cache", "缓存"},
    {Look::kQuality, "quality", "clicks and purchases by scene", "各场景的点击与购买"},
    {Look::kMaturity, "maturity", "whether labels have come in", "标签是否到齐"},
    {Look::kFallbacks, "fallbacks", "answers without the model", "兜底回答"},
    {Look::kDegraded, "degraded", "degraded answers", "降级回答"},
    {Look::kSkew, "skew", "served features against the log", "线上特征与日志的一致性"},
    {Look::kMissing, "missing_features", "missing features", "缺失特征"},
    {Look::kPositions, "positions", "where on the page items are shown", "展示位置"},
    {Look::kDrift, "drift", "drift of features and scores", "特征与分数漂移"},
    {Look::kJoins, "joins", "how events find their answers", "事件归因"},
    {Look::kRejected, "rejected", "rows that were refused", "被拒绝的数据行"},
    {Look::kDuplicates, "duplicates", "events that came twice", "重复事件"},
    {Look::kLate, "late", "events that came late", "晚到事件"},
    {Look::kClock, "clock", "the clock of the source", "数据源时钟"},
    {Look::kBehind, "behind", "what is not counted yet", "尚未统计的记录"},
    {Look::kForgotten, "forgotten", "answers that left early", "提前移除的回答"},
    {Look::kSampling, "sampling", "how many answers are sampled", "采样数量"},
    {Look::kStarted, "started", "whether it started", "是否已启动"},
    {Look::kExit, "exit_status", "how it ended", "退出状态"},
    {Look::kFile, "file", "the files of the version", "版本文件"},
    {Look::kHash, "hash", "the hashes of the files", "文件哈希"},
    {Look::kDatabase, "database", "the database of versions and keys", "版本与密钥数据库"},
    {Look::kOperators, "operators", "the operators of the model", "模型算子"},
    {Look::kLibraries, "libraries", "shared libraries", "共享库"},
    {Look::kMemory, "memory", "free memory", "可用内存"},
    {Look::kDisk, "disk", "free disk", "磁盘空间"},
    {Look::kPort, "port", "the port", "端口"},
    {Look::kDirectory, "directory", "who holds the data directory", "数据目录占用"},
    {Look::kKeys, "keys", "API keys", "API 密钥"},
    {Look::kServer, "server", "whether the server runs", "服务是否运行"},
    {Look::kListeners, "listeners", "where the server listens", "监听地址"},
    {Look::kName, "name", "where the name leads", "域名解析"},
    {Look::kConnect, "connect", "whether a connection comes about", "连接"},
    {Look::kTls, "tls", "TLS on both sides", "两端的 TLS"},
    {Look::kHttp, "http", "what the server answers", "HTTP 回答"},
    {Look::kScrape, "scrape", "the scraper's settings", "抓取配置"},
}};

struct QuantityWords {
  Quantity quantity;
  std::string_view name;
  std::string_view unit;
  std::string_view english;
  std::string_view chinese;
};

constexpr std::array<QuantityWords, kQuantities> kQuantityTexts = {{
    {Quantity::kMeanSeconds, "mean_seconds", "s", "mean time of an answer", "平均耗时"},
    {Quantity::kP95Seconds, "p95_seconds", "s", "95 % of the answers within", "P95 耗时"},
    {Quantity::kQueueSeconds, "queue_seconds", "s", "waiting", "排队"},
    {Quantity::kFeaturesSeconds, "features_seconds", "s", "features", "特征"},
    {Quantity::kGraphSeconds, "graph_seconds", "s", "graph", "计算图"},
    {Quantity::kRestSeconds, "rest_seconds", "s", "everything else", "其他"},
    {Quantity::kModelBytes, "model_bytes", "bytes", "size of the model", "模型大小"},
    {Quantity::kBatchRows, "batch_rows", "rows", "rows that run together", "批大小"},
    {Quantity::kNeighbours, "neighbours_index", "", "index of neighbours (1: used)",
     "近邻索引（1 为使用）"},
    {Quantity::kCores, "cores", "", "cores", "核数"},
    {Quantity::kCpuShare, "cpu_share", "share", "use of the cores", "CPU 占用率"},
    {Quantity::kRequestRate, "requests_per_second", "1/s", "requests", "请求速率"},
    {Quantity::kCacheShare, "cache_hit_share", "share", "answers from memory", "缓存命中率"},
    {Quantity::kClickRate, "click_rate", "share", "answers with a click", "点击率"},
    {Quantity::kConversionRate, "conversion_rate", "share", "answers with a purchase", "转化率"},
    {Quantity::kMatureShare, "mature_share", "share", "mature answers", "成熟回答占比"},
    {Quantity::kFallbackShare, "fallback_share", "share", "fallbacks", "兜底占比"},
    {Quantity::kDegradedShare, "degraded_share", "share", "degraded answers", "降级占比"},
    {Quantity::kSkewShare, "skew_share", "share", "values that differ from the log",
     "与日志不一致的取值占比"},
    {Quantity::kMissingShare, "missing_share", "share", "requests without the feature",
     "缺少该特征的请求占比"},
    {Quantity::kMeanPosition, "mean_position", "", "mean place on the page", "平均展示位置"},
    {Quantity::kDriftPsi, "corrected_psi", "", "drift (corrected PSI)", "漂移（修正 PSI）"},
    {Quantity::kOrphanShare, "orphan_share", "share", "events of unknown requests",
     "请求未知的事件占比"},
    {Quantity::kUnshownShare, "unshown_share", "share", "events of items that were not shown",
     "商品未展示的事件占比"},
    {Quantity::kUnjoinedShare, "unjoined_share", "share", "events that fit no answer",
     "无法归因的事件占比"},
    {Quantity::kRejectedShare, "rejected_share", "share", "refused rows", "被拒绝行占比"},
    {Quantity::kDuplicateShare, "duplicate_share", "share", "events that came twice",
     "重复事件占比"},
    {Quantity::kLateShare, "late_share", "share", "late events", "晚到事件占比"},
    {Quantity::kClockSeconds, "clock_seconds", "s", "reception less event time",
     "接收时间减事件时间"},
    {Quantity::kBehind, "behind", "rows", "records not yet counted", "尚未统计的记录"},
    {Quantity::kForgottenShare, "forgotten_share", "share", "answers that left early",
     "提前移除的回答占比"},
    {Quantity::kSampled, "sampled", "rows", "sampled answers", "采样回答数"},
    {Quantity::kExitStatus, "exit_status", "", "exit code", "退出码"},
    {Quantity::kSignal, "signal", "", "ended by signal", "终止信号"},
    {Quantity::kStartText, "message", "", "what it said", "输出信息"},
    {Quantity::kMemoryBytes, "memory_bytes", "bytes", "memory, needed and free",
     "内存（所需与可用）"},
    {Quantity::kDiskBytes, "disk_bytes", "bytes", "disk, needed and free", "磁盘（所需与可用）"},
    {Quantity::kFound, "found", "", "found (0: no)", "是否找到（0 为否）"},
    {Quantity::kListener, "listener", "", "listens at", "监听地址"},
    {Quantity::kAddress, "address", "", "leads to", "解析地址"},
    {Quantity::kAskedPort, "asked_port", "", "asked port", "请求端口"},
    {Quantity::kTls, "tls", "", "TLS, client and server (1: yes)", "TLS（客户端与服务端，1 为是）"},
    {Quantity::kHttpStatus, "http_status", "", "HTTP status", "HTTP 状态码"},
    {Quantity::kScrapePath, "scrape_path", "", "path asked for", "抓取路径"},
    {Quantity::kScrapeSeconds, "scrape_seconds", "s", "time given and time taken",
     "允许时间与实际耗时"},
}};

template <typename Words, std::size_t N, typename Code>
bool InOrder(const std::array<Words, N>& texts, Code Words::* code) {
  for (std::size_t i = 0; i < N; ++i) {
    if (static_cast<std::size_t>(texts[i].*code) != i) {
      return false;
    }
  }
  return true;
}

const LookWords& Of(Look look) { return kLookTexts[static_cast<std::size_t>(look)]; }
const QuantityWords& Of(Quantity quantity) {
  return kQuantityTexts[static_cast<std::size_t>(quantity)];
}

}  // namespace

std::string_view QuestionName(Question question) {
  return kQuestionTexts[static_cast<std::size_t>(question)].name;
}

std::optional<Question> ParseQuestion(std::string_view name) {
  for (std::size_t i = 0; i < kQuestionTexts.size(); ++i) {
    if (kQuestionTexts[i].name == name) {
      return static_cast<Question>(i);
    }
  }
  return std::nullopt;
}

std::string_view QuestionText(Question question, Language language) {
  const QuestionWords& words = kQuestionTexts[static_cast<std::size_t>(question)];
  return language == Language::kChinese ? words.chinese : words.english;
}

std::string_view LookName(Look look) { return Of(look).name; }

std::string_view LookText(Look look, Language language) {
  return language == Language::kChinese ? Of(look).chinese : Of(look).english;
}

std::string NotLookedAtText(Look look, Language language) {
  return language == Language::kChinese ? "无法检查" + std::string(Of(look).chinese)
                                        : "Could not look at " + std::string(Of(look).english);
}

std::string_view QuantityName(Quantity quantity) { return Of(quantity).name; }
std::string_view QuantityUnit(Quantity quantity) { return Of(quantity).unit; }

std::string_view QuantityText(Quantity quantity, Language language) {
  return language == Language::kChinese ? Of(quantity).chinese : Of(quantity).english;
}

bool LookTextsInOrder() { return InOrder(kLookTexts, &LookWords::look); }
bool QuantityTextsInOrder() { return InOrder(kQuantityTexts, &QuantityWords::quantity); }

}  // namespace vitrine::monitor
