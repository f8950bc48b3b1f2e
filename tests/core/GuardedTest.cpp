#include "p2/core/Guarded.h"
#include "support/Catch.h"

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using p2::core::Guarded;

TEST_CASE("Guarded data is made of the arguments and reached by a function, whose result is given") {
  Guarded<std::string> text(3U, 'x');
  CHECK(text.with([](std::string& s) { return s.size(); }) == 3);
  text.with([](std::string& s) { s += 'y'; });
  CHECK(text.with([](const std::string& s) { return s; }) == "xxxy");
}

TEST_CASE("Guarded data that is const cannot be changed") {
  const Guarded<int> number(4);
  number.with([](auto& n) { STATIC_REQUIRE(std::is_same_v<decltype(n), const int&>); });
  CHECK(number.with([](const int& n) { return n; }) == 4);
}

TEST_CASE("Changes to guarded data by several threads are not lost") {
  Guarded<int> count(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&count] {
      for (int n = 0; n < 10000; ++n) count.with([](int& value) { ++value; });
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(count.with([](int value) { return value; }) == 40000);
}
