/// What the shoppers or sessions have that are most like this history.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "train/model.h"

namespace vitrine::train {

struct SessionKnnOptions {
  /// "user": a session is all of a user's history; "basket": each basket is one.
  std::string session = "user";
  double pause_hours = 0;         ///< session = user: cut where nothing happened for so long; 0: no
  std::size_t recent = 0;         ///< newest sessions kept per item; 0: all
  std::size_t sessions = 200;     ///< most similar sessions that vote
  double decay = 0.6;             ///< a place of the history weighs decay^age
  std::string unit = "position";  ///< of ages: "position", "basket" or "day"
  std::size_t length = 50;        ///< newest places of the history that are looked at
  double session_decay = 0.9;     ///< of a session's places; ages by basket where `unit` is basket
  double session_power = 0.5;     ///< similarity is divided by |session|^(2 this)
  double vote_power = 0;          ///< and its vote by |session|^(2 this)
  double match_idf = 1;           ///< a shared item counts idf^this
  double vote_idf = 0.5;          ///< the item voted for counts idf^this
  double own = 0;                 ///< share of the history's own items in the score
};

/// idf(i) = log(1 + sessions / sessions with i); v(s, i) = sum over places of item i in session s of session_decay^age; |s|^2 = sum of v^2.
/// sim(s) = sum over history places p of decay^age(p) * idf(item(p))^match_idf * v(s, item(p)) / |s|^(2 session_power);
/// N = the `sessions` of highest sim, equal ones by lower number (older session first);
/// score(j) = (1 - own) * sum over s in N of sim(s) * v(s, j) * idf(j)^vote_idf / |s|^(2 vote_power) / sum over N of sim
///          + own * sum over places p that hold j of decay^age(p).
/// All in float64 and in one order; the graph computes the same bit for bit: two sparse tables, item -> sessions
/// and session -> items, and TopK between them. A user's own session is one of them.
/// Fit's errors: kInvalidArgument (options), kFailedPrecondition (pause_hours without times), kCancelled,
///               kResourceExhausted. Memory: 16 bytes a (session, item) pair; a request takes 8 a session.
/// Source:  Jannach & Ludewig, When recurrent neural networks meet the neighborhood, RecSys 2017; Ludewig & Jannach,
///          UMUAI 2018, section 3.2 (vector multiplication); Kersbergen, Sprangers & Schelter, Serenade, SIGMOD 2022
///          (VMIS-kNN: `recent` sessions an item); `own`: Hu et al., Modeling personalized item frequency (TIFU-KNN),
///          SIGIR 2020.
std::unique_ptr<TrainableModel> MakeSessionKnn(const SessionKnnOptions& options);

/// "session_knn" and its parameters.
ModelFactory SessionKnnFactory();

}  // namespace vitrine::train
