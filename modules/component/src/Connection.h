#pragma once

#include "WakeUp.h"
#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/http/Dial.h"
#include "p2/http/Route.h"
#include "p2/http/TlsContext.h"
#include "p2/xmpp/StanzaReader.h"

#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace p2::component {

/// One TCP or TLS connection to the XMPP server. The reader thread connects and reads, any thread writes, one
/// at a time, and any thread ends it.
class Connection final : public xmpp::ByteSource {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 0;
    std::shared_ptr<const http::TlsContext> tls;  ///< null: plain TCP
    std::chrono::milliseconds connectTimeout{10000};
    std::chrono::milliseconds writeTimeout{15000};  ///< A peer that takes nothing for so long is gone.
  };

  /// Asked in the reader thread whenever there is nothing to read: how long to wait for input before it is
  /// asked again, or zero to give the peer up.
  using Patience = std::function<std::chrono::milliseconds()>;

  explicit Connection(Options options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Tries each address of the host, in the order of `route`, which it tells of those that fail. Blocks up to
  /// connectTimeout for TCP and again for TLS with each of them, and as long as the resolver takes;
  /// shutdown() ends all but the resolver. The error is for an operator. Reader thread, once, before all
  /// else.
  core::Result<void> connect(http::Route& route);
  /// Where it is connected to. REQUIRES: connect() succeeded. Reader thread.
  const http::Address& address() const noexcept { return _address; }

  /// Before the first read.
  void watch(Patience patience) { _patience = std::move(patience); }
  std::size_t read(char* buffer, std::size_t size) noexcept override;
  /// When something came for the last time. Reader thread.
  core::Clock::TimePoint lastInput() const noexcept { return _lastInput; }

  /// Blocks until the system has taken all. False if it does not: the connection is lost then, or finished.
  bool write(std::string_view bytes) noexcept;
  /// Writes the last words and tells the peer that no more will come; what it still sends can be read. False
  /// if that cannot be done within `bound`.
  bool finish(std::string_view lastWords, std::chrono::milliseconds bound) noexcept;
  /// Makes reading and writing end, now and from now on. Does not block.
  void shutdown() noexcept;

  /// Why the connection broke, for an operator; empty if it was just closed.
  std::string why() const;

 private:
  void establish(const http::Dial::Reached& reached);
  void adopt(const Poco::Net::StreamSocket& socket);
  void startTls(core::Clock::TimePoint deadline);
  void open();
  bool awaitInput(short events);
  int receive(char* buffer, std::size_t size);
  bool beginWriting(core::Clock::TimePoint deadline) noexcept;
  void endWriting() noexcept;
  bool transfer(std::string_view bytes, core::Clock::TimePoint deadline) noexcept;
  int sendSome(std::string_view bytes);
  void breakOff(const std::string& why) noexcept;

  const Options _options;
  Poco::Net::StreamSocket _socket;  // the reader's alone until _open
  http::Address _address;
  WakeUp _wake;  // set when _down is
  Patience _patience;
  core::Clock::TimePoint _lastInput{};
  std::mutex _tls;  // OpenSSL reads and writes through one object, which has no lock of its own
  std::atomic<bool> _down{false};

  mutable std::mutex _mutex;      // for what follows
  std::condition_variable _turn;  // nobody writes any more
  int _descriptor = -1;
  bool _open = false;
  bool _writing = false;
  bool _finished = false;
  std::string _why;
};

}  // namespace p2::component
