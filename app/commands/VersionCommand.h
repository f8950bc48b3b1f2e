#pragma once

#include "commands/Command.h"

namespace p2::app {

/// `p2 version`; its help says what it does.
Command versionCommand() noexcept;

}  // namespace p2::app
