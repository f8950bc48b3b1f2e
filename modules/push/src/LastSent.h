#pragma once

#include "p2/core/Clock.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace p2::push {

/// When a message for a node began to be sent the last time, for those of late. When many nodes fall on one
/// place, the one that is longest ago is forgotten: it is asked only for what may wait a moment. Not
/// thread-safe.
class LastSent {
 public:
  using TimePoint = core::Clock::TimePoint;

  void note(std::string_view node, TimePoint now) {
    const std::size_t hash = std::hash<std::string_view>()(node);
    Place& place = placeOf(hash);
    const auto same =
        std::find_if(place.begin(), place.end(), [hash](const Entry& e) { return e.hash == hash; });
    const auto oldest = [](const Entry& a, const Entry& b) { return a.time < b.time; };
    *(same != place.end() ? same : std::min_element(place.begin(), place.end(), oldest)) = {hash, now};
  }

  /// TimePoint::min() if it is not known.
  TimePoint of(std::string_view node) const {
    const std::size_t hash = std::hash<std::string_view>()(node);
    for (const Entry& entry : placeOf(hash)) {
      if (entry.hash == hash) return entry.time;
    }
    return TimePoint::min();
  }

 private:
  struct Entry {
    std::size_t hash = 0;
    TimePoint time = TimePoint::min();
  };
  using Place = std::array<Entry, 4>;
  static constexpr std::size_t kPlaces = 4096;

  Place& placeOf(std::size_t hash) { return _places[hash % kPlaces]; }
  const Place& placeOf(std::size_t hash) const { return _places[hash % kPlaces]; }

  std::vector<Place> _places = std::vector<Place>(kPlaces);
};

}  // namespace p2::push
