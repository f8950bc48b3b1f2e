#include "p2/fcm/ServiceAccount.h"

#include "Json.h"
#include "ServiceAccountText.h"

#include <Poco/Crypto/RSAKey.h>
#include <Poco/Exception.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

namespace p2::fcm {

using Poco::JSON::Object;

namespace {

constexpr std::size_t kLargestFile = 64 * 1024;

std::string sentence(std::string_view what, std::string_view remedy) {
  return std::string(what) + std::string(remedy);
}

core::Result<std::string> read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) {
    return core::Error{"The service account file " + file +
                       " cannot be read; check its path and that p2's user may read it."};
  }
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargestFile) {
    return core::Error{"The service account file " + file + sentence(" is too large to be one", kNewKey)};
  }
  return text;
}

/// Says what a JSON file is that is often taken for the right one, and the remedy; empty if it may be right.
std::string mistakenFor(const Object::Ptr& root) {
  if (root->has("project_info") && root->has("client")) {
    return sentence("is a google-services.json, which belongs into the app, not a service account key",
                    kNewKey);
  }
  if (root->has("web") || root->has("installed")) {
    return sentence("is an OAuth client file, not a service account key", kNewKey);
  }
  const std::string type = stringAt(root, "type");
  if (type == "service_account") return {};
  if (type == "authorized_user") {
    return sentence("is somebody's own log-in (gcloud), not a service account key", kNewKey);
  }
  if (type.empty() && root->has("private_key")) {
    return sentence("has no \"type\", so it was edited", kCopyAgain);
  }
  if (type.empty()) return sentence("has no \"type\", so it is not a service account key", kNewKey);
  return sentence("is not a service account key: its \"type\" is another", kNewKey);
}

/// REQUIRES: a PEM that is not encrypted: OpenSSL would ask at the terminal for its passphrase.
bool isUsableKey(const std::string& pem) {
  try {
    std::istringstream in(pem);
    return Poco::Crypto::RSAKey(nullptr, &in).size() > 0;
  } catch (const Poco::Exception&) {
    return false;
  }
}

core::Result<core::Secret> usableKey(const std::string& text) {
  auto pem = privateKeyPem(text);
  if (!pem) return core::Error{pem.error()};
  if (!isUsableKey(pem.value())) {
    return core::Error{
        sentence("has a \"private_key\" that is not a whole RSA key, so it was cut or edited", kCopyAgain)};
  }
  return core::Secret(std::move(pem).value());
}

/// Says which of the members that it needs is not there; empty if all are.
std::string lackingIn(const Object::Ptr& root) {
  for (const char* key : {"project_id", "private_key_id", "private_key", "client_email", "token_uri"}) {
    if (stringAt(root, key).empty()) return sentence("lacks \"" + std::string(key) + '"', kCopyAgain);
  }
  return {};
}

/// The project is a part of a path.
bool isProjectId(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

}  // namespace

core::Result<ServiceAccount> ServiceAccount::load(const std::string& file) {
  const auto bytes = read(file);
  if (!bytes) return core::Error{bytes.error()};
  const std::string name = "The service account file " + file + " ";
  const auto json = serviceAccountJson(bytes.value());
  if (!json) return core::Error{name + json.error()};
  const Object::Ptr root = parseObject(json.value());
  if (const std::string mistake = mistakenFor(root); !mistake.empty()) return core::Error{name + mistake};

  if (const std::string lacking = lackingIn(root); !lacking.empty()) return core::Error{name + lacking};
  ServiceAccount account;
  account.projectId = stringAt(root, "project_id");
  account.privateKeyId = stringAt(root, "private_key_id");
  account.clientEmail = stringAt(root, "client_email");
  account.tokenUri = stringAt(root, "token_uri");
  if (!isProjectId(account.projectId))
    return core::Error{name + sentence("has a \"project_id\" that is none", kCopyAgain)};
  auto key = usableKey(stringAt(root, "private_key"));
  if (!key) return core::Error{name + key.error()};
  account.privateKey = std::move(key).value();
  auto url = http::Url::parse(account.tokenUri);
  if (!url) return core::Error{name + sentence("has a \"token_uri\" that " + url.error(), kCopyAgain)};
  account.tokenUrl = std::move(url).value();
  return account;
}

}  // namespace p2::fcm
