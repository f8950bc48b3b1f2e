#pragma once

#include <Poco/Message.h>

#include <string>

namespace p2::proxy {

/// A line about a registration, which it names by the first characters of its node (enough to find it, too
/// little to use it) and its domain; the journal gets both as fields.
void logEvent(Poco::Message::Priority priority, const std::string& before, const std::string& node,
              const std::string& domain, const std::string& after = {});

}  // namespace p2::proxy
