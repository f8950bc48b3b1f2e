#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 export`; its help says what it does.
Command exportCommand() noexcept;

}  // namespace p2::app
