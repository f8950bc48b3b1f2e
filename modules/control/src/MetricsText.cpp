#include "MetricsText.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace p2::control {

namespace {

/// `12`, `+Inf`; not a number if it is none.
double numberIn(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  return end == copy.c_str() ? std::numeric_limits<double>::quiet_NaN() : value;
}

/// `a="b",c="d"`, with the escapes of the format undone.
std::map<std::string, std::string> labelsIn(std::string_view text) {
  std::map<std::string, std::string> labels;
  for (auto equals = text.find("=\""); equals != std::string_view::npos; equals = text.find("=\"")) {
    const std::string name(text.substr(0, equals));
    std::string value;
    std::size_t i = equals + 2;
    for (; i < text.size() && text[i] != '"'; ++i) {
      const bool escaped = text[i] == '\\' && i + 1 < text.size();
      if (escaped) ++i;
      value += escaped && text[i] == 'n' ? '\n' : text[i];
    }
    labels[name] = value;
    text.remove_prefix(std::min(i + 2, text.size()));  // the quote and the comma
  }
  return labels;
}

}  // namespace

MetricsText::MetricsText(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    take(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

void MetricsText::take(std::string_view line) {
  const auto space = line.rfind(' ');
  if (line.starts_with('#') || space == std::string_view::npos) return;
  Sample sample;
  sample.value = numberIn(line.substr(space + 1));
  if (std::isnan(sample.value)) return;
  auto name = line.substr(0, space);
  const auto brace = name.find('{');
  if (brace != std::string_view::npos && name.ends_with('}')) {
    sample.labels = labelsIn(name.substr(brace + 1, name.size() - brace - 2));
    name = name.substr(0, brace);
  }
  _samples[std::string(name)].push_back(std::move(sample));
}

double MetricsText::total(const std::string& name) const {
  const auto found = _samples.find(name);
  double sum = 0;
  if (found == _samples.end()) return sum;
  for (const auto& sample : found->second) sum += sample.value;
  return sum;
}

std::map<std::string, double> MetricsText::by(const std::string& name, const std::string& label) const {
  std::map<std::string, double> sums;
  const auto found = _samples.find(name);
  if (found == _samples.end()) return sums;
  for (const auto& sample : found->second) {
    const auto value = sample.labels.find(label);
    if (value != sample.labels.end()) sums[value->second] += sample.value;
  }
  return sums;
}

std::optional<std::chrono::duration<double>> MetricsText::quantile(const std::string& name,
                                                                   double share) const {
  std::map<double, double> cumulated;  // by the buckets' upper bounds
  for (const auto& [bound, count] : by(name + "_bucket", "le")) cumulated[numberIn(bound)] += count;
  if (cumulated.empty() || cumulated.rbegin()->second <= 0) return std::nullopt;
  const double wanted = share * cumulated.rbegin()->second;
  double below = 0;
  double countBelow = 0;
  for (const auto& [bound, count] : cumulated) {
    if (count >= wanted && count > countBelow) {
      if (std::isinf(bound)) break;
      return std::chrono::duration<double>(below +
                                           (bound - below) * (wanted - countBelow) / (count - countBelow));
    }
    below = bound;
    countBelow = count;
  }
  return std::chrono::duration<double>(below);
}

}  // namespace p2::control
