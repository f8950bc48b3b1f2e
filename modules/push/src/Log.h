#pragma once

#include <Poco/Format.h>
#include <Poco/Logger.h>

#include <string>

namespace p2::push {

/// Logs to "push" without ever throwing: a log that cannot be written must not end a worker.
template <class... Args>
void logTo(void (Poco::Logger::*level)(const std::string&), const char* format,
           const Args&... args) noexcept {
  try {
    std::string text;
    if constexpr (sizeof...(args) > 0) {
      Poco::format(text, format, args...);
    } else {
      text = format;
    }
    (Poco::Logger::get("push").*level)(text);
  } catch (...) {  // NOLINT(bugprone-empty-catch): there is nowhere left to say it
  }
}

template <class... Args>
void logError(const char* format, const Args&... args) noexcept {
  logTo(&Poco::Logger::error, format, args...);
}

template <class... Args>
void logWarning(const char* format, const Args&... args) noexcept {
  logTo(&Poco::Logger::warning, format, args...);
}

template <class... Args>
void logNotice(const char* format, const Args&... args) noexcept {
  logTo(&Poco::Logger::notice, format, args...);
}

}  // namespace p2::push
