#pragma once

#include "ThrottledLog.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/xmpp/Responder.h"

#include <string>

namespace p2::proxy {

/// Requests that the store cannot serve: they are counted, said in the log, and answered wait. Thread-safe.
class StoreFaults {
 public:
  StoreFaults(const core::Clock& clock, core::Metrics& metrics);

  void answer(const std::string& why, xmpp::Responder& responder);

 private:
  core::Counter& _count;
  ThrottledLog _log;
};

}  // namespace p2::proxy
