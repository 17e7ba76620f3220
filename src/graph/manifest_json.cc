#include "graph/manifest_json.h"

#include <array>
#include <utility>

#include "graph/json_fields.h"

namespace vitrine::graph {
namespace {

constexpr auto kKinds = std::to_array({ModelKind::kRetriever, ModelKind::kRanker,
                                       ModelKind::kEncoder, ModelKind::kIndex, ModelKind::kGraph});

Json SpecsJson(const std::vector<TensorSpec>& specs) {
  Json list = Json::array();
  for (const TensorSpec& s : specs) {
    list.push_back({{"name", s.name}, {"dtype", DTypeName(s.dtype)}, {"shape", s.shape}});
  }
  return list;
}

Json MetricsJson(const std::map<std::string, MetricValue>& metrics) {
  Json object = Json::object();
  for (const auto& [name, m] : metrics) {
    object[name] = {
        {"mean", NumberJson(m.mean)}, {"low", NumberJson(m.low)}, {"high", NumberJson(m.high)}};
  }
  return object;
}

Json ReferencesJson(const std::vector<ReferenceHistogram>& references) {
  Json list = Json::array();
  for (const ReferenceHistogram& r : references) {
    list.push_back({{"feature", r.feature},
                    {"edges", r.edges},
                    {"levels", r.levels},
                    {"shares", r.shares},
                    {"rows", r.rows}});
  }
  return list;
}

Status ReadSpecs(const Fields& manifest, const char* key, std::vector<TensorSpec>& specs) {
  return manifest.ForEach(key, [&](const Json& value, const std::string& field) {
    if (!value.is_object()) {
      return InvalidArgument(fmt::format("{} is not an object", field));
    }
    const Fields fields(value, field);
    TensorSpec spec;
    std::string dtype;
    RETURN_IF_ERROR(fields.Need("name", spec.name));
    RETURN_IF_ERROR(fields.Need("dtype", dtype));
    RETURN_IF_ERROR(fields.Take("shape", spec.shape));
    ASSIGN_OR_RETURN(spec.dtype, ParseDType(dtype, fields.NameOf("dtype")));
    specs.push_back(std::move(spec));
    return Status::Ok();
  });
}

Status ReadMetrics(const Fields& manifest, std::map<std::string, MetricValue>& metrics) {
  return manifest.ForEachEntry(
      "metrics", [&](const std::string& name, const Json& value, const std::string& field) {
        if (!value.is_object()) {
          return InvalidArgument(fmt::format("{} is not an object", field));
        }
        const Fields fields(value, field);
        MetricValue& metric = metrics[name];
        RETURN_IF_ERROR(fields.Need("mean", metric.mean));
        RETURN_IF_ERROR(fields.Take("low", metric.low));
        return fields.Take("high", metric.high);
      });
}

Status ReadReferences(const Fields& manifest, std::vector<ReferenceHistogram>& references) {
  return manifest.ForEach("references", [&](const Json& value, const std::string& field) {
    if (!value.is_object()) {
      return InvalidArgument(fmt::format("{} is not an object", field));
    }
    const Fields fields(value, field);
    ReferenceHistogram r;
    RETURN_IF_ERROR(fields.Need("feature", r.feature));
    RETURN_IF_ERROR(fields.Take("edges", r.edges));
    RETURN_IF_ERROR(fields.Take("levels", r.levels));
    RETURN_IF_ERROR(fields.Take("shares", r.shares));
    RETURN_IF_ERROR(fields.Take("rows", r.rows));
    references.push_back(std::move(r));
    return Status::Ok();
  });
}

Status ReadKind(const Fields& fields, ModelKind& kind) {
  std::string name;
  RETURN_IF_ERROR(fields.Need("kind", name));
  for (const ModelKind k : kKinds) {
    if (ModelKindName(k) == name) {
      kind = k;
      return Status::Ok();
    }
  }
  return InvalidArgument(fmt::format("kind names the unknown kind '{}'", name));
}

Status ReadFiles(const Fields& fields, std::map<std::string, std::string>& files) {
  return fields.ForEachEntry(
      "files", [&](const std::string& name, const Json& value, const std::string& field) {
        ASSIGN_OR_RETURN(files[name], ReadValue<std::string>(value, field));
        return Status::Ok();
      });
}

Status ReadSampleShapes(const Fields& fields, std::map<std::string, Shape>& shapes) {
  return fields.ForEachEntry(
      "sample_shapes", [&](const std::string& name, const Json& value, const std::string& field) {
        if (!value.is_array()) {
          return InvalidArgument(fmt::format("{} is not a list", field));
        }
        for (const Json& size : value) {
          ASSIGN_OR_RETURN(const auto read, ReadValue<std::int64_t>(size, field));
          shapes[name].push_back(read);
        }
        return Status::Ok();
      });
}

Status ReadOrigin(const Fields& fields, Manifest& m) {
  RETURN_IF_ERROR(fields.Take("feature_spec_hash", m.feature_spec_hash));
  RETURN_IF_ERROR(fields.Take("vocabulary_hash", m.vocabulary_hash));
  RETURN_IF_ERROR(fields.Take("vocabulary_size", m.vocabulary_size));
  RETURN_IF_ERROR(fields.Take("snapshot", m.snapshot));
  RETURN_IF_ERROR(fields.Take("window_from", m.window_from.value));
  RETURN_IF_ERROR(fields.Take("window_to", m.window_to.value));
  RETURN_IF_ERROR(fields.Take("ordinal_time", m.ordinal_time));
  RETURN_IF_ERROR(fields.Take("code_version", m.code_version));
  RETURN_IF_ERROR(fields.Take("seed", m.seed));
  RETURN_IF_ERROR(fields.Take("train_spec", m.train_spec));
  RETURN_IF_ERROR(fields.Take("protocol", m.protocol));
  RETURN_IF_ERROR(fields.Take("parent", m.parent));
  return fields.Take("data_licence", m.data_licence);
}

Status ReadManifest(const Json& json, Manifest& m) {
  const Fields fields(json, "");
  RETURN_IF_ERROR(fields.Need("format", m.format));
  RETURN_IF_ERROR(fields.Need("name", m.name));
  RETURN_IF_ERROR(fields.Take("algorithm", m.algorithm));
  RETURN_IF_ERROR(ReadKind(fields, m.kind));
  RETURN_IF_ERROR(ReadSpecs(fields, "inputs", m.inputs));
  RETURN_IF_ERROR(ReadSpecs(fields, "outputs", m.outputs));
  RETURN_IF_ERROR(ReadFiles(fields, m.files));
  RETURN_IF_ERROR(ReadSampleShapes(fields, m.sample_shapes));
  RETURN_IF_ERROR(fields.Take("max_rows", m.max_rows));
  RETURN_IF_ERROR(ReadOrigin(fields, m));
  RETURN_IF_ERROR(ReadMetrics(fields, m.metrics));
  return ReadReferences(fields, m.references);
}

}  // namespace

std::string ManifestToJson(const Manifest& m) {
  Json json = {
      {"format", m.format},
      {"name", m.name},
      {"algorithm", m.algorithm},
      {"kind", ModelKindName(m.kind)},
      {"inputs", SpecsJson(m.inputs)},
      {"outputs", SpecsJson(m.outputs)},
      {"files", m.files},
      {"feature_spec_hash", m.feature_spec_hash},
      {"vocabulary_hash", m.vocabulary_hash},
      {"vocabulary_size", m.vocabulary_size},
      {"snapshot", m.snapshot},
      {"window_from", m.window_from.value},
      {"window_to", m.window_to.value},
      {"ordinal_time", m.ordinal_time},
      {"code_version", m.code_version},
      {"seed", m.seed},
      {"train_spec", m.train_spec},
      {"protocol", m.protocol},
      {"metrics", MetricsJson(m.metrics)},
      {"references", ReferencesJson(m.references)},
      {"parent", m.parent},
      {"data_licence", m.data_licence},
  };
  if (!m.sample_shapes.empty()) {
    json["sample_shapes"] = m.sample_shapes;
  }
  if (m.max_rows > 0) {
    json["max_rows"] = m.max_rows;
  }
  // A text that is not UTF-8 keeps its readable part instead of throwing.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> ParseManifest(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseObject(text, "manifest.json"));
  RETURN_IF_ERROR(CheckFormat(json, kManifestFormat, "manifest.json"));
  Manifest manifest;
  RETURN_IF_ERROR(ReadManifest(json, manifest).WithContext("manifest.json"));
  return manifest;
}

}  // namespace vitrine::graph
