#pragma once

#include "p2/core/Metrics.h"
#include "p2/core/Rounds.h"
#include "p2/proxy/PushProxy.h"
#include "p2/store/RegistrationStore.h"

namespace p2::app {

/// Looks at the store every second, in a thread of its own: the log says when it fails, works again, is used
/// at another host, or by another number of p2, whose limits follow; and the metrics count it. Used by its
/// own thread.
class StoreWatch {
 public:
  /// All of it must outlive this object.
  StoreWatch(const store::RegistrationStore& store, proxy::PushProxy& proxy, core::Metrics& metrics);

 private:
  void look();
  void noteHost(const store::Whereabouts& now) const;
  void noteSharers(const store::Whereabouts& now) const;
  void count(const store::Whereabouts& now) const;

  const store::RegistrationStore& _store;
  proxy::PushProxy& _proxy;
  core::Counter& _moves;
  core::Counter& _lost;
  core::Counter& _unfit;
  core::Counter& _contended;
  core::Counter& _refused;
  store::Whereabouts _before;
  core::Rounds _rounds;  ///< Last: they use all of the above.
};

}  // namespace p2::app
