#pragma once

#include <chrono>
#include <thread>

namespace p2::test {

/// Waits until `condition()` holds, for what gives no sign when it happens; asks every millisecond, so that
/// tests beside this one get the processor. Gives up after a minute. Gives whether the condition held.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace p2::test
