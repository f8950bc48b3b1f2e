#include "p2/store/Identity.h"
#include "support/Catch.h"

#include <set>

using namespace p2::store;

TEST_CASE("Nodes have 12 and secrets 24 characters of base64, and never repeat") {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::set<std::string> nodes;
  std::set<std::string> secrets;
  std::set<char> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto node = drawNode();
    const auto secret = drawSecret();
    REQUIRE(node.ok());
    REQUIRE(secret.ok());
    nodes.insert(node.value());
    secrets.insert(secret.value().reveal());
    CHECK(node.value().size() == 12);
    CHECK(secret.value().reveal().size() == 24);
    CHECK(node.value().find_first_not_of(alphabet) == std::string::npos);
    CHECK(secret.value().reveal().find_first_not_of(alphabet) == std::string::npos);
    seen.insert(secret.value().reveal().begin(), secret.value().reveal().end());
  }
  CHECK(nodes.size() == 1000);
  CHECK(secrets.size() == 1000);
  CHECK(seen.size() == 64);
}
