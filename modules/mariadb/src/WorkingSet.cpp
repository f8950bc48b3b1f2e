#include "WorkingSet.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace p2::mariadb {

namespace {

MaybeFault writeRows(Connection& connection, const std::vector<std::string>& rows, const char* after) {
  std::string statement;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    statement += statement.empty() ? std::string("insert into target (") + kColumns + ") values " : ", ";
    statement += rows[i];
    if (i + 1 < rows.size() && statement.size() < kStatementBytes) continue;
    if (auto done = connection.execute(statement + after); !done.ok()) return done.fault();
    statement.clear();
  }
  return std::nullopt;
}

}  // namespace

void WorkingSet::put(store::Registration registration) {
  touch(registration.node);
  _rows.put({std::move(registration)});
}

void WorkingSet::erase(const std::string& node) {
  touch(node);
  _rows.erase(node);
}

void WorkingSet::touch(const std::string& node) {
  const Record* row = _rows.ofNode(node);
  _before.try_emplace(node, row == nullptr ? std::nullopt : std::optional(*row));
}

MaybeFault WorkingSet::write(Connection& connection) const {
  std::vector<std::string> erased;
  std::vector<std::string> added;
  std::vector<std::string> changed;
  for (const auto& [node, before] : _before) {
    const Record* now = _rows.ofNode(node);
    if (now == nullptr) {
      if (before) erased.push_back(node);
    } else if (!before) {
      added.push_back(valuesOf(now->registration));
    } else if (*before != *now) {
      changed.push_back(valuesOf(now->registration));
    }
  }
  // First, as a device may have been given another node.
  if (!erased.empty()) {
    if (auto done = connection.execute("delete from target where node in " + listOf(erased)); !done.ok()) {
      return done.fault();
    }
  }
  // A node or device that another p2 has added meanwhile is a fault: all begins again, and finds it.
  if (auto fault = writeRows(connection, added, "")) return fault;
  return writeRows(connection, changed,
                   " on duplicate key update secret = values(secret), service = values(service),"
                   " device = values(device), channel = values(channel), domain = values(domain),"
                   " kind = values(kind), token = values(token), created = values(created),"
                   " renewed = values(renewed), changed = null");
}

std::vector<std::string> WorkingSet::touched() const {
  std::vector<std::string> nodes;
  nodes.reserve(_before.size());
  for (const auto& [node, before] : _before) nodes.push_back(node);
  return nodes;
}

bool WorkingSet::erases() const {
  return std::any_of(_before.begin(), _before.end(), [this](const auto& touched) {
    return touched.second && _rows.ofNode(touched.first) == nullptr;
  });
}

bool WorkingSet::adds() const {
  return std::any_of(_before.begin(), _before.end(), [this](const auto& touched) {
    return !touched.second && _rows.ofNode(touched.first) != nullptr;
  });
}

bool WorkingSet::standsIn(const Records& rows) const {
  return std::all_of(_before.begin(), _before.end(), [&](const auto& touched) {
    const Record* ours = _rows.ofNode(touched.first);
    const Record* theirs = rows.ofNode(touched.first);
    return ours == nullptr ? theirs == nullptr : theirs != nullptr && *ours == *theirs;
  });
}

}  // namespace p2::mariadb
