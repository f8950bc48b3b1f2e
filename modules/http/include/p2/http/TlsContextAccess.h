#pragma once

#include "p2/http/TlsContext.h"

#include <Poco/Net/Context.h>

#include <string>

/// For the modules that open TLS connections of their own with Poco; everybody else needs TlsContext.h only.
namespace p2::http {

/// Poco's form of `context`. Thread-safe; must not be changed.
Poco::Net::Context::Ptr pocoContext(const TlsContext& context);

/// Why the certificate in this thread's last TLS handshake was refused ("certificate has expired"), and
/// forgets it. Empty if it was not. Call it before a handshake too, to forget the one before.
std::string takeCertificateError();

/// A sentence for the operator after a failed handshake with `peer`: the certificate's fault if there was
/// one, with the remedy, else `otherwise`. Calls takeCertificateError().
std::string describeTlsFault(const TlsContext& context, const std::string& peer,
                             const std::string& otherwise);

}  // namespace p2::http
