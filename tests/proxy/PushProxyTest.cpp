#include "LogOfProxy.h"
#include "ProxyFixture.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <string>
#include <vector>

using p2::core::Secret;
using p2::core::Target;
using p2::push::Outcome;
using p2::store::DeviceKey;
using p2::store::Service;
using p2::test::errorIn;
using p2::test::kItemNotFound;
using p2::test::kJid;
using p2::test::kTryLater;
using p2::test::ProxyFixture;
using p2::test::Script;
using p2::test::unregisterRequest;
using p2::test::valueOf;

TEST_CASE("A phone that comes back has the same node and secret, with a new token too") {
  ProxyFixture p2;
  const std::string first = p2.registerPhone("token");
  const std::string node = valueOf(first, "node");
  CHECK(node.size() == 12);
  CHECK(valueOf(first, "secret").size() == 24);
  CHECK(valueOf(first, "jid") == kJid);
  for (const std::string token : {"token", "renewed"}) {
    const std::string again = p2.registerPhone(token);
    CHECK(valueOf(again, "node") == node);
    CHECK(valueOf(again, "secret") == valueOf(first, "secret"));
    CHECK(p2.store->find(node).value()->target.value.reveal() == token);
  }
}

TEST_CASE("A publish reaches the phone with the hash of its account and nothing else") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("token");
  CHECK(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret")) ==
        "<iq type='result' id='p' from='push.example.org' to='jabber.de'/>");
  const auto sent = p2.script.with([](const Script& script) { return script.sent; });
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].target.value.reveal() == "token");
  CHECK(sent[0].account == "ec164939a8485ee6b7f7871071a11c7bb18aead5");
  CHECK(sent[0].channel.empty());
  CHECK_FALSE(sent[0].isImportant);
}

TEST_CASE("A channel's registration is another one and carries the channel") {
  ProxyFixture p2;
  const std::string account = p2.registerPhone("token");
  const std::string channel =
      p2.registerPhone("token", "xiaomia1@jabber.de", "<field var='muc'><value>room@rooms</value></field>");
  CHECK(valueOf(account, "node") != valueOf(channel, "node"));
  p2.publish(valueOf(channel, "node"), valueOf(channel, "secret"));
  const auto sent = p2.script.with([](const Script& script) { return script.sent; });
  CHECK(sent.at(0).channel == p2::proxy::deviceHash("room@rooms", "92afd7a91cdba9a0"));
}

TEST_CASE("Leaving a channel keeps the account's registration") {
  ProxyFixture p2;
  const std::string room = "<field var='muc'><value>room@rooms</value></field>";
  const std::string account = p2.registerPhone("token");
  p2.registerPhone("token", "xiaomia1@jabber.de", room);
  const auto withdraw = [&](const std::string& more) {
    return p2.ask(unregisterRequest("xiaomia1@jabber.de", "92afd7a91cdba9a0", more));
  };
  CHECK(withdraw(room).find("status='completed'") != std::string::npos);
  CHECK(errorIn(withdraw(room)).find("<error type='cancel'><item-not-found") == 0);
  CHECK(p2.store->find(valueOf(account, "node")).value());
  CHECK(withdraw("").find("status='completed'") != std::string::npos);
  CHECK_FALSE(p2.store->find(valueOf(account, "node")).value());
}

TEST_CASE("Unknown node, wrong secret and wrong domain look alike") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("token");
  const std::string node = valueOf(answer, "node");
  const std::string secret = valueOf(answer, "secret");
  const std::string unknown = p2.publish("AAAAAAAAAAAA", secret);
  CHECK(errorIn(unknown) == kItemNotFound);
  CHECK(p2.publish(node, "AAAAAAAAAAAAAAAAAAAAAAAA") == unknown);
  CHECK(p2.publish(node, "short") == unknown);
  CHECK(p2.publish(std::string(600, 'x'), secret) == unknown);
  CHECK(errorIn(p2.publish(node, secret, "evil.example")) == kItemNotFound);
  CHECK(errorIn(p2.publish(node, secret, "JABBER.de")).empty());
  CHECK(errorIn(p2.publish(node, secret, "xiaomia1@jabber.de/x")).empty());
}

