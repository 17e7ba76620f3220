#include "data/feature_spec.h"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/nearest_name.h"
#include "core/sha256.h"
#include "data/features/history_sequence.h"
#include "data/features/maker.h"
#include "data/features/options.h"

namespace vitrine::data {

using features::Json;
using features::Maker;
using features::Selection;
using features::SequencePlaces;
using features::TransformPtr;

namespace {
constexpr int kFormat = 1;
constexpr std::size_t kNoSequence = static_cast<std::size_t>(-1);

Result<const Maker*> FindMaker(const FeatureDef& def) {
  std::vector<std::string> known;
  for (const Maker& maker : features::Makers()) {
    if (maker.op == def.op) {
      RETURN_IF_ERROR(features::CheckOptions(def, maker.options));
      return &maker;
    }
    known.push_back(maker.op);
  }
  return features::FeatureError(
      def, fmt::format("there is no op '{}'{}", def.op, DidYouMean(def.op, known)));
}

Status CheckNames(const std::vector<FeatureDef>& defs) {
  std::set<std::string_view> names;
  for (const FeatureDef& def : defs) {
    if (def.name.empty()) {
      return InvalidArgument(fmt::format("a feature with op '{}' has no name", def.op));
    }
    if (!names.insert(def.name).second) {
      return InvalidArgument(fmt::format("two features are named '{}'", def.name));
    }
  }
  return Status::Ok();
}

Result<std::string> TextField(const Json& object, std::string_view name, std::string_view where) {
  const auto at = object.find(std::string(name));
  if (at == object.end() || !at->is_string()) {
    return InvalidArgument(fmt::format("featurespec: {}.{} is not a text", where, name));
  }
  return at->get<std::string>();
}

Result<FeatureDef> ParseDef(const Json& feature, std::string_view where) {
  if (!feature.is_object()) {
    return InvalidArgument(fmt::format("featurespec: {} is not an object", where));
  }
  FeatureDef def;
  ASSIGN_OR_RETURN(def.name, TextField(feature, "name", where));
  ASSIGN_OR_RETURN(def.op, TextField(feature, "op", where));
  ASSIGN_OR_RETURN(def.source, TextField(feature, "source", where));
  const auto options = feature.find("options");
  if (options == feature.end() || !options->is_object()) {
    return InvalidArgument(fmt::format("featurespec: {}.options is not an object", where));
  }
  for (const auto& [key, value] : options->items()) {
    if (!value.is_string()) {
      return InvalidArgument(fmt::format("featurespec: {}.options.{} is not a text", where, key));
    }
    def.options[key] = value.get<std::string>();
  }
  return def;
}

features::FitData MakeFitData(const Interactions& interactions, const ItemTable& items,
                              const Vocabulary& vocabulary, Micros until) {
  features::FitData data{interactions, vocabulary, until,
                         std::vector<const Item*>(vocabulary.width(), nullptr),
                         std::vector<ItemIndex>(interactions.items.size(), kUnknownItem)};
  for (std::size_t n = 0; n < interactions.items.size(); ++n) {
    const ItemIndex index = vocabulary.Find(interactions.items[n]);
    data.index[n] = index;
    if (index >= kFirstItem && n < items.rows.size()) {
      data.catalogue[index] = &items.rows[n];
    }
  }
  return data;
}
}  // namespace

struct FeatureSpec::Impl {
  std::vector<FeatureDef> defs;
  std::vector<TransformPtr> transforms;
  std::vector<std::size_t> sequence_of;  // by transform: index into sequences, or kNoSequence
  std::vector<Selection> sequences;
  std::size_t width = kFirstItem;

  Status Add(FeatureDef def, TransformPtr transform) {
    std::size_t sequence = kNoSequence;
    if (const Selection* wanted = transform->selection()) {
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        if (sequences[s].sequence != wanted->sequence) {
          continue;
        }
        if (!(sequences[s] == *wanted)) {
          return features::FeatureError(
              def,
              fmt::format("options length, fixed, distinct and events must be the same in every "
                          "feature of sequence '{}', or the tensors would not line up; use "
                          "another sequence name where they should differ",
                          wanted->sequence));
        }
        sequence = s;
      }
      if (sequence == kNoSequence) {
        sequence = sequences.size();
        sequences.push_back(*wanted);
      }
    }
    sequence_of.push_back(sequence);
    transforms.push_back(std::move(transform));
    defs.push_back(std::move(def));
    return Status::Ok();
  }
};

FeatureSpec::FeatureSpec() : impl_(std::make_unique<Impl>()) {}
FeatureSpec::~FeatureSpec() = default;
FeatureSpec::FeatureSpec(FeatureSpec&&) noexcept = default;
FeatureSpec& FeatureSpec::operator=(FeatureSpec&&) noexcept = default;

