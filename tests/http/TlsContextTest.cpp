#include "p2/http/TlsContext.h"
#include "support/Catch.h"
#include "support/Certificates.h"

#include <signal.h>

#include <cstdlib>

using p2::http::TlsContext;

namespace {

/// Sets a variable of the environment for a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : _name(name) {
    if (const char* old = std::getenv(name)) _old = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (_old.empty()) {
      ::unsetenv(_name);
    } else {
      ::setenv(_name, _old.c_str(), 1);
    }
  }

 private:
  const char* _name;
  std::string _old;
};

}  // namespace

TEST_CASE("The authorities come from the setting, else from SSL_CERT_FILE") {
  const p2::test::Authority configured;
  const p2::test::Authority fromEnvironment;
  const Variable variable("SSL_CERT_FILE", fromEnvironment.file());

  const auto first = TlsContext::create({configured.file(), "fcm.caFile"});
  REQUIRE(first);
  CHECK(first.value()->caFile() == configured.file());

  const auto second = TlsContext::create({});
  REQUIRE(second);
  CHECK(second.value()->caFile() == fromEnvironment.file());
}

TEST_CASE("A file of authorities that cannot be used is named with its setting") {
  const auto missing = TlsContext::create({"/nonexistent/ca.pem", "xmpp.caFile"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error() ==
        "xmpp.caFile names /nonexistent/ca.pem, which cannot be read; give a readable PEM file of "
        "certificates, or "
        "leave it out.");

  const p2::test::TemporaryFile garbage("this is not a certificate\n");
  const auto unusable = TlsContext::create({garbage.path(), "fcm.caFile"});
  REQUIRE_FALSE(unusable);
  CHECK(unusable.error() ==
        garbage.path() +
            " holds no certificates that can be used; name a PEM file of certificates in fcm.caFile.");

  const Variable variable("SSL_CERT_FILE", "/nonexistent/ca.pem");
  const auto wrongVariable = TlsContext::create({});
  REQUIRE_FALSE(wrongVariable);
  CHECK(wrongVariable.error().find("SSL_CERT_FILE names /nonexistent/ca.pem") != std::string::npos);
}

TEST_CASE("Writing to a closed connection does not end the process") {
  const p2::test::Authority authority;
  REQUIRE(TlsContext::create({authority.file(), "fcm.caFile"}));
  struct sigaction action {};
  ::sigaction(SIGPIPE, nullptr, &action);
  CHECK(action.sa_handler == SIG_IGN);
}
