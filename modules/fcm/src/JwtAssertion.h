#pragma once

#include "p2/core/Result.h"
#include "p2/core/Secret.h"
#include "p2/fcm/ServiceAccount.h"

#include <chrono>

namespace p2::fcm {

/// The signed claim that `account` may have an access token for FCM (RFC 7523 §3), valid for an hour from
/// half a minute before `now`. Error: the key cannot sign.
core::Result<core::Secret> makeAssertion(const ServiceAccount& account,
                                         std::chrono::system_clock::time_point now);

}  // namespace p2::fcm
