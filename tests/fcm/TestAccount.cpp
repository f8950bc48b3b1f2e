#include "TestAccount.h"

namespace p2::test {

const KeyPair& rsaKey() {
  static const KeyPair key = makeRsaKeyPair();
  return key;
}

std::map<std::string, std::string> accountFields(const std::string& tokenUri) {
  return {{"type", "service_account"},
          {"project_id", "my-project"},
          {"private_key_id", "0123456789abcdef"},
          {"private_key", rsaKey().privatePem},
          {"client_email", "p2@my-project.iam.gserviceaccount.com"},
          {"client_id", "1234567890"},
          {"token_uri", tokenUri}};
}

std::string toJson(const std::map<std::string, std::string>& fields) {
  std::string text = "{";
  for (const auto& [key, value] : fields) {
    if (text.size() > 1) text += ',';
    text += "\n  \"" + key + "\": \"";
    for (const char c : value) text += c == '\n' ? std::string("\\n") : std::string(1, c);
    text += '"';
  }
  return text + "\n}\n";
}

fcm::ServiceAccount account(const std::string& tokenUri) {
  const TemporaryFile file(toJson(accountFields(tokenUri)));
  return fcm::ServiceAccount::load(file.path()).value();
}

std::shared_ptr<const http::TlsContext> trusting() {
  static const auto instance = http::TlsContext::create({authority().file(), "fcm.caFile"}).value();
  return instance;
}

}  // namespace p2::test
