#include "Findings.h"

#include "p2/core/Words.h"
#include "p2/store/Registration.h"

#include <array>
#include <cstddef>
#include <utility>

namespace p2::mariadb {

namespace {

using Count = std::uint64_t;

/// A column as text that is compared byte by byte, whatever it is in the table.
std::string bytesOf(const std::string& column) {
  return "convert(" + column + " using utf8mb4) collate " + kCollation;
}

/// The same, or what stands for a column that is not there.
std::string bytesOr(const Shape& target, const char* column, const char* fallback) {
  return target.column(column) == nullptr ? std::string("'") + fallback + '\''
                                          : "coalesce(" + bytesOf(column) + ", '" + fallback + "')";
}

/// As p2 has it: FCM where there is none.
std::string serviceOf(const Shape& target) {
  const auto service = "upper(" + bytesOr(target, "service", "") + ')';
  return "if(" + service + " = '', 'FCM', " + service + ')';
}

std::string deviceOf() {
  return "lower(" + bytesOf("device") + ')';
}

std::string channelOf(const Shape& target) {
  return "lower(" + bytesOr(target, "channel", "") + ')';
}

std::string domainOf() {
  return "trim(trailing '.' from lower(" + bytesOf("domain") + "))";
}

/// `1 row has`, `2 rows have`.
std::string rowsHave(Count count) {
  return core::grouped(count) + (count == 1 ? " row has" : " rows have");
}

/// A text that a registration must have, and how many bytes of it are stored.
struct Part {
  const char* column;
  std::size_t most;
};
constexpr std::array kParts{Part{"node", store::kMaxNodeBytes}, Part{"secret", store::kMaxSecretBytes},
                            Part{"device", store::kMaxDeviceBytes}, Part{"domain", store::kMaxDomainBytes},
                            Part{"token", store::kMaxTargetBytes}};

/// Rows that a condition holds for, and what the operator is told of them.
class Inspection {
 public:
  Inspection(Connection& connection, const Shape& target) : _connection(connection), _target(target) {}

  Outcome<Findings> run();

 private:
  MaybeFault count(const std::string& from, Count& into);
  MaybeFault countWhere(const std::string& condition, Count& into);
  MaybeFault lookForGaps();
  MaybeFault lookForTwins();
  MaybeFault lookAtServices();
  MaybeFault lookAtDomains();
  MaybeFault lookForCutTokens();
  MaybeFault lookForCorrections();
  MaybeFault correct(const std::string& what, const std::string& assignments, const std::string& condition);
  void obstruct(Count count, const std::string& what, const std::string& remedy);

