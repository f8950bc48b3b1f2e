#include "JwtAssertion.h"

#include <Poco/Crypto/RSAKey.h>
#include <Poco/Exception.h>
#include <Poco/JWT/Signer.h>
#include <Poco/JWT/Token.h>
#include <Poco/SharedPtr.h>

#include <sstream>

namespace p2::fcm {

namespace {

constexpr const char* kScope = "https://www.googleapis.com/auth/firebase.messaging";
constexpr std::chrono::seconds kSkew{30};
constexpr std::chrono::seconds kLifetime{3600};

Poco::Int64 wholeSeconds(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

core::Result<core::Secret> makeAssertion(const ServiceAccount& account,
                                         std::chrono::system_clock::time_point now) {
  try {
    Poco::JWT::Token token;
    token.header().set("typ", std::string("JWT"));
    token.header().set("kid", account.privateKeyId);
    // Token's own setters write times with fractions, which Google refuses.
    token.payload().set("iss", account.clientEmail);
    token.payload().set("scope", std::string(kScope));
    token.payload().set("aud", account.tokenUri);
    token.payload().set("iat", wholeSeconds(now - kSkew));
    token.payload().set("exp", wholeSeconds(now - kSkew + kLifetime));
    std::istringstream pem(account.privateKey.reveal());
    const Poco::SharedPtr<Poco::Crypto::RSAKey> key = new Poco::Crypto::RSAKey(nullptr, &pem);
    return core::Secret(Poco::JWT::Signer(key).sign(token, Poco::JWT::Signer::ALGO_RS256));
  } catch (const Poco::Exception&) {
    return core::Error{"The service account's private key cannot sign; get a new key file."};
  }
}

}  // namespace p2::fcm
