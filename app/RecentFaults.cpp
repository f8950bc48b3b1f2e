#include "RecentFaults.h"

#include "LenientChannel.h"

#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <Poco/SplitterChannel.h>

#include <chrono>
#include <iostream>
#include <map>
#include <string>

namespace p2::app {

Poco::AutoPtr<RecentFaults> RecentFaults::attach(const std::vector<Poco::Channel::Ptr>& files) {
  const Poco::AutoPtr<RecentFaults> kept(new RecentFaults);
  const auto onFault = [kept = Poco::AutoPtr<RecentFaults>(kept)](const std::string& why) mutable {
    std::cerr << "p2: the log cannot be written: " + why + '\n';
    kept->log(Poco::Message("p2", "the log cannot be written: " + why, Poco::Message::PRIO_ERROR));
  };
  std::map<Poco::Channel*, Poco::AutoPtr<Poco::SplitterChannel>>
      splitters;  // one for each channel that is there
  std::vector<std::string> names;
  Poco::Logger::root();  // is in the list only once somebody has asked for it
  Poco::Logger::names(names);
  for (const auto& name : names) {
    auto& logger = Poco::Logger::get(name);
    const Poco::Channel::Ptr channel = logger.getChannel();
    auto& splitter = splitters[const_cast<Poco::Channel*>(channel.get())];
    if (!splitter) {
      splitter = new Poco::SplitterChannel;
      if (channel) {
        splitter->addChannel(Poco::Channel::Ptr(new LenientChannel(
            Poco::Channel::Ptr(const_cast<Poco::Channel*>(channel.get()), true), files, onFault)));
      }
      splitter->addChannel(kept);
    }
    logger.setChannel(splitter);
  }
  return kept;
}

void RecentFaults::log(const Poco::Message& message) {
  if (message.getPriority() > Poco::Message::PRIO_WARNING) return;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  _faults.with([&](auto& faults) {
    if (!faults.empty() && faults.back().text == message.getText()) faults.pop_back();
    faults.push_back({now, message.getText()});
    if (faults.size() > kKept) faults.pop_front();
  });
}

std::vector<DaemonStatus::Fault> RecentFaults::last() const {
  return _faults.with(
      [](const auto& faults) { return std::vector<DaemonStatus::Fault>(faults.begin(), faults.end()); });
}

}  // namespace p2::app
