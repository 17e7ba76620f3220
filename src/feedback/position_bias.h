/// How much less a place further down is looked at, estimated from clicks, and the weights that make up for it.
/// Model: a click needs a look and a liking, P(click) = examined(place) * liked(context) (position-based model:
/// Richardson et al., WWW 2007; Joachims et al., WSDM 2017). The same context shown at different places tells the places
/// apart, whatever it is liked: by other versions, other answers, or places that were drawn (intervention harvesting:
/// Agarwal et al., WSDM 2019).
/// Source: given how often each context was clicked, where it was clicked is multinomial with shares shown(place) *
///         examined(place): the conditional likelihood of Poisson counts with fixed effects (Hausman, Hall and Griliches,
///         Econometrica 1984). Its equations hold on average for clicks that are 0 or 1 as well. Intervals: sandwich
///         estimate, clustered by shopper.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "feedback/label_join.h"

namespace vitrine::feedback {

/// What is liked the same wherever it stands.
enum class BiasContext : std::uint8_t {
  /// An item to one shopper: right where answers are personal, since who would like an item best sees it further up.
  kShopperItem,
  /// An item to anybody: more clicks a context; only where the order does not depend on who asks.
  kItem,
  /// Everything alike: only where the places of the examples were drawn at random.
  kRandomised,
};

struct BiasOptions {
  BiasContext context = BiasContext::kShopperItem;
  std::int32_t places = 20;         ///< those from here on are left out; 2 to 100
  std::uint64_t least_clicks = 10;  ///< of a place, in contexts that tell; fewer: it is not known
  double z = 1.96;  ///< half width of the intervals, in standard errors of the logarithm
};

struct PlaceExamination {
  double relative = 1;  ///< examined here / examined at the first place
  double low = 1;
  double high = 1;
  std::uint64_t shown = 0;   ///< in contexts that tell
  std::uint64_t clicks = 0;  ///< the same
  bool known = false;
};

struct PositionBias {
  std::vector<PlaceExamination> places;  ///< the first is 1 by definition
  std::uint64_t contexts = 0;            ///< that tell: at two places or more, and clicked

  /// The place's, or of one that is not known the nearest known one's above it.
  [[nodiscard]] double RelativeAt(std::int32_t position) const;
};

/// `examples` of one scene, whose places look alike.
/// Errors: kInvalidArgument (options), kFailedPrecondition (no context tells anything of the first place, or of any
///         other: says what is needed).
Result<PositionBias> EstimatePositionBias(std::span<const Example> examples,
                                          const BiasOptions& options);

struct PropensityWeights {
  std::vector<float> weights;  ///< one an example, for train's LabelledRows::weights
  std::uint64_t clipped = 0;   ///< clicked examples whose weight was cut
  double effective =
      0;  ///< (sum of clicked weights)^2 / sum of their squares: clicks that they are worth
};

/// 1 / examined of a clicked example, at most `clip` (above 1: bounds the variance, at the price of some bias), and 1 of
/// one that was not clicked: it may not have been seen, and is no less of an example at the first place. While few of
/// those shown are clicked, the odds that are learnt are then those at the first place.
/// Precondition: clip >= 1.
PropensityWeights WeighByPropensity(std::span<const Example> examples, const PositionBias& bias,
                                    double clip);

}  // namespace vitrine::feedback
