#pragma once

#include "commands/check/DomainName.h"
#include "commands/check/Finding.h"
#include "p2/control/DaemonStatus.h"
#include "p2/settings/Loader.h"
#include "p2/settings/Settings.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The checks of p2's own machine and of the XMPP server.
namespace p2::app {

/// One finding for each fault and each warning; or one that all is right. Pure.
std::vector<Finding> checkSettings(const settings::LoadedSettings& loaded);

/// Whether this process's user could use the store as the daemon does; changes nothing. `inUse`: a daemon has
/// it. Blocks on the disk.
std::vector<Finding> checkStore(const settings::Settings::Store& settings, bool inUse);

/// A warning if this unit, which systemd prefers to that of p2's package, starts the reference service. Pure.
std::optional<Finding> judgeUnit(const std::filesystem::path& file, const std::string& text);

/// Judges the free space of the store's disk. Pure.
Finding judgeSpace(const std::filesystem::path& path, std::uint64_t freeBytes);

/// Judges what the DNS says about the component's name. Pure.
Finding judgeName(const std::string& jid, const DomainName& found);

/// A warning if the file of the settings is newer than what the running daemon goes by. Pure.
std::optional<Finding> judgeChange(const std::filesystem::path& file, control::DaemonStatus::Time changed,
                                   const control::DaemonStatus& status);

/// What the running daemon says about its connection. Pure.
Finding judgeDaemon(const control::DaemonStatus& status);

/// Connects as the component, and ends the connection at once. Only when no daemon runs: a server with one
/// connection for a component may drop the other, and one with several would send requests here (which are
/// answered wait). Blocks for some 20 s at most.
Finding checkServer(const settings::Settings::Xmpp& xmpp);

/// Judges the fault of an attempt to connect. Pure.
Finding judgeServerFault(const std::string& fault);

}  // namespace p2::app
