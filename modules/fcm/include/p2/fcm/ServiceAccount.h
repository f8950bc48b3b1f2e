#pragma once

#include "p2/core/Result.h"
#include "p2/core/Secret.h"
#include "p2/http/Url.h"

#include <string>

namespace p2::fcm {

/// The key file of a Google service account: who we are for FCM's HTTP v1 API. A value.
struct ServiceAccount {
  std::string projectId;
  std::string privateKeyId;
  core::Secret privateKey;  ///< RSA, PKCS#8 PEM; load() has seen that it can be used.
  std::string clientEmail;
  std::string tokenUri;  ///< As it is in the file, for the JWT's audience.
  http::Url tokenUrl;    ///< The same, to connect to.

  /// Reads and checks `file`; blocks for it. Error: names the file, what is wrong with it and where to get a
  /// right one.
  static core::Result<ServiceAccount> load(const std::string& file);
};

}  // namespace p2::fcm
