#include "StatusPage.h"

#include "StatusPageText.h"

#include <Poco/Base64Encoder.h>
#include <Poco/DigestEngine.h>
#include <Poco/SHA2Engine.h>

#include <ostream>
#include <sstream>
#include <string_view>

namespace p2::web {

namespace {

/// `'sha256-…'` of what stands in the page between `<name>` and `</name>`, as CSP 3 §2.3.1 has it.
std::string hashOf(std::string_view name) {
  const std::string& page = statusPage();
  const auto open = page.find("<" + std::string(name) + ">") + name.size() + 2;
  const auto close = page.find("</" + std::string(name) + ">", open);
  Poco::SHA2Engine sha256(Poco::SHA2Engine::SHA_256);
  sha256.update(page.data() + open, close - open);
  const auto digest = sha256.digest();
  std::ostringstream text;
  Poco::Base64Encoder encoder(text);
  encoder.write(reinterpret_cast<const char*>(digest.data()), static_cast<std::streamsize>(digest.size()));
  encoder.close();
  return "'sha256-" + text.str() + '\'';
}

}  // namespace

const std::string& statusPage() {
  static const std::string page(kStatusPageText);
  return page;
}

const std::string& statusPagePolicy() {
  static const std::string policy =
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
      "connect-src 'self'; img-src data:; style-src " +
      hashOf("style") + "; script-src " + hashOf("script");
  return policy;
}

}  // namespace p2::web
