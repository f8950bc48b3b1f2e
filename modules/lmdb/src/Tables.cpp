#include "Tables.h"

#include "RecordCodec.h"
#include "p2/store/Validity.h"

#include <memory>

namespace p2::lmdb {

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

Stored decoded(std::string_view node, std::string_view record) {
  auto registration = decodeRecord(node, record);
  if (!registration.ok()) return Unreadable{registration.error()};
  return std::move(registration).value();
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

// In the table of meta.
constexpr std::string_view kServiceTime = "service";

struct CursorCloser {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};

}  // namespace

Result<std::optional<store::Registration>> Tables::find(std::string_view node) const {
  auto stored = look(node);
  if (!stored.ok()) return Error{stored.error()};
  if (const auto* unreadable = std::get_if<Unreadable>(&stored.value())) {
    return Error{"In the store " + unreadable->why, Error::Kind::damaged};
  }
  auto* registration = std::get_if<store::Registration>(&stored.value());
  if (registration == nullptr) return std::optional<store::Registration>();
  return std::optional(std::move(*registration));
}

Result<Stored> Tables::look(std::string_view node) const {
  if (node.empty() || node.size() > store::kMaxNodeBytes) return Stored();
  auto record = get(_transaction, _handles.targets, node);
  if (!record.ok()) return Error{record.error()};
  if (!record.value()) return Stored();
  return decoded(node, *record.value());
}

Result<std::optional<std::string>> Tables::nodeOf(const store::DeviceKey& key) const {
  if (!store::checkKey(key).ok()) return std::optional<std::string>();
  return nodeOf(encodeDeviceKey(key));
}

Result<std::optional<std::string>> Tables::nodeOf(std::string_view device) const {
  auto node = get(_transaction, _handles.devices, device);
  if (!node.ok()) return Error{node.error()};
  if (!node.value()) return std::optional<std::string>();
  return std::optional(std::string(*node.value()));
}

Result<std::optional<store::Registration>> Tables::find(const store::DeviceKey& key) const {
  auto node = nodeOf(key);
  if (!node.ok()) return Error{node.error()};
  if (!node.value()) return std::optional<store::Registration>();
  return find(*node.value());
}

std::uint64_t Tables::size() const {
  MDB_stat stat{};
  return mdb_stat(_transaction, _handles.targets, &stat) == 0 ? stat.ms_entries : 0;
}

Result<store::ServiceTime> Tables::serviceTime() const {
  const auto bytes = get(_transaction, _handles.meta, kServiceTime);
  if (!bytes.ok()) return Error{bytes.error()};
  return bytes.value() ? store::ServiceTime::decode(*bytes.value()) : store::ServiceTime();
}

int Tables::putServiceTime(const store::ServiceTime& time) {
  return lmdb::put(_transaction, _handles.meta, kServiceTime, time.encode());
}

Result<void> Tables::walk(std::string_view first, const Visit& visit) const {
  MDB_cursor* opened = nullptr;
  int code = mdb_cursor_open(_transaction, _handles.targets, &opened);
  if (code != 0) return readFault(code);
  const std::unique_ptr<MDB_cursor, CursorCloser> cursor(opened);
  MDB_val node = lent(first);
  MDB_val record{};
  code = mdb_cursor_get(cursor.get(), &node, &record, first.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0) {
    if (!visit(view(node), decoded(view(node), view(record)))) return {};
    code = mdb_cursor_get(cursor.get(), &node, &record, MDB_NEXT);
  }
  if (code != MDB_NOTFOUND) return readFault(code);
  return {};
}

int Tables::put(const store::Registration& registration) {
  const int code = putTarget(registration);
  return code != 0 ? code : putDevice(registration);
}

int Tables::putTarget(const store::Registration& registration) {
  return lmdb::put(_transaction, _handles.targets, registration.node, encodeRecord(registration));
}

int Tables::putDevice(const store::Registration& registration) {
  return putDevice(encodeDeviceKey(registration.key), registration.node);
}

int Tables::putDevice(std::string_view device, std::string_view node) {
  return lmdb::put(_transaction, _handles.devices, device, node);
}

int Tables::erase(std::string_view node, const store::DeviceKey& key) {
  const int code = lmdb::erase(_transaction, _handles.targets, node);
  return code != 0 ? code : lmdb::erase(_transaction, _handles.devices, encodeDeviceKey(key));
}

int Tables::eraseUnreadable(std::string_view node) {
  MDB_cursor* opened = nullptr;
  int code = mdb_cursor_open(_transaction, _handles.devices, &opened);
  if (code != 0) return code;
  const std::unique_ptr<MDB_cursor, CursorCloser> cursor(opened);
  MDB_val device{};
  MDB_val owned{};
  while ((code = mdb_cursor_get(cursor.get(), &device, &owned, MDB_NEXT)) == 0) {
    if (view(owned) != node) continue;
    code = mdb_cursor_del(cursor.get(), 0);
    if (code != 0) return code;
  }
  return code == MDB_NOTFOUND ? lmdb::erase(_transaction, _handles.targets, node) : code;
}

}  // namespace p2::lmdb
