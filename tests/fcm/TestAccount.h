#pragma once

#include "p2/fcm/ServiceAccount.h"
#include "p2/http/TlsContext.h"
#include "support/Certificates.h"

#include <map>
#include <memory>
#include <string>

namespace p2::test {

/// The RSA key of every service account in these tests; made once.
const KeyPair& rsaKey();

/// The members of a right service account file.
std::map<std::string, std::string> accountFields(
    const std::string& tokenUri = "https://oauth2.googleapis.com/token");
/// `fields` as a file's text.
std::string toJson(const std::map<std::string, std::string>& fields);

/// An account whose token endpoint is at `tokenUri`.
fcm::ServiceAccount account(const std::string& tokenUri = "https://oauth2.googleapis.com/token");

/// Trusts authority(), of which the servers' certificates are.
std::shared_ptr<const http::TlsContext> trusting();

}  // namespace p2::test
