/// Who sees which version: a subject (user id or anonymous id) is in the treatment where the hash
/// of (salt, subject), a number in [0, 1), lies below the treatment's share. So the arm needs no
/// memory, is the same in every process, and a share that grows only adds subjects.
/// The salt is the rollout's own: two rollouts split their subjects independently of each other,
/// and a new one does not try its candidate on the same unlucky few.
/// An anonymous shopper who signs in becomes another subject and may change arms.
/// Threads: pure functions.
#pragma once

#include <string_view>

namespace vitrine::rollout {

/// Numbers are kept in records.
enum class Arm : unsigned char { kControl = 0, kTreatment = 1 };

/// "control", "treatment".
std::string_view ArmName(Arm arm);

/// The subject's place in [0, 1), uniform over subjects. Frozen: another hash would move the
/// subjects of rollouts that are under way.   Source: FNV-1a, mixed by splitmix64 (Steele, Lea &
/// Flood 2014)
double AssignmentPoint(std::string_view salt, std::string_view subject);

/// Treatment where the point is below `share` (0: nobody, 1: everybody).
Arm AssignArm(std::string_view salt, std::string_view subject, double share);

}  // namespace vitrine::rollout
