#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The reference service's table `target` as `mariadb --batch` prints it. Pure.
namespace p2::transfer {

/// The fields of one line, their escapes (`\t`, `\n`, `\0`, `\\`) undone; nothing for NULL, or `\N`.
std::vector<std::optional<std::string>> splitBatchLine(std::string_view line);

/// The columns in the order in which a dump has them. Service and channel may be missing, as in version 0.3
/// of the reference service, or be NULL: then a row is for FCM, and for an account.
class TableDump {
 public:
  /// Reads the line of column names. Error: what is wrong with it, without the line's number.
  static core::Result<TableDump> fromHeader(std::string_view line);

  /// The registration in one line, its domain in comparableDomain's form, its times unset. Error: what is
  /// wrong with it, without the line's number and without anything that the line says.
  core::Result<store::Registration> row(std::string_view line) const;

 private:
  enum Column : std::size_t { service, device, channel, domain, token, node, secret, kColumns };
  static constexpr std::array<std::string_view, kColumns> kNames{"service", "device", "channel", "domain",
                                                                 "token",   "node",   "secret"};

  std::array<std::optional<std::size_t>, kColumns> _position{};
  std::size_t _width = 0;
};

/// What TableDump and the JSON lines have in common: puts the domain into comparableDomain's form, and says
/// what about a registration cannot be right. Error as of TableDump::row.
core::Result<store::Registration> checkedRow(store::Registration registration);

/// `FCM` or `APNS`, in either case. Error as of TableDump::row.
core::Result<store::Service> parseService(std::string_view name);

}  // namespace p2::transfer
