#include "Import.h"

#include "Directory.h"
#include "RecordCodec.h"
#include "SortedSpool.h"
#include "Staging.h"
#include "p2/store/Bytes.h"
#include "p2/store/Validity.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;
using Row = store::ImportSource::Row;

/// Changes that are committed together: some megabytes of pages, which LMDB keeps in memory until then.
constexpr std::size_t kBatch = 4000;

/// What is known of a row when only its node is sorted by its device.
struct Owner {
  std::string device;  ///< As encodeDeviceKey() gives it.
  std::string node;
  std::uint64_t line = 0;
};

/// A row that cannot be taken: its line, and why.
using Refused = std::pair<std::uint64_t, std::string>;

std::string inLine(std::uint64_t line) {
  return " in line " + std::to_string(line) + ".";
}

bool sameContent(const store::Registration& one, const store::Registration& other) {
  return one.secret == other.secret && one.domain == other.domain && one.target == other.target;
}

/// The rows of one import, on their way into a copy of the store. Each table is written in the order of its
/// keys, which touches each of its pages once; so the rows are sorted twice, by node and by device.
class Import {
 public:
  Import(Staging& staging, store::ImportSource& source, bool keepDomain)
      : _copy(staging.copy()),
        _source(source),
        _keepDomain(keepDomain),
        _rows(staging.directory()),
        _owners(staging.directory()) {}

  /// All that is to be done but the source's word on it.
  Result<void> prepare();
  const Store::ImportReport& report() const { return _report; }

 private:
  using Take = std::function<Result<void>(Row&&)>;

  Result<void> readAll();
  Result<void> eachNode(bool tells, const Take& take);
  Result<void> checkNodes();
  Result<void> putDevices();
  Result<void> writeDevices(const std::vector<Owner>& owners);
  static int putDevice(Tables& tables, const Owner& owner, std::vector<Refused>& refused);
  Result<void> putTargets();
  Result<void> writeTargets(const std::vector<Row>& rows);
  int putTarget(Tables& tables, const Row& row, Store::ImportReport& report) const;
  Result<void> renewAll();

  Error fault(int code) const { return systemError(_copy.directory(), "be written", code); }

  Environment& _copy;
  store::ImportSource& _source;
  const bool _keepDomain;
  SortedSpool _rows;    ///< By node, then by line.
  SortedSpool _owners;  ///< By device, then by line.
  bool _anyRefused = false;
  Store::ImportReport _report;
};

Result<void> Import::prepare() {
  for (const auto step :
       {&Import::readAll, &Import::checkNodes, &Import::putDevices, &Import::putTargets, &Import::renewAll}) {
    if (auto done = (this->*step)(); !done.ok()) return done;
  }
  return {};
}

Result<void> Import::readAll() {
  for (;;) {
    auto given = _source.next();
    if (!given.ok()) return Error{given.error()};
    if (!given.value()) break;
    auto& [registration, line, dated] = *given.value();
    if (!_keepDomain) registration.domain.clear();
    if (auto valid = store::checkRegistration(registration); !valid.ok()) {
      _source.refuse(line, valid.error());
      continue;
    }
    const std::string value = (dated ? '+' : '-') + encodeRecord(registration);
    if (const int code = _rows.add(registration.node, line, value); code != 0) return fault(code);
  }
  if (const int code = _rows.finish(); code != 0) return fault(code);
  return {};
}

Result<Row> rowOf(const SortedSpool::Entry& entry) {
  auto registration = decodeRecord(entry.key, std::string_view(entry.value).substr(1));
  if (!registration.ok()) return Error{registration.error()};
  return Row{std::move(registration).value(), entry.order, entry.value.front() == '+'};
}

