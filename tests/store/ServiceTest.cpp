#include "p2/store/Service.h"
#include "p2/store/Validity.h"
#include "support/Catch.h"

#include <cctype>
#include <cstdint>
#include <set>
#include <string>

using namespace p2::store;

TEST_CASE("Each push service that can be stored has a name of its own, by which it is found in either case") {
  std::set<std::string_view> names;
  for (int value = 0; value <= 255; ++value) {
    CAPTURE(value);
    const auto service = serviceOf(static_cast<std::uint8_t>(value));
    const auto name = nameOf(static_cast<Service>(value));
    CHECK(name.empty() == !service);
    if (!service) continue;
    CHECK(names.insert(name).second);
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CHECK(serviceNamed(name) == service);
    CHECK(serviceNamed(lower) == service);
    CHECK_FALSE(serviceNamed(lower + ' '));
    CHECK_FALSE(serviceNamed(lower.substr(1)));
  }
  CHECK(names.size() == kServices.size());
}

TEST_CASE("What is no service's name names none") {
  for (const char* text : {"", "F", "FCMS", "APN", "WNS", "f\xc3\xa7m"}) {
    CAPTURE(text);
    CHECK_FALSE(serviceNamed(text));
  }
}
