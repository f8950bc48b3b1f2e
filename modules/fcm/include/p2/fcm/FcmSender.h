#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/Secret.h"
#include "p2/fcm/AccessTokenSource.h"
#include "p2/fcm/FcmCodec.h"
#include "p2/http/Proxy.h"
#include "p2/http/TlsContext.h"
#include "p2/http/Url.h"
#include "p2/push/Sender.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace p2::fcm {

/// How FCM is reached. A value.
struct FcmConfig {
  http::Url endpoint{"fcm.googleapis.com", 443, {}};  ///< `fcm.endpoint`
  MessageSettings message;                            ///< `fcm.priority`, `fcm.collapse`, `fcm.ttl`
  std::string projectId;                              ///< HTTP v1: the service account's.
  core::Secret authKey;                               ///< Legacy API: `fcm.authKey`.
  std::chrono::milliseconds timeout{15000};           ///< `fcm.timeout`, for one request.
  std::optional<http::Proxy> proxy;                   ///< `fcm.proxy`
  const core::Clock* clock = &core::systemClock();    ///< Must outlive the senders.
};

/// Makes senders for the HTTP v1 API, each with a connection of its own. What they use together is shared
/// because the senders of before a reload go on with what they began with. `metrics` must outlive them.
push::SenderFactory makeV1Senders(FcmConfig config, std::shared_ptr<const http::TlsContext> tls,
                                  std::shared_ptr<AccessTokenSource> tokens, core::Metrics& metrics);

/// The same for the legacy API.
push::SenderFactory makeLegacySenders(FcmConfig config, std::shared_ptr<const http::TlsContext> tls,
                                      core::Metrics& metrics);

/// What to warn the operator of who uses the legacy API at `endpoint`: Google's own has been switched off.
std::optional<std::string> legacyWarning(const http::Url& endpoint);

}  // namespace p2::fcm