TEST_CASE(
    "Without its domain a registration takes pushes from every one that is served and knows the secret") {
  auto limits = p2::test::withoutGrace();
  limits.deny = {"denied.example"};
  ProxyFixture p2(limits, false);
  const std::string answer = p2.registerPhone("token");
  const std::string node = valueOf(answer, "node");
  const std::string secret = valueOf(answer, "secret");
  CHECK(errorIn(p2.publish(node, secret, "jabber.de")).empty());
  CHECK(errorIn(p2.publish(node, secret, "other.example")).empty());
  REQUIRE(p2.sent() == 2);
  CHECK(errorIn(p2.publish(node, secret, "denied.example")).empty());
  CHECK(p2.sent() == 2);
  CHECK(errorIn(p2.publish(node, "AAAAAAAAAAAAAAAAAAAAAAAA", "jabber.de")) == kItemNotFound);
}

TEST_CASE("Only a verdict on the target itself makes a server drop the user") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("token");
  const std::string node = valueOf(answer, "node");
  const std::string secret = valueOf(answer, "secret");
  for (const auto kind : {Outcome::Kind::retry, Outcome::Kind::rejected, Outcome::Kind::misconfigured,
                          Outcome::Kind::doubted}) {
    p2.willAnswer(kind);
    CHECK(errorIn(p2.publish(node, secret)) == kTryLater);
    CHECK(p2.store->find(node).value());
  }
  p2.willAnswer(Outcome::Kind::targetGone);
  CHECK(errorIn(p2.publish(node, secret)) == kItemNotFound);
  CHECK_FALSE(p2.store->find(node).value());
  CHECK(errorIn(p2.publish(node, secret)) == kItemNotFound);
}

TEST_CASE("While another store serves phones under the same name, no server is told of one that is unknown") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("token");
  const std::string node = valueOf(answer, "node");
  const std::string secret = valueOf(answer, "secret");
  p2.otherStoreServes = true;
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", secret)) == kTryLater);
  CHECK(errorIn(p2.publish(node, "AAAAAAAAAAAAAAAAAAAAAAAA")) == kTryLater);
  CHECK(errorIn(p2.publish(node, secret, "evil.example")) == kTryLater);
  p2.willAnswer(Outcome::Kind::targetGone);
  CHECK(errorIn(p2.publish(node, secret)) == kTryLater);
  CHECK(p2.store->find(node).value());
  CHECK(errorIn(p2.publish(node, secret)).empty());
  p2.otherStoreServes = false;
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", secret)) == kItemNotFound);
  p2.willAnswer(Outcome::Kind::targetGone);
  CHECK(errorIn(p2.publish(node, secret)) == kItemNotFound);
}

TEST_CASE("The verdict of a foreign project counts only while messages are delivered") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("token");
  const std::string other = p2.registerPhone("token", "bob@jabber.de");
  p2.willAnswer(Outcome::Kind::targetGone, true);
  CHECK(errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))) == kTryLater);
  CHECK(errorIn(p2.publish(valueOf(other, "node"), valueOf(other, "secret"))).empty());
  p2.willAnswer(Outcome::Kind::targetGone, true);
  CHECK(errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))) == kItemNotFound);
}

TEST_CASE("A phone that registers anew while its old token fails is kept") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("old");
  const std::string node = valueOf(answer, "node");
  p2.willAnswer(Outcome::Kind::targetGone);
  p2.script.with([&](Script& script) {
    script.onSend = [&] {
      const DeviceKey key = p2.store->find(node).value()->key;
      p2.store->registerDevice(key, "jabber.de", {Target::Kind::registrationToken, Secret("new")},
                               [](const p2::core::Result<p2::store::Registration>&) {});
    };
  });
  CHECK(errorIn(p2.publish(node, valueOf(answer, "secret"))) == kTryLater);
  CHECK(p2.store->find(node).value()->target.value.reveal() == "new");
}

