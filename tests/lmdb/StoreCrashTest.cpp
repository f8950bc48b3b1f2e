#include "ChildProcess.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <map>
#include <random>
#include <sstream>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

struct Promise {
  std::string node;
  std::string secret;
  unsigned version = 0;
};

/// Takes note of an answer, which must agree with what was answered before, even before a crash.
void note(std::map<unsigned, Promise>& promises, const std::string& line) {
  unsigned number = 0;
  Promise answer;
  std::istringstream words(line);
  REQUIRE(words >> number >> answer.node >> answer.secret >> answer.version);
  const auto [at, added] = promises.try_emplace(number, answer);
  CHECK(at->second.node == answer.node);
  CHECK(at->second.secret == answer.secret);
  CHECK(at->second.version <= answer.version);
  at->second.version = answer.version;
}

}  // namespace

TEST_CASE("Every registration that was answered is there after kill -9, with the same node and secret") {
  const TemporaryDirectory directory;
  std::map<unsigned, Promise> promises;
  std::minstd_rand random(7);
  for (unsigned round = 0; round < 20; ++round) {
    {
      ChildProcess child({"register", directory.path().string(), std::to_string(round * 1'000'000)});
      for (auto lines = random() % 400; lines > 0; --lines) {
        const auto line = child.line();
        REQUIRE(line);
        note(promises, *line);
      }
      child.kill();
      // What was answered before the end came.
      while (const auto line = child.line()) note(promises, *line);
    }
    const auto store = opened(directory.path());
    for (const auto& [number, promise] : promises) {
      INFO("round " << round << ", device " << number);
      const auto stored = found(*store, device(number));
      REQUIRE(stored);
      CHECK(stored->node == promise.node);
      CHECK(stored->secret.reveal() == promise.secret);
      CHECK(std::stoul(stored->target.value.reveal()) >= promise.version);
      CHECK(found(*store, promise.node) == stored);
    }
  }
  CHECK(promises.size() > 100);
}
