#pragma once

#include "p2/control/DaemonStatus.h"
#include "p2/core/Result.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

/// What goes through the control socket, on both sides.
namespace p2::control {

inline constexpr std::size_t kMostNodesAtOnce = 500;

std::string statusRequest();
/// REQUIRES: at most kMostNodesAtOnce nodes.
std::string forgetRequest(std::span<const std::string> nodes);

/// What the daemon does for those who ask.
struct Handlers {
  std::function<DaemonStatus()> look;
  /// Removes the registrations of these nodes from the disk; gives how many there were.
  std::function<core::Result<std::uint64_t>(std::span<const std::string> nodes)> forget;
};

/// The daemon's side: answers one request. Blocks as long as `daemon` does.
std::string answerRequest(const std::string& request, const Handlers& daemon);

/// Reads the answer to a forgetRequest: how many registrations there were to remove.
core::Result<std::uint64_t> parseForgetAnswer(const std::string& answer);
/// Reads the answer to a statusRequest.
core::Result<DaemonStatus> parseStatusAnswer(const std::string& answer);

}  // namespace p2::control
