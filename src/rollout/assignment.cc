#include "rollout/assignment.h"

#include <cstdint>

namespace vitrine::rollout {
namespace {

std::uint64_t Mixed(std::uint64_t h) {
  h = (h ^ (h >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27U)) * 0x94D049BB133111EBULL;
  return h ^ (h >> 31U);
}

std::uint64_t Fnv1a(std::uint64_t h, std::string_view text) {
  for (const char c : text) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return h;
}

}  // namespace

std::string_view ArmName(Arm arm) { return arm == Arm::kControl ? "control" : "treatment"; }

double AssignmentPoint(std::string_view salt, std::string_view subject) {
  // The salt is mixed before the subject follows: "ab" + "c" is not "a" + "bc", and salts that
  // differ in one letter begin at unrelated states.
  const std::uint64_t seed = Mixed(Fnv1a(0xCBF29CE484222325ULL, salt));
  const std::uint64_t hash = Mixed(Fnv1a(seed, subject));
  return static_cast<double>(hash >> 11U) * 0x1p-53;
}

Arm AssignArm(std::string_view salt, std::string_view subject, double share) {
  return AssignmentPoint(salt, subject) < share ? Arm::kTreatment : Arm::kControl;
}

}  // namespace vitrine::rollout
