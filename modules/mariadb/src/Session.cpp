#include "Session.h"

namespace p2::mariadb {

Outcome<Connection*> Session::connection(Hosts::Since since) {
  // What one thread wrote there, another would not find here.
  if (_connection && !_connection->isClustered() && _hosts.hasLeft(_host)) _connection.reset();
  if (!_connection) {
    auto connected = _hosts.connect(since);
    if (!connected.ok()) return connected.fault();
    _connection = std::move(connected.value().connection);
    _host = connected.value().host;
  }
  return _connection.get();
}

void Session::note(const Fault& fault) {
  // That none could be made is counted where it was tried.
  if (_connection) _hosts.count(fault.kind);
  switch (fault.kind) {
    case Fault::Kind::refused:
    case Fault::Kind::contended:
      return;
    case Fault::Kind::lost:
    case Fault::Kind::unfit:
      if (_connection) _hosts.suspect(_host, fault);
      _connection.reset();
  }
}

}  // namespace p2::mariadb
