#pragma once

#include "p2/core/Target.h"

#include <chrono>
#include <optional>
#include <string>

namespace p2::push {

/// What became of a message. A value.
struct Outcome {
  enum class Kind {
    delivered,      ///< The push service took it.
    targetGone,     ///< The push service says that this target will never be reached again.
    retry,          ///< A fault that passes: the push service, the network, our load.
    rejected,       ///< The push service cannot read what we sent: our bug.
    misconfigured,  ///< Our credentials, project or permissions are wrong: the operator must act.
    doubted,        ///< The push service calls the target gone, which is not believed, or not yet. Final.
  };
  /// Whom a fault concerns.
  enum class Scope {
    target,   ///< This message or its target: another one may fare better.
    service,  ///< Everybody: the push service as a whole, the way to it, or what we are to it.
  };

  Kind kind = Kind::retry;
  /// For the log: what happened, without token, secret or JID.
  std::string reason;
  /// retry, misconfigured: whom it concerns. doubted: whether the fault is probably ours.
  Scope scope = Scope::target;
  /// retry: how long the push service asks to wait, if it did: everybody, or this target alone, as `scope`
  /// says.
  std::optional<std::chrono::milliseconds> retryAfter;
  /// targetGone: the verdict also comes when our own project is the wrong one (SENDER_ID_MISMATCH), so it
  /// counts only while other messages are delivered.
  bool onlyIfOthersSucceed = false;
  /// delivered: the push service's replacement for the target, to be stored in its place.
  std::optional<core::Target> replacement;
  /// targetGone, or a replacement: the target that it is said of. The Dispatcher's to fill in.
  core::Target target;
};

}  // namespace p2::push
