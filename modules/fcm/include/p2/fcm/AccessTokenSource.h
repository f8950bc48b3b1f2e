#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/Secret.h"
#include "p2/fcm/ServiceAccount.h"
#include "p2/http/Proxy.h"
#include "p2/http/TlsContext.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace p2::fcm {

/// Why there is no access token.
struct TokenFault {
  std::string text;            ///< For an operator.
  bool misconfigured = false;  ///< The operator must act; otherwise it passes.
};

/// Exchanges the service account's key for access tokens (RFC 7523) and keeps the current one. However many
/// callers there are, at most one request is under way; it is made by a thread of this object, so that nobody
/// who can go on with a valid token waits. Nothing is requested while nobody asks. Thread-safe.
class AccessTokenSource {
 public:
  struct Options {
    /// For one request, name resolution excepted, which the system bounds. The destructor may take as long as
    /// both.
    std::chrono::milliseconds timeout{10000};
    std::chrono::seconds refreshAhead{300};        ///< Before the expiry; half the lifetime if that is less.
    std::chrono::milliseconds firstBackoff{1000};  ///< Bound of the delay after a first fault that passes.
    std::chrono::milliseconds mostBackoff{60000};  ///< Bound of that delay, which doubles.
    std::chrono::milliseconds refusedBackoff{60000};       ///< Least delay after Google has refused our key.
    std::chrono::milliseconds mostRefusedBackoff{600000};  ///< Bound of what is added to it.
    /// What the endpoint may ask to wait at most (Retry-After): then it is asked again, whatever it said.
    std::chrono::milliseconds mostRetryAfter{120000};
    std::chrono::milliseconds invalidateEvery{60000};  ///< A token is given up at most so often.
    std::optional<http::Proxy> proxy;
    const core::Clock* clock = &core::systemClock();  ///< Must outlive this object.
  };

  /// Starts the thread: throws std::system_error if the system refuses it. `tls` is shared so that a source
  /// survives a reload of the authorities. `metrics` must outlive this object.
  AccessTokenSource(const ServiceAccount& account, std::shared_ptr<const http::TlsContext> tls,
                    const Options& options, core::Metrics& metrics);
  AccessTokenSource(const AccessTokenSource&) = delete;
  AccessTokenSource& operator=(const AccessTokenSource&) = delete;
  /// Joins the thread. REQUIRES: nobody is in get().
  ~AccessTokenSource();

  /// The current token, at once if it is valid; else waits for the request under way until `deadline`. While
  /// the last failure's delay lasts, its fault is given at once.
  std::variant<core::Secret, TokenFault> get(core::Clock::TimePoint deadline);

  /// FCM has refused `token`. It is given up if it is still the current one, but at most once in
  /// Options::invalidateEvery: then get() goes on giving it.
  void invalidate(const core::Secret& token);

  /// For health and status.
  struct State {
    bool valid = false;                                            ///< There is a token that has not expired.
    std::optional<std::chrono::system_clock::time_point> expires;  ///< Of the current token.
    std::optional<TokenFault> fault;                               ///< Of the last request, if it failed.
  };
  State state() const;

 private:
  class Impl;
  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::fcm
