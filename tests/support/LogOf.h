#pragma once

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <mutex>
#include <string>
#include <vector>

namespace p2::test {

/// The lines of one logger while this object lives, each with its priority's number in front. Thread-safe.
class LogOf {
 public:
  explicit LogOf(const std::string& logger) : _logger(Poco::Logger::get(logger)) {
    _logger.setChannel(_lines);
  }
  LogOf(const LogOf&) = delete;
  LogOf& operator=(const LogOf&) = delete;
  ~LogOf() { _logger.setChannel(nullptr); }

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

  Poco::Logger& _logger;
  Poco::AutoPtr<Lines> _lines{new Lines};
};

}  // namespace p2::test