/// Gives the row of each node, in order: of those with the same node and device the one that was registered
/// last; those with another device are refused. `tells`: whether that is told and counted.
Result<void> Import::eachNode(bool tells, const Take& take) {
  SortedSpool::Reader reader(_rows);
  std::optional<Row> kept;
  for (SortedSpool::Entry entry;;) {
    bool found = false;
    if (const int code = reader.next(entry, found); code != 0) return fault(code);
    if (!found) break;
    auto row = rowOf(entry);
    if (!row.ok()) return Error{row.error()};
    if (!kept || kept->registration.node != row.value().registration.node) {
      if (kept) {
        if (auto taken = take(std::move(*kept)); !taken.ok()) return taken;
      }
      kept = std::move(row).value();
    } else if (!(kept->registration.key == row.value().registration.key)) {
      if (tells) _source.refuse(entry.order, "Its node is that of another device" + inLine(kept->line));
    } else {
      if (tells) ++_report.unchanged;
      if (row.value().registration.lastRegistered >= kept->registration.lastRegistered) {
        kept = std::move(row).value();
      }
    }
  }
  return kept ? take(std::move(*kept)) : Result<void>();
}

/// Whether what is stored under the row's node, if anything is, is the row's own.
Result<bool> ownsNode(const Tables& tables, const store::Registration& row) {
  const auto stored = tables.look(row.node);
  if (!stored.ok()) return Error{stored.error()};
  if (const auto* registration = std::get_if<store::Registration>(&stored.value()))
    return registration->key == row.key;
  if (std::holds_alternative<std::monostate>(stored.value())) return true;
  // What cannot be read belongs to whose device leads to it.
  const auto node = tables.nodeOf(row.key);
  if (!node.ok()) return Error{node.error()};
  return node.value() == row.node;
}

/// Refuses rows whose node is stored for another device; the others are sorted by their devices.
Result<void> Import::checkNodes() {
  std::size_t looked = 0;
  auto checked = eachNode(true, [&](Row&& row) -> Result<void> {
    if (++looked % kBatch == 0) {
      if (auto forgotten = _copy.forgetPages(); !forgotten.ok()) return forgotten;
    }
    auto transaction = _copy.read();
    if (!transaction.ok()) return Error{transaction.error()};
    const auto owns = ownsNode(transaction.value().tables(), row.registration);
    if (!owns.ok()) return Error{owns.error()};
    if (!owns.value()) {
      _anyRefused = true;
      _source.refuse(row.line, "Its node is in the store for another device.");
      return {};
    }
    const int code = _owners.add(encodeDeviceKey(row.registration.key), row.line, row.registration.node);
    return code == 0 ? Result<void>() : fault(code);
  });
  if (!checked.ok()) return checked;
  if (const int code = _owners.finish(); code != 0) return fault(code);
  return _copy.forgetPages();
}

Result<void> Import::putDevices() {
  SortedSpool::Reader reader(_owners);
  std::vector<Owner> batch;
  std::optional<Owner> last;
  for (SortedSpool::Entry entry;;) {
    bool found = false;
    if (const int code = reader.next(entry, found); code != 0) return fault(code);
    if (batch.size() == kBatch || (!found && !batch.empty())) {
      if (auto put = writeDevices(batch); !put.ok()) return put;
      batch.clear();
    }
    if (!found) return {};
    if (last && last->device == entry.key) {
      _anyRefused = true;
      _source.refuse(entry.order, "Its device has another node" + inLine(last->line));
      continue;
    }
    last = Owner{std::move(entry.key), std::move(entry.value), entry.order};
    batch.push_back(*last);
  }
}

Result<void> Import::writeDevices(const std::vector<Owner>& owners) {
  constexpr std::size_t kEntryBytes = 256;
  _copy.reserve(owners.size() * kEntryBytes);
  std::vector<Refused> refused;
  const auto written = _copy.write([&](Tables& tables) {
    refused.clear();
    for (const Owner& owner : owners) {
      if (const int code = putDevice(tables, owner, refused); code != 0) return code;
    }
    return 0;
  });
  if (!written.ok()) return Error{written.error()};
  _anyRefused |= !refused.empty();
  for (const auto& [line, why] : refused) _source.refuse(line, why);
  return _copy.forgetPages();
}

