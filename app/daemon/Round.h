#pragma once

#include "daemon/Logger.h"

#include <exception>
#include <string>

namespace p2::app {

/// One round of a watch, in the thread of its core::Rounds: what it throws is logged behind `unwatched`,
/// which says what is not watched then, and the next round comes.
template <class Look>
void goRound(const char* unwatched, const Look& look) noexcept {
  try {
    look();
  } catch (const std::exception& exception) {
    logger().error(std::string(unwatched) + ": " + exception.what());
  }
}

}  // namespace p2::app
