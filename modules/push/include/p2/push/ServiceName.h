#pragma once

#include <string>

namespace p2::push {

/// What a push service is called, which this module knows none of by itself. A value.
struct ServiceName {
  std::string key = "push";                ///< In metrics, and before the dot of its settings: `fcm`.
  std::string title = "the push service";  ///< In the middle of a sentence: `FCM`.
};

}  // namespace p2::push
