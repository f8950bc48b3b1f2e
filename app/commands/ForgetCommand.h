#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 forget`; its help says what it does.
Command forgetCommand() noexcept;

}  // namespace p2::app
