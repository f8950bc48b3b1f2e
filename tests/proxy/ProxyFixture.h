#pragma once

#include "p2/core/Guarded.h"
#include "p2/lmdb/Store.h"
#include "p2/proxy/PushProxy.h"
#include "support/ReplyList.h"
#include "support/RequestTexts.h"
#include "support/Shapes.h"
#include "support/TemporaryDirectory.h"
#include "support/Xml.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace p2::test {

inline const std::string kJid = "push.example.org";
inline const std::string kDevice = "92afd7a91cdba9a0";

/// Answers each message with the next of the given outcomes, then with `delivered`.
struct Script {
  std::deque<push::Outcome> outcomes;
  std::vector<push::Message> sent;
  std::function<void()> onSend;
};

class ScriptedSender final : public push::Sender {
 public:
  explicit ScriptedSender(core::Guarded<Script>& script) : _script(script) {}

  push::Outcome send(const push::Message& message, core::Clock::TimePoint /*deadline*/) noexcept override {
    std::function<void()> onSend = _script.with([](Script& script) { return script.onSend; });
    if (onSend) onSend();
    return _script.with([&](Script& script) {
      script.sent.push_back(message);
      push::Outcome outcome;
      outcome.kind = push::Outcome::Kind::delivered;
      if (!script.outcomes.empty()) {
        outcome = script.outcomes.front();
        script.outcomes.pop_front();
      }
      return outcome;
    });
  }

 private:
  core::Guarded<Script>& _script;
};

/// The limits there are, but for the grace of what is not there, for tests of what comes after it.
inline proxy::PushProxy::Limits withoutGrace() {
  proxy::PushProxy::Limits limits;
  limits.unknownAfter = std::chrono::milliseconds::zero();
  return limits;
}

/// A whole proxy on a store of its own.
class ProxyFixture {
 public:
  explicit ProxyFixture(const proxy::PushProxy::Limits& limits = withoutGrace(), bool keepDomain = true,
                        const core::Clock& clock = core::systemClock()) {
    lmdb::Store::Options options;
    options.keepDomain = keepDomain;
    options.clock = &clock;
    options.path = directory.path() / "store";
    store = std::move(lmdb::Store::open(options)).value();
    begin(*store, limits, clock);
  }
  /// On other registrations than those in LMDB; `store` is null then.
  explicit ProxyFixture(std::unique_ptr<store::Registrations> registrations,
                        const core::Clock& clock = core::systemClock())
      : other(std::move(registrations)) {
    begin(*other, withoutGrace(), clock);
  }
  ~ProxyFixture() {
    // As Runtime does it: what is asked still may come to the dispatcher.
    dispatcher->drain(std::chrono::milliseconds::zero());
    store.reset();
    other.reset();
    dispatcher.reset();
  }

  /// Serves the stanza and gives the answer.
  std::string ask(const std::string& xml) {
    const auto iq = request(xml);
    proxy->handle(iq, xmpp::Responder(replies, iq.id, iq.from, iq.to));
    return replies.waitFor(++_asked).back();
  }

  std::string registerPhone(const std::string& token, const std::string& account = "xiaomia1@jabber.de",
                            const std::string& more = "") {
    return ask(registerRequest(account, kDevice, token, more));
  }

  std::string publish(const std::string& node, const std::string& secret,
                      const std::string& from = "jabber.de") {
    return ask(publishRequest(node, secret, from));
  }

  void willAnswer(push::Outcome::Kind kind, bool onlyIfOthersSucceed = false) {
    script.with([&](Script& s) {
      push::Outcome outcome;
      outcome.kind = kind;
      outcome.onlyIfOthersSucceed = onlyIfOthersSucceed;
      outcome.retryAfter = std::chrono::hours(1);  // too long for another try
      s.outcomes.push_back(outcome);
    });
  }

  /// How many messages went to the push service.
  std::size_t sent() const {
    return script.with([](const Script& s) { return s.sent.size(); });
  }

  std::atomic<bool> otherStoreServes{false};
  TemporaryDirectory directory;
  core::Metrics metrics;
  core::Guarded<Script> script;
  ReplyList replies;
  std::unique_ptr<lmdb::Store> store;
  std::unique_ptr<store::Registrations> other;
  std::unique_ptr<push::Dispatcher> dispatcher;
  std::unique_ptr<proxy::PushProxy> proxy;

 private:
  void begin(store::Registrations& registrations, const proxy::PushProxy::Limits& limits,
             const core::Clock& clock) {
    push::Dispatcher::Options dispatcherOptions;
    dispatcherOptions.service = {"fcm", "FCM"};
    dispatcherOptions.maxWorkers = 2;
    dispatcherOptions.goneAfter = std::chrono::milliseconds::zero();
    dispatcher = std::make_unique<push::Dispatcher>(
        dispatcherOptions, [this] { return std::make_unique<ScriptedSender>(script); }, metrics);
    proxy = std::make_unique<proxy::PushProxy>(
        proxy::PushProxy::Options{kJid, limits, &clock, [this] { return otherStoreServes.load(); }},
        registrations, proxy::PushProxy::Dispatchers{{store::Service::fcm, *dispatcher}}, metrics);
  }

  std::size_t _asked = 0;
};

}  // namespace p2::test
