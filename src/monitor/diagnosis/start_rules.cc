#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/exit_code.h"
#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {
namespace {

// doctor's bound: below 1 GiB free nothing is started.
constexpr std::uint64_t kLeastDiskBytes = std::uint64_t{1} << 30;
constexpr int kKilled = 9;               // the kernel's way when memory is out
constexpr int kKilledInShell = 128 + 9;  // as a shell or a container says it

Verdict Is(const std::optional<bool>& value, bool bad) {
  return !value ? Verdict::kUnknown : *value == bad ? Verdict::kBad : Verdict::kWell;
}

bool Says(const StartEvidence& start, std::string_view words) {
  return start.text && start.text->find(words) != std::string::npos;
}

EvidenceLine TextLine(const StartEvidence& start) {
  return {Quantity::kStartText, "", {}, {}, start.text ? *start.text : std::string()};
}

// What was looked at directly decides; where it was not, the words of the failed start do, which are the
// failure's own but may be of another program.
Verdict OrWords(Verdict seen, const StartEvidence& start, std::string_view words,
                double& confidence) {
  confidence = kProven;
  if (seen == Verdict::kUnknown && Says(start, words)) {
    confidence = kDirect;
    return Verdict::kBad;
  }
  return seen;
}

void LookAtPlace(const StartEvidence& start, Findings& findings) {
  double confidence = 0;
  const EvidenceLine text = TextLine(start);
  if (findings.Noted(Look::kPort, OrWords(Is(start.port_in_use, true), start,
                                          "in use by another program", confidence))) {
    findings.Found(CauseCode::kPortInUse, confidence, {text}, {Step::kOtherPort, Step::kDoctor});
  }
  if (findings.Noted(Look::kDirectory, OrWords(Is(start.directory_in_use, true), start,
                                               "name another directory", confidence))) {
    findings.Found(CauseCode::kDirectoryInUse, confidence, {text},
                   {Step::kOtherDirectory, Step::kStatus});
  }
  if (findings.Noted(Look::kKeys, Is(start.needs_key, true))) {
    findings.Found(CauseCode::kKeyNeeded, kProven, {text}, {Step::kKeyCreate, Step::kConfig});
  }
  const Verdict disk = !start.disk_free_bytes                     ? Verdict::kUnknown
                       : *start.disk_free_bytes < kLeastDiskBytes ? Verdict::kBad
                                                                  : Verdict::kWell;
  if (findings.Noted(Look::kDisk, disk)) {
    findings.Found(CauseCode::kDiskFull, kDirect,
                   {{Quantity::kDiskBytes, "", static_cast<double>(kLeastDiskBytes),
                     static_cast<double>(start.disk_free_bytes.value_or(0)), ""}},
                   {Step::kFreeDisk, Step::kDoctor});
  }
}

void LookAtArtifact(const StartEvidence& start, Findings& findings) {
  if (findings.Noted(Look::kFile, Is(start.file_present, false))) {
    findings.Found(CauseCode::kFileMissing, kProven,
                   {{Quantity::kFound, "model.onnx", {}, 0, ""}, TextLine(start)},
                   {Step::kProbe, Step::kImportAgain, Step::kRollback});
  }
  // Without the file there is nothing to hash.
  const bool absent = start.file_present && !*start.file_present;
  if (findings.Noted(Look::kHash, absent ? Verdict::kUnknown : Is(start.hash_matches, false))) {
    findings.Found(CauseCode::kFileDamaged, kProven, {TextLine(start)},
                   {Step::kProbe, Step::kImportAgain, Step::kRollback});
  }
}

void LookAtDatabase(const StartEvidence& start, Findings& findings) {
  if (findings.Noted(Look::kDatabase, Is(start.database_well, false))) {
    findings.Found(CauseCode::kDatabaseDamaged, kProven, {TextLine(start)},
                   {Step::kDoctor, Step::kRestore, Step::kOtherDirectory});
  }
}

Verdict Empty(const std::optional<std::vector<std::string>>& names) {
  return !names ? Verdict::kUnknown : names->empty() ? Verdict::kWell : Verdict::kBad;
}

std::vector<EvidenceLine> Lines(const std::optional<std::vector<std::string>>& names,
                                const StartEvidence& start) {
  std::vector<EvidenceLine> lines;
  if (names) {
    for (const std::string& name : *names) {
      lines.push_back({Quantity::kFound, name, {}, 0, ""});
    }
  }
  lines.push_back(TextLine(start));
  return lines;
}

void LookAtRuntime(const StartEvidence& start, Findings& findings) {
  double confidence = 0;
  if (findings.Noted(Look::kOperators, OrWords(Empty(start.unsupported_operators), start,
                                               "Could not find an implementation", confidence))) {
    findings.Found(CauseCode::kOperatorUnsupported, confidence,
                   Lines(start.unsupported_operators, start), {Step::kProbe, Step::kRollback});
  }
  if (findings.Noted(Look::kLibraries, OrWords(Empty(start.missing_libraries), start,
                                               "cannot open shared object file", confidence))) {
    findings.Found(CauseCode::kLibraryMissing, confidence, Lines(start.missing_libraries, start),
                   {Step::kInstall, Step::kDoctor});
  }
}

void LookAtMemory(const StartEvidence& start, Findings& findings) {
  const bool known = start.memory_needed_bytes && start.memory_free_bytes;
  const bool short_of = known && *start.memory_needed_bytes > *start.memory_free_bytes;
  const bool killed = (start.signal && *start.signal == kKilled) ||
                      (start.exit_status && *start.exit_status == kKilledInShell);
  const bool said = Says(start, "bad_alloc") || Says(start, "out of memory");
  const Verdict verdict = short_of || killed || said ? Verdict::kBad
                          : known                    ? Verdict::kWell
                                                     : Verdict::kUnknown;
  if (!findings.Noted(Look::kMemory, verdict)) {
    return;
  }
  std::vector<EvidenceLine> lines;
  if (known) {
    lines.push_back({Quantity::kMemoryBytes, "", static_cast<double>(*start.memory_needed_bytes),
                     static_cast<double>(*start.memory_free_bytes), ""});
  }
  if (start.signal) {
    lines.push_back({Quantity::kSignal, "", {}, *start.signal, ""});
  }
  lines.push_back(TextLine(start));
  // Another may have killed it too, and a need that was foreseen is an estimate: both together, or the
  // program's own words, are the failure.
  const double confidence = said || (short_of && killed) ? kProven : short_of ? kDirect : kLikely;
  findings.Found(CauseCode::kOutOfMemory, confidence, std::move(lines),
                 {Step::kFreeMemory, Step::kProbe, Step::kRollback});
}

void LookAtExit(const StartEvidence& start, Findings& findings) {
  const int signal = start.signal.value_or(0);
  if (!start.exit_status && signal == 0) {
    findings.Missing(Look::kExit);
    return;
  }
  const int status = start.exit_status.value_or(0);
  if (!findings.Noted(Look::kExit,
                      status == kExitOk && signal == 0 ? Verdict::kWell : Verdict::kBad) ||
      !findings.empty()) {
    return;  // what was found says more than a number
  }
  std::vector<EvidenceLine> lines = {TextLine(start)};
  if (start.exit_status) {
    lines.push_back({Quantity::kExitStatus, "", {}, status, ""});
  }
  if (signal != 0) {
    lines.push_back({Quantity::kSignal, "", {}, signal, ""});
  }
  // Exit code 2: a setting, the command line, or a file that is not what it should be.
  const bool usage = signal == 0 && status == kExitUsage;
  findings.Found(usage ? CauseCode::kSettingWrong : CauseCode::kStartFailed,
                 usage ? kLikely : kResidual, std::move(lines),
                 usage ? std::vector<Step>{Step::kConfig, Step::kDoctor}
                       : std::vector<Step>{Step::kDoctor, Step::kProbe});
}

}  // namespace

void LookForStart(const Evidence& evidence, Findings& findings) {
  const StartEvidence& start = evidence.start;
  if (start.started && *start.started) {
    findings.Healthy(Look::kStarted);
    return;
  }
  findings.Noted(Look::kStarted, start.started ? Verdict::kBad : Verdict::kUnknown);
  Findings own;
  LookAtPlace(start, own);
  LookAtArtifact(start, own);
  LookAtDatabase(start, own);
  LookAtRuntime(start, own);
  LookAtMemory(start, own);
  LookAtExit(start, own);
  findings.Add(std::move(own));
}

}  // namespace vitrine::monitor
