#pragma once

#include "DaemonStatus.h"
#include "p2/core/Result.h"
#include "p2/store/Store.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

/// What goes through the control socket, on both sides.
namespace p2::app {

inline constexpr std::size_t kMostNodesAtOnce = 500;

std::string statusRequest();
/// REQUIRES: at most kMostNodesAtOnce nodes.
std::string forgetRequest(std::span<const std::string> nodes);

/// The daemon's side: answers one request. Blocks until what is to be removed is removed on disk.
std::string answerControl(const std::string& request, const std::function<DaemonStatus()>& look,
                          store::Store& store);

/// Reads the answer to a forgetRequest: how many registrations there were to remove.
core::Result<std::uint64_t> parseForgetAnswer(const std::string& answer);
/// Reads the answer to a statusRequest.
core::Result<DaemonStatus> parseStatusAnswer(const std::string& answer);

/// Removes the registrations of these nodes; gives how many there were. Blocks until they are removed on
/// disk. REQUIRES: at most kMostNodesAtOnce nodes, and the store is open for writing.
core::Result<std::uint64_t> forgetNodes(store::Store& store, std::span<const std::string> nodes);

}  // namespace p2::app
