#include "Repeats.h"

#include <utility>

namespace p2::proxy {

std::optional<std::uint64_t> Repeats::admit(const std::string& reason, core::Clock::TimePoint now) {
  if (_reasons.size() >= kMost && !_reasons.contains(reason)) {
    std::erase_if(_reasons, [now](const auto& known) { return now - known.second.logged >= kEvery; });
  }
  const bool isOneTooMany = _reasons.size() >= kMost && !_reasons.contains(reason);
  auto [entry, isNew] = _reasons.try_emplace(isOneTooMany ? std::string() : reason, Entry{now, 0});
  if (!isNew && now - entry->second.logged < kEvery) {
    ++entry->second.suppressed;
    return std::nullopt;
  }
  entry->second.logged = now;
  return std::exchange(entry->second.suppressed, 0);
}

}  // namespace p2::proxy
