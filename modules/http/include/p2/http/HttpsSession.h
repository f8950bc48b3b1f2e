#pragma once

#include "p2/core/Clock.h"
#include "p2/http/Proxy.h"
#include "p2/http/TlsContext.h"
#include "p2/http/Url.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace p2::http {

class Route;

/// Why there is no answer. A value.
struct Fault {
  enum class Kind {
    resolve,    ///< The host's name has no address.
    connect,    ///< No address of the host, or the proxy, took the connection.
    tls,        ///< The handshake failed, or the certificate was refused.
    timeout,    ///< Connected, but not answered in time.
    closed,     ///< The peer ended the connection before the answer was complete.
    malformed,  ///< The peer does not speak HTTP.
    tooLarge,   ///< The answer is longer than maxBody.
  };
  Kind kind = Kind::closed;
  std::string text;  ///< For an operator: names the host, holds nothing that was sent or received.
};

/// An answer, whatever its status. A value.
struct Response {
  int status = 0;
  std::string body;
  std::string retryAfter;  ///< The header as it came, or empty.
  std::string date;        ///< The header as it came, or empty.
  /// Why `body` is not whole. Only where the status is one of success: what was asked for has been done.
  std::optional<Fault> cut = {};
};

/// One connection to an https service that is kept alive between requests. Used by one thread at a time.
class HttpsSession {
 public:
  struct Options {
    Url url;
    std::optional<Proxy> proxy;                ///< Used unless its exceptions name the host.
    std::chrono::milliseconds timeout{15000};  ///< For a request as a whole, connecting included.
    /// For each of the host's addresses; as long again for TLS with it while there are others.
    std::chrono::milliseconds connectTimeout{5000};
    /// A connection on which nothing that was sent is acknowledged for so long is lost.
    std::chrono::milliseconds userTimeout{5000};
    /// What is known of the way to the proxy, or the host. Shared by the sessions that go there with the same
    /// TlsContext; null: the session's own.
    std::shared_ptr<Route> route;
    std::chrono::milliseconds idleLimit{100000};  ///< Not reused after so long: the far end ends it at 120 s.
    std::chrono::milliseconds ageLimit{3000000};  ///< Not reused after so long: the far end ends it at 1 h.
    std::size_t maxBody = 64 * 1024;              ///< Bytes.
    const core::Clock* clock = &core::systemClock();  ///< Must outlive the session.
  };

  using Headers = std::vector<std::pair<std::string, std::string>>;
  using Result = std::variant<Response, Fault>;

  /// Connects on the first request. `tls` is shared so that a session survives a reload of the authorities.
  HttpsSession(const Options& options, std::shared_ptr<const TlsContext> tls);
  HttpsSession(const HttpsSession&) = delete;
  HttpsSession& operator=(const HttpsSession&) = delete;
  ~HttpsSession();

  /// Sends one request and blocks for its whole answer, no longer than Options::timeout and not past
  /// `deadline` (name resolution excepted, which the system bounds). A connection that was kept and turns out
  /// to be closed or lost before the first byte of the answer is replaced once; anything else is not tried
  /// again. What comes on a kept connection between two requests ends it.
  /// Redirects are not followed. Never throws. `path` is sent as it is.
  Result post(const std::string& path, const Headers& headers, const std::string& body,
              core::Clock::TimePoint deadline) noexcept;

  /// Closes the connection; the next request opens another.
  void reset() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::http
