#pragma once

#include <Poco/Channel.h>
#include <Poco/Message.h>

#include <filesystem>
#include <string>

namespace p2::logging {

/// The text with a space for each control character: one event is one line, whatever a peer has said.
std::string oneLine(std::string text);

/// Whether this descriptor is the journal's, as JOURNAL_STREAM (`device:inode`, systemd.exec(5)) says.
/// `journalStream` may be null.
bool isJournal(int descriptor, const char* journalStream);

/// The message in the journal's own protocol: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, P2_SOURCE (the logger),
/// and P2_NODE (its first characters) and P2_DOMAIN if it is about a registration.
std::string journalRecord(const Poco::Message& message);

/// Writes to systemd's journal, with fields to search by; to stderr with the level in front, which the
/// journal reads as well (sd-daemon(3)), what is fatal and all if it cannot be reached otherwise.
/// Thread-safe, does not block.
class JournalChannel final : public Poco::Channel {
 public:
  JournalChannel();
  explicit JournalChannel(const std::filesystem::path& socket);

  void log(const Poco::Message& message) override;

 protected:
  ~JournalChannel() override;

 private:
  int _socket = -1;  ///< -1: the journal has none.
};

}  // namespace p2::logging
