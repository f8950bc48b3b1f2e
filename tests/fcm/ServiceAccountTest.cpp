#include "TestAccount.h"
#include "p2/fcm/ServiceAccount.h"
#include "support/Catch.h"
#include "support/Has.h"

using p2::fcm::ServiceAccount;
using p2::test::accountFields;
using p2::test::has;
using p2::test::TemporaryFile;
using p2::test::toJson;

namespace {

const std::string kNewKey =
    "; get a key in the Firebase console under Project settings, Service accounts, Generate new private key.";
const std::string kCopyAgain = "; copy the file there once more, byte for byte, as Google gave it.";

/// What is said of the file, and what to do.
std::string errorOf(const std::string& content, const std::string& remedy) {
  const TemporaryFile file(content);
  const auto loaded = ServiceAccount::load(file.path());
  REQUIRE_FALSE(loaded);
  const std::string name = "The service account file " + file.path() + " ";
  CAPTURE(loaded.error());
  CHECK(loaded.error().starts_with(name));
  CHECK(loaded.error().ends_with(remedy));
  CHECK(loaded.error().find("HIDDEN") == std::string::npos);
  return loaded.error().substr(name.size());
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

TEST_CASE("A file is read through what editors, shells and environments do to it") {
  const std::string right = toJson(accountFields());
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
    return text;
  };
  const auto utf16 = [](const std::string& text, bool bigEndian, bool mark) {
    std::string out = !mark ? "" : bigEndian ? "\xFE\xFF" : "\xFF\xFE";
    for (const char c : text) out += bigEndian ? std::string{'\0', c} : std::string{c, '\0'};
    return out;
  };
  const std::pair<std::string, std::string> cases[] = {
      {"as it is", right},
      {"byte order mark", "\xEF\xBB\xBF" + right},
      {"UTF-16LE", utf16(right, false, true)},
      {"UTF-16BE", utf16(right, true, true)},
      {"UTF-16LE without a mark", utf16(right, false, false)},
      {"UTF-16BE without a mark", utf16(right, true, false)},
      {"CRLF", replaced(right, "\n", "\r\n")},
      {"CRLF in the key", replaced(right, "\\n", "\\r\\n")},
      {"\\n written out in the key", replaced(right, "\\n", "\\\\n")},
      {"\\r\\n written out in the key", replaced(right, "\\n", "\\\\r\\\\n")},
      {"blanks for line ends in the key", replaced(right, "\\n", " ")},
      {"line ends in the key", replaced(right, "\\n", "\n")},
      {"CRLF line ends in the key", replaced(right, "\\n", "\r\n")},
      {"no line ends in the key", replaced(right, "\\n", "")},
      {"key in quotes",
       replaced(replaced(right, "\"-----BEGIN", "\"'-----BEGIN"), "KEY-----\\n\"", "KEY-----\\n'\"")},
      {"blanks around it", " \r\n\t" + right + "\n \n"},
      {"byte order mark and blanks", "\xEF\xBB\xBF\n" + right},
      {"apostrophes around it", "'" + right + "'\n"},
      {"quotes around it", "\"" + right + "\""},
      {"a JSON string",
       "\"" + replaced(replaced(replaced(right, "\\", "\\\\"), "\"", "\\\""), "\n", "\\n") + "\"\n"},
      {"slashes escaped", replaced(right, "/", "\\/")},
  };
  for (const auto& [name, text] : cases) {
    CAPTURE(name);
    const TemporaryFile file(text);
    const auto account = ServiceAccount::load(file.path());
    INFO((account ? std::string() : account.error()));
    REQUIRE(account);
    CHECK(account.value().privateKey.reveal() == p2::test::rsaKey().privatePem);
    CHECK(account.value().projectId == "my-project");
    CHECK(account.value().clientEmail == "p2@my-project.iam.gserviceaccount.com");
    CHECK(account.value().tokenUri == "https://oauth2.googleapis.com/token");
  }
}

TEST_CASE("A file that is not a service account's says what it is instead, and what helps") {
  struct Case {
    std::string content, says, remedy;
  };
  const std::string right = toJson(accountFields());
  const Case cases[] = {
      {"", "is empty", kCopyAgain},
      {" \r\n\n", "is empty", kCopyAgain},
      {"\xEF\xBB\xBF", "is empty", kCopyAgain},
      {std::string(70000, 'x'), "is too large", kNewKey},
      {"<!DOCTYPE html><html>HIDDEN</html>", "is a web page", kNewKey},
      {"\n\n<html>", "is a web page", kNewKey},
      {"<?xml version=\"1.0\"?><!DOCTYPE plist><plist version=\"1.0\"><dict/></plist>", "is a property list",
       kNewKey},
      {"AIzaSyHIDDENHIDDENHIDDENHIDDENHIDDENHIDD\n", "is an API key", kNewKey},
      {"AAAAserverkey:APA91bHIDDEN", "is a server key of FCM's legacy API", kNewKey},
      {p2::test::rsaKey().privatePem, "is a PEM key alone", kCopyAgain},
      {std::string("0\x82\x09\x3e\x02\x01\x03\0", 8), "is a P12 key file", kNewKey},
      {"eyJ0eXBlIjoic2VydmljZV9hY2NvdW50IiwiSElEREVOIjoxfQo=", "is base64", kCopyAgain},
      {std::string("\x7f"
                   "ELF\0\0\0\0",
                   8),
       "is not a text file", kCopyAgain},
      {std::string("\xFF\xFE{\0\"", 5), "is damaged UTF-16", kCopyAgain},
      {std::string("\xFF\xFE\x00\xDC", 4), "is damaged UTF-16", kCopyAgain},
      {right.substr(0, right.size() / 2), "is not whole JSON", kCopyAgain},
      {right.substr(0, right.size() - 3), "is not whole JSON", kCopyAgain},
      {right + right, "is not whole JSON", kCopyAgain},
      {"serviceAccount", "is not JSON", kCopyAgain},
      {"[]", "is not JSON", kCopyAgain},
      {R"({"project_info":{"project_number":"1"},"client":[]})", "is a google-services.json", kNewKey},
      {R"({"installed":{"client_id":"x"}})", "is an OAuth client file", kNewKey},
      {R"({"web":{"client_id":"x"}})", "is an OAuth client file", kNewKey},
      {"{}", "has no \"type\", so it is not", kNewKey},
      {R"({"private_key":"HIDDEN"})", "has no \"type\", so it was edited", kCopyAgain},
      {with("type", "authorized_user"), "is somebody's own log-in", kNewKey},
      {with("type", "external_account"), "its \"type\" is another", kNewKey},
  };
  for (const auto& [content, says, remedy] : cases) {
    CAPTURE(content.substr(0, 40));
    CHECK(has(errorOf(content, remedy), says));
  }
}

TEST_CASE("A member that is missing or of another type is named") {
  for (const char* key : {"project_id", "private_key_id", "private_key", "client_email", "token_uri"}) {
    auto fields = accountFields();
    fields.erase(key);
    CHECK(has(errorOf(toJson(fields), kCopyAgain), std::string("lacks \"") + key + '"'));
    auto text = toJson(fields);
    text.insert(1, std::string("\"") + key + "\": 5,");
    CHECK(has(errorOf(text, kCopyAgain), std::string("lacks \"") + key + '"'));
  }
}

TEST_CASE("A key that cannot be used is refused without being shown, and without asking for a passphrase") {
  const std::string& right = p2::test::rsaKey().privatePem;
  const std::pair<std::string, std::string> cases[] = {
      {"-----BEGIN PRIVATE KEY-----\nHIDDEN\n-----END PRIVATE KEY-----\n", "is not a whole RSA key"},
      {right.substr(0, 200) + right.substr(300), "is not a whole RSA key"},
      {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "is not a whole RSA key"},
      {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nHIDDEN\n-----END ENCRYPTED PRIVATE KEY-----\n",
       "is encrypted"},
      {right.substr(0, right.size() / 2), "is cut"},
      {p2::test::rsaKey().publicPem, "is another PEM"},
      {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nHIDDEN\n-----END RSA PRIVATE KEY-----\n",
       "is another PEM"},
      {"HIDDEN", "is not PEM"},
  };
  for (const auto& [key, says] : cases) {
    CHECK(has(errorOf(with("private_key", key), kCopyAgain), says));
  }
}

TEST_CASE("A token_uri or project that cannot be used is refused") {
  CHECK(has(errorOf(with("token_uri", "http://oauth2.googleapis.com/token"), kCopyAgain),
            "has a \"token_uri\" that must begin with https://"));
  CHECK(has(errorOf(with("project_id", "my/project"), kCopyAgain), "has a \"project_id\" that is none"));
}
