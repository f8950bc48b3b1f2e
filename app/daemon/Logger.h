#pragma once

#include <Poco/Logger.h>

namespace p2::app {

/// The daemon's own; the modules have theirs.
inline Poco::Logger& logger() {
  return Poco::Logger::get("p2");
}

}  // namespace p2::app
