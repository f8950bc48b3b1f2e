#pragma once

#include "p2/core/Result.h"

#include <string>
#include <string_view>

namespace p2::app {

/// Conversations' push.xml, from Firebase's google-services.json and the component's name. `package` chooses
/// among several apps; empty: the only one. Error: completes "FILE …". Pure.
core::Result<std::string> pushXml(const std::string& googleServices, std::string_view package,
                                  std::string_view component);

}  // namespace p2::app
