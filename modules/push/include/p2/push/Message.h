#pragma once

#include "p2/core/Target.h"

#include <string>

namespace p2::push {

/// One wake-up signal for one phone. A value.
struct Message {
  core::Target target;
  std::string account;       ///< The registration's device: which of the phone's accounts to wake.
  std::string channel;       ///< The registration's channel, or empty.
  bool isImportant = false;  ///< Whether the server said, or it shows, that a person waits for it.
};

}  // namespace p2::push
