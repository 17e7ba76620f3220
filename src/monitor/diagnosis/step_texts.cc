#include <array>

#include "monitor/diagnosis/diagnosis_text.h"

namespace vitrine::monitor {
namespace {

struct StepWords {
  Step step;
  std::string_view command;
  std::string_view english;
  std::string_view chinese;
};

constexpr std::array<StepWords, kSteps> kTexts = {{
    {Step::kStatus, "vitrine status", "See what serves, and how.", "查看当前服务状态。"},
    {Step::kHistoryService, "vitrine monitor history service",
     "See from which hour on answers were slower.", "查看从哪个小时开始变慢。"},
    {Step::kHistoryQuality, "vitrine monitor history quality",
     "See from which hour on, and where, rates fell.", "查看从何时、在哪个场景开始下降。"},
    {Step::kDrift, "vitrine drift", "See what moved since the model was fitted.",
     "查看训练以来的漂移。"},
    {Step::kRollback, "vitrine model rollback", "Return to the previous version.",
     "回滚到上一个版本。"},
    {Step::kModelList, "vitrine model list", "See which versions there are.", "查看有哪些版本。"},
    {Step::kModelShow, "vitrine model show champion",
     "See what the version is made of, and how long it takes.", "查看版本的构成与耗时。"},
    {Step::kProbe, "vitrine model probe FOLDER",
     "Check the artifact: hashes, graph, golden inputs.", "检查制品：哈希、计算图和样例输入。"},
    {Step::kBench, "vitrine bench --help", "Measure what the server can take.",
     "测量服务的承载能力。"},
    {Step::kRetrain, "vitrine retrain", "Fit the models on what comes now.",
     "用最新数据重新训练。"},
    {Step::kExplain, "vitrine explain REQUEST_ID", "See why an answer's items were shown.",
     "查看某次回答的解释。"},
    {Step::kDoctor, "vitrine doctor", "Check programs, settings, disk and the data directory.",
     "检查程序、配置、磁盘和数据目录。"},
    {Step::kConfig, "vitrine config show --origin",
     "See each setting, and where its value comes from.", "查看各项配置及其来源。"},
    {Step::kDataCheck, "vitrine data check PATH --mapping NAME",
     "See which rows are refused, and why.", "查看哪些行被拒绝及原因。"},
    {Step::kDataReport, "vitrine data report", "See what cleaning found.", "查看清洗报告。"},
    {Step::kAlerts, "vitrine alert list", "See what else is wrong.", "查看其他告警。"},
    {Step::kImportAgain, "vitrine model import --help", "Import the version again.",
     "重新导入该版本。"},
    {Step::kOtherPort, "vitrine --set server.listen=127.0.0.1:0 up", "Take a free port.",
     "改用空闲端口。"},
    {Step::kOtherDirectory, "vitrine --data FOLDER up",
     "Stop the other process, or name another directory.", "停止另一个进程，或换一个目录。"},
    {Step::kListenOutside, "vitrine --set server.listen=0.0.0.0:7700 up",
     "Listen at an address that others reach; keys must exist.", "监听对外地址（须先有密钥）。"},
    {Step::kKeyCreate, "vitrine key create NAME --scope operate", "Make a key.", "创建密钥。"},
    {Step::kKeyList, "vitrine key list", "See which keys there are, and what they may do.",
     "查看密钥及其权限。"},
    {Step::kSetHosts, "vitrine --set server.hosts=NAME up", "Let the server go by the name.",
     "让服务接受该主机名。"},
    {Step::kServerUp, "vitrine up", "Start the server.", "启动服务。"},
    {Step::kMoreThreads, "vitrine --set server.threads=N up",
     "Give it more cores, and as many threads.", "增加核数和线程数。"},
    {Step::kSendRequestId, "",
     "Send the request_id of the answer with each event that follows from it.",
     "在每个后续事件中带上该回答的 request_id。"},
    {Step::kSendOnce, "", "Send an event_id, the same one with each retry.",
     "发送 event_id，重试时保持不变。"},
    {Step::kSetClock, "", "Set the source's clock, and send times in UTC or with their zone.",
     "校准数据源时钟，并以 UTC 或带时区的格式发送时间。"},
    {Step::kWait, "", "Wait until it has come in, and ask again.", "等待数据到齐后再查看。"},
    {Step::kInstall, "", "Install the library, or the package that it came with.",
     "安装缺少的库或其所在的软件包。"},
    {Step::kFreeMemory, "", "Give it more memory, or let other versions go.",
     "增加内存，或卸载其他版本。"},
    {Step::kFreeDisk, "", "Make room on the disk.", "清理磁盘空间。"},
    {Step::kMendName, "", "Let the name lead to the server's address.", "将域名指向服务的地址。"},
    {Step::kOpenWay, "", "Look at firewalls and security groups between the two.",
     "检查两端之间的防火墙和安全组。"},
    {Step::kUseProxy, "", "Put a proxy that ends TLS before the server; it speaks none itself.",
     "在服务前放置终止 TLS 的代理；服务本身不支持 TLS。"},
    {Step::kMendScrape, "", "Mend the scraper's scheme, port, path (/metrics) or timeout.",
     "修正抓取配置中的协议、端口、路径（/metrics）或超时。"},
    {Step::kRestore, "vitrine --data FOLDER restore BACKUP", "Make a data directory from a backup.",
     "用备份重建数据目录。"},
}};

}  // namespace

std::string_view StepCommand(Step step) { return kTexts[static_cast<std::size_t>(step)].command; }

std::string_view StepText(Step step, Language language) {
  const StepWords& words = kTexts[static_cast<std::size_t>(step)];
  return language == Language::kChinese ? words.chinese : words.english;
}

bool StepTextsInOrder() {
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    if (static_cast<std::size_t>(kTexts[i].step) != i) {
      return false;
    }
  }
  return true;
}

}  // namespace vitrine::monitor
