#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace p2::core {

using RealTime = std::chrono::steady_clock::time_point;

/// Waits until `events` are there on `fd`, or an error of the socket is; false if `deadline` comes first.
inline bool pollUntil(int fd, short events, RealTime deadline) noexcept {
  using std::chrono::milliseconds;
  constexpr milliseconds kMostWait{60000};
  for (;;) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    const auto wait = std::min(std::chrono::ceil<milliseconds>(left), kMostWait);
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(wait.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // The operation that follows finds out what is wrong.
  }
}

}  // namespace p2::core
