#include "p2/logging/Check.h"
#include "support/Catch.h"

#include <map>
#include <string>
#include <vector>

using p2::logging::check;
using Settings = std::map<std::string, std::string>;

TEST_CASE("What Poco's logging takes is no fault") {
  const Settings all[] = {
      {},
      {{"logging.loggers.root.channel", "standard"},
       {"logging.loggers.c.level", "debug"},
       {"logging.loggers.c.name", "push"}},
      {{"logging.channels.file.class", "FileChannel"},
       {"logging.channels.file.path", "/nonexistent/p2.log"},
       {"logging.channels.file.rotation", "daily"},
       {"logging.channels.file.archive", "timestamp"},
       {"logging.channels.file.purgeAge", "7 days"},
       {"logging.channels.file.pattern", "%s: %t"},
       {"logging.loggers.root.channel", "file"}},
      {{"logging.channels.both.class", "SplitterChannel"},
       {"logging.channels.both.channels", "one, two"},
       {"logging.channels.one.class", "ConsoleChannel"},
       {"logging.channels.one.formatter", "plain"},
       {"logging.channels.two.class", "SyslogChannel"},
       {"logging.channels.two.facility", "LOG_DAEMON"},
       {"logging.channels.two.formatter.class", "PatternFormatter"},
       {"logging.channels.two.formatter.pattern", "%t"},
       {"logging.formatters.plain.class", "PatternFormatter"},
       {"logging.formatters.plain.pattern", "%t"},
       {"logging.loggers.root.channel", "both"}},
      {{"logging.channels.j.class", "JournalChannel"}, {"logging.loggers.root.channel", "j"}},
  };
  for (const auto& settings : all) CHECK(check(settings).empty());
}

TEST_CASE("What Poco's logging would refuse is named by its key") {
  struct Case {
    Settings settings;
    std::string key;
    std::string said;
  };
  const Settings file{{"logging.channels.f.class", "FileChannel"}};
  const auto with = [](Settings settings, const std::string& key, const std::string& value) {
    settings[key] = value;
    return settings;
  };
  const Case cases[] = {
      {{{"logging.channels.f.class", "NoSuchChannel"}}, "logging.channels.f.class", "no channel"},
      {{{"logging.channels.f.class", "filechannel"}}, "logging.channels.f.class", "no channel"},
      {with(file, "logging.channels.f.pth", "/x"), "logging.channels.f.pth",
       "nothing that such a channel has"},
      {with(file, "logging.channels.f.rotation", "sometimes"), "logging.channels.f.rotation", "not what"},
      {with(file, "logging.channels.f.formatter.class", "NoFormatter"), "logging.channels.f.formatter.class",
       "no formatter"},
      {{{"logging.formatters.f.class", "NoFormatter"}}, "logging.formatters.f.class", "no formatter"},
      {with(file, "logging.loggers.root.channel", "fiel"), "logging.loggers.root.channel", "has no class"},
      {{{"logging.loggers.a.level", "loud"}}, "logging.loggers.a.level", "no level"},
  };
  for (const auto& [settings, key, said] : cases) {
    CAPTURE(key);
    const auto faults = check(settings);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].key == key);
    CHECK(faults[0].text.find(said) != std::string::npos);
  }
}
