#include <array>

#include "monitor/diagnosis/diagnosis_text.h"

namespace vitrine::monitor {
namespace {

struct CauseText {
  CauseCode code;
  std::string_view name;
  std::string_view english;
  std::string_view chinese;
};

// In the order of CauseCode; names never change.
constexpr std::array<CauseText, kCauseCodes> kTexts = {{
    {CauseCode::kLargerModel, "larger_model",
     "The graph takes longer, and the model is larger than the one before.",
     "模型比之前更大，计算图耗时随之增加。"},
    {CauseCode::kSmallerBatches, "smaller_batches",
     "The graph takes longer, and fewer rows run together.",
     "一起运行的行数变少，计算图耗时增加。"},
    {CauseCode::kGraphSlower, "graph_slower",
     "The graph takes longer; neither its size nor its batches say why.",
     "计算图耗时增加，但模型大小和批大小都不能解释。"},
    {CauseCode::kFeaturesSlower, "features_slower", "Making the features takes longer.",
     "特征计算耗时增加。"},
    {CauseCode::kFewerCores, "fewer_cores", "Requests wait longer, and there are fewer cores.",
     "CPU 核数减少，请求排队更久。"},
    {CauseCode::kMoreLoad, "more_load", "Requests wait longer, and more of them come.",
     "请求量增加，排队更久。"},
    {CauseCode::kCpuSaturated, "cpu_saturated", "Requests wait longer, and the cores are busy.",
     "CPU 已饱和，请求排队更久。"},
    {CauseCode::kQueueLonger, "queue_longer",
     "Requests wait longer for a run; cores, load and use do not say why.",
     "请求等待运行的时间变长，核数、负载和占用率都不能解释。"},
    {CauseCode::kRestSlower, "rest_slower",
     "Time is lost outside features, queue and graph: reading states, searching items, writing.",
     "时间耗在特征、排队和计算图之外：读取状态、检索商品、写出回答。"},
    {CauseCode::kIndexLost, "index_lost",
     "Items were found by an index of neighbours before, and by an exact scan now.",
     "之前用近邻索引检索商品，现在改为精确扫描。"},
    {CauseCode::kCacheCold, "cache_cold", "Fewer answers come from memory.", "缓存命中率下降。"},
    {CauseCode::kNotMature, "not_mature",
     "The new answers are too young to be compared: their clicks and purchases are still to come.",
     "新版本的回答还太新，点击和购买尚未到齐，暂时不能比较。"},
    {CauseCode::kTrafficMix, "traffic_mix",
     "No scene got worse; more answers are given in scenes with lower rates.",
     "没有场景变差，只是低转化场景的流量占比增加了。"},
    {CauseCode::kLabelsLost, "labels_lost",
     "Events no longer find the answers that they belong to, so rates fall that are not worse.",
     "事件无法归因到对应的回答，指标下降但效果未必变差。"},
    {CauseCode::kFallbacksUp, "fallbacks_up", "More answers are fallbacks without the model.",
     "更多回答没有经过模型，只是兜底结果。"},
    {CauseCode::kAnswersDegraded, "answers_degraded",
     "More answers come down from their scene's whole pipeline.", "更多回答被降级。"},
    {CauseCode::kFeaturesSkewed, "features_skewed",
     "Features are served with other values than are computed from the log.",
     "线上特征值与依据日志重算的结果不一致。"},
    {CauseCode::kFeaturesMissing, "features_missing", "Features are missing in more requests.",
     "更多请求缺少特征。"},
    {CauseCode::kPositionsMoved, "positions_moved",
     "Items are shown lower on the page: fewer are seen, whatever the model does.",
     "商品展示位置靠后，无论模型如何都更少被看到。"},
    {CauseCode::kInputDrift, "input_drift",
     "Requests differ strongly from those that the version knows.",
     "请求与该版本所熟悉的分布有明显差异。"},
    {CauseCode::kSceneWorse, "scene_worse",
     "Some scenes got worse and others did not: look at their rules, filters and ranker.",
     "部分场景变差而其他场景没有：请检查这些场景的规则、过滤和排序器。"},
    {CauseCode::kModelWorse, "model_worse",
     "Every scene got worse, and nothing else that was looked at explains it: the version itself.",
     "所有场景都变差，其他已检查项都不能解释：可能是版本本身的问题。"},
    {CauseCode::kPortInUse, "port_in_use", "Another program listens at the port.",
     "端口已被其他程序占用。"},
    {CauseCode::kDirectoryInUse, "directory_in_use", "Another process holds the data directory.",
     "数据目录正被其他进程使用。"},
    {CauseCode::kFileMissing, "file_missing", "A file of the version is not there.",
     "该版本的文件不存在。"},
    {CauseCode::kFileDamaged, "file_damaged", "A file of the version is not what was registered.",
     "该版本的文件与登记的哈希不符。"},
    {CauseCode::kDatabaseDamaged, "database_damaged",
     "The database of versions, aliases and keys (vitrine.db) is damaged.",
     "保存版本、别名和密钥的数据库（vitrine.db）已损坏。"},
    {CauseCode::kOperatorUnsupported, "operator_unsupported",
     "The model uses an operator that the runtime does not have.",
     "模型使用了运行时不支持的算子。"},
    {CauseCode::kLibraryMissing, "library_missing", "A shared library is not found.",
     "找不到共享库。"},
    {CauseCode::kOutOfMemory, "out_of_memory", "There is not enough memory.", "内存不足。"},
    {CauseCode::kDiskFull, "disk_full", "Less than 1 GiB of disk is free.",
     "磁盘剩余空间不足 1 GiB。"},
    {CauseCode::kKeyNeeded, "key_needed", "Others reach the address, and there is no API key yet.",
     "该地址对外开放，但还没有 API 密钥。"},
    {CauseCode::kSettingWrong, "setting_wrong", "A setting or the command line is wrong.",
     "配置或命令行参数有误。"},
    {CauseCode::kStartFailed, "start_failed",
     "It ended with an error whose reason is none of those that were looked at.",
     "启动失败，原因不在已检查的范围内。"},
    {CauseCode::kRowsRejected, "rows_rejected",
     "Rows are refused, so what they say is not counted.", "部分数据行被拒绝，没有计入统计。"},
    {CauseCode::kEventsTwice, "events_twice", "Events come more than once.", "事件被重复发送。"},
    {CauseCode::kEventsLate, "events_late", "Events come more than a day late.",
     "事件晚到一天以上。"},
    {CauseCode::kRequestsUnknown, "requests_unknown", "Events name requests that nobody knows.",
     "事件引用了未知的 request_id。"},
    {CauseCode::kRequestsMixedUp, "requests_mixed_up",
     "Events name requests that did not show their item: ids are mixed up.",
     "事件引用的请求没有展示过该商品：request_id 对应错误。"},
    {CauseCode::kRequestsMissing, "requests_missing",
     "Most events name no request, and no answer fits them.",
     "大多数事件没有 request_id，也找不到匹配的回答。"},
    {CauseCode::kTimeZoneWrong, "time_zone_wrong", "Event times are off by a time zone.",
     "事件时间相差一个时区。"},
    {CauseCode::kClockWrong, "clock_wrong", "The clock of the source is wrong.",
     "数据源的时钟不准。"},
    {CauseCode::kJoiningBehind, "joining_behind", "A part of the log is not counted yet.",
     "部分日志尚未统计。"},
    {CauseCode::kAnswersForgotten, "answers_forgotten",
     "Answers left before their labels came, because too many waited.",
     "等待标签的回答过多，部分被提前移除。"},
    {CauseCode::kSampleThin, "sample_thin", "Few answers were sampled: the numbers are chance.",
     "采样的回答太少，数字带有偶然性。"},
    {CauseCode::kServerDown, "server_down", "No server runs there.", "那里没有正在运行的服务。"},
    {CauseCode::kLoopbackOnly, "loopback_only",
     "The server listens for this machine alone, and was asked from another.",
     "服务只监听本机，而请求来自其他机器。"},
    {CauseCode::kPortWrong, "port_wrong", "The server listens at another port than was asked.",
     "服务监听的端口与请求的端口不同。"},
    {CauseCode::kNameUnknown, "name_unknown", "The name leads to no address.", "域名无法解析。"},
    {CauseCode::kNameElsewhere, "name_elsewhere", "The name leads to another machine.",
     "域名指向了其他机器。"},
    {CauseCode::kBlocked, "blocked", "Something on the way lets no connection through.",
     "连接在途中被拦截。"},
    {CauseCode::kTlsMismatch, "tls_mismatch", "One side speaks TLS, the other does not.",
     "一端使用 TLS，另一端没有。"},
    {CauseCode::kKeyRefused, "key_refused", "The API key is missing, or may not do this.",
     "缺少 API 密钥，或密钥没有权限。"},
    {CauseCode::kHostRefused, "host_refused", "The server does not go by the name that was asked.",
     "服务不接受请求中的主机名。"},
    {CauseCode::kServerError, "server_error", "The server is reached, and answers with an error.",
     "服务可以访问，但返回了错误。"},
    {CauseCode::kScrapePathWrong, "scrape_path_wrong",
     "The scraper asks for another path than /metrics.", "抓取路径不是 /metrics。"},
    {CauseCode::kScrapeTooShort, "scrape_too_short",
     "The scraper gives up before the answer is there.", "抓取超时，回答还没返回就放弃了。"},
}};

}  // namespace

std::string_view CauseName(CauseCode code) { return kTexts[static_cast<std::size_t>(code)].name; }

std::string_view CauseSentence(CauseCode code, Language language) {
  const CauseText& text = kTexts[static_cast<std::size_t>(code)];
  return language == Language::kChinese ? text.chinese : text.english;
}

bool CauseTextsInOrder() {
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    if (static_cast<std::size_t>(kTexts[i].code) != i) {
      return false;
    }
  }
  return true;
}

}  // namespace vitrine::monitor
