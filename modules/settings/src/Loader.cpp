#include "p2/settings/Loader.h"

#include "p2/core/Descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace p2::settings {

namespace {

core::Error fileError(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {"does not exist"};
    case EACCES:
    case EPERM:
      return {"may not be read by the user that p2 runs as (uid " + std::to_string(::geteuid()) +
              "); check its owner and mode"};
    default:
      return {"cannot be read (" + std::generic_category().message(error) + ")"};
  }
}

/// Whether something is there, even if it may not be looked at.
bool isThere(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::status(path, ignored).type() != std::filesystem::file_type::not_found;
}

std::string listed(const std::vector<std::filesystem::path>& paths) {
  std::string text;
  for (const auto& path : paths) text += (text.empty() ? "" : " and ") + path.string();
  return text;
}

LoadedSettings faulty(const std::filesystem::path& file, std::string fault) {
  LoadedSettings loaded;
  loaded.faults.push_back(std::move(fault));
  loaded.file = file;
  return loaded;
}

bool hasVariables(const Environment& environment) {
  return std::any_of(environment.begin(), environment.end(),
                     [](const auto& variable) { return variable.first.starts_with("P2_"); });
}

/// The working directory at the first call; empty if there is none any more.
const std::filesystem::path& firstDirectory() {
  static const std::filesystem::path directory = [] {
    std::error_code none;
    return std::filesystem::current_path(none);
  }();
  return directory;
}

LoadedSettings loadWithoutFile(const std::vector<std::filesystem::path>& locations,
                               const Environment& environment, const ReadFile& read) {
  const std::string looked = "There is no settings file: looked for " + listed(locations);
  if (!hasVariables(environment)) {
    return faulty({}, looked +
                          ". Copy the p2.properties that comes with p2 to one of these places, name a file " +
                          "with --config=FILE, or set P2_XMPP_JID and the others in the environment.");
  }
  LoadedSettings loaded{parse({}, "", environment, read, firstDirectory()), {}};
  loaded.warnings.push_back(looked + "; the environment alone is used.");
  return loaded;
}

}  // namespace

Environment processEnvironment() {
  Environment environment;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const auto equals = std::min(text.find('='), text.size());
    const auto name = text.substr(0, equals);
    if (!name.starts_with("P2_") && name != "HTTPS_PROXY" && name != "https_proxy") continue;
    environment.emplace(name, text.substr(std::min(equals + 1, text.size())));
  }
  return environment;
}

std::vector<std::filesystem::path> settingsLocations(const std::filesystem::path& binary) {
  return {"/etc/p2/p2.properties", binary.parent_path() / "p2.properties"};
}

core::Result<FileContent> readFile(const std::filesystem::path& path, std::size_t limit) {
  // O_NONBLOCK, so that a pipe in the file's place is refused instead of waited for.
  const core::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.number() < 0 || ::fstat(file.number(), &status) != 0) return fileError(errno);
  if (S_ISDIR(status.st_mode)) return core::Error{"is a directory, not a file"};
  if (!S_ISREG(status.st_mode)) return core::Error{"is not a regular file"};
  FileContent content;
  content.worldReadable = (status.st_mode & S_IROTH) != 0;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto count = ::read(file.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fileError(errno);
    if (count == 0) return content;
    content.text.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.text.size() > limit) {
      return core::Error{"is larger than " + std::to_string(limit / 1024) + " KiB"};
    }
  }
}

LoadedSettings load(const std::optional<std::filesystem::path>& config,
                    const std::vector<std::filesystem::path>& locations, const Environment& environment,
                    const ReadFile& read) {
  const auto found = std::find_if(locations.begin(), locations.end(), isThere);
  if (!config && found == locations.end()) return loadWithoutFile(locations, environment, read);
  const auto& file = config ? *config : *found;
  auto content = read(file, kMaxSettingsFileSize);
  if (!content) {
    const std::string advice =
        config ? "; --config must name a settings file" : "; mend that or name another with --config=FILE";
    return faulty(file, file.string() + ": the settings file " + content.error() + advice + ".");
  }
  return {parse(content.value(), file.string(), environment, read, firstDirectory()), file};
}

}  // namespace p2::settings
