#include "p2/http/TlsContext.h"

#include "p2/http/TlsContextAccess.h"

#include <Poco/Exception.h>
#include <Poco/Net/InvalidCertificateHandler.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/VerificationErrorArgs.h>
#include <openssl/ssl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is of POSIX
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <mutex>

namespace p2::http {

using Poco::Net::Context;

namespace {

/// Where Debian, Fedora, openSUSE, Arch and Alpine keep the authorities.
constexpr std::array kKnownBundles{
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

// X25519 first, as it is the one key share that is sent at once: Poco's default begins with X448, which few
// servers take, and costs every handshake another round trip.
constexpr const char* kGroups = "X25519:P-256:P-384:P-521:X448";

thread_local std::string certificateError;

/// Refuses every certificate that OpenSSL refuses, and remembers why: the exception that follows does not
/// say.
class Refuse final : public Poco::Net::InvalidCertificateHandler {
 public:
  Refuse() : InvalidCertificateHandler(false) {}
  void onInvalidCertificate(const void*, Poco::Net::VerificationErrorArgs& fault) override {
    certificateError = fault.errorMessage();
    fault.setIgnoreError(false);
  }
};

void prepareOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    Poco::Net::initializeSSL();
    struct sigaction current {};
    if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
      current.sa_handler = SIG_IGN;
      sigaction(SIGPIPE, &current, nullptr);
    }
  });
}

bool isReadable(const std::string& file) {
  return access(file.c_str(), R_OK) == 0;
}

core::Result<std::string> findAuthorities(const TlsContext::Options& options) {
  if (!options.caFile.empty()) {
    if (isReadable(options.caFile)) return options.caFile;
    return core::Error{options.settingName + " names " + options.caFile +
                       ", which cannot be read; give a readable PEM file of certificates, or leave it out."};
  }
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0') {
    if (isReadable(file)) return std::string(file);
    return core::Error{std::string("The environment variable SSL_CERT_FILE names ") + file +
                       ", which cannot be read; correct or unset it."};
  }
  for (const char* file : kKnownBundles) {
    if (isReadable(file)) return std::string(file);
  }
  return core::Error{
      "No certificate authorities were found on this system; install the package ca-certificates, or "
      "name a PEM file in " +
      options.settingName + "."};
}

Context::Ptr makeContext(const std::string& caFile) {
  Context::Params parameters;
  parameters.caLocation = caFile;
  parameters.verificationMode = Context::VERIFY_STRICT;
  parameters.loadDefaultCAs = false;
  parameters.cipherList = "DEFAULT:!aNULL:!eNULL";
  parameters.ecdhCurve = kGroups;
  Context::Ptr context = new Context(Context::TLS_CLIENT_USE, parameters);
  context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
  context->enableExtendedCertificateVerification(true);
  context->setInvalidCertificateHandler(new Refuse);
  // Newer versions of Poco hand sessions out for resumption only then. OpenSSL is not to keep them as well.
  context->enableSessionCache(true);
  SSL_CTX_set_session_cache_mode(context->sslContext(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  // Some 34 KB less for each idle connection.
  SSL_CTX_set_mode(context->sslContext(), SSL_MODE_RELEASE_BUFFERS);
  // One system call for what has come, instead of two for each record.
  SSL_CTX_set_read_ahead(context->sslContext(), 1);
  return context;
}

}  // namespace

class TlsContext::Impl {
 public:
  Context::Ptr context;
  std::string caFile;
  std::string settingName;
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : _impl(std::move(impl)) {}

TlsContext::~TlsContext() = default;

core::Result<std::shared_ptr<const TlsContext>> TlsContext::create(const Options& options) {
  prepareOnce();
  auto found = findAuthorities(options);
  if (!found) return core::Error{found.error()};
  const std::string caFile = std::move(found).value();
  try {
    auto impl = std::make_unique<Impl>();
    impl->context = makeContext(caFile);
    impl->caFile = caFile;
    impl->settingName = options.settingName;
    return std::shared_ptr<const TlsContext>(new TlsContext(std::move(impl)));
  } catch (const Poco::Exception&) {
    return core::Error{caFile +
                       " holds no certificates that can be used; name a PEM file of certificates in " +
                       options.settingName + "."};
  }
}

const std::string& TlsContext::caFile() const noexcept {
  return _impl->caFile;
}

const std::string& TlsContext::settingName() const noexcept {
  return _impl->settingName;
}

Context::Ptr pocoContext(const TlsContext& context) {
  return context.impl().context;
}

std::string takeCertificateError() {
  return std::exchange(certificateError, {});
}

std::string describeTlsFault(const TlsContext& context, const std::string& peer,
                             const std::string& otherwise) {
  const std::string fault = takeCertificateError();
  if (fault.empty()) return "TLS with " + peer + " failed: " + otherwise + ".";
  return "The certificate of " + peer + " is not trusted: " + fault +
         ". If it is the right one, name the file of its authority in " + context.settingName() +
         "; check this machine's clock as well.";
}

}  // namespace p2::http
