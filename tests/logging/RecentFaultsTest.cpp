#include "p2/logging/RecentFaults.h"
#include "support/Catch.h"

#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <string>

using namespace p2::logging;
using Poco::Message;

TEST_CASE("The last warnings and errors are kept, the oldest first, repeated ones once") {
  Poco::AutoPtr<RecentFaults> faults(new RecentFaults);
  faults->log(Message("x", "information", Message::PRIO_INFORMATION));
  for (int i = 0; i < 30; ++i) {
    faults->log(
        Message("x", "fault " + std::to_string(i), i % 2 == 0 ? Message::PRIO_WARNING : Message::PRIO_ERROR));
    faults->log(Message("x", "fault " + std::to_string(i), Message::PRIO_WARNING));
  }
  const auto kept = faults->last();
  REQUIRE(kept.size() == RecentFaults::kKept);
  CHECK(kept.front().text == "fault 10");
  CHECK(kept.back().text == "fault 29");
}

TEST_CASE("Every logger's faults are kept, whether it was there before or comes later") {
  Poco::Logger::get("recent.before");
  const auto faults = RecentFaults::attach();
  Poco::Logger::get("recent.before").warning("before");
  Poco::Logger::get("recent.later").error("later");
  const auto kept = faults->last();
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].text == "before");
  CHECK(kept[1].text == "later");
}

TEST_CASE("What a peer has said cannot make two lines of one event") {
  class Collector : public Poco::Channel {
   public:
    void log(const Message& message) override { text += message.getText() + '\n'; }
    std::string text;
  };
  const Poco::AutoPtr<Collector> collector(new Collector);
  auto& logger = Poco::Logger::get("recent.lines");
  logger.setChannel(collector);
  const auto faults = RecentFaults::attach();
  logger.error("it says: a\nb\x1b[2J");
  CHECK(collector->text == "it says: a b [2J\n");
  CHECK(faults->last().back().text == "it says: a b [2J");
}
