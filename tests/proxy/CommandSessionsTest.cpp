#include "CommandSessions.h"
#include "support/Catch.h"

#include <string>

using p2::proxy::CommandSessions;
using Verdict = CommandSessions::Verdict;

TEST_CASE("A session id is valid for its client and command, for a while") {
  const CommandSessions sessions;
  const auto now = std::chrono::system_clock::now();
  const std::string id = sessions.create("a@b/c", "register", now);

  CHECK(sessions.check(id, "a@b/c", "register", now) == Verdict::valid);
  CHECK(sessions.check(id, "a@b/c", "register", now + CommandSessions::kLifetime - std::chrono::seconds(2)) ==
        Verdict::valid);
  CHECK(sessions.check(id, "a@b/c", "register", now + CommandSessions::kLifetime + std::chrono::seconds(2)) ==
        Verdict::expired);
  CHECK(sessions.check(id, "a@b/d", "register", now) == Verdict::forged);
  CHECK(sessions.check(id, "a@b/c", "unregister", now) == Verdict::forged);
  CHECK(CommandSessions().check(id, "a@b/c", "register", now) == Verdict::forged);
}

TEST_CASE("A changed session id is forged, whichever character was changed") {
  const CommandSessions sessions;
  const auto now = std::chrono::system_clock::now();
  const std::string id = sessions.create("a@b/c", "register", now);
  for (std::size_t i = 0; i < id.size(); ++i) {
    std::string changed = id;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CAPTURE(i);
    CHECK(sessions.check(changed, "a@b/c", "register", now) == Verdict::forged);
    CHECK(sessions.check(id.substr(0, i), "a@b/c", "register", now) == Verdict::forged);
  }
}
