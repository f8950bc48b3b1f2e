#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a person wants to know from metrics in the Prometheus text format. Pure.
namespace p2::control {

class MetricsText {
 public:
  /// Lines that cannot be read are skipped.
  explicit MetricsText(std::string_view text);

  /// The sum of the samples of that name, over all labels.
  double total(const std::string& name) const;
  /// The samples of that name by the value of one label.
  std::map<std::string, double> by(const std::string& name, const std::string& label) const;
  /// The value below which `share` of a histogram's observations lie, interpolated within its bucket; nothing
  /// if nothing was observed.
  std::optional<std::chrono::duration<double>> quantile(const std::string& name, double share) const;

 private:
  struct Sample {
    std::map<std::string, std::string> labels;
    double value = 0;
  };

  void take(std::string_view line);

  std::map<std::string, std::vector<Sample>> _samples;
};

}  // namespace p2::control
