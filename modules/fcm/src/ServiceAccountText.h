#pragma once

#include "p2/core/Result.h"

#include <string>
#include <string_view>

/// What is in hand where a service account's key file should be: it has gone through editors, shells,
/// environment variables and web pages. Pure.
namespace p2::fcm {

/// What to do where only a new key helps: ends a sentence about the file.
inline constexpr std::string_view kNewKey =
    "; get a key in the Firebase console under Project settings, Service accounts, Generate new private key.";
/// What to do where the key may be good and the file is not: ends a sentence about the file.
inline constexpr std::string_view kCopyAgain =
    "; copy the file there once more, byte for byte, as Google gave it.";

/// The JSON object in the file's `bytes`, in UTF-8. A byte order mark, UTF-16, quotes and blanks around it,
/// and line ends within its strings are taken for what they are. Error: what the file is instead and the
/// remedy, as a clause that follows its name.
core::Result<std::string> serviceAccountJson(std::string_view bytes);

/// The private key as PEM with the lines that PEM has, whatever became of them: CRLF, blanks, or `\n` written
/// out. Error: what it is instead and the remedy, as a clause that follows the file's name. Whether the key
/// can be used is not looked at.
core::Result<std::string> privateKeyPem(std::string_view value);

}  // namespace p2::fcm
