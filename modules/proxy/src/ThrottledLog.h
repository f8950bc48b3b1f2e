#pragma once

#include "Repeats.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"

#include <Poco/Message.h>

#include <string>

namespace p2::proxy {

/// Lines for the operator about what may recur with every request: each once when it first appears and then
/// every ten minutes with the number of times. Memory is bounded. Thread-safe.
class ThrottledLog {
 public:
  explicit ThrottledLog(const core::Clock& clock) : _clock(clock) {}

  /// Logs `text`, which also tells one kind of line from another, if it is time for it.
  void note(Poco::Message::Priority priority, const std::string& text);

 private:
  const core::Clock& _clock;
  core::Guarded<Repeats> _repeats;
};

}  // namespace p2::proxy
