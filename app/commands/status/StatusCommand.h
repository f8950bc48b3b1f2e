#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 status`; its help says what it does.
Command statusCommand() noexcept;

}  // namespace p2::app
