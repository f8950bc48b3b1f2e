#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace p2::core {

template <class Signature>
class UniqueFunction;

/// A callable that is moved and never copied, so that it may own what answers exactly once. (C++23 has
/// std::move_only_function; the compilers of Debian 12 do not.) Calling an empty one is undefined.
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;

  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, F&, Args...>)
      // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): the constraint excludes its own kind
      UniqueFunction(F&& callable)
      : _target(std::make_unique<Target<std::remove_cvref_t<F>>>(std::forward<F>(callable))) {}

  R operator()(Args... args) { return _target->call(std::forward<Args>(args)...); }
  explicit operator bool() const noexcept { return _target != nullptr; }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(Args... args) = 0;
  };

  template <class F>
  struct Target final : Callable {
    explicit Target(F&& callable) : function(std::move(callable)) {}
    explicit Target(const F& callable) : function(callable) {}
    R call(Args... args) override { return function(std::forward<Args>(args)...); }

    F function;
  };

  std::unique_ptr<Callable> _target;
};

}  // namespace p2::core
