#pragma once

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <mutex>
#include <string>
#include <vector>

namespace p2::test {

/// The lines of the logger "proxy" while this object lives, each with its priority's number in front.
/// Thread-safe.
class LogOfProxy {
 public:
  LogOfProxy() { Poco::Logger::get("proxy").setChannel(_lines); }
  LogOfProxy(const LogOfProxy&) = delete;
  LogOfProxy& operator=(const LogOfProxy&) = delete;
  ~LogOfProxy() { Poco::Logger::get("proxy").setChannel(nullptr); }

  std::vector<std::string> texts() const {
    const std::scoped_lock lock(_lines->mutex);
    return _lines->texts;
  }

 private:
  class Lines final : public Poco::Channel {
   public:
    void log(const Poco::Message& message) override {
      const std::scoped_lock lock(mutex);
      texts.push_back(std::to_string(message.getPriority()) + ' ' + message.getText());
    }
    mutable std::mutex mutex;
    std::vector<std::string> texts;
  };

  Poco::AutoPtr<Lines> _lines{new Lines};
};

}  // namespace p2::test
