#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 setup`; its help says what it does.
Command setupCommand() noexcept;

}  // namespace p2::app
