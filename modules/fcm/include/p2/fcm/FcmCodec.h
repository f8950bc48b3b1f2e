#pragma once

#include "p2/push/Message.h"
#include "p2/push/Outcome.h"

#include <chrono>
#include <optional>
#include <string>

/// What is said to FCM and what its answers mean, for the HTTP v1 API and the legacy one. Pure.
namespace p2::fcm {

/// How messages are sent; the same for all of them. A value.
struct MessageSettings {
  enum class Priority {
    high,       ///< Wakes the phone at once.
    normal,     ///< Waits while the phone dozes.
    automatic,  ///< High if the server announced a body.
  };

  Priority priority = Priority::high;
  /// Messages of one account, or channel, that wait at FCM replace each other.
  bool collapse = true;
  /// How long FCM keeps a message for a phone that is away, up to 28 days; unset: FCM's own 28 days.
  std::optional<std::chrono::seconds> ttl;
  /// FCM checks the message and does not send it.
  bool validateOnly = false;
};

/// The body of a request to `/v1/projects/…/messages:send`.
std::string encodeV1(const push::Message& message, const MessageSettings& settings);
/// The body of a request to `/fcm/send`.
std::string encodeLegacy(const push::Message& message, const MessageSettings& settings);

/// An answer of FCM as HTTP gave it.
struct Answer {
  int status = 0;
  std::string body;
  std::optional<std::chrono::milliseconds> retryAfter;
};

struct Verdict {
  push::Outcome outcome;
  /// The access token is not valid (any more): with a fresh one the message may be sent once more.
  bool accessTokenRefused = false;
};

/// Judges by the status first and then by what the body adds; the body may be anything. The outcome's reason
/// holds Google's codes and our words, nothing else of the body.
Verdict classifyV1(const Answer& answer);
push::Outcome classifyLegacy(const Answer& answer);

}  // namespace p2::fcm
