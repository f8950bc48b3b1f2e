#include "p2/core/Grace.h"

#include <iterator>

namespace p2::core {

Grace::Verdict Grace::said(std::size_t node, std::string_view flow, std::size_t target, TimePoint now,
                           Duration after) {
  if (const auto known = _byNode.find(node); known != _byNode.end()) {
    const auto watched = known->second;
    const bool same = watched->target == target;
    const bool due = same && now - watched->first >= after;
    if (same && !due) return Verdict::waits;
    if (due && _then == Then::keep) return Verdict::believed;
    remove(watched);
    if (due) return Verdict::believed;
  }
  if (size() >= _most && !makeRoom(flow, now, after)) return Verdict::waits;
  auto found = _flows.find(flow);
  if (found == _flows.end()) found = _flows.emplace(flow, Flow()).first;
  auto& watched = found->second.watched;
  watched.push_back({node, target, now, found});
  _byNode.emplace(node, std::prev(watched.end()));
  resize(found, watched.size() - 1);
  return Verdict::begins;
}

void Grace::forget(std::size_t node) {
  if (const auto known = _byNode.find(node); known != _byNode.end()) remove(known->second);
}

void Grace::clear() {
  _byNode.clear();
  _bySize.clear();
  _flows.clear();
}

bool Grace::makeRoom(std::string_view flow, TimePoint now, Duration after) {
  if (_bySize.empty()) return false;
  const auto own = _flows.find(flow);
  const auto [most, name] = *_bySize.rbegin();
  const bool isOwn = own != _flows.end() && own->second.watched.size() >= most;
  auto& watched = (isOwn ? own : _flows.find(name))->second.watched;
  if (now - watched.front().first >= 2 * after) {
    remove(watched.begin());
  } else if (isOwn) {
    return false;
  } else {
    remove(std::prev(watched.end()));
  }
  return true;
}

void Grace::remove(Watch::iterator watched) {
  const auto flow = watched->flow;
  const std::size_t before = flow->second.watched.size();
  _byNode.erase(watched->node);
  flow->second.watched.erase(watched);
  resize(flow, before);
}

/// Brings what is known of a flow in line with its list, which had `before`. A flow without any is forgotten.
void Grace::resize(Flows::iterator flow, std::size_t before) {
  const std::size_t size = flow->second.watched.size();
  _bySize.erase({before, flow->first});
  if (size == 0) {
    _flows.erase(flow);
  } else {
    _bySize.emplace(size, flow->first);
  }
}

}  // namespace p2::core
