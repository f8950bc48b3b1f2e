#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 migrate`; its help says what it does.
Command migrateCommand() noexcept;

}  // namespace p2::app