TEST_CASE("When most targets are called gone at once, nothing is removed") {
  ProxyFixture p2;
  std::vector<std::string> answers;
  for (int i = 0; i < 100; ++i)
    answers.push_back(
        p2.registerPhone("token" + std::to_string(i), "user" + std::to_string(i) + "@jabber.de"));
  int gone = 0;
  for (const auto& answer : answers) {
    p2.willAnswer(Outcome::Kind::targetGone);
    if (errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))) == kItemNotFound) ++gone;
  }
  CHECK(gone < 21);
  CHECK(p2.dispatcher->targetsSeemGone());
  CHECK(p2.store->statistics().registrations == 100U - static_cast<unsigned>(gone));
}

TEST_CASE("A replacement for a token is stored in its place") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("old");
  p2.script.with([](Script& script) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::delivered;
    outcome.replacement = Target{Target::Kind::registrationToken, Secret("new")};
    script.outcomes.push_back(outcome);
  });
  CHECK(errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))).empty());
  // A second registration goes through the same writer, so the replacement is there once it is answered.
  p2.registerPhone("other", "bob@jabber.de");
  CHECK(p2.store->find(valueOf(answer, "node")).value()->target.value.reveal() == "new");
}

TEST_CASE("A person registers by hand, step by step, with the same p2 or each step with another one") {
  ProxyFixture first;
  ProxyFixture other;
  ProxyFixture& second = GENERATE(false, true) ? other : first;
  const auto commandTo = [&](ProxyFixture& p2, const std::string& attributes, const std::string& content,
                             const std::string& from = "a@b/c") {
    return p2.ask("<iq type='set' id='h' from='" + from +
                  "' to='push.example.org'><command "
                  "xmlns='http://jabber.org/protocol/commands' node='register-push-fcm' " +
                  attributes + ">" + content + "</command></iq>");
  };
  const std::string filled =
      "<x xmlns='jabber:x:data' type='submit'><field var='token'><value>t</value></field><field "
      "var='device-id'>"
      "<value>d</value></field><field var='muc'><value/></field></x>";
  const auto command = [&](const std::string& attributes, const std::string& content,
                           const std::string& from = "a@b/c") {
    return commandTo(second, attributes, content, from);
  };
  const std::string form = commandTo(first, "action='execute'", "");
  CHECK(form.find("status='executing'") != std::string::npos);
  const auto start = form.find("sessionid='") + 11;
  const std::string session = "sessionid='" + form.substr(start, form.find('\'', start) - start) + "' ";

  CHECK(errorIn(command(session, filled, "eve@b/c")).find("bad-sessionid") != std::string::npos);
  CHECK(errorIn(command("sessionid='made up'", filled)).find("bad-sessionid") != std::string::npos);
  CHECK(command(session + "action='cancel'", "").find("status='canceled'") != std::string::npos);
  const std::string done = command(session + "action='complete'", filled);
  CHECK(done.find("status='completed'") != std::string::npos);
  CHECK(done.find(session) != std::string::npos);
  CHECK(valueOf(done, "node").size() == 12);
}

TEST_CASE(
    "A domain beyond its rate is held back without an error on a push, and told to wait with a "
    "registration") {
  p2::proxy::PushProxy::Limits limits;
  limits.pushesPerSecond = 1;
  limits.pushBurst = 2;
  limits.registrationsPerMinute = 2;
  ProxyFixture p2(limits);
  const std::string answer = p2.registerPhone("token");
  p2.registerPhone("token", "bob@jabber.de");
  CHECK(errorIn(p2.registerPhone("token", "eve@jabber.de")).find("<resource-constraint") !=
        std::string::npos);
  CHECK(errorIn(p2.registerPhone("token", "ann@example.com")).empty());
  for (int i = 0; i < 10; ++i)
    CHECK(errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))).empty());
  CHECK(p2.script.with([](const Script& script) { return script.sent.size(); }) < 5);
}

