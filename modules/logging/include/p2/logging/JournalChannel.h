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

/// The message in the journal's own protocol: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER (`program`), P2_SOURCE
/// (the logger), and P2_NODE (its first characters) and P2_DOMAIN if it is about a registration.
std::string journalRecord(const Poco::Message& message, const std::string& program = "p2");

/// Writes to systemd's journal, with fields to search by; to stderr with the level in front, which the
/// journal reads as well (sd-daemon(3)), what is fatal and all if it cannot be reached otherwise.
/// Thread-safe, does not block.
class JournalChannel final : public Poco::Channel {
 public:
  static constexpr const char* kSocket = "/run/systemd/journal/socket";

  /// `program`: whom the journal shall show as the one who has written.
  explicit JournalChannel(const std::filesystem::path& socket = kSocket, std::string program = "p2");

  void log(const Poco::Message& message) override;

 protected:
  ~JournalChannel() override;

 private:
  const int _socket;  ///< -1: the journal has none.
  const std::string _program;
};

}  // namespace p2::logging
