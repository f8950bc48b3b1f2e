#pragma once

#include "p2/core/Result.h"
#include "p2/http/TlsContext.h"
#include "p2/xmpp/StanzaReader.h"

#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace p2::component {

/// One TCP or TLS connection to the XMPP server. The reader thread reads, any thread writes; writes are in
/// turn.
class Connection final : public xmpp::ByteSource {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 0;
    std::shared_ptr<const http::TlsContext> tls;  ///< null: plain TCP
    std::chrono::milliseconds connectTimeout{};
    std::chrono::milliseconds writeTimeout{15000};  ///< A peer that takes nothing for so long is gone.
  };

  /// Called in the reader thread when nothing came for `wait`; gives how long to wait on, or zero to give the
  /// peer up.
  using OnSilence = std::function<std::chrono::milliseconds()>;

  /// Tries each address of the host and blocks meanwhile. The error names host, port and what the system
  /// says.
  static core::Result<std::shared_ptr<Connection>> open(const Options& options);

  /// `wait`: how long read() waits before it calls `onSilence`. Before the first read.
  void watch(std::chrono::milliseconds wait, OnSilence onSilence);
  /// From now on, read() waits so long. Reader thread.
  void setWait(std::chrono::milliseconds wait) noexcept { _wait = wait; }

  std::size_t read(char* buffer, std::size_t size) noexcept override;
  /// Blocks until the system has taken all. False if the connection is lost.
  bool write(std::string_view bytes) noexcept;
  /// Makes reading and writing end, now and from now on. Any thread.
  void shutdown() noexcept;

  /// Why read() gave 0, for an operator; empty if the peer just closed. Reader thread.
  const std::string& why() const noexcept { return _why; }

  Connection(Poco::Net::StreamSocket socket, bool secure);

 private:
  bool awaitInput();
  int receive(char* buffer, std::size_t size);
  int sendSome(std::string_view bytes);

  Poco::Net::StreamSocket _socket;
  const bool _secure;
  std::atomic<bool> _down{false};
  std::mutex _writing;  // one writer at a time
  std::mutex _tls;      // OpenSSL reads and writes through one object, which has no lock of its own
  std::chrono::milliseconds _wait{0};
  OnSilence _onSilence;
  std::string _why;
};

}  // namespace p2::component
