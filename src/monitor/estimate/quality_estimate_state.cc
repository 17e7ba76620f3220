// QualityEstimates across a restart.
#include <nlohmann/json.hpp>

#include "monitor/estimate/quality_estimate.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json OfHours(const HourEstimates& hours) {
  json out = json::array();
  for (const HourEstimate& hour : hours.labels) {
    out.push_back(HourEstimateToJson(hour));
  }
  out.push_back(ScoreHourToJson(hours.scores));
  return out;
}

HourEstimates HoursOf(const json& saved, std::size_t ks) {
  HourEstimates hours;
  for (std::size_t l = 0; l < kLabels; ++l) {
    hours.labels[l] = HourEstimateFromJson(saved.at(l), ks);
  }
  hours.scores = ScoreHourFromJson(saved.at(kLabels));
  return hours;
}

std::vector<double> ByK(const json& saved, std::size_t ks) {
  auto values = saved.get<std::vector<double>>();
  if (values.size() != ks) {
    throw json::other_error::create(501, "an estimate of other cut-offs", nullptr);
  }
  return values;
}

}  // namespace

json QualityEstimates::SaveLabel(const OfLabel& of) {
  json dispersion = json::array({of.ctr_dispersion.squares, of.ctr_dispersion.hours});
  json tracks = json::array({TrackToJson(of.ctr_track)});
  for (std::size_t k = 0; k < of.ndcg_track.size(); ++k) {
    dispersion.push_back(of.ndcg_dispersion[k].squares);
    dispersion.push_back(of.ndcg_dispersion[k].hours);
    tracks.push_back(TrackToJson(of.ndcg_track[k]));
  }
  return {{"calibration", of.calibration.Save()},
          {"fits", of.fits},
          {"observed", of.observed},
          {"expected", of.expected},
          {"ratios", of.ratios},
          {"lists", of.lists},
          {"dispersion", std::move(dispersion)},
          {"tracks", std::move(tracks)},
          {"last_ctr", of.last_ctr},
          {"last_ndcg", of.last_ndcg}};
}

QualityEstimates::OfLabel QualityEstimates::LoadLabel(const json& saved) const {
  OfLabel of;
  of.calibration = PlaceCalibration::Load(saved.at("calibration"));
  of.fits = saved.at("fits").get<std::uint64_t>();
  of.observed = ByK(saved.at("observed"), ks_.size());
  of.expected = ByK(saved.at("expected"), ks_.size());
  of.ratios = ByK(saved.at("ratios"), ks_.size());
  of.lists = saved.at("lists").get<double>();
  const auto dispersion = ByK(saved.at("dispersion"), 2 + 2 * ks_.size());
  of.ctr_dispersion = {dispersion[0], dispersion[1]};
  of.ctr_track = TrackFromJson(saved.at("tracks").at(0));
  for (std::size_t k = 0; k < ks_.size(); ++k) {
    of.ndcg_dispersion.push_back({dispersion[2 + 2 * k], dispersion[3 + 2 * k]});
    of.ndcg_track.push_back(TrackFromJson(saved.at("tracks").at(1 + k)));
  }
  of.last_ctr = saved.at("last_ctr").get<double>();
  of.last_ndcg = ByK(saved.at("last_ndcg"), ks_.size());
  return of;
}

json QualityEstimates::Save() const {
  json all = json::array();
  for (const Series& series : series_) {
    json labels = json::array();
    for (const OfLabel& of : series.labels) {
      labels.push_back(SaveLabel(of));
    }
    json hours = json::array();
    for (const auto& [hour, estimates] : series.hours) {
      hours.push_back({hour, OfHours(estimates)});
    }
    all.push_back({{"id", series.id},
                   {"row", series.row},
                   {"newest", series.newest.value},
                   {"origin", static_cast<int>(series.origin)},
                   {"before", series.before},
                   {"bins", series.bins.Save()},
                   {"scores", series.scores.Save()},
                   {"labels", std::move(labels)},
                   {"hours", std::move(hours)},
                   {"shown", series.shown},
                   {"clicks", series.clicks}});
  }
  json final_hours = json::array();
  for (const auto& [key, estimates] : final_hours_) {
    final_hours.push_back({key.first, key.second, OfHours(estimates)});
  }
  return {{"series", std::move(all)},
          {"next_id", next_id_},
          {"closed_before", closed_before_},
          {"final_before", final_before_},
          {"final_hours", std::move(final_hours)}};
}

void QualityEstimates::Load(const json& saved) {
  QualityEstimates read(ks_, windows_);
  for (const json& j : saved.at("series")) {
    if (read.series_.size() == kMostSeries) {
      break;
    }
    Series& series = read.series_.emplace_back();
    series.id = j.at("id").get<std::uint32_t>();
    series.row = j.at("row").get<std::string>();
    series.newest = {j.at("newest").get<std::int64_t>()};
    series.origin = static_cast<CalibrationOrigin>(j.at("origin").get<int>());
    series.before = j.at("before").get<std::string>();
    series.bins = ScoreBins::Load(j.at("bins"));
    series.scores = ScoreQuality::Load(j.at("scores"));
    for (std::size_t l = 0; l < kLabels; ++l) {
      series.labels[l] = LoadLabel(j.at("labels").at(l));
    }
    for (const json& hour : j.at("hours")) {
      series.hours[hour.at(0).get<std::int64_t>()] = HoursOf(hour.at(1), ks_.size());
    }
    series.shown = j.at("shown").get<double>();
    series.clicks = j.at("clicks").get<double>();
  }
  read.next_id_ = saved.at("next_id").get<std::uint32_t>();
  read.closed_before_ = saved.at("closed_before").get<std::array<std::int64_t, kLabels>>();
  read.final_before_ = saved.at("final_before").get<std::int64_t>();
  for (const json& hour : saved.at("final_hours")) {
    read.final_hours_[{hour.at(0).get<std::int64_t>(), hour.at(1).get<std::string>()}] =
        HoursOf(hour.at(2), ks_.size());
  }
  *this = std::move(read);
}

}  // namespace vitrine::monitor
