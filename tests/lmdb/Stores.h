#pragma once

#include "p2/core/Result.h"
#include "p2/lmdb/Store.h"
#include "p2/store/Registration.h"

#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace p2::lmdb::test {

/// Holds the writer fast in a callback until it is released or destroyed.
class HeldWriter {
 public:
  explicit HeldWriter(Store& store) {
    // Once `reached` is told, this object may be gone.
    auto reached = std::make_shared<std::promise<void>>();
    store.unregister({store::Service::fcm, "nobody's device", ""}, "",
                     [reached, released = _released.get_future().share()](const core::Result<bool>&) {
                       reached->set_value();
                       released.wait();
                     });
    reached->get_future().wait();
  }
  HeldWriter(const HeldWriter&) = delete;
  HeldWriter& operator=(const HeldWriter&) = delete;
  ~HeldWriter() { release(); }

  void release() {
    if (!std::exchange(_done, true)) _released.set_value();
  }

 private:
  std::promise<void> _released;
  bool _done = false;
};

inline std::unique_ptr<Store> opened(const Store::Options& options) {
  auto store = Store::open(options);
  if (!store.ok()) throw std::runtime_error(store.error());
  return std::move(store).value();
}

inline std::unique_ptr<Store> opened(const std::filesystem::path& path) {
  Store::Options options;
  options.path = path;
  return opened(options);
}

inline std::string faultOfOpening(const std::filesystem::path& path) {
  Store::Options options;
  options.path = path;
  const auto store = Store::open(options);
  return store.ok() ? "" : store.error();
}

inline std::optional<store::Registration> found(const Store& store, std::string_view node) {
  auto result = store.find(node);
  if (!result.ok()) throw std::runtime_error(result.error());
  return std::move(result).value();
}

inline std::optional<store::Registration> found(const Store& store, const store::DeviceKey& key) {
  auto result = store.find(key);
  if (!result.ok()) throw std::runtime_error(result.error());
  return std::move(result).value();
}

}  // namespace p2::lmdb::test
