#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 push`; its help says what it does.
Command pushCommand() noexcept;

}  // namespace p2::app
