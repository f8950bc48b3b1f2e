#include "p2/logging/Levels.h"
#include "support/Catch.h"

#include <Poco/Logger.h>

using Poco::Logger;
using Poco::Message;

TEST_CASE("A level is for all loggers but those that have one of their own") {
  for (const char* const name : {"levels", "levels.below", "levelsbeside", "other"}) {
    Logger::get(name).setLevel(Message::PRIO_ERROR);
  }
  Logger::root().setLevel(Message::PRIO_ERROR);
  const auto level = [](const char* name) { return Logger::get(name).getLevel(); };

  p2::logging::setLevel(Message::PRIO_DEBUG, {{"logging.loggers.a.name", "levels"},
                                              {"logging.loggers.a.level", "error"},
                                              {"logging.loggers.b.name", "other"},
                                              {"logging.loggers.b.channel", "standard"}});
  CHECK(level("levels") == Message::PRIO_ERROR);
  CHECK(level("levels.below") == Message::PRIO_ERROR);
  CHECK(level("levelsbeside") == Message::PRIO_DEBUG);
  CHECK(level("other") == Message::PRIO_DEBUG);
  CHECK(level("") == Message::PRIO_DEBUG);

  p2::logging::setLevel(Message::PRIO_WARNING, {{"logging.loggers.root.level", "debug"}});
  CHECK(level("") == Message::PRIO_DEBUG);
  CHECK(level("levels") == Message::PRIO_WARNING);
  p2::logging::setLevel(Message::PRIO_INFORMATION, {});
}
