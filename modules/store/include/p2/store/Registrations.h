#pragma once

#include "p2/core/Result.h"
#include "p2/core/Target.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/Registration.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace p2::store {

/// What became of a registration that was to go if it still held a target.
enum class Removal {
  removed,
  holdsOther,  ///< Its phone has registered anew: it stays.
  absent,      ///< There is none.
};

/// The registrations, as those see them who serve phones and servers. Each function calls back exactly once:
/// at once in the calling thread, or later in one of the store's; it never blocks. An error means that nobody
/// knows, and nobody may be dropped for it. What one caller asks of the same device takes effect, and is
/// answered, in the order in which it was asked. A destructor answers whatever is asked still, while the
/// object can be asked. Thread-safe.
class Registrations {
 public:
  /// Must neither block nor throw; may call the store.
  template <class T>
  using Callback = core::UniqueFunction<void(core::Result<T>)>;
  using Found = std::optional<Registration>;
  /// How long who serves phones and servers waits for each answer: a registration may have to wait twice, and
  /// servers do for 32 s at least.
  static constexpr std::chrono::seconds kPatience{12};
  struct Recent {
    Found found;
    bool mayBeOld = false;
  };

  Registrations() = default;
  Registrations(const Registrations&) = delete;
  Registrations& operator=(const Registrations&) = delete;
  virtual ~Registrations() = default;

  /// Nothing means that there is none, wherever registrations are kept: a server drops its user for it. A
  /// record that cannot be read is a damaged one; its phone's next registration writes it anew. `domain`: of
  /// who asks, so that what one domain asks, with all those of the same registrable domain, keeps nobody else
  /// out; for a device as for registerDevice(), so that all stay in order. Empty for what p2 itself asks,
  /// which goes first.
  virtual void lookUp(std::string node, const std::string& domain, Callback<Found> done) const = 0;
  virtual void lookUp(const DeviceKey& key, const std::string& domain, Callback<Found> done) const = 0;
  /// The same, but what is found may be some seconds old, if it is said so: who would refuse somebody for it
  /// asks lookUp() first.
  virtual void lookUpRecent(std::string node, const std::string& domain, Callback<Recent> done) const {
    lookUp(std::move(node), domain, [done = std::move(done)](core::Result<Found> found) mutable {
      if (!found) return done(core::Error{found.error()});
      done(Recent{std::move(found).value(), false});
    });
  }

  /// Finds or creates the registration of `key` and gives it `domain` and `target`. Node and secret of a
  /// known key stay the same. Calls back after it is durable; at once if nothing needs to be written, a value
  /// is impossible or too much waits (errors). A failure is an error only if it leaves the registration
  /// different from what was asked.
  virtual void registerDevice(DeviceKey key, std::string domain, core::Target target,
                              Callback<Registration> done) = 0;
  /// Removes the registration of `key`; gives whether there was one. `domain`: the account's, as for
  /// registerDevice(), so that the two stay in order.
  virtual void unregister(DeviceKey key, std::string domain, Callback<bool> done) = 0;
  /// Removes the registration of `node` if it still holds `target`.
  virtual void removeIfHolds(std::string node, core::Target target, Callback<Removal> done) = 0;
  /// Puts `replacement` in the place of `target` if the registration of `node` still holds it; gives whether
  /// it did.
  virtual void replaceTarget(std::string node, core::Target target, core::Target replacement,
                             Callback<bool> done) = 0;

  /// Whether there is any registration, as far as that is known without waiting.
  virtual bool holdsAny() const = 0;
  /// Why the last attempt to read or write failed; empty if it did not.
  virtual std::string lastFault() const = 0;
};

}  // namespace p2::store
