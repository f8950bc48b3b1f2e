#include "Json.h"
#include "JwtAssertion.h"
#include "TestAccount.h"
#include "support/Catch.h"

#include <Poco/Base64Decoder.h>
#include <Poco/Crypto/RSAKey.h>
#include <Poco/JWT/Signer.h>

#include <algorithm>
#include <iterator>
#include <sstream>

using namespace std::chrono_literals;

namespace {

std::string decodePart(const std::string& jwt, int part) {
  std::istringstream parts(jwt);
  std::string text;
  for (int n = 0; n <= part; ++n) std::getline(parts, text, '.');
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  std::istringstream in(text);
  Poco::Base64Decoder decoder(in);
  return {std::istreambuf_iterator<char>(decoder), {}};
}

}  // namespace

TEST_CASE("The assertion is signed with the account's key and claims what Google asks for") {
  const auto account = p2::test::account();
  const auto now = std::chrono::system_clock::from_time_t(1700000000) + 750ms;
  const auto assertion = p2::fcm::makeAssertion(account, now);
  REQUIRE(assertion);
  const std::string& jwt = assertion.value().reveal();

  std::istringstream publicKey(p2::test::rsaKey().publicPem);
  const Poco::SharedPtr<Poco::Crypto::RSAKey> key = new Poco::Crypto::RSAKey(&publicKey);
  Poco::JWT::Signer verifier(key);
  verifier.addAllAlgorithms();
  Poco::JWT::Token token;
  CHECK(verifier.tryVerify(jwt, token));

  const auto header = p2::fcm::parseObject(decodePart(jwt, 0));
  REQUIRE(header);
  CHECK(header->size() == 3);
  CHECK(p2::fcm::stringAt(header, "alg") == "RS256");
  CHECK(p2::fcm::stringAt(header, "typ") == "JWT");
  CHECK(p2::fcm::stringAt(header, "kid") == account.privateKeyId);

  const std::string claims = decodePart(jwt, 1);
  const auto parsed = p2::fcm::parseObject(claims);
  REQUIRE(parsed);
  CHECK(parsed->size() == 5);
  CHECK(p2::fcm::stringAt(parsed, "iss") == account.clientEmail);
  CHECK(p2::fcm::stringAt(parsed, "scope") == "https://www.googleapis.com/auth/firebase.messaging");
  CHECK(p2::fcm::stringAt(parsed, "aud") == account.tokenUri);
  CHECK(claims.find("\"iat\":1699999970") != std::string::npos);
  CHECK(claims.find("\"exp\":1700003570") != std::string::npos);
  CHECK(claims.find("1699999970.") == std::string::npos);
}

TEST_CASE("An assertion of another key is not valid") {
  auto account = p2::test::account();
  account.privateKey = p2::core::Secret(p2::test::makeRsaKeyPair().privatePem);
  const auto assertion = p2::fcm::makeAssertion(account, std::chrono::system_clock::now());
  REQUIRE(assertion);
  std::istringstream publicKey(p2::test::rsaKey().publicPem);
  Poco::JWT::Signer verifier(Poco::SharedPtr<Poco::Crypto::RSAKey>(new Poco::Crypto::RSAKey(&publicKey)));
  verifier.addAllAlgorithms();
  Poco::JWT::Token token;
  CHECK_FALSE(verifier.tryVerify(assertion.value().reveal(), token));
}

TEST_CASE("A key that cannot sign is a fault, not an exception") {
  auto account = p2::test::account();
  account.privateKey = p2::core::Secret("nonsense");
  CHECK_FALSE(p2::fcm::makeAssertion(account, std::chrono::system_clock::now()));
}
