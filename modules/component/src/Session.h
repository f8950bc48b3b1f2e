#pragma once

#include "Connection.h"
#include "p2/component/Component.h"
#include "p2/core/Guarded.h"
#include "p2/xmpp/StanzaReader.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace p2::component {

class Outbox;

/// How to come back after a stream that ended or could not be opened.
enum class Retreat {
  growing,   ///< After a while that grows with the failures.
  standby,   ///< Soon, however often: the server keeps another's stream for the name.
  yielding,  ///< After the longest while: another's stream took the place, and would have to give way in
             ///< turn.
};

/// Why there is no stream, for an operator.
struct Ending {
  std::string reason;
  Retreat retreat = Retreat::growing;
};

/// One stream with the server, from its header to its end (XEP-0114 §3). Used by the reader thread only.
class Session final : public xmpp::StanzaHandler {
 public:
  /// What a session needs of its component; all of it outlives the session.
  struct Context {
    const Component::Options& options;
    const Component::OnRequest& onRequest;
    const std::function<void()>& onReady;  ///< The handshake is done.
    Outbox& outbox;
    /// Whether requests are handed out; held while one is, so that nobody is in the middle of one once it is
    /// false.
    core::Guarded<bool>& reading;
    core::Counter& received;
    core::Counter& refused;
  };

  Session(const Context& context, std::shared_ptr<Connection> connection);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Ends the connection, whatever happened: a server that still sees an old one may refuse the next.
  ~Session() override;

  /// Opens the stream and reads until it ends. The reason is empty if the server closed it in due form.
  Ending run();
  bool ready() const noexcept { return _ready; }

  void onStreamOpen(const xmpp::Element& header) override;
  void onStanza(xmpp::Element stanza) override;
  void onRefused(xmpp::Element head, std::string_view why) override;

 private:
  std::chrono::milliseconds patience();
  std::chrono::milliseconds patienceWithHandshake(std::chrono::steady_clock::time_point now);
  void ping(std::chrono::steady_clock::time_point now);
  void onHandshake();
  void onStreamError(const xmpp::Element& error);
  bool isOurs(const xmpp::Iq& request) const;
  bool isOfAnother(const xmpp::Iq& request) const;
  void handOut(xmpp::Iq request);
  void handOver(const xmpp::Element& message);
  bool admit();
  std::string reasonOf(const xmpp::StanzaReader::End& end);
  void giveUp(std::string why);

  const Context _context;
  const std::shared_ptr<Connection> _connection;  // shared with the outbox, which may still be writing
  const core::Clock::TimePoint _started;
  core::Clock::TimePoint _lastPing{};
  bool _ready = false;
  std::uint64_t _pings = 0;
  std::string _fault;
  Retreat _retreat = Retreat::growing;
};

/// What a stream error (RFC 6120 §4.9.3) means for an operator, and what to do. `ready`: the stream was open.
Ending judgeStreamError(const xmpp::Element& error, const Component::Options& options, bool ready);

}  // namespace p2::component
