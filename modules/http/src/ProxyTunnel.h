#pragma once

#include "p2/core/Poll.h"
#include "p2/http/HttpsSession.h"
#include "p2/http/Proxy.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace p2::http {

/// Reads a proxy's answer to CONNECT (RFC 9110 §9.3.6) as it comes, in pieces of any size. Used by one
/// thread; pure.
class TunnelAnswer {
 public:
  enum class State {
    more,       ///< The answer goes on.
    open,       ///< What follows is the tunnel's.
    refused,    ///< No tunnel; status() says why. What follows, a page for a browser, matters to nobody.
    malformed,  ///< What came is no answer of an HTTP proxy.
  };

  /// The header of a tunnel that is open, interim answers before it included, may be so long.
  static constexpr std::size_t kMostHeader = 16 * 1024;

  State feed(std::string_view bytes);
  State state() const noexcept { return _state; }
  /// REQUIRES: `open` or `refused`.
  int status() const noexcept { return _status; }

 private:
  void endLine();

  State _state = State::more;
  int _status = 0;
  std::string _line;  // without its end; only the status line is kept whole
  std::size_t _size = 0;
  bool _inHeader = false;  // behind the status line
};

/// Asks the proxy at the other end of `fd`, a connected socket, for a tunnel to `target` (`host:port`), and
/// waits for its answer until `deadline`. Nothing if the tunnel is open.
std::optional<Fault> openTunnel(int fd, const Proxy& proxy, const std::string& target,
                                core::RealTime deadline);

}  // namespace p2::http
