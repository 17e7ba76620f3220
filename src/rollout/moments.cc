#include "rollout/moments.h"

namespace vitrine::rollout {

void Moments::Add(double x) {
  n += 1;
  const double off = x - mean;
  mean += off / n;
  m2 += off * (x - mean);
}

void Moments::Merge(const Moments& other) {
  if (other.n <= 0) {
    return;
  }
  const double all = n + other.n;
  const double off = other.mean - mean;
  mean += off * other.n / all;
  m2 += other.m2 + off * off * n * other.n / all;
  n = all;
}

namespace {

/// Adds `scale` times the products of the three deviations.
void AddProducts(JointMoments& sums, double value, double weight, double before, double scale) {
  sums.value_value += scale * value * value;
  sums.value_weight += scale * value * weight;
  sums.value_before += scale * value * before;
  sums.weight_weight += scale * weight * weight;
  sums.weight_before += scale * weight * before;
  sums.before_before += scale * before * before;
}

}  // namespace

void JointMoments::Add(const Unit& unit) {
  const double value_off = unit.value - value;
  const double weight_off = unit.weight - weight;
  const double before_off = unit.before - before;
  AddProducts(*this, value_off, weight_off, before_off, n / (n + 1));
  n += 1;
  value += value_off / n;
  weight += weight_off / n;
  before += before_off / n;
}

void JointMoments::Replace(const Unit& old, const Unit& now) {
  // With deviations from the means as they were: the sum of products gains the new unit's, loses
  // the old one's, and n times the product of the means' moves.
  AddProducts(*this, now.value - value, now.weight - weight, now.before - before, 1);
  AddProducts(*this, old.value - value, old.weight - weight, old.before - before, -1);
  const double value_move = now.value - old.value;
  const double weight_move = now.weight - old.weight;
  const double before_move = now.before - old.before;
  AddProducts(*this, value_move, weight_move, before_move, -1 / n);
  value += value_move / n;
  weight += weight_move / n;
  before += before_move / n;
}

void JointMoments::Merge(const JointMoments& other) {
  if (other.n <= 0) {
    return;
  }
  const double all = n + other.n;
  const double value_off = other.value - value;
  const double weight_off = other.weight - weight;
  const double before_off = other.before - before;
  AddProducts(*this, value_off, weight_off, before_off, n * other.n / all);
  value_value += other.value_value;
  value_weight += other.value_weight;
  value_before += other.value_before;
  weight_weight += other.weight_weight;
  weight_before += other.weight_before;
  before_before += other.before_before;
  n = all;
  value += value_off * other.n / all;
  weight += weight_off * other.n / all;
  before += before_off * other.n / all;
}

double JointMoments::EffectiveHits() const {
  const double squares = value_value + n * value * value;
  return squares <= 0 ? 0 : n * value * n * value / squares;
}

}  // namespace vitrine::rollout
