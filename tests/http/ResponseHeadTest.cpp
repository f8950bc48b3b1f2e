#include "ResponseHead.h"
#include "support/Catch.h"

#include <string>

using p2::http::ResponseHead;

TEST_CASE("A head is read as FCM and OAuth send it") {
  const auto head = ResponseHead::parse(
      "HTTP/1.1 429 Too Many Requests\r\n"
      "Content-Type: application/json; charset=UTF-8\r\n"
      "Retry-After: 30\r\n"
      "Vary: Origin\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Alt-Svc: h3=\":443\"; ma=2592000\r\n"
      "Transfer-Encoding: chunked\r\n");
  REQUIRE(head);
  CHECK(head->status == 429);
  CHECK(head->retryAfter == "30");
  CHECK(head->date == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(head->chunked);
  CHECK(head->keepAlive);
  CHECK_FALSE(head->length);
}

TEST_CASE("Names and known words of a head are read in any case, with any space") {
  const auto head = ResponseHead::parse("HTTP/1.1 200\nCONTENT-length:17 \t\ncOnnection:\tx, CLOSE ,y\n");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->length == 17U);
  CHECK_FALSE(head->keepAlive);
}

TEST_CASE("A connection is kept as its version and its header say") {
  const auto keeps = [](const std::string& text) {
    const auto head = ResponseHead::parse(text);
    REQUIRE(head);
    return head->keepAlive;
  };
  CHECK(keeps("HTTP/1.1 200 OK\r\n"));
  CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\n"));
  CHECK(keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close, keep-alive\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n"));
  CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n"));
}

TEST_CASE("Of two ways to tell the length, chunks count, and nothing after them") {
  const auto head =
      ResponseHead::parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: Chunked\r\n");
  REQUIRE(head);
  CHECK(head->chunked);
  CHECK_FALSE(head->length);
  CHECK_FALSE(head->keepAlive);
}

TEST_CASE("What is not HTTP, or has no length that can be relied on, is no head") {
  const auto text = GENERATE(
      as<std::string>(), "", "\r\n", "220 mail.example.org ESMTP\r\n", "HTTP/2 200 OK\r\n", "HTTP/1.1\r\n",
      "HTTP/1.1 OK fine\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 -20 OK\r\n",
      "HTTP/1.1 099 OK\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n", "HTTP/1.1 200 OK\r\n: no name\r\n",
      "HTTP/1.1 200 OK\r\n\r\nDate: after the end\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n\tfolded: z\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n");
  CAPTURE(text);
  CHECK_FALSE(ResponseHead::parse(text));
}
