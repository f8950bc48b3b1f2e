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
/// of the reference service, or be NULL: then a row is for FCM, and for an account. A table that p2 works on
/// has the kind of target and dates, which count while the reference service has changed nothing since.
class TableDump {
 public:
  using Fields = std::vector<std::optional<std::string>>;

  /// Reads the line of column names. Error: what is wrong with it, without the line's number.
  static core::Result<TableDump> fromHeader(std::string_view line) {
    return fromColumns(splitBatchLine(line));
  }
  /// The same of the columns' names.
  static core::Result<TableDump> fromColumns(const Fields& names);

  /// The registration in one line, its domain in comparableDomain's form, its times unset if the table has
  /// none. Error: what is wrong with it, without the line's number and without anything that the line says.
  core::Result<store::Registration> row(std::string_view line) const { return row(splitBatchLine(line)); }
  /// The same of the values in one row.
  core::Result<store::Registration> row(Fields fields) const;

 private:
  enum Column : std::size_t {
    device,
    domain,
    token,
    node,
    secret,
    kRequired,
    service = kRequired,
    channel,
    kind,
    created,
    renewed,
    changed,
    kColumns
  };
  static constexpr std::array<std::string_view, kColumns> kNames{"device",  "domain",  "token",   "node",
                                                                 "secret",  "service", "channel", "kind",
                                                                 "created", "renewed", "changed"};

  void readP2Columns(const Fields& fields, store::Registration& registration) const;
  const std::optional<std::string>* find(const Fields& fields, Column column) const;

  std::array<std::optional<std::size_t>, kColumns> _position{};
  std::size_t _width = 0;
};

/// What TableDump and the JSON lines have in common: puts the domain into comparableDomain's form, and says
/// what about a registration cannot be right. Error as of TableDump::row.
core::Result<store::Registration> checkedRow(store::Registration registration);

/// `FCM` or `APNS`, in either case. Error as of TableDump::row.
core::Result<store::Service> parseService(std::string_view name);

}  // namespace p2::transfer
