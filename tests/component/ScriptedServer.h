#pragma once

#include "support/Certificates.h"
#include "support/LoopbackServer.h"

#include <openssl/ssl.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace p2::test {

/// What waits in these tests waits so long at most: then something is wrong.
inline constexpr std::chrono::seconds kPatience{60};

/// The server's side of one component stream (XEP-0114), word by word as a test wants it. Used by one thread.
class Peer {
 public:
  /// `tls`: null for plain TCP.
  Peer(int socket, SSL* tls);

  /// Reads until `text` has come and gives all up to its end; empty if the component closed before.
  std::string await(std::string_view text);
  /// Reads until the component closes, and gives all that came.
  std::string awaitEnd();
  /// False if the component does not take all of it.
  bool send(std::string_view text) {
    return exchange(text, [](const std::string&) { return true; });
  }
  /// Sends and reads at once, until all is sent and `enough` says so of what came. False if it ends before.
  bool exchange(std::string_view text, const std::function<bool(const std::string& received)>& enough);
  /// Waits until the component has closed or sent something, for `bound` at most; false if it has not.
  bool stirsWithin(std::chrono::milliseconds bound);

  /// Opens the stream up to the component's handshake, and gives that.
  std::string openStream(const std::string& id = "3BF96D32");
  /// Opens the stream and accepts the handshake.
  void open();
  /// Ends the stream with an error.
  void fail(const std::string& condition);
  /// Takes little at once, so that a peer that does not read is noticed soon.
  void narrow();
  /// Ends the connection so that the component sees a reset.
  void reset();

 private:
  enum class Step { moved, blocked, ended };
  Step readSome();
  Step sendSome(std::string_view& text);

  const int _socket;
  SSL* const _tls;
  std::string _received;
};

/// An XMPP server that does with each connection what a test says, in a thread of its own.
class ScriptedServer {
 public:
  /// Called for the n-th connection, counted from 1; the connection ends with it.
  using Script = std::function<void(Peer&, int connection)>;

  explicit ScriptedServer(Script script, std::optional<Identity> identity = {},
                          const std::string& address = "127.0.0.1");

  std::uint16_t port() const { return _server->port(); }
  int connections() const { return _server->connections(); }

 private:
  void serve(int socket, int connection);

  const Script _script;
  std::optional<Identity> _identity;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> _context;
  std::unique_ptr<LoopbackServer> _server;
};

/// Hands texts from one thread to another. Thread-safe.
class Mailbox {
 public:
  void put(std::string text);
  /// Waits for the next text; empty if none comes.
  std::string take();

 private:
  std::mutex _mutex;
  std::condition_variable _changed;
  std::deque<std::string> _texts;
};

std::size_t count(std::string_view text, std::string_view part);

/// A stanza that wants an answer.
std::string requestStanza(const std::string& id);

}  // namespace p2::test
