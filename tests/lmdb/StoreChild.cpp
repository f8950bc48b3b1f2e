// What a test does in another process:
//   hold DIR         opens for writing, says "open" or why not, waits for the end of its input
//   register DIR N   registers devices without end and prints each answer: device, node, secret, version
//   read DIR         opens for reading; for each node on its input prints the target or "none"
//   dawdle DIR       reads the registrations one by one: the next at each line of its input, says its node
//   foreign DIR      opens the file for reading with LMDB alone; for each line counts registrations
//   readonly DIR     opens for writing on a read-only file system and prints why that fails
//   full DIR         fills a small disk and prints what became of registrations before, then and after
//
// The last two need to be root in a name space of their own; they print "skip" if they may not.
#include "Stores.h"
#include "store/Samples.h"

#include <lmdb.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sched.h>
#include <semaphore.h>
#include <string>

namespace {

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;
using p2::core::Result;

void say(const std::string& text) {
  const std::string line = text + "\n";
  // One system call a line: what the parent has read was answered, whole.
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
}

Result<std::unique_ptr<Store>> open(const char* path) {
  Store::Options options;
  options.path = path;
  options.initialMapSize = 65536;
  options.maxBatch = 32;
  return Store::open(options);
}

int hold(const char* path) {
  auto store = open(path);
  say(store.ok() ? "open" : store.error());
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  return 0;
}

int registerWithoutEnd(const char* path, unsigned first) {
  auto store = open(path);
  if (!store.ok()) {
    say(store.error());
    return 1;
  }
  std::minstd_rand random(first + 1);
  sem_t free;  // GCC 10 has none of C++.
  if (::sem_init(&free, 0, 64) != 0) return 1;
  for (unsigned version = first;; ++version) {
    while (::sem_wait(&free) != 0) {
    }
    const unsigned number = static_cast<unsigned>(random() % 300);
    store.value()->registerDevice(device(number), "example.org", token(std::to_string(version)),
                                  [&free, number, version](const Result<Registration>& answer) {
                                    if (!answer.ok()) return say(answer.error());
                                    const Registration& registration = answer.value();
                                    say(std::to_string(number) + " " + registration.node + " " +
                                        registration.secret.reveal() + " " + std::to_string(version));
                                    ::sem_post(&free);
                                  });
  }
}

int read(const char* path) {
  const auto store = Store::openReadOnly(path);
  say(store.ok() ? "open" : store.error());
  if (!store.ok()) return 1;
  std::string node;
  while (std::getline(std::cin, node)) {
    const auto found = store.value()->find(node);
    if (!found.ok()) {
      say(found.error());
    } else {
      say(found.value() ? found.value()->target.value.reveal() : "none");
    }
  }
  return 0;
}

int dawdle(const char* path) {
  const auto store = Store::openReadOnly(path);
  say(store.ok() ? "open" : store.error());
  if (!store.ok()) return 1;
  std::string line;
  const auto walked = store.value()->forEach([&](const Registration& registration) {
    const bool goOn = static_cast<bool>(std::getline(std::cin, line));
    if (goOn) say(registration.node);
    return goOn;
  });
  return walked.ok() ? 0 : 1;
}

int readAsForeigner(const char* path) {
  MDB_env* env = nullptr;
  if (mdb_env_create(&env) != 0) return 1;
  mdb_env_set_maxdbs(env, 4);
  const int opened = mdb_env_open(env, path, MDB_RDONLY, 0600);
  say(opened == 0 ? "open" : mdb_strerror(opened));
  std::string line;
  while (opened == 0 && std::getline(std::cin, line)) {
    MDB_txn* transaction = nullptr;
    MDB_dbi targets = 0;
    MDB_stat stat{};
    int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &transaction);
    if (code == 0) code = mdb_dbi_open(transaction, "targets", 0, &targets);
    if (code == 0) code = mdb_stat(transaction, targets, &stat);
    say(code == 0 ? std::to_string(stat.ms_entries) : mdb_strerror(code));
    if (transaction != nullptr) mdb_txn_abort(transaction);
  }
  mdb_env_close(env);
  return 0;
}

bool ownMounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

int readOnlyFileSystem(const char* path) {
  if (!ownMounts() || ::mount(path, path, nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
    say("skip");
    return 0;
  }
  const auto store = open(path);
  say(store.ok() ? "open" : store.error());
  const auto reading = Store::openReadOnly(path);
  say(reading.ok() ? std::to_string(reading.value()->statistics().registrations) : reading.error());
  return 0;
}

void fill(const std::string& file) {
  std::ofstream ballast(file);
  while (ballast << std::string(512, 'x') << std::flush) {
  }
}

int fullDisk(const char* path) {
  if (!ownMounts() || ::mount("p2test", path, "tmpfs", 0, "size=1m") != 0) {
    say("skip");
    return 0;
  }
  const std::string directory = std::string(path) + "/store";
  auto store = open(directory.c_str());
  if (!store.ok()) {
    say(store.error());
    return 1;
  }
  unsigned answered = 0;
  const auto next = [&] { return registering(*store.value(), device(answered), "token").get(); };
  while (answered < 100 && next().ok()) ++answered;
  const std::string ballast = std::string(path) + "/ballast";
  fill(ballast);
  auto outcome = next();
  while (outcome.ok() && ++answered < 100000) outcome = next();
  say(outcome.ok() ? "never full" : outcome.error());
  say(store.value()->lastFault());
  std::filesystem::remove(ballast);
  outcome = next();
  say(outcome.ok() ? "resumed" : outcome.error());
  say("fault: " + store.value()->lastFault());
  std::move(store).value().reset();
  const auto again = open(directory.c_str());
  unsigned lost = 0;
  for (unsigned i = 0; i <= answered; ++i) lost += found(*again.value(), device(i)) ? 0U : 1U;
  say("lost " + std::to_string(lost));
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string what = count > 2 ? words[1] : "";
  if (what == "hold") return hold(words[2]);
  if (what == "register") return registerWithoutEnd(words[2], static_cast<unsigned>(std::atoi(words[3])));
  if (what == "read") return read(words[2]);
  if (what == "dawdle") return dawdle(words[2]);
  if (what == "foreign") return readAsForeigner(words[2]);
  if (what == "readonly") return readOnlyFileSystem(words[2]);
  if (what == "full") return fullDisk(words[2]);
  return 2;
}
