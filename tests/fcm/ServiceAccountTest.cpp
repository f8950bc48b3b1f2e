#include "TestAccount.h"
#include "p2/fcm/ServiceAccount.h"
#include "support/Catch.h"

using p2::fcm::ServiceAccount;
using p2::test::accountFields;
using p2::test::TemporaryFile;
using p2::test::toJson;

namespace {

std::string errorOf(const std::string& content) {
  const TemporaryFile file(content);
  const auto loaded = ServiceAccount::load(file.path());
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().starts_with("The service account file " + file.path() + " "));
  CHECK(loaded.error().ends_with("Service accounts, Generate new private key."));
  return loaded.error();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A right file but for one member.
std::string with(const std::string& key, const std::string& value) {
  auto fields = accountFields();
  fields[key] = value;
  return toJson(fields);
}

}  // namespace

TEST_CASE("A service account file gives all that is needed") {
  const auto account = p2::test::account("https://oauth2.googleapis.com/token");
  CHECK(account.projectId == "my-project");
  CHECK(account.privateKeyId == "0123456789abcdef");
  CHECK(account.privateKey.reveal() == p2::test::rsaKey().privatePem);
  CHECK(account.clientEmail == "p2@my-project.iam.gserviceaccount.com");
  CHECK(account.tokenUri == "https://oauth2.googleapis.com/token");
  CHECK(account.tokenUrl == p2::http::Url{"oauth2.googleapis.com", 443, "/token"});
}

TEST_CASE("A service account file that cannot be read is named") {
  for (const char* path : {"/nonexistent/account.json", "/tmp"}) {
    const auto loaded = ServiceAccount::load(path);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error() == std::string("The service account file ") + path +
                                " cannot be read; check its path and that p2's user may read it.");
  }
}

TEST_CASE("A file that is not a service account's says what it is instead") {
  CHECK(has(errorOf(""), " is empty"));
  CHECK(has(errorOf(std::string(70000, 'x')), " is too large"));
  CHECK(has(errorOf("AAAAserverkey:APA91b"), " is not JSON"));
  CHECK(has(errorOf("[]"), " is not JSON"));
  CHECK(has(errorOf(R"({"project_info":{"project_number":"1"},"client":[]})"), "is a google-services.json"));
  CHECK(has(errorOf(R"({"installed":{"client_id":"x"}})"), "is an OAuth client file"));
  CHECK(has(errorOf(R"({"web":{"client_id":"x"}})"), "is an OAuth client file"));
  CHECK(has(errorOf("{}"), "has no \"type\""));
  CHECK(has(errorOf(with("type", "authorized_user")), "its \"type\" is another"));
}

TEST_CASE("A member that is missing or of another type is named") {
  for (const char* key : {"project_id", "private_key_id", "private_key", "client_email", "token_uri"}) {
    auto fields = accountFields();
    fields.erase(key);
    CHECK(has(errorOf(toJson(fields)), std::string("lacks \"") + key + '"'));
    auto text = toJson(fields);
    text.insert(1, std::string("\"") + key + "\": 5,");
    CHECK(has(errorOf(text), std::string("lacks \"") + key + '"'));
  }
}

TEST_CASE("A key that cannot be used is refused without being shown, and without asking for a passphrase") {
  const std::string broken = "-----BEGIN PRIVATE KEY-----\nHIDDEN\n-----END PRIVATE KEY-----\n";
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nHIDDEN\n-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string& key : {broken, encrypted, std::string("HIDDEN"), p2::test::rsaKey().publicPem}) {
    const std::string error = errorOf(with("private_key", key));
    CHECK(has(error, "has a \"private_key\" that is not an RSA key in PKCS#8 PEM"));
    CHECK_FALSE(has(error, "HIDDEN"));
  }
}

TEST_CASE("A token_uri or project that cannot be used is refused") {
  CHECK(has(errorOf(with("token_uri", "http://oauth2.googleapis.com/token")),
            "has a \"token_uri\" that must begin with https://"));
  CHECK(has(errorOf(with("project_id", "my/project")), "has a \"project_id\" that is none"));
}
