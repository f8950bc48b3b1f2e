#include "Import.h"

#include "RecordCodec.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace p2::store {

namespace {

using core::Error;
using core::Result;

/// The rows of one import: looked through whole before anything is written, then written in the order of the
/// keys, which is several times faster than in any other.
class Import {
 public:
  Import(Tables& tables, std::span<const Registration> rows) : _tables(tables), _rows(rows) {}

  Applied<Store::ImportReport> run();

 private:
  enum class Fate { add, update, keep };

  void checkValues();
  void dropRepeated();
  void checkDevices();
  Result<void> compareWithStored();
  void decide(std::size_t row, const std::optional<Registration>& stored);
  int write();

  void reject(std::size_t row, std::string text, std::optional<std::size_t> other = std::nullopt) {
    _report.faults.push_back({row, std::move(text), other});
  }
  void sortByNode();
  void sortByDevice();

  Tables& _tables;
  std::span<const Registration> _rows;
  std::vector<std::size_t> _order;                     ///< The rows to import.
  std::vector<Fate> _fates;                            ///< By row.
  std::map<std::size_t, Registration::Time> _created;  ///< By row that updates: when it was first registered.
  Store::ImportReport _report;
};

bool sameContent(const Registration& one, const Registration& other) {
  return one.secret == other.secret && one.domain == other.domain && one.target == other.target;
}

/// Orders keys as their encodings sort: the length of the device goes before it.
bool before(const DeviceKey& one, const DeviceKey& other) {
  const auto rank = [](const DeviceKey& key) {
    return std::tuple<Service, std::size_t, const std::string&, const std::string&>(
        key.service, key.device.size(), key.device, key.channel);
  };
  return rank(one) < rank(other);
}

Applied<Store::ImportReport> Import::run() {
  _order.resize(_rows.size());
  std::iota(_order.begin(), _order.end(), std::size_t{0});
  _fates.resize(_rows.size(), Fate::keep);
  checkValues();
  if (_report.faults.empty()) dropRepeated();
  if (_report.faults.empty()) checkDevices();
  if (_report.faults.empty()) {
    if (auto compared = compareWithStored(); !compared.ok()) return {0, Error{compared.error()}};
  }
  if (_report.faults.empty()) {
    const int code = write();
    return {code, std::move(_report)};
  }
  std::sort(_report.faults.begin(), _report.faults.end(),
            [](const auto& one, const auto& other) { return one.row < other.row; });
  if (_report.faults.size() > Store::kMaxImportFaults) _report.faults.resize(Store::kMaxImportFaults);
  _report.added = _report.updated = _report.unchanged = 0;
  return {0, std::move(_report)};
}

void Import::checkValues() {
  for (std::size_t row = 0; row < _rows.size(); ++row) {
    if (auto valid = checkRegistration(_rows[row]); !valid.ok()) reject(row, valid.error());
  }
}

void Import::sortByNode() {
  std::sort(_order.begin(), _order.end(), [this](std::size_t one, std::size_t other) {
    return std::tie(_rows[one].node, one) < std::tie(_rows[other].node, other);
  });
}

void Import::sortByDevice() {
  std::sort(_order.begin(), _order.end(), [this](std::size_t one, std::size_t other) {
    if (before(_rows[one].key, _rows[other].key)) return true;
    return !before(_rows[other].key, _rows[one].key) && one < other;
  });
}

/// Of the rows with the same node (and device) the one that was registered last is imported.
void Import::dropRepeated() {
  sortByNode();
  std::vector<std::size_t> kept;
  kept.reserve(_order.size());
  for (const std::size_t row : _order) {
    if (kept.empty() || _rows[kept.back()].node != _rows[row].node) {
      kept.push_back(row);
      continue;
    }
    if (!(_rows[kept.back()].key == _rows[row].key)) {
      reject(row, "Its node is that of another device", kept.back());
      continue;
    }
    ++_report.unchanged;
    if (_rows[row].lastRegistered >= _rows[kept.back()].lastRegistered) kept.back() = row;
  }
  _order = std::move(kept);
}

void Import::checkDevices() {
  sortByDevice();
  for (std::size_t i = 1; i < _order.size(); ++i) {
    if (!(_rows[_order[i]].key == _rows[_order[i - 1]].key)) continue;
    reject(_order[i], "Its device has another node", _order[i - 1]);
  }
}

Result<void> Import::compareWithStored() {
  if (_tables.size() == 0) {
    for (const std::size_t row : _order) decide(row, std::nullopt);
    return {};
  }
  for (const std::size_t row : _order) {
    auto node = _tables.nodeOf(_rows[row].key);
    if (!node.ok()) return Error{node.error()};
    auto found = _tables.look(_rows[row].node);
    if (!found.ok()) return Error{found.error()};
    if (std::holds_alternative<Unreadable>(found.value()) && node.value() == _rows[row].node) {
      _fates[row] = Fate::update;
      _created[row] = _rows[row].created;
      ++_report.updated;
      continue;
    }
    const auto* registration = std::get_if<Registration>(&found.value());
    const auto stored = registration != nullptr ? std::optional(*registration) : std::nullopt;
    if (node.value() && *node.value() != _rows[row].node) {
      reject(row, "Its device is in the store with another node.");
    } else if (stored && !(stored->key == _rows[row].key)) {
      reject(row, "Its node is in the store for another device.");
    } else {
      decide(row, stored);
    }
  }
  return {};
}

void Import::decide(std::size_t row, const std::optional<Registration>& stored) {
  if (!stored) {
    _fates[row] = Fate::add;
    ++_report.added;
    return;
  }
  const bool same = sameContent(*stored, _rows[row]);
  const auto date = _rows[row].lastRegistered;
  if (stored->lastRegistered < date || (stored->lastRegistered == date && !same)) {
    _fates[row] = Fate::update;
    _created[row] = stored->created;
  }
  ++(same || _fates[row] == Fate::keep ? _report.unchanged : _report.updated);
}

int Import::write() {
  // The rows are in the order of their devices now.
  for (const std::size_t row : _order) {
    if (_fates[row] != Fate::add) continue;
    if (const int code = _tables.putDevice(_rows[row]); code != 0) return code;
  }
  sortByNode();
  for (const std::size_t row : _order) {
    if (_fates[row] == Fate::keep) continue;
    Registration target = _rows[row];
    if (_fates[row] == Fate::update) target.created = std::min(target.created, _created[row]);
    if (const int code = _tables.putTarget(target); code != 0) return code;
  }
  // The dates of other machines say nothing about the time in which phones reached this one.
  auto service = _tables.serviceTime();
  if (!service.ok()) return 0;
  service.value().renewAll();
  return _tables.putServiceTime(service.value());
}

}  // namespace

Applied<Store::ImportReport> importRows(Tables& tables, std::span<const Registration> rows) {
  return Import(tables, rows).run();
}

std::size_t importedBytes(std::span<const Registration> rows) {
  // Both tables' keys and values with what LMDB adds to each; pages are filled by two thirds or more.
  constexpr std::size_t kOverhead = 64;
  std::size_t bytes = 0;
  for (const Registration& row : rows) {
    bytes += kOverhead + 2 * (row.node.size() + row.key.device.size() + row.key.channel.size()) +
             row.domain.size() + row.target.value.reveal().size() + row.secret.reveal().size();
  }
  return bytes + bytes / 2;
}

}  // namespace p2::store
