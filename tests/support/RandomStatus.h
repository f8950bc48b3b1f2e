#pragma once

#include "p2/control/DaemonStatus.h"

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace p2::test {

/// What a daemon could tell, with texts that are awkward in JSON.
inline control::DaemonStatus randomStatus(std::minstd_rand& random) {
  const auto text = [&random] {
    const std::vector<std::string> pieces{"a", "\"", "\\", "\n", "\x01", "\xC3\xA9", "\xF0\x9F\x93\xB1",
                                          "/", " "};
    std::string made;
    for (auto length = random() % 12; length > 0; --length) made += pieces[random() % pieces.size()];
    return made;
  };
  const auto number = [&random] { return (static_cast<std::uint64_t>(random()) << 20U) + random(); };
  const auto time = [&random] { return control::DaemonStatus::Time(std::chrono::seconds(random())); };
  control::DaemonStatus status;
  status.version = text();
  status.instance = text();
  status.pid = static_cast<std::int64_t>(random());
  status.started = time();
  status.settingsRead = time();
  status.clockFault = text();
  status.server = text();
  status.jid = text();
  status.streams = number();
  status.openStreams = number();
  status.connected = random() % 2 == 0;
  status.secondFault = text();
  status.standingBy = random() % 2 == 0;
  status.since = time();
  status.streamFault = text();
  status.unsentAnswers = number();
  status.legacy = random() % 2 == 0;
  status.tokenValid = random() % 2 == 0;
  if (random() % 2 == 0) status.tokenExpires = time();
  status.tokenFault = text();
  status.targetsSeemGone = random() % 2 == 0;
  status.queued = number();
  status.workers = number();
  status.registrations = number();
  status.storeBytes = number();
  status.store = text();
  status.storeFault = text();
  if (random() % 2 == 0) status.storeFailsSince = time();
  for (auto count = random() % 3; count > 0; --count) {
    status.storeHosts.push_back({text(), random() % 2 == 0, text()});
  }
  for (auto count = random() % 3; count > 0; --count) status.faults.push_back({time(), text()});
  for (auto count = random() % 3; count > 0; --count) {
    status.services.push_back({text(), text(), random() % 2 == 0, number(), number()});
  }
  status.metrics = text();
  return status;
}

}  // namespace p2::test