Result<FeatureSpec> FeatureSpec::Fit(std::vector<FeatureDef> defs, const Interactions& interactions,
                                     const ItemTable& items, const Vocabulary& vocabulary,
                                     Micros until) {
  RETURN_IF_ERROR(CheckNames(defs));
  const features::FitData data = MakeFitData(interactions, items, vocabulary, until);
  FeatureSpec spec;
  spec.impl_->width = vocabulary.width();
  for (FeatureDef& def : defs) {
    ASSIGN_OR_RETURN(const Maker* const maker, FindMaker(def));
    ASSIGN_OR_RETURN(TransformPtr transform, maker->fit(def, data));
    RETURN_IF_ERROR(spec.impl_->Add(std::move(def), std::move(transform)));
  }
  return spec;
}

Result<FeatureSpec> FeatureSpec::Parse(std::string_view json) {
  const Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    return InvalidArgument("featurespec: not a JSON object; the file was cut off or is another");
  }
  const auto format = root.find("format");
  if (format == root.end() || !format->is_number_integer()) {
    return InvalidArgument("featurespec: format is not a whole number");
  }
  if (format->get<std::int64_t>() > kFormat) {
    return FailedPrecondition(
        fmt::format("featurespec: format {} was written by a newer Vitrine; this one reads up to "
                    "{}. Update this program",
                    format->get<std::int64_t>(), kFormat));
  }
  const auto width = root.find("width");
  if (width == root.end() || !width->is_number_unsigned() ||
      width->get<std::uint64_t>() < kFirstItem) {
    return InvalidArgument("featurespec: width is not a vocabulary's");
  }
  const auto list = root.find("features");
  if (list == root.end() || !list->is_array()) {
    return InvalidArgument("featurespec: features is not a list");
  }
  FeatureSpec spec;
  spec.impl_->width = width->get<std::size_t>();
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSIGN_OR_RETURN(FeatureDef def, ParseDef((*list)[i], fmt::format("features[{}]", i)));
    ASSIGN_OR_RETURN(const Maker* const maker, FindMaker(def));
    const auto fitted = (*list)[i].find("fitted");
    if (fitted == (*list)[i].end() || !fitted->is_object()) {
      return features::FeatureError(def, "fitted is not an object");
    }
    ASSIGN_OR_RETURN(TransformPtr transform, maker->parse(def, *fitted, spec.impl_->width));
    RETURN_IF_ERROR(spec.impl_->Add(std::move(def), std::move(transform)));
  }
  RETURN_IF_ERROR(CheckNames(spec.impl_->defs));
  return spec;
}

std::string FeatureSpec::ToJson() const {
  Json list = Json::array();
  for (std::size_t i = 0; i < impl_->defs.size(); ++i) {
    const FeatureDef& def = impl_->defs[i];
    list.push_back({{"name", def.name},
                    {"op", def.op},
                    {"source", def.source},
                    {"options", Json(def.options)},
                    {"fitted", impl_->transforms[i]->Fitted()}});
  }
  const Json root = {{"format", kFormat}, {"width", impl_->width}, {"features", std::move(list)}};
  return root.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string FeatureSpec::Hash() const { return Sha256Hex(ToJson()); }

const std::vector<FeatureDef>& FeatureSpec::defs() const { return impl_->defs; }

std::size_t FeatureSpec::width() const { return impl_->width; }

std::vector<TensorSpec> FeatureSpec::Outputs() const {
  std::vector<TensorSpec> outputs;
  for (std::size_t i = 0; i < impl_->defs.size(); ++i) {
    TensorSpec output{impl_->defs[i].name, impl_->transforms[i]->dtype(), {-1}};
    if (const std::int64_t columns = impl_->transforms[i]->columns(); columns > 0) {
      output.shape.push_back(columns);
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

Status FeatureSpec::Apply(std::span<const FeatureInput> inputs, std::vector<Tensor>& out) const {
  // One per thread, so that a busy server allocates nothing once it is warm.
  thread_local std::vector<SequencePlaces> places;
  if (places.size() < impl_->sequences.size()) {
    places.resize(impl_->sequences.size());
  }
  for (std::size_t s = 0; s < impl_->sequences.size(); ++s) {
    features::SelectPlaces(impl_->sequences[s], inputs, places[s]);
  }
  features::Batch batch{inputs, 0, nullptr};
  for (const FeatureInput& input : inputs) {
    batch.rows += std::max<std::size_t>(input.candidates.size(), 1);
  }
  out.resize(impl_->defs.size());
  for (std::size_t i = 0; i < impl_->defs.size(); ++i) {
    const std::size_t sequence = impl_->sequence_of[i];
    batch.places = sequence == kNoSequence ? nullptr : &places[sequence];
    if (out[i].name() != impl_->defs[i].name) {
      out[i].set_name(impl_->defs[i].name);
    }
    if (Status status = impl_->transforms[i]->Apply(batch, out[i]); !status.ok()) {
      return status.WithContext(fmt::format("feature '{}'", impl_->defs[i].name));
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::data