int Import::putDevice(Tables& tables, const Owner& owner, std::vector<Refused>& refused) {
  auto stored = tables.nodeOf(owner.device);
  if (!stored.ok()) return MDB_CORRUPTED;
  if (!stored.value()) return tables.putDevice(owner.device, owner.node);
  if (*stored.value() != owner.node) {
    refused.emplace_back(owner.line, "Its device is in the store with another node.");
  }
  return 0;
}

Result<void> Import::putTargets() {
  std::vector<Row> batch;
  const auto flush = [&]() -> Result<void> {
    auto put = writeTargets(batch);
    batch.clear();
    return put;
  };
  const auto taken = eachNode(false, [&](Row&& row) -> Result<void> {
    batch.push_back(std::move(row));
    return batch.size() < kBatch ? Result<void>() : flush();
  });
  return taken.ok() ? flush() : taken;
}

/// What the rows may take in the table of targets.
std::size_t bytesOf(const std::vector<Row>& rows) {
  // With what LMDB adds to each; pages are filled by two thirds or more.
  constexpr std::size_t kOverhead = 128;
  std::size_t bytes = 0;
  for (const auto& [row, line, dated] : rows) {
    bytes += kOverhead + row.node.size() + row.key.device.size() + row.key.channel.size() +
             row.domain.size() + row.target.value.reveal().size() + row.secret.reveal().size();
  }
  return bytes + bytes / 2;
}

Result<void> Import::writeTargets(const std::vector<Row>& rows) {
  _copy.reserve(bytesOf(rows));
  Store::ImportReport report;
  const auto written = _copy.write([&](Tables& tables) {
    report = {};
    for (const Row& row : rows) {
      if (const int code = putTarget(tables, row, report); code != 0) return code;
    }
    return 0;
  });
  if (!written.ok()) return Error{written.error()};
  _report.added += report.added;
  _report.updated += report.updated;
  _report.unchanged += report.unchanged;
  return _copy.forgetPages();
}

int Import::putTarget(Tables& tables, const Row& row, Store::ImportReport& report) const {
  store::Registration target = row.registration;
  if (_anyRefused) {
    const auto owned = tables.nodeOf(target.key);
    if (!owned.ok()) return MDB_CORRUPTED;
    if (owned.value() != target.node) return 0;  // this is one that was refused
  }
  const auto found = tables.look(target.node);
  if (!found.ok()) return MDB_CORRUPTED;
  const auto* stored = std::get_if<store::Registration>(&found.value());
  if (stored == nullptr) {
    // A record that cannot be read goes on as the one that it was.
    ++(std::holds_alternative<Unreadable>(found.value()) ? report.updated : report.added);
    return tables.putTarget(target);
  }
  if (!row.dated && stored->lastRegistered > stored->created) target.lastRegistered = stored->created;
  const bool same = sameContent(*stored, target);
  const bool replaces = stored->lastRegistered < target.lastRegistered ||
                        (stored->lastRegistered == target.lastRegistered && !same);
  ++(same || !replaces ? report.unchanged : report.updated);
  target.created = std::min(target.created, stored->created);
  return replaces ? tables.putTarget(target) : 0;
}

/// The dates of other machines say nothing about the time in which phones reached this one.
Result<void> Import::renewAll() {
  const auto written = _copy.write([](Tables& tables) {
    auto service = tables.serviceTime();
    if (!service.ok()) return 0;
    service.value().renewAll();
    return tables.putServiceTime(service.value());
  });
  if (!written.ok()) return Error{written.error()};
  return {};
}

}  // namespace

Result<Store::ImportReport> importRows(Environment& store, store::ImportSource& source, bool keepDomain) {
  auto staging = Staging::begin(store);
  if (!staging.ok()) return Error{staging.error()};
  Store::ImportReport report;
  {
    Import import(*staging.value(), source, keepDomain);
    if (auto prepared = import.prepare(); !prepared.ok()) return Error{prepared.error()};
    report = import.report();
  }
  if (!source.confirm()) return report;
  const auto durable = staging.value()->publish();
  if (!durable.ok()) return Error{durable.error()};
  report.imported = true;
  report.durable = durable.value();
  return report;
}

}  // namespace p2::lmdb
