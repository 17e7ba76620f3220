/// One of the models that a model is made of, as a train spec names it.
/// Threads: a value.
#pragma once

#include <map>
#include <string>

#include "train/parameters.h"

namespace vitrine::train {

struct MemberSpec {
  std::string name;  ///< within its model: letters, digits, '-', '_'; empty: the algorithm's
  std::string algorithm;
  std::map<std::string, ParameterValue> parameters;  ///< over the algorithm's defaults
};

}  // namespace vitrine::train
