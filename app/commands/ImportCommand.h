#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 import`; its help says what it does.
Command importCommand() noexcept;

}  // namespace p2::app
