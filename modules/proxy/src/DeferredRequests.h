#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/proxy/Requests.h"
#include "p2/xmpp/Responder.h"

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>

namespace p2::proxy {

/// Requests that must wait until this machine's clock is set. Phones register as soon as their server is back
/// from a boot, and who is only told to wait does not come again for weeks: so they are kept, in their order,
/// for as long as a server waits for an answer. Memory is bounded: they are kept as what was understood of
/// them, not as the elements that came, which take many times as much as their text. Thread-safe.
class DeferredRequests {
 public:
  using Serve = std::function<void(Request, const std::string& from, xmpp::Responder)>;

  /// `clock` must outlive it.
  explicit DeferredRequests(const core::Clock& clock);

  /// Takes the request if it has to wait, as one that is dated, signed or judged by the clock, which it may
  /// do behind others though the clock is set; gives whether it has. What there is no room for is answered
  /// wait. Does not block.
  bool take(Request& request, const std::string& from, xmpp::Responder& responder);
  /// Has those served that wait if the clock is set; else answers wait to those that have waited for long. To
  /// be called several times a second while the clock is not set, by one thread.
  void look(const Serve& serve);
  /// Answers wait to all.
  void giveUp();

 private:
  struct Kept {
    Request request;
    std::string from;
    xmpp::Responder responder;
    std::size_t bytes;
    core::Clock::TimePoint since;
  };
  using List = std::deque<Kept>;
  struct State {
    List kept;
    std::size_t bytes = 0;
  };

  List takeAll();
  List takeLate();
  static void answerWait(List list);

  const core::Clock& _clock;
  std::atomic<bool> _defers;  ///< Changed with _state held, and read without it where nothing waits.
  core::Guarded<State> _state;
};

}  // namespace p2::proxy
