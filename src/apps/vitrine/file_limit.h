/// How many files this process may open.
#pragma once

namespace vitrine::apps {

/// Connections and tables of the log are files, and shells start programs with 1,024 of them. Where the
/// system allows no more, that is what there is.
void RaiseFileLimit();

}  // namespace vitrine::apps
