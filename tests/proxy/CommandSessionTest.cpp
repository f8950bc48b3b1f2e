#include "CommandSession.h"
#include "support/Catch.h"

#include <chrono>
#include <string>

using p2::proxy::judgeSessionId;
using p2::proxy::kSessionLifetime;
using p2::proxy::makeSessionId;
using Verdict = p2::proxy::SessionVerdict;

TEST_CASE("A session id is valid for its client and command, for a while") {
  const auto now = std::chrono::system_clock::now();
  const std::string id = makeSessionId("a@b/c", "register", now);

  CHECK(judgeSessionId(id, "a@b/c", "register", now) == Verdict::valid);
  CHECK(judgeSessionId(id, "a@b/c", "register", now + kSessionLifetime - std::chrono::seconds(2)) ==
        Verdict::valid);
  CHECK(judgeSessionId(id, "a@b/c", "register", now + kSessionLifetime + std::chrono::seconds(2)) ==
        Verdict::expired);
  CHECK(judgeSessionId(id, "a@b/d", "register", now) == Verdict::foreign);
  CHECK(judgeSessionId(id, "a@b/c", "unregister", now) == Verdict::foreign);
}

TEST_CASE("Another p2 knows a session id, also one whose clock is behind") {
  // Of 2023-11-14, written down: what one p2 has made, each other one must read.
  const std::string id =
      "000000006553F100"
      "d6a94d91b72a50882342479a45f42d6820167484";
  const auto made = std::chrono::system_clock::time_point(std::chrono::seconds(1700000000));
  CHECK(makeSessionId("a@b/c", "register", made) == id);
  CHECK(judgeSessionId(id, "a@b/c", "register", made - std::chrono::minutes(5)) == Verdict::valid);
}

TEST_CASE("A changed session id is foreign, whichever character was changed") {
  const auto now = std::chrono::system_clock::now();
  const std::string id = makeSessionId("a@b/c", "register", now);
  for (std::size_t i = 0; i < id.size(); ++i) {
    std::string changed = id;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CAPTURE(i);
    CHECK(judgeSessionId(changed, "a@b/c", "register", now) == Verdict::foreign);
    CHECK(judgeSessionId(id.substr(0, i), "a@b/c", "register", now) == Verdict::foreign);
  }
}
