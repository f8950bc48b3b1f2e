#include "p2/logging/JournalChannel.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <Poco/AutoPtr.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

using namespace p2::logging;
using Poco::Message;

namespace {

/// The journal's end of its socket.
class Journal {
 public:
  explicit Journal(const std::string& path) : _socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::bind(_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { ::close(_socket); }

  std::string next() {
    std::array<char, 4096> buffer{};
    const auto size = ::recv(_socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? std::string("nothing came")
                    : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  const int _socket;
};

/// Takes what is written to stderr meanwhile.
class CaughtErrors {
 public:
  CaughtErrors() : _saved(::dup(STDERR_FILENO)) {
    REQUIRE(::pipe(_pipe.data()) == 0);
    ::dup2(_pipe[1], STDERR_FILENO);
    ::close(_pipe[1]);
  }
  CaughtErrors(const CaughtErrors&) = delete;
  CaughtErrors& operator=(const CaughtErrors&) = delete;
  ~CaughtErrors() {
    if (_saved >= 0) (void)text();
  }

  std::string text() {
    ::dup2(_saved, STDERR_FILENO);
    ::close(_saved);
    _saved = -1;
    std::array<char, 4096> buffer{};
    const auto size = ::read(_pipe[0], buffer.data(), buffer.size());
    ::close(_pipe[0]);
    return {buffer.data(), static_cast<std::size_t>(size)};
  }

 private:
  int _saved;
  std::array<int, 2> _pipe{};
};

}  // namespace

TEST_CASE("The journal gets level, source and registration as fields") {
  Message message("proxy", "removed eKxT~ of jabber.de: its target is gone", Message::PRIO_INFORMATION);
  message.set("node", "eKxT");
  message.set("domain", "jabber.de");
  CHECK(journalRecord(message) ==
        "MESSAGE=proxy: removed eKxT~ of jabber.de: its target is gone\nPRIORITY=6\nSYSLOG_IDENTIFIER=p2\n"
        "P2_SOURCE=proxy\nP2_NODE=eKxT\nP2_DOMAIN=jabber.de\n");
  message.set("domain", "");
  CHECK(journalRecord(message).find("P2_DOMAIN") == std::string::npos);
}

TEST_CASE("No text can add a field or a line") {
  Message message("p2", "a\nPRIORITY=0\nb", Message::PRIO_TRACE);
  message.set("domain", "x\nMESSAGE=y");
  CHECK(
      journalRecord(message) ==
      "MESSAGE=p2: a PRIORITY=0 b\nPRIORITY=7\nSYSLOG_IDENTIFIER=p2\nP2_SOURCE=p2\nP2_DOMAIN=x MESSAGE=y\n");
}

TEST_CASE("Messages go to the journal's socket, and to stderr with their level while it is gone") {
  const p2::test::TemporaryDirectory directory;
  const auto path = directory.path() / "journal";
  const Message message("p2", "hello", Message::PRIO_WARNING);
  Poco::AutoPtr<JournalChannel> channel;
  {
    Journal journal(path.string());
    channel = new JournalChannel(path);
    channel->log(message);
    CHECK(journal.next() == journalRecord(message));
  }
  {
    Journal journal(path.string() + "2");
    Poco::AutoPtr<JournalChannel> named(new JournalChannel(path.string() + "2", "p2@work"));
    named->log(message);
    CHECK(journal.next().find("\nSYSLOG_IDENTIFIER=p2@work\n") != std::string::npos);
  }
  CaughtErrors errors;
  channel->log(message);
  CHECK(errors.text() == "<4>p2: hello\n");
}

TEST_CASE("What is fatal goes to stderr, where the journal knows whose it is when the process is gone") {
  const p2::test::TemporaryDirectory directory;
  const auto path = directory.path() / "journal";
  Journal journal(path.string());
  Poco::AutoPtr<JournalChannel> channel(new JournalChannel(path));
  CaughtErrors errors;
  channel->log(Message("p2", "the store cannot be opened", Message::PRIO_FATAL));
  CHECK(errors.text() == "<1>p2: the store cannot be opened\n");
}

TEST_CASE("Without a journal each level has its number, and trace that of debug") {
  Poco::AutoPtr<JournalChannel> channel(new JournalChannel("/nowhere/socket"));
  CaughtErrors errors;
  for (const auto level : {Message::PRIO_FATAL, Message::PRIO_ERROR, Message::PRIO_INFORMATION,
                           Message::PRIO_DEBUG, Message::PRIO_TRACE}) {
    channel->log(Message("p2", "x\ny", level));
  }
  CHECK(errors.text() == "<1>p2: x y\n<3>p2: x y\n<6>p2: x y\n<7>p2: x y\n<7>p2: x y\n");
}

TEST_CASE("Only the descriptor that JOURNAL_STREAM names is the journal's") {
  struct stat status {};
  REQUIRE(::fstat(STDIN_FILENO, &status) == 0);
  const auto stream = std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
  CHECK(isJournal(STDIN_FILENO, stream.c_str()));
  CHECK_FALSE(isJournal(STDIN_FILENO, "8:1"));
  CHECK_FALSE(isJournal(STDIN_FILENO, ""));
  CHECK_FALSE(isJournal(STDIN_FILENO, nullptr));
  CHECK_FALSE(isJournal(-1, stream.c_str()));
}
