#pragma once

#include "p2/core/Result.h"
#include "p2/core/Secret.h"
#include "p2/settings/Settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How values are written in p2.properties. Each codec has `parse`, which gives the value or an error that
/// says what would be right ("give …"), never quoting the text; and `format`, which gives a text that `parse`
/// takes. Pure.
namespace p2::settings::codec {

/// Digits only; nothing if it is anything else or does not fit.
std::optional<std::uint64_t> parseDigits(std::string_view text) noexcept;

template <class T, std::uint64_t Least, std::uint64_t Most>
struct Number {
  static core::Result<T> parse(std::string_view text) {
    const auto number = parseDigits(text);
    if (!number || *number < Least || *number > Most) {
      return core::Error{"give a number from " + std::to_string(Least) + " to " + std::to_string(Most)};
    }
    return static_cast<T>(*number);
  }
  static std::string format(T value) { return std::to_string(value); }
};
using Port = Number<std::uint16_t, 1, 65535>;

struct Boolean {
  static core::Result<bool> parse(std::string_view text);
  static std::string format(bool value) { return value ? "true" : "false"; }
};

/// A number with a unit: ms, s, m, h or d; 0 needs none.
struct Milliseconds {
  static core::Result<std::chrono::milliseconds> parse(std::string_view text);
  static std::string format(std::chrono::milliseconds value);
};

/// From `Least` to `Most` milliseconds, in whole `Unit`s.
template <class Unit, std::int64_t Least, std::int64_t Most>
struct Duration {
  static core::Result<Unit> parse(std::string_view text) {
    auto parsed = Milliseconds::parse(text);
    if (!parsed) return core::Error{parsed.error()};
    const auto value = parsed.value();
    const auto whole = std::chrono::duration_cast<Unit>(value);
    if (value.count() < Least || value.count() > Most || whole != value) {
      return core::Error{"give a duration from " + format(least()) + " to " + format(most())};
    }
    return whole;
  }
  static std::string format(Unit value) { return Milliseconds::format(value); }

 private:
  static Unit least() { return std::chrono::duration_cast<Unit>(std::chrono::milliseconds(Least)); }
  static Unit most() { return std::chrono::duration_cast<Unit>(std::chrono::milliseconds(Most)); }
};

template <class Codec, class T>
struct Optional {
  static core::Result<std::optional<T>> parse(std::string_view text) {
    auto parsed = Codec::parse(text);
    if (!parsed) return core::Error{parsed.error()};
    return std::optional<T>(std::move(parsed).value());
  }
  static std::string format(const std::optional<T>& value) { return value ? Codec::format(*value) : ""; }
};

inline constexpr std::array kTlsNames{
    std::pair{std::string_view("none"), Tls::none},
    std::pair{std::string_view("direct"), Tls::direct},
};
inline constexpr std::array kStoreKindNames{
    std::pair{std::string_view("lmdb"), StoreKind::lmdb},
    std::pair{std::string_view("mariadb"), StoreKind::mariadb},
};
inline constexpr std::array kDatabaseTlsNames{
    std::pair{std::string_view("none"), DatabaseTls::none},
    std::pair{std::string_view("verified"), DatabaseTls::verified},
};
inline constexpr std::array kPriorityNames{
    std::pair{std::string_view("high"), Priority::high},
    std::pair{std::string_view("normal"), Priority::normal},
    std::pair{std::string_view("auto"), Priority::automatic},
};
inline constexpr std::array kLogLevelNames{
    std::pair{std::string_view("fatal"), LogLevel::fatal},
    std::pair{std::string_view("critical"), LogLevel::critical},
    std::pair{std::string_view("error"), LogLevel::error},
    std::pair{std::string_view("warning"), LogLevel::warning},
    std::pair{std::string_view("notice"), LogLevel::notice},
    std::pair{std::string_view("information"), LogLevel::information},
    std::pair{std::string_view("debug"), LogLevel::debug},
    std::pair{std::string_view("trace"), LogLevel::trace},
};

/// One of a table of names.
template <const auto& Names>
struct Choice {
  using T = typename std::remove_cvref_t<decltype(Names)>::value_type::second_type;

  static core::Result<T> parse(std::string_view text) {
    std::string list;
    for (const auto& [name, value] : Names) {
      if (name == text) return value;
      if (!list.empty()) list += ", ";
      list += name;
    }
    return core::Error{"give one of " + list};
  }
  static std::string format(T wanted) {
    const auto* const found =
        std::find_if(Names.begin(), Names.end(), [&](const auto& pair) { return pair.second == wanted; });
    return found == Names.end() ? std::string() : std::string(found->first);
  }
};

/// A host's name or address, without a port. IPv6 with or without brackets; given without.
struct Host {
  static core::Result<std::string> parse(std::string_view text);
  static std::string format(const std::string& value) { return value; }
};

/// `host:port`; empty for none.
struct Listen {
  static core::Result<std::optional<HostAndPort>> parse(std::string_view text);
  static std::string format(const std::optional<HostAndPort>& value);
};

/// `host[:port]` between commas, in their order; without a port MariaDB's own. At least one.
struct Hosts {
  static core::Result<std::vector<HostAndPort>> parse(std::string_view text);
  static std::string format(const std::vector<HostAndPort>& value);
};

/// Any text that is not empty.
struct Text {
  static core::Result<std::string> parse(std::string_view text);
  static std::string format(const std::string& value) { return value; }
};

/// A JID that is a domain alone.
struct DomainJid {
  static core::Result<std::string> parse(std::string_view text);
  static std::string format(const std::string& value) { return value; }
};

/// Domains between commas; given sorted and comparable.
struct Domains {
  static core::Result<std::vector<std::string>> parse(std::string_view text);
  static std::string format(const std::vector<std::string>& value);
};

struct SecretText {
  static core::Result<core::Secret> parse(std::string_view text);
  static std::string format(const core::Secret& value) { return value.reveal(); }
};

struct Path {
  static core::Result<std::filesystem::path> parse(std::string_view text);
  static std::string format(const std::filesystem::path& value) { return value.string(); }
};

/// `http[s]://host[:port][/path]`, given without a slash at the end.
struct Endpoint {
  static core::Result<std::string> parse(std::string_view text);
  static std::string format(const std::string& value) { return value; }
};

/// `http://[user:password@]host[:port]`, or `none`, which is an empty value.
struct Proxy {
  static core::Result<core::Secret> parse(std::string_view text);
  static std::string format(const core::Secret& value) { return value.empty() ? "none" : value.reveal(); }
};

}  // namespace p2::settings::codec
