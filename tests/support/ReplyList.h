#pragma once

#include "p2/xmpp/Responder.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace p2::test {

/// A sink that keeps the answers. Thread-safe.
class ReplyList final : public xmpp::ReplySink {
 public:
  void send(std::string stanza) noexcept override {
    {
      const std::scoped_lock lock(_mutex);
      _replies.push_back(std::move(stanza));
    }
    _changed.notify_all();
  }

  std::vector<std::string> all() const {
    const std::scoped_lock lock(_mutex);
    return _replies;
  }

  /// Waits until there are `count` answers, and gives them.
  std::vector<std::string> waitFor(std::size_t count) {
    std::unique_lock lock(_mutex);
    _changed.wait(lock, [&] { return _replies.size() >= count; });
    return _replies;
  }

 private:
  mutable std::mutex _mutex;
  std::condition_variable _changed;
  std::vector<std::string> _replies;
};

}  // namespace p2::test