  Connection& _connection;
  const Shape& _target;
  Findings _findings;
};

Outcome<Findings> Inspection::run() {
  if (auto fault = count("target", _findings.rows)) return std::move(*fault);
  for (const auto step :
       {&Inspection::lookForGaps, &Inspection::lookForTwins, &Inspection::lookAtServices,
        &Inspection::lookAtDomains, &Inspection::lookForCutTokens, &Inspection::lookForCorrections}) {
    if (auto fault = (this->*step)()) return std::move(*fault);
  }
  return _findings;
}

MaybeFault Inspection::count(const std::string& from, Count& into) {
  auto rows = _connection.query("select count(*) from " + from);
  if (!rows.ok()) return rows.fault();
  if (rows.value().next()) into = static_cast<Count>(rows.value().number(0));
  return std::nullopt;
}

MaybeFault Inspection::countWhere(const std::string& condition, Count& into) {
  return count("target where " + condition, into);
}

void Inspection::obstruct(Count count, const std::string& what, const std::string& remedy) {
  if (count > 0) _findings.obstacles.push_back(rowsHave(count) + ' ' + what + ". " + remedy);
}

MaybeFault Inspection::lookForGaps() {
  for (const auto& [column, most] : kParts) {
    const std::string name = column;
    Count empty = 0;
    if (auto fault = countWhere("coalesce(" + name + ", '') = ''", empty)) return fault;
    obstruct(empty, "no " + name,
             "Nobody is reached by them: delete from target where coalesce(" + name + ", '') = ''");
    Count wide = 0;
    const auto tooWide = "octet_length(" + bytesOf(name) + ") > " + std::to_string(most);
    if (auto fault = countWhere(tooWide, wide)) return fault;
    obstruct(wide, "a " + name + " of more than " + std::to_string(most) + " bytes",
             "No phone has registered it: look at them, and delete them");
  }
  return std::nullopt;
}

/// Of each kind of twin only one can be found again, and nobody but the operator knows which.
MaybeFault Inspection::lookForTwins() {
  const auto groups = [](const std::string& column, const std::string& by) {
    return "(select 1 from target where coalesce(" + column + ", '') <> '' group by " + by +
           " having count(*) > 1) as twins";
  };
  Count nodes = 0;
  if (auto fault = count(groups("node", bytesOf("node")), nodes)) return fault;
  if (nodes > 0) {
    _findings.obstacles.push_back(
        core::grouped(nodes) + (nodes == 1 ? " node stands" : " nodes stand") +
        " in more than one row. Keep one row of each: select binary node from target group by binary node "
        "having count(*) > 1");
  }
  Count devices = 0;
  if (auto fault = count(groups("device", deviceOf() + ", " + channelOf(_target) + ", " + serviceOf(_target)),
                         devices)) {
    return fault;
  }
  if (devices > 0) {
    const std::string key = _target.column("channel") == nullptr ? "device" : "device, channel";
    _findings.obstacles.push_back(
        core::grouped(devices) + (devices == 1 ? " device has" : " devices have") +
        " more than one node. Keep one row of each, best the one that was written last: select " + key +
        " from target group by " + key + " having count(*) > 1");
  }
  return std::nullopt;
}

MaybeFault Inspection::lookAtServices() {
  Count unknown = 0;
  if (auto fault = countWhere(serviceOf(_target) + " not in ('FCM', 'APNS')", unknown)) return fault;
  obstruct(unknown, "a service that is neither FCM nor APNS", "Correct them, or delete them");
  return std::nullopt;
}

MaybeFault Inspection::lookAtDomains() {
  Count ascii = 0;
  if (auto fault = countWhere("locate('xn--', " + domainOf() + ") > 0", ascii)) return fault;
  obstruct(ascii, "a domain with xn-- in it",
           "p2 compares domains in Unicode: write them so, or move the table with p2 import "
           "--from-database, which does it");
  return std::nullopt;
}

MaybeFault Inspection::lookForCutTokens() {
  const auto& token = *_target.column("token");
  if (token.characters == 0 || token.characters >= store::kMaxTargetBytes) return std::nullopt;
  Count full = 0;
  if (auto fault = countWhere("char_length(token) >= " + std::to_string(token.characters), full))
    return fault;
  if (full > 0) {
    _findings.remarks.push_back(
        rowsHave(full) + " a token of " + std::to_string(token.characters) +
        " characters, as many as the column has held: it may have been cut off there. Such a phone gets no "
        "push, as before, until its app registers again");
  }
  return std::nullopt;
}

MaybeFault Inspection::correct(const std::string& what, const std::string& assignments,
                               const std::string& condition) {
  Count rows = 0;
  if (auto fault = countWhere(condition, rows)) return fault;
  if (rows == 0) return std::nullopt;
  const std::string unchanged = _target.column("changed") == nullptr ? "" : ", changed = changed";
  _findings.corrections.push_back(
      {"write " + what + " of " + core::grouped(rows) + (rows == 1 ? " row" : " rows"),
       "update target set " + assignments + unchanged + " where " + condition});
  return std::nullopt;
}

/// What a collation that ignores case has let in, and NULL.
MaybeFault Inspection::lookForCorrections() {
  const auto differs = [](const std::string& column, const std::string& wanted) {
    return "coalesce(" + bytesOf(column) + ", '') <> " + wanted;
  };
  if (_target.column("service") != nullptr) {
    const auto service = serviceOf(_target);
    if (auto fault = correct("the service (FCM where there is none)", "service = " + service,
                             differs("service", service))) {
      return fault;
    }
  }
  if (auto fault =
          correct("the device in lower case", "device = " + deviceOf(), differs("device", deviceOf()))) {
    return fault;
  }
  if (_target.column("channel") != nullptr) {
    const auto channel = channelOf(_target);
    if (auto fault = correct("the channel in lower case (empty where there is none)", "channel = " + channel,
                             "channel is null or " + differs("channel", channel))) {
      return fault;
    }
  }
  return correct("the domain in lower case", "domain = " + domainOf(), differs("domain", domainOf()));
}

}  // namespace

Outcome<Findings> lookAtRows(Connection& connection, const Shape& target) {
  return Inspection(connection, target).run();
}

}  // namespace p2::mariadb
