#include "p2/http/Route.h"
#include "support/Catch.h"

#include <string>
#include <vector>

using namespace p2::http;

namespace {

using Texts = std::vector<std::string>;

std::vector<Address> parsed(const Texts& hosts) {
  std::vector<Address> addresses;
  for (const auto& host : hosts) addresses.emplace_back(host, Poco::UInt16{443});
  return addresses;
}

Texts order(Route& route) {
  Texts texts;
  for (const auto& address : route.addresses("service.example", 443)) {
    texts.push_back(address.host().toString());
  }
  return texts;
}

Address at(const std::string& host) {
  return {host, Poco::UInt16{443}};
}

}  // namespace

TEST_CASE("Addresses keep the resolver's order, behind the last good one and before those that failed") {
  Route route([](const std::string&, std::uint16_t) {
    return parsed({"::1", "10.0.0.9", "10.0.0.1", "2001:db8::2"});
  });
  CHECK(order(route) == Texts{"::1", "10.0.0.9", "10.0.0.1", "2001:db8::2"});
  route.failed(at("::1"));
  CHECK(order(route) == Texts{"10.0.0.9", "10.0.0.1", "2001:db8::2", "::1"});
  route.succeeded(at("10.0.0.1"));
  CHECK(order(route) == Texts{"10.0.0.1", "10.0.0.9", "2001:db8::2", "::1"});
  route.failed(at("10.0.0.9"));
  CHECK(order(route) == Texts{"10.0.0.1", "2001:db8::2", "::1", "10.0.0.9"});
  route.failed(at("10.0.0.1"));
  CHECK(order(route) == Texts{"2001:db8::2", "::1", "10.0.0.9", "10.0.0.1"});
  route.failed(at("::1"));
  CHECK(order(route) == Texts{"2001:db8::2", "10.0.0.9", "10.0.0.1", "::1"});
  route.succeeded(at("::1"));
  CHECK(order(route) == Texts{"::1", "2001:db8::2", "10.0.0.9", "10.0.0.1"});
}

TEST_CASE("Several routes to one host begin at different addresses") {
  const Texts found{"10.0.0.1", "10.0.0.2", "10.0.0.3"};
  for (std::size_t first = 0; first < 7; ++first) {
    Route route([&](const std::string&, std::uint16_t) { return parsed(found); }, first);
    CHECK(order(route).front() == found[first % found.size()]);
    CHECK(order(route).size() == found.size());
  }
}

TEST_CASE("When the resolver fails, its last answer goes on, and a new one counts at once") {
  Texts found{"10.0.0.1", "10.0.0.2"};
  Route route([&](const std::string&, std::uint16_t) { return parsed(found); });
  REQUIRE(order(route).size() == 2);
  found.clear();
  CHECK(order(route) == Texts{"10.0.0.1", "10.0.0.2"});
  route.succeeded(at("10.0.0.2"));
  CHECK(order(route) == Texts{"10.0.0.2", "10.0.0.1"});
  found = {"10.0.0.3"};
  CHECK(order(route) == Texts{"10.0.0.3"});
  Route other([](const std::string&, std::uint16_t) { return std::vector<Address>(); });
  CHECK(order(other).empty());
}

TEST_CASE("A host with thousands of addresses is tried at some of them") {
  Route route([](const std::string&, std::uint16_t) {
    std::vector<Address> many;
    for (int n = 0; n < 5000; ++n)
      many.emplace_back("10.1." + std::to_string(n / 250) + '.' + std::to_string(n % 250), Poco::UInt16{443});
    return many;
  });
  const auto found = order(route);
  CHECK(found.size() == Route::kMostAddresses);
  for (const auto& host : found) route.failed(at(host));
  for (int n = 0; n < 100; ++n) route.failed(at("10.9.9." + std::to_string(n)));
  CHECK(order(route).size() == Route::kMostAddresses);
}

TEST_CASE("The resolver is asked for names as the DNS has them") {
  std::string asked;
  Route route([&](const std::string& host, std::uint16_t) {
    asked = host;
    return std::vector<Address>();
  });
  const std::pair<std::string, std::string> cases[] = {{"bücher.example", "xn--bcher-kva.example"},
                                                       {"xmpp.example", "xmpp.example"},
                                                       {"127.0.0.1", "127.0.0.1"},
                                                       {"\xff\xfe", "\xff\xfe"}};
  for (const auto& [host, ascii] : cases) {
    route.addresses(host, 1);
    CHECK(asked == ascii);
  }
}

TEST_CASE("The system's resolver takes addresses as they are, and gives none for what is no name") {
  CHECK(resolve("127.0.0.9", 80) == std::vector<Address>{Address("127.0.0.9", Poco::UInt16{80})});
  CHECK(resolve("::1", 80) == std::vector<Address>{Address("::1", Poco::UInt16{80})});
  const auto local = resolve("localhost", 80);
  REQUIRE_FALSE(local.empty());
  for (const auto& address : local) CHECK(address.host().isLoopback());
  // A label of more than 63 characters: no name server has to be asked.
  CHECK(resolve(std::string(70, 'a') + ".invalid", 80).empty());
  CHECK(isAddress("::1"));
  CHECK_FALSE(isAddress("localhost"));
}
