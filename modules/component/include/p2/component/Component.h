#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/Secret.h"
#include "p2/http/Route.h"
#include "p2/http/TlsContext.h"
#include "p2/xmpp/Iq.h"
#include "p2/xmpp/Responder.h"
#include "p2/xmpp/StanzaReader.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace p2::component {

/// An external component of an XMPP server (XEP-0114): keeps one stream to the server open, hands out each
/// request that comes and sends the answers. A stream that ends, for whatever reason, is opened again after a
/// while that grows with the failures; answers that were not sent by then go into the new stream as long as a
/// server still waits for them. Where the server keeps another's stream for the name, it stands by: it asks
/// again and again after a short while, until it gets its turn. Thread-safe.
class Component {
 public:
  struct Options {
    std::string host = "127.0.0.1";            ///< `xmpp.host`: a name or an address.
    std::uint16_t port = 5347;                 ///< `xmpp.port`
    std::string jid;                           ///< `xmpp.jid`: the component's name.
    core::Secret sharedSecret;                 ///< `xmpp.sharedSecret`
    http::Resolver resolver = &http::resolve;  ///< Of `host`.
    /// Which of the host's addresses is tried first, counted in turns: each of several components begins at
    /// another node of a cluster.
    std::size_t firstAddress = 0;
    std::size_t connections = 1;  ///< `xmpp.connections`: of several none stands by.
    /// Direct TLS with this context, shared because a reload may replace it; null: plain TCP.
    std::shared_ptr<const http::TlsContext> tls;
    xmpp::StanzaReader::Limits limits;  ///< `xmpp.maxStanzaSize`
    std::chrono::milliseconds connectTimeout{
        10000};  ///< For each address of the host; as long again for TLS.
    std::chrono::milliseconds handshakeTimeout{20000};  ///< From the connection to the handshake's end.
    std::chrono::milliseconds pingInterval{15000};      ///< The server is pinged so often.
    /// What the ids of its pings have in them: the same in all components of one process, and in no other
    /// process, so that `onOther` tells of others.
    std::string pingId = "0";
    std::chrono::milliseconds deadAfter{120000};    ///< Silent for so long, without a byte, it is given up.
    std::chrono::milliseconds writeTimeout{15000};  ///< A server that takes nothing for so long is given up.
    std::chrono::milliseconds backoffMost{30000};   ///< Longest wait before connecting again.
    /// The wait while standing by, and up to as long again. Prosody writes four lines into its log for each
    /// try.
    std::chrono::milliseconds standbyPause{2000};
    /// What to tell an operator of standing by, which is tried again as seldom as after other failures then;
    /// empty: it is as it should be.
    std::string standbyCaution;
    std::chrono::milliseconds answerLifetime{
        30000};                          ///< Servers wait 32 s at least; an older answer is dropped.
    std::size_t outboxCapacity = 50000;  ///< Unsent answers at which no more requests are read.
    /// Called in the reader thread for every message stanza to the component, which has no answer; must not
    /// block nor throw. May be empty.
    std::function<void(const xmpp::Element&)> onMessage;
    /// Called in the reader thread when a ping of p2's comes from the component's own name that is of another
    /// `pingId`: the server has another's stream for the name as well, and shares out what comes. Must not
    /// block nor throw. May be empty.
    std::function<void()> onOther;
  };

  enum class State {
    connecting,
    standby,  ///< The server has another's stream for the name, and keeps it.
    connected,
    stopped,
  };

  struct Status {
    State state = State::connecting;
    std::string lastFault;                          ///< For an operator; empty if there was none.
    std::chrono::system_clock::time_point since{};  ///< When `state` was entered.
    std::size_t unsentAnswers = 0;
  };

  /// Called in the reader thread for every request that can be answered; must not block for long nor throw.
  using OnRequest = std::function<void(xmpp::Iq, xmpp::Responder)>;
  /// Called in the reader thread when the state has changed; must not block.
  using OnState = std::function<void(State)>;

  /// Starts connecting at once.
  Component(Options options, OnRequest onRequest, OnState onState, core::Metrics& metrics);
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;
  /// Closes without waiting for unsent answers; only the resolver, if it is at work, is waited for. Every
  /// Responder must have been answered or destroyed before.
  ~Component();

  /// No more requests are handed out once this returns: later ones are answered wait/internal-server-error.
  /// The answers to earlier ones are still sent. Waits for a request that is being handed out: not to be
  /// called by OnRequest.
  void stopReading();
  /// Waits until every answer is sent, if there is a stream, then closes it in due form and waits for the
  /// server to do the same; all that up to `bound`. Call it once, after stopReading().
  void close(std::chrono::milliseconds bound);

  Status status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::component
