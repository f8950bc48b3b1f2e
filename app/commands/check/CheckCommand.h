#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 check`; its help says what it does.
Command checkCommand() noexcept;

}  // namespace p2::app
