#pragma once

#include <string_view>

/// How the keys of Poco's logging begin.
namespace p2::logging::keys {

inline constexpr std::string_view kChannels = "logging.channels.";
inline constexpr std::string_view kFormatters = "logging.formatters.";
inline constexpr std::string_view kLoggers = "logging.loggers.";

}  // namespace p2::logging::keys
