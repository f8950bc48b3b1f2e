#pragma once

#include "p2/core/Secret.h"
#include "p2/fcm/AccessTokenSource.h"
#include "p2/fcm/ServiceAccount.h"
#include "p2/http/HttpsSession.h"

#include <chrono>
#include <optional>
#include <variant>

namespace p2::fcm {

/// An access token and how long it is valid.
struct Grant {
  core::Secret token;
  std::chrono::seconds lifetime{0};
};

/// No access token.
struct Refusal {
  TokenFault fault;
  std::optional<std::chrono::milliseconds> retryAfter;
  /// This machine's clock may be to blame: once it is set, there is no reason to wait.
  bool byClock = false;
};

/// Judges the token endpoint's answer (RFC 6749 §5) that came at `now`, and words what went wrong for the
/// operator. Pure.
std::variant<Grant, Refusal> readTokenAnswer(const http::Response& response, const ServiceAccount& account,
                                             std::chrono::system_clock::time_point now);

}  // namespace p2::fcm
