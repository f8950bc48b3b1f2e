#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 settings`; its help says what it does.
Command settingsCommand() noexcept;

}  // namespace p2::app
