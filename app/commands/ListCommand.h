#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 list`; its help says what it does.
Command listCommand() noexcept;

}  // namespace p2::app
