#pragma once

#include "support/TemporaryFile.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace p2::test {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

/// A server's certificate and its key.
struct Identity {
  Certificate certificate;
  Key key;
};

struct CertificateOptions {
  std::string names = "DNS:localhost,IP:127.0.0.1";  ///< subjectAltName
  bool expired = false;
};

/// A certificate authority that exists for one test.
class Authority {
 public:
  Authority();

  Identity issue(const CertificateOptions& options = {}) const;
  /// PEM with this authority's certificate.
  const std::string& file() const { return _file.path(); }

 private:
  Identity _own;
  TemporaryFile _file;
};

/// The one that tests trust which need but one.
const Authority& authority();

/// A certificate that vouches for itself.
Identity selfSigned(const CertificateOptions& options = {});

/// A fresh RSA key as PKCS#8 PEM, and its public half.
struct KeyPair {
  std::string privatePem;
  std::string publicPem;
};
KeyPair makeRsaKeyPair();

}  // namespace p2::test
