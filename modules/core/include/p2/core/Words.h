#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How numbers, times and sentences are written for people, and times in files. Pure.
namespace p2::core {

/// `1,234,567`
std::string grouped(std::uint64_t number);

/// `3 d 4 h`, `12 s`: the two largest units.
std::string inWords(std::chrono::seconds duration);

/// `2024-01-31T00:00:00Z`
std::string isoTime(std::chrono::sys_seconds time);
/// Reads exactly that form.
std::optional<std::chrono::sys_seconds> parseIsoTime(std::string_view text);

/// For a text that goes on: without the full stop at its end.
std::string withoutStop(std::string text);
/// For a text that ends: with a full stop, unless it has a mark of its own.
std::string withStop(std::string text);
/// For a sentence behind a colon: it begins small, unless it begins with a name.
std::string afterColon(std::string text);

}  // namespace p2::core
