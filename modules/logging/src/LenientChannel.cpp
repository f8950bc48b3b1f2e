#include "p2/logging/LenientChannel.h"

#include "p2/logging/Keys.h"

#include <Poco/Exception.h>
#include <Poco/LoggingRegistry.h>
#include <Poco/Message.h>

#include <exception>
#include <iostream>
#include <string_view>
#include <utility>

namespace p2::logging {

namespace {

constexpr std::string_view kClass = ".class";
constexpr std::chrono::seconds kReopenEvery{1};

/// The name of the channel whose class this key sets; empty if it sets something else.
std::string channelOf(std::string_view key) {
  if (!key.starts_with(keys::kChannels) || !key.ends_with(kClass)) return {};
  key.remove_prefix(keys::kChannels.size());
  key.remove_suffix(kClass.size());
  return std::string(key);
}

}  // namespace

LenientChannel::LenientChannel(Ptr to, std::vector<Ptr> files, OnFault onFault)
    : _to(std::move(to)), _files(std::move(files)), _onFault(std::move(onFault)) {}

std::vector<Poco::Channel::Ptr> LenientChannel::filesOf(const std::map<std::string, std::string>& settings) {
  std::vector<Ptr> files;
  for (const auto& [key, value] : settings) {
    const std::string name = channelOf(key);
    if (name.empty() || (value != "FileChannel" && value != "SimpleFileChannel")) continue;
    try {
      files.push_back(Poco::LoggingRegistry::defaultRegistry().channelForName(name));
    } catch (const Poco::NotFoundException&) {
      continue;  // no logger uses it
    }
  }
  return files;
}

void LenientChannel::log(const Poco::Message& message) {
  try {
    _to->log(message);
    const std::scoped_lock lock(_mutex);
    _faulty = false;
  } catch (const Poco::Exception& exception) {
    failed(message, exception.displayText());
  } catch (const std::exception& exception) {
    failed(message, exception.what());
  }
}

void LenientChannel::failed(const Poco::Message& message, const std::string& why) {
  bool first = false;
  bool reopen = false;
  {
    const std::scoped_lock lock(_mutex);
    first = !std::exchange(_faulty, true);
    const auto now = Clock::now();
    reopen = now >= _reopenAt;
    if (reopen) _reopenAt = now + kReopenEvery;
  }
  if (first) _onFault(why);
  if (message.getPriority() == Poco::Message::PRIO_FATAL) std::cerr << "p2: " + message.getText() + '\n';
  if (!reopen) return;
  for (auto& file : _files) {
    try {
      file->close();
    } catch (const std::exception&) {
      continue;  // the next message tells how it is
    }
  }
}

}  // namespace p2::logging
