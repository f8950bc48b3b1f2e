#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/xmpp/Iq.h"
#include "p2/xmpp/Responder.h"

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>

namespace p2::proxy {

/// Requests that must wait until this machine's clock is set. Phones register as soon as their server is back
/// from a boot, and who is only told to wait does not come again for weeks: so they are kept, in their order,
/// for as long as a server waits for an answer. Memory is bounded. Thread-safe.
class DeferredRequests {
 public:
  using Serve = std::function<void(const xmpp::Iq&, xmpp::Responder)>;

  /// `clock` must outlive it.
  explicit DeferredRequests(const core::Clock& clock);

  /// Takes the request if it has to wait, which it may do behind others though the clock is set; gives
  /// whether it has. What there is no room for is answered wait. Does not block.
  bool take(const xmpp::Iq& iq, xmpp::Responder& responder);
  /// Has those served that wait if the clock is set; else answers wait to those that have waited for long. To
  /// be called several times a second while the clock is not set, by one thread.
  void look(const Serve& serve);
  /// Answers wait to all.
  void giveUp();

 private:
  struct Request {
    xmpp::Iq iq;
    xmpp::Responder responder;
    std::size_t bytes;
    core::Clock::TimePoint since;
  };
  struct State {
    std::deque<Request> requests;
    std::size_t bytes = 0;
  };
  using Requests = std::deque<Request>;

  Requests takeAll();
  Requests takeLate();
  static void answerWait(Requests requests);

  const core::Clock& _clock;
  std::atomic<bool> _defers;  ///< Changed with _state held, and read without it where nothing waits.
  core::Guarded<State> _state;
};

}  // namespace p2::proxy
