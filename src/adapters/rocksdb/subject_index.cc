#include "adapters/rocksdb/subject_index.h"

#include "adapters/rocksdb/byte_codec.h"
#include "adapters/rocksdb/record_codec.h"

namespace vitrine::adapters {
namespace {
constexpr std::size_t kSequenceBytes = sizeof(std::uint64_t);
}  // namespace

std::string SubjectPrefix(std::string_view subject) {
  ByteWriter out;
  out.Text(subject);  // the length in front: no subject's keys are inside another's
  return out.Take();
}

std::string SubjectKey(std::string_view subject, std::uint64_t sequence) {
  return SubjectPrefix(subject) + SequenceKey(sequence);
}

std::string EncodeSubjectValue(const SubjectEntry& entry) {
  ByteWriter out;
  out.Byte(static_cast<std::uint8_t>(entry.kind));
  if (entry.kind == SubjectEntryKind::kImpression) {
    out.Text(entry.request_id);
    out.Signed(entry.received.value);
  }
  return out.Take();
}

Result<SubjectEntry> ParseSubjectEntry(std::string_view key, std::string_view value) {
  if (key.size() < kSequenceBytes) {
    return DataLoss("a key of the index of subjects is damaged");
  }
  SubjectEntry entry;
  ByteReader prefix(key.substr(0, key.size() - kSequenceBytes));
  entry.subject = prefix.Text();
  RETURN_IF_ERROR(prefix.Finish("a key of the index of subjects"));
  ASSIGN_OR_RETURN(entry.sequence, SequenceOfKey(key.substr(key.size() - kSequenceBytes)));
  ByteReader in(value);
  const std::uint8_t kind = in.Byte();
  if (kind > static_cast<std::uint8_t>(SubjectEntryKind::kImpression)) {
    in.Fail();
  }
  entry.kind = static_cast<SubjectEntryKind>(kind);
  if (entry.kind == SubjectEntryKind::kImpression) {
    entry.request_id = in.Text();
    entry.received = {in.Signed()};
  }
  RETURN_IF_ERROR(in.Finish("an entry of the index of subjects"));
  return entry;
}

}  // namespace vitrine::adapters
