#pragma once

#include "ScriptedServer.h"
#include "p2/component/Component.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace p2::test {

using component::Component;
using State = Component::State;

constexpr auto kStreamEnd = "</stream:stream>";

inline Component::Options optionsFor(std::uint16_t port) {
  Component::Options options;
  options.port = port;
  options.jid = "push.example.org";
  options.sharedSecret = core::Secret("a-secret");
  options.connectTimeout = options.handshakeTimeout = kPatience;
  options.pingInterval = options.deadAfter = options.writeTimeout = kPatience;
  options.backoffMost = options.standbyPause = std::chrono::milliseconds(1);
  return options;
}

/// A component that answers every request at once, unless it is told to keep them, and what became of it.
class TestComponent {
 public:
  explicit TestComponent(Component::Options options, bool keeps = false) : _keeps(keeps) {
    _component = std::make_unique<Component>(
        std::move(options),
        [this](const xmpp::Iq& iq, xmpp::Responder responder) { onRequest(iq, std::move(responder)); },
        [this](State state) { onState(state); }, _metrics);
  }
  TestComponent(const TestComponent&) = delete;
  TestComponent& operator=(const TestComponent&) = delete;
  ~TestComponent() { destroy(); }

  Component& operator*() { return *_component; }
  Component* operator->() { return _component.get(); }
  void destroy() {
    if (_component && _keeps) {
      _component->stopReading();
      answerKept();
    }
    _component.reset();
  }

  /// Waits until the state was entered `times` times.
  bool reaches(State state, std::size_t times = 1) {
    std::unique_lock lock(_mutex);
    return _changed.wait_for(lock, kPatience, [&] {
      return static_cast<std::size_t>(std::count(_states.begin(), _states.end(), state)) >= times;
    });
  }
  /// Whether the state was ever entered.
  bool reached(State state) {
    const std::scoped_lock lock(_mutex);
    return std::find(_states.begin(), _states.end(), state) != _states.end();
  }
  /// Waits until so many requests were handed out.
  bool gets(std::size_t requests) {
    std::unique_lock lock(_mutex);
    return _changed.wait_for(lock, kPatience, [&] { return _handedOut.size() >= requests; });
  }
  /// The ids of the requests that were handed out.
  std::vector<std::string> handedOut() {
    const std::scoped_lock lock(_mutex);
    return _handedOut;
  }
  /// Waits until a stream could not be opened, or ended, and gives the reason.
  std::string fault() {
    std::string fault;
    eventually([&] { return !(fault = _component->status().lastFault).empty(); });
    return fault;
  }
  void answerKept() {
    std::vector<xmpp::Responder> kept;
    {
      const std::scoped_lock lock(_mutex);
      kept.swap(_kept);
    }
    for (auto& responder : kept) responder.result();
  }
  std::uint64_t counter(const std::string& name) { return _metrics.counter(name, "").value(); }

 private:
  void onRequest(const xmpp::Iq& iq, xmpp::Responder responder) {
    {
      const std::scoped_lock lock(_mutex);
      _handedOut.push_back(iq.id);
      if (_keeps) _kept.push_back(std::move(responder));
    }
    _changed.notify_all();
    if (!_keeps) responder.result();
  }
  void onState(State state) {
    {
      const std::scoped_lock lock(_mutex);
      _states.push_back(state);
    }
    _changed.notify_all();
  }

  const bool _keeps;
  core::Metrics _metrics;
  std::mutex _mutex;
  std::condition_variable _changed;
  std::vector<State> _states;
  std::vector<std::string> _handedOut;
  std::vector<xmpp::Responder> _kept;
  std::unique_ptr<Component> _component;
};

}  // namespace p2::test
