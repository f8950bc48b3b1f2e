#include "p2/logging/LenientChannel.h"
#include "support/Catch.h"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/LoggingRegistry.h>
#include <Poco/Message.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace p2::logging;
using Poco::Message;

namespace {

/// As a file on a disk that may be full: once it has failed it fails until it is closed.
class Disk final : public Poco::Channel {
 public:
  void log(const Message& message) override {
    if (full) broken = true;
    if (broken) throw Poco::WriteFileException("p2.log");
    written.push_back(message.getText());
  }
  void close() override { broken = false; }

  bool full = false;
  bool broken = false;
  std::vector<std::string> written;
};

class Thrower final : public Poco::Channel {
 public:
  void log(const Message& /*message*/) override { throw std::runtime_error("no reason"); }
};

}  // namespace

TEST_CASE("A log that cannot be written harms nobody, is told once, and goes on when there is room again") {
  Poco::AutoPtr<Disk> disk(new Disk);
  std::vector<std::string> told;
  Poco::AutoPtr<LenientChannel> channel(
      new LenientChannel(disk, {disk}, [&](const std::string& why) { told.push_back(why); }));
  const Message message("p2", "text", Message::PRIO_ERROR);
  channel->log(message);
  CHECK(disk->written.size() == 1);
  disk->full = true;
  for (int n = 0; n < 5; ++n) channel->log(message);
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("p2.log") != std::string::npos);

  disk->full = false;
  disk->broken = false;
  channel->log(message);
  CHECK(disk->written.size() == 2);
  disk->broken = true;
  channel->log(message);
  CHECK(told.size() == 2);  // another fault than the first one
}

TEST_CASE("A file that has failed is closed, so that the next message opens it anew") {
  Poco::AutoPtr<Disk> disk(new Disk);
  Poco::AutoPtr<LenientChannel> channel(new LenientChannel(disk, {disk}, [](const std::string&) {}));
  const Message message("p2", "text", Message::PRIO_ERROR);
  disk->broken = true;
  channel->log(message);
  channel->log(message);
  CHECK(disk->written.size() == 1);
}

TEST_CASE("What is no exception of Poco's ends there as well") {
  Poco::AutoPtr<Thrower> thrower(new Thrower);
  std::string told;
  Poco::AutoPtr<LenientChannel> channel(
      new LenientChannel(thrower, {}, [&](const std::string& why) { told = why; }));
  channel->log(Message("p2", "text", Message::PRIO_ERROR));
  CHECK(told == "no reason");
}

TEST_CASE("The channels that write to files are found by the settings") {
  auto& registry = Poco::LoggingRegistry::defaultRegistry();
  Poco::AutoPtr<Disk> disk(new Disk);
  registry.registerChannel("lenientFile", disk);
  const auto files = LenientChannel::filesOf({{"logging.channels.lenientFile.class", "FileChannel"},
                                              {"logging.channels.lenientFile.path", "FileChannel"},
                                              {"logging.channels.lenientConsole.class", "ConsoleChannel"},
                                              {"logging.channels.lenientUnused.class", "SimpleFileChannel"}});
  registry.unregisterChannel("lenientFile");
  REQUIRE(files.size() == 1);
  CHECK(files[0].get() == disk.get());
}
