#include "p2/logging/RecentFaults.h"

#include "p2/core/Clock.h"
#include "p2/logging/JournalChannel.h"
#include "p2/logging/LenientChannel.h"

#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <utility>

namespace p2::logging {

namespace {

/// Passes each message on, as one line, to the channel that was there and to the recent faults.
class Tap final : public Poco::Channel {
 public:
  Tap(Poco::Channel::Ptr channel, Poco::AutoPtr<RecentFaults> kept)
      : _channel(std::move(channel)), _kept(std::move(kept)) {}

  void log(const Poco::Message& message) override {
    Poco::Message line(message);
    line.setText(oneLine(message.getText()));
    if (_channel) _channel->log(line);
    _kept->log(line);
  }

 private:
  Poco::Channel::Ptr _channel;
  Poco::AutoPtr<RecentFaults> _kept;
};

}  // namespace

Poco::AutoPtr<RecentFaults> RecentFaults::attach(const std::vector<Poco::Channel::Ptr>& files) {
  Poco::AutoPtr<RecentFaults> kept(new RecentFaults);
  const auto onFault = [kept = Poco::AutoPtr<RecentFaults>(kept)](const std::string& why) mutable {
    std::cerr << "p2: the log cannot be written: " + why + '\n';
    kept->log(Poco::Message("p2", "the log cannot be written: " + why, Poco::Message::PRIO_ERROR));
  };
  std::map<Poco::Channel*, Poco::AutoPtr<Tap>> taps;  // one for each channel that is there
  std::vector<std::string> names;
  Poco::Logger::root();  // is in the list only once somebody has asked for it
  Poco::Logger::names(names);
  for (const auto& name : names) {
    auto& logger = Poco::Logger::get(name);
    Poco::Channel::Ptr channel = logger.getChannel();
    auto& tap = taps[channel.get()];
    if (!tap) {
      Poco::Channel::Ptr lenient;
      if (channel) lenient = new LenientChannel(channel, files, onFault);
      tap = new Tap(lenient, kept);
    }
    logger.setChannel(tap);
  }
  return kept;
}

void RecentFaults::log(const Poco::Message& message) {
  if (message.getPriority() > Poco::Message::PRIO_WARNING) return;
  const auto now = std::chrono::floor<std::chrono::seconds>(core::wallTime());
  _faults.with([&](auto& faults) {
    if (!faults.empty() && faults.back().text == message.getText()) faults.pop_back();
    faults.push_back({now, message.getText()});
    if (faults.size() > kKept) faults.pop_front();
  });
}

std::vector<RecentFaults::Fault> RecentFaults::last() const {
  return _faults.with([](const auto& faults) { return std::vector<Fault>(faults.begin(), faults.end()); });
}

}  // namespace p2::logging
