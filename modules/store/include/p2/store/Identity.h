#pragma once

#include "p2/core/Result.h"
#include "p2/core/Secret.h"

#include <string>

namespace p2::store {

/// A new node: 12 characters, base64 of 9 bytes from the operating system's generator. An error only if that
/// has none. Thread-safe.
core::Result<std::string> drawNode();
/// A new secret: 24 characters, base64 of 18 bytes. Otherwise as drawNode().
core::Result<core::Secret> drawSecret();

}  // namespace p2::store
