#pragma once

#include "p2/core/Metrics.h"
#include "p2/core/Result.h"
#include "p2/core/Secret.h"
#include "p2/fcm/AccessTokenSource.h"
#include "p2/fcm/FcmSender.h"
#include "p2/http/TlsContext.h"
#include "p2/push/Sender.h"
#include "p2/settings/Settings.h"

#include <memory>
#include <string>
#include <vector>

namespace p2::app {

/// All that is needed to send to FCM, made from the settings and the files that they name. A value.
struct FcmLink {
  push::SenderFactory makeSender;
  /// Null with the legacy API. Shared with the senders, which may outlive a reload.
  std::shared_ptr<fcm::AccessTokenSource> tokens;
  fcm::FcmConfig config;                        ///< How FCM is reached, for asking something else there.
  std::shared_ptr<const http::TlsContext> tls;  ///< The same; shared with the senders.
  std::vector<std::string> warnings;
  /// What decides how FCM judges our messages: where it is, and who we are to it.
  core::Secret identity;

  /// Reads the service account and the authorities; blocks for them. `metrics` must outlive the senders.
  /// `validateOnly`: FCM checks what is sent and delivers nothing (HTTP v1 only). Throws std::system_error if
  /// the system refuses a thread.
  static core::Result<FcmLink> make(const settings::Settings::Fcm& settings, core::Metrics& metrics,
                                    bool validateOnly = false);
};

}  // namespace p2::app
