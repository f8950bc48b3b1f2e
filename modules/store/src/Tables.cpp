#include "Tables.h"

#include "RecordCodec.h"

#include <memory>

namespace p2::store {

namespace {

using core::Error;
using core::Result;

/// LMDB does not change what a key or a value to be written points to, but takes it without const.
MDB_val lent(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

Error readFault(int code) {
  return Error{std::string("The store cannot be read: ") + mdb_strerror(code) + "."};
}

/// The first characters of a node tell which record is meant without telling whom to publish to.
Error recordFault(std::string_view node, const std::string& text) {
  std::string start;
  for (const char c : node.substr(0, 4)) start.push_back(c >= ' ' && c <= '~' ? c : '?');
  return Error{"In the store, node " + start + "…: " + text};
}

/// The bytes of a key, while the transaction lives and nothing is written.
Result<std::optional<std::string_view>> get(MDB_txn* transaction, MDB_dbi table, std::string_view key) {
  MDB_val wanted = lent(key);
  MDB_val value{};
  const int code = mdb_get(transaction, table, &wanted, &value);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (code != 0) return readFault(code);
  return std::optional(view(value));
}

int put(MDB_txn* transaction, MDB_dbi table, std::string_view key, std::string_view value) {
  MDB_val where = lent(key);
  MDB_val what = lent(value);
  return mdb_put(transaction, table, &where, &what, 0);
}

int erase(MDB_txn* transaction, MDB_dbi table, std::string_view key) {
  MDB_val where = lent(key);
  const int code = mdb_del(transaction, table, &where, nullptr);
  return code == MDB_NOTFOUND ? 0 : code;
}

struct CursorCloser {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};

}  // namespace

Result<std::optional<Registration>> Tables::find(std::string_view node) const {
  if (node.empty() || node.size() > kMaxNodeBytes) return std::optional<Registration>();
  auto record = get(_transaction, _handles.targets, node);
  if (!record.ok()) return Error{record.error()};
  if (!record.value()) return std::optional<Registration>();
  auto registration = decodeRecord(node, *record.value());
  if (!registration.ok()) return recordFault(node, registration.error());
  return std::optional(std::move(registration).value());
}

Result<std::optional<std::string>> Tables::nodeOf(const DeviceKey& key) const {
  if (!checkKey(key).ok()) return std::optional<std::string>();
  auto node = get(_transaction, _handles.devices, encodeDeviceKey(key));
  if (!node.ok()) return Error{node.error()};
  if (!node.value()) return std::optional<std::string>();
  return std::optional(std::string(*node.value()));
}

Result<std::optional<Registration>> Tables::find(const DeviceKey& key) const {
  auto node = nodeOf(key);
  if (!node.ok()) return Error{node.error()};
  if (!node.value()) return std::optional<Registration>();
  return find(*node.value());
}

std::uint64_t Tables::size() const {
  MDB_stat stat{};
  return mdb_stat(_transaction, _handles.targets, &stat) == 0 ? stat.ms_entries : 0;
}

Result<void> Tables::walk(std::string_view first,
                          const std::function<bool(const Registration&)>& visit) const {
  MDB_cursor* opened = nullptr;
  int code = mdb_cursor_open(_transaction, _handles.targets, &opened);
  if (code != 0) return readFault(code);
  const std::unique_ptr<MDB_cursor, CursorCloser> cursor(opened);
  MDB_val node = lent(first);
  MDB_val record{};
  code = mdb_cursor_get(cursor.get(), &node, &record, first.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0) {
    auto registration = decodeRecord(view(node), view(record));
    if (!registration.ok()) return recordFault(view(node), registration.error());
    if (!visit(registration.value())) return {};
    code = mdb_cursor_get(cursor.get(), &node, &record, MDB_NEXT);
  }
  if (code != MDB_NOTFOUND) return readFault(code);
  return {};
}

int Tables::put(const Registration& registration) {
  const int code = putTarget(registration);
  return code != 0 ? code : putDevice(registration);
}

int Tables::putTarget(const Registration& registration) {
  return store::put(_transaction, _handles.targets, registration.node, encodeRecord(registration));
}

int Tables::putDevice(const Registration& registration) {
  return store::put(_transaction, _handles.devices, encodeDeviceKey(registration.key), registration.node);
}

int Tables::erase(const Registration& registration) {
  const int code = store::erase(_transaction, _handles.targets, registration.node);
  return code != 0 ? code : store::erase(_transaction, _handles.devices, encodeDeviceKey(registration.key));
}

}  // namespace p2::store
