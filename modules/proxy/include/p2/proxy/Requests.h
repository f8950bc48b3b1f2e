#pragma once

#include "p2/core/Secret.h"
#include "p2/core/Target.h"
#include "p2/store/Registration.h"
#include "p2/xmpp/Iq.h"
#include "p2/xmpp/StanzaError.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace p2::proxy {

/// The longest token that a phone may register with: FCM's have some 160 bytes, and what is stored is theirs
/// to choose.
inline constexpr std::size_t kMaxTokenBytes = 1024;

/// The ad-hoc commands (XEP-0050) that p2 offers.
enum class Command { registerPush, unregisterPush };

/// A phone registers: its command carries the filled form.
struct Register {
  std::string commandNode;  ///< As sent: the answer repeats it.
  std::string sessionId;    ///< As sent; empty if the client has none.
  store::DeviceKey key;
  std::string domain;  ///< Of the account, comparable.
  core::Target target;
};

/// A phone withdraws the registration of an account, or of one channel.
struct Unregister {
  std::string commandNode;
  std::string sessionId;
  store::DeviceKey key;
  std::string domain;  ///< Of the account, comparable.
};

/// A generic client asks for a command's form.
struct CommandForm {
  Command command = Command::registerPush;
  std::string commandNode;
};

/// A generic client gives a command up.
struct CommandCancel {
  std::string commandNode;
  std::string sessionId;
};

/// A server announces a message (XEP-0357 §7).
struct Publish {
  std::string node;
  core::Secret secret;
  std::string domain;  ///< Of the sender, comparable.
  /// Whether a person may be waiting for it: it has a body, or its server says so, or it cannot be seen.
  bool isImportant = false;
};

/// XEP-0030 §3; `node` is empty for the component itself.
struct DiscoInfo {
  std::string node;
};

/// XEP-0030 §4.
struct DiscoItems {
  std::string node;
};

struct Ping {};        ///< XEP-0199
struct Version {};     ///< XEP-0092
struct EntityTime {};  ///< XEP-0202

/// A request that cannot be served, and the answer to it.
struct Refused {
  xmpp::StanzaError error;
};

/// Came to a name that is not the component's: a server may deliver such stanzas (ejabberd's
/// `global_routes`), and an answer from that name would end the stream (`invalid-from`). Not answered.
struct NotOurs {};

using Request = std::variant<Register, Unregister, CommandForm, CommandCancel, Publish, DiscoInfo, DiscoItems,
                             Ping, Version, EntityTime, Refused, NotOurs>;

/// Reads what is asked of the component `jid`. Pure; nothing is trusted but `from`, which the server vouches
/// for.
Request parseRequest(const xmpp::Iq& iq, const std::string& jid);

/// Lowercase hex SHA-1 of UTF-8 `jid NUL deviceId`: what stands for an account or a channel, on disk and at
/// the push service. `jid` is taken as it was sent.
std::string deviceHash(std::string_view jid, std::string_view deviceId);

/// The command of a node, or nothing; the names before 2018 (`…-gcm`) are aliases.
std::optional<Command> commandOf(std::string_view node) noexcept;
/// The name of a command's node today.
std::string_view nodeOf(Command command) noexcept;

}  // namespace p2::proxy