TEST_CASE("A domain that is not served cannot register, and its pushes go nowhere and lose no user") {
  ProxyFixture p2;
  const std::string answer = p2.registerPhone("token");
  const std::string node = valueOf(answer, "node");
  auto denied = p2::test::withoutGrace();
  denied.deny = {"jabber.de"};
  auto others = p2::test::withoutGrace();
  others.allow = {"jabber.be"};
  for (const auto& limits : {denied, others}) {
    p2.proxy->setLimits(limits);
    CHECK(errorIn(p2.registerPhone("token")).find("<error type='auth'><forbidden") != std::string::npos);
    CHECK(errorIn(p2.publish(node, valueOf(answer, "secret"))).empty());
    CHECK(errorIn(p2.publish(node, "AAAAAAAAAAAAAAAAAAAAAAAA")) == kItemNotFound);
    CHECK(errorIn(p2.publish("AAAAAAAAAAAA", valueOf(answer, "secret"))) == kItemNotFound);
    CHECK(p2.sent() == 0);
  }
  p2.proxy->setLimits({});
  CHECK(errorIn(p2.publish(node, valueOf(answer, "secret"))).empty());
  CHECK(p2.sent() == 1);
}

TEST_CASE("A stanza for another host is not answered") {
  ProxyFixture p2;
  const auto iq = p2::test::request(
      "<iq type='get' id='1' from='a@b' to='other.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
  p2.proxy->handle(iq, p2::xmpp::Responder(p2.replies, iq.id, iq.from, iq.to));
  CHECK(p2.replies.all().empty());
}

TEST_CASE("A push for a device of another service than FCM waits, goes nowhere and costs it nothing") {
  const p2::test::LogOfProxy log;
  ProxyFixture p2;
  p2::store::Registration apple;
  apple.node = "AAAAAAAAAAAB";
  apple.secret = Secret("ssssssssssssssssssssssss");
  apple.key = {Service::apns, std::string(40, 'a'), {}};
  apple.domain = "jabber.de";
  apple.target = {Target::Kind::registrationToken, Secret("740f4707bebcf7")};
  REQUIRE(p2::test::importAll(*p2.store, std::vector{apple}).value().added == 1);
  // FCM, were it asked, would call the target gone.
  for (int i = 0; i < 3; ++i) p2.willAnswer(Outcome::Kind::targetGone);
  for (int i = 0; i < 3; ++i) {
    CHECK(errorIn(p2.publish(apple.node, apple.secret.reveal())) == kTryLater);
  }
  CHECK(p2.sent() == 0);
  CHECK(p2.store->find(apple.node).value() == apple);
  REQUIRE(log.texts().size() == 1);
  CHECK(log.texts()[0].find("Apple") != std::string::npos);
  // Nothing tells who does not know the secret that it is there.
  CHECK(errorIn(p2.publish(apple.node, "AAAAAAAAAAAAAAAAAAAAAAAA")) == kItemNotFound);
  CHECK(errorIn(p2.publish(apple.node, apple.secret.reveal(), "evil.example")) == kItemNotFound);
}

TEST_CASE("A server that publishes with push 2 is named once, and other messages are not looked at") {
  const p2::test::LogOfProxy log;
  ProxyFixture p2;
  const auto message = [](const std::string& from, const std::string& content) {
    return p2::test::stanza("<message to='push.example.org' from='" + from + "'>" + content + "</message>");
  };
  const std::string push2 = "<notification xmlns='urn:xmpp:push2:0'><client>c</client></notification>";
  for (int i = 0; i < 100; ++i) p2.proxy->handle(message("A.example", push2));
  p2.proxy->handle(message("b.example", push2));
  p2.proxy->handle(message("ann@c.example/x", "<body>hello</body>"));
  p2.proxy->handle(message("@", push2));
  REQUIRE(log.texts().size() == 2);
  CHECK(log.texts()[0].find("the server of a.example publishes with push 2") != std::string::npos);
  CHECK(log.texts()[1].find("b.example") != std::string::npos);
  // However many there are, the log is not theirs to fill.
  for (int i = 0; i < 1000; ++i) p2.proxy->handle(message("x" + std::to_string(i) + ".example", push2));
  CHECK(log.texts().size() <= 66);
}
