#include "p2/fcm/ServiceAccount.h"

#include "Json.h"

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
constexpr std::string_view kKeyBegin = "-----BEGIN PRIVATE KEY-----";
constexpr const char* kRemedy =
    "; get a new key in the Firebase console under Project settings, Service accounts, Generate new private "
    "key.";

core::Result<std::string> read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) {
    return core::Error{"The service account file " + file +
                       " cannot be read; check its path and that p2's user may read it."};
  }
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.empty()) return core::Error{"The service account file " + file + " is empty" + kRemedy};
  if (text.size() > kLargestFile) {
    return core::Error{"The service account file " + file + " is too large to be one" + kRemedy};
  }
  return text;
}

/// Says what a file is that is often taken for the right one; empty if it may be the right one.
std::string mistakenFor(const Object::Ptr& root) {
  if (root->has("project_info") && root->has("client")) {
    return "is a google-services.json, which belongs into the app, not a service account key";
  }
  if (root->has("web") || root->has("installed")) {
    return "is an OAuth client file, not a service account key";
  }
  const std::string type = stringAt(root, "type");
  if (type.empty()) return "has no \"type\", so it is not a service account key";
  if (type != "service_account") return "is not a service account key: its \"type\" is another";
  return {};
}

/// The PEM is checked first: OpenSSL asks at the terminal for the passphrase of an encrypted key.
bool isUsableKey(const std::string& pem) {
  if (!pem.starts_with(kKeyBegin)) return false;
  try {
    std::istringstream in(pem);
    return Poco::Crypto::RSAKey(nullptr, &in).size() > 0;
  } catch (const Poco::Exception&) {
    return false;
  }
}

/// The project is a part of a path.
bool isProjectId(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

}  // namespace

core::Result<ServiceAccount> ServiceAccount::load(const std::string& file) {
  const auto text = read(file);
  if (!text) return core::Error{text.error()};
  const std::string name = "The service account file " + file + " ";
  const Object::Ptr root = parseObject(text.value());
  if (!root) return core::Error{name + "is not JSON" + kRemedy};
  if (const std::string mistake = mistakenFor(root); !mistake.empty())
    return core::Error{name + mistake + kRemedy};

  for (const char* key : {"project_id", "private_key_id", "private_key", "client_email", "token_uri"}) {
    if (stringAt(root, key).empty()) return core::Error{name + "lacks \"" + key + "\"" + kRemedy};
  }
  ServiceAccount account;
  account.projectId = stringAt(root, "project_id");
  account.privateKeyId = stringAt(root, "private_key_id");
  account.privateKey = core::Secret(stringAt(root, "private_key"));
  account.clientEmail = stringAt(root, "client_email");
  account.tokenUri = stringAt(root, "token_uri");
  if (!isProjectId(account.projectId))
    return core::Error{name + "has a \"project_id\" that is none" + kRemedy};
  if (!isUsableKey(account.privateKey.reveal())) {
    return core::Error{name + "has a \"private_key\" that is not an RSA key in PKCS#8 PEM" + kRemedy};
  }
  auto url = http::Url::parse(account.tokenUri);
  if (!url) return core::Error{name + "has a \"token_uri\" that " + url.error() + kRemedy};
  account.tokenUrl = std::move(url).value();
  return account;
}

}  // namespace p2::fcm
