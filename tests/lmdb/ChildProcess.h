#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace p2::lmdb::test {

/// The program StoreChild.cpp, with lines to and from it; killed at the end if it has not ended.
class ChildProcess {
 public:
  explicit ChildProcess(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), P2_LMDB_CHILD);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    _pid = ::fork();
    if (_pid < 0) throw std::runtime_error("no process");  // or all of them would get its signals
    if (_pid == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    _in = in[1];
    _out = out[0];
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    kill();
    ::close(_out);
  }

  pid_t pid() const { return _pid; }

  /// The next whole line; none when the child has ended.
  std::optional<std::string> line() {
    for (;;) {
      const auto end = _text.find('\n');
      if (end != std::string::npos) {
        std::string line = _text.substr(0, end);
        _text.erase(0, end + 1);
        return line;
      }
      char buffer[4096];
      const ssize_t bytes = ::read(_out, buffer, sizeof buffer);
      if (bytes <= 0) return std::nullopt;
      _text.append(buffer, static_cast<std::size_t>(bytes));
    }
  }

  /// Sends a line and gives the child's next one.
  std::string ask(const std::string& question) {
    const std::string line = question + "\n";
    if (::write(_in, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return "(gone)";
    return this->line().value_or("(gone)");
  }

  void kill() {
    if (_pid > 0) ::kill(_pid, SIGKILL);
    finish();
  }

  /// Closes the child's input and waits for its end; gives its exit code.
  int finish() {
    if (_in >= 0) ::close(_in);
    _in = -1;
    int status = 0;
    if (_pid > 0) ::waitpid(_pid, &status, 0);
    _pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t _pid = -1;
  int _in = -1;
  int _out = -1;
  std::string _text;
};

}  // namespace p2::lmdb::test
