/// Matrix factorisation of who has what, by alternating least squares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "train/model.h"

namespace vitrine::train {

struct AlsOptions {
  std::int64_t factors = 64;     ///< d, a multiple of 8
  double regularisation = 0.01;  ///< lambda
  double unobserved = 0.01;      ///< weight of a pair that is not in the log, a; of one that is: 1
  std::int64_t iterations = 8;   ///< of users, then items
  std::int64_t steps = 3;        ///< of conjugate gradients a vector, from where it stood
  double decay = 0.6;            ///< of a history's place when it is asked with; 1: as it is fitted
  std::size_t length = 50;
};

/// Minimises sum over pairs in the log of (1 - x_u y_i)^2 + a * sum over all pairs of (x_u y_i)^2
///           + lambda * sum over users and items of (pairs of it + a * number of the other side) * |vector|^2.
/// A history asks with the x that solves the same for its own places, place p weighing decay^age(p):
/// (a Y'Y + sum w_p y_p y_p' + lambda (sum w_p + a n) I) x = sum w_p y_p, by kQuerySteps steps of conjugate gradients from 0 in
/// float64, in Score and, unrolled, in the graph: what it is fitted by, not an approximation of the user's vector.
/// Graph:  `history`, `age` [B, L] int64 -> `query` [B, d] float32; the item vectors are Y.
/// Fit's errors: kInvalidArgument (options, no known item), kCancelled, kDataLoss (vectors are no numbers). Deterministic by seed.
/// Source:  Hu, Koren & Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008; conjugate gradients: Takács,
///          Pilászy & Tikk, RecSys 2011; the form of the loss and of lambda: Rendle et al., Revisiting the performance of
///          iALS on item recommendation benchmarks, RecSys 2022, sections 3 and 4.
std::unique_ptr<TrainableModel> MakeAls(const AlsOptions& options);

/// "als" and its parameters.
ModelFactory AlsFactory();

}  // namespace vitrine::train
