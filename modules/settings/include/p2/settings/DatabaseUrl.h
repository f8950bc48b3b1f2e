#pragma once

#include "p2/core/Result.h"
#include "p2/settings/Settings.h"

#include <string_view>

namespace p2::settings {

/// Reads `mariadb://[user[:password]@]host[:port][,...]/database[?option=value&...]`, or the same behind
/// `jdbc:` as the reference service has it. Of the options count those of its driver that say who logs in and
/// whether the connection is encrypted: `user`, `password`, `useSsl`, `sslMode` and `serverSslCert`; others
/// are passed over. The error says what is wrong, and shows nothing of the text. Pure.
core::Result<Settings::Store::Mariadb> parseDatabaseUrl(std::string_view text);

}  // namespace p2::settings
