#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 backup`; its help says what it does.
Command backupCommand() noexcept;

}  // namespace p2::app
