/// LibTorch, as far as our networks use it. Include this header first: LibTorch's logging defines a
/// CHECK of its own, which must be gone before core/check.h defines ours.
#pragma once

#include <torch/autograd.h>
#include <torch/nn.h>
#include <torch/serialize.h>
#include <torch/types.h>
#include <torch/utils.h>

#undef CHECK
