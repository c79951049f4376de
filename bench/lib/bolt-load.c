/*
 * One request over Bolt on many connections, each with one open at a time: what h2load is for HTTP. See bolt-load.mjs, which makes the bytes,
 * compiles this and runs it; it knows no more of Bolt than where a message ends and that 0x70 is SUCCESS and 0x71 a RECORD.
 *
 *   bolt-load <port> <connections> <warm-up ms> <ms> <file of the greeting> <file of the request>
 *
 * Both files hold two messages each, so each is answered by two SUCCESSes. Prints one latency in microseconds per line, in the order they came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS = 0x70, RECORD = 0x71, BUFFER = 1 << 16, EVENTS = 256 };

typedef struct {
  int fd;
  int is_greeted;  /* The handshake's four bytes have come. */
  int is_asking;   /* Logged in: what is answered now is the request. */
  int answers;     /* SUCCESSes still to come. */
  int tag;         /* Of the message that is being read; -1: none has begun. */
  int held;        /* Bytes in `buffer`. */
  uint64_t sent_at;
  unsigned char buffer[BUFFER];
} Connection;

typedef struct {
  unsigned char *bytes;
  size_t length;
} Bytes;

static Bytes greeting, request;
static uint64_t from, until;
static uint32_t *latencies;
static size_t count, room;

static void fail(const char *what) {
  fprintf(stderr, "bolt-load: %s%s%s\n", what, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static Bytes read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path);
  Bytes all = {malloc(1 << 20), 0};
  all.length = fread(all.bytes, 1, 1 << 20, file);
  fclose(file);
  return all;
}

/* Requests are far smaller than a socket's buffer, which is empty when one is sent. */
static void send_all(const Connection *connection, Bytes bytes) {
  if (write(connection->fd, bytes.bytes, bytes.length) != (ssize_t)bytes.length) fail("a request could not be written at once");
}

static void ask(Connection *connection, Bytes bytes) {
  connection->answers = 2;
  connection->sent_at = now_ns();
  send_all(connection, bytes);
}

static void note(uint64_t sent_at, uint64_t now) {
  if (now < from || now >= until) return;
  if (count == room) {
    room = room == 0 ? 1 << 16 : room * 2;
    latencies = realloc(latencies, room * sizeof *latencies);
    if (latencies == NULL) fail("no memory");
  }
  latencies[count++] = (uint32_t)((now - sent_at) / 1000);
}

/* A whole message has come. Returns 0 when the connection has nothing more to do. */
static int on_message(Connection *connection) {
  if (connection->tag == RECORD) return 1;
  if (connection->tag != SUCCESS) {
    fprintf(stderr, "bolt-load: message 0x%02x: %.*s\n", connection->tag, connection->held, (const char *)connection->buffer);
    exit(1);
  }
  if (--connection->answers > 0) return 1;
  if (connection->is_asking) {
    uint64_t now = now_ns();
    note(connection->sent_at, now);
    if (now >= until) return 0;
  }
  connection->is_asking = 1;
  ask(connection, request);
  return 1;
}

/* Chunks of two bytes of length and as many bytes; an empty one ends a message. */
static int on_bytes(Connection *connection) {
  int at = 0;
  if (!connection->is_greeted) {
    if (connection->held < 4) return 1;
    connection->is_greeted = 1;
    at = 4;
    ask(connection, greeting);
  }
  while (at + 2 <= connection->held) {
    int length = connection->buffer[at] << 8 | connection->buffer[at + 1];
    if (length == 0) {
      at += 2;
      if (connection->tag < 0) continue;
      if (!on_message(connection)) return 0;
      connection->tag = -1;
      continue;
    }
    if (at + 2 + length > connection->held) break;
    if (connection->tag < 0 && length >= 2) connection->tag = connection->buffer[at + 3];
    at += 2 + length;
  }
  connection->held -= at;
  memmove(connection->buffer, connection->buffer + at, (size_t)connection->held);
  if (connection->held == BUFFER) fail("a chunk is larger than the buffer");
  return 1;
}

static void open_connection(Connection *connection, int port, int epoll) {
  static unsigned char handshake[20] = {0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 5};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  int one = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  connection->tag = -1;
  if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) fail("cannot connect");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) fail("epoll");
  send_all(connection, (Bytes){handshake, sizeof handshake});
}

int main(int argc, char **argv) {
  if (argc != 7) fail("usage: bolt-load <port> <connections> <warm-up ms> <ms> <greeting> <request>");
  int total = atoi(argv[2]), epoll = epoll_create1(0), open = total;
  Connection *connections = calloc((size_t)total, sizeof *connections);
  if (connections == NULL) fail("no memory");
  greeting = read_file(argv[5]);
  request = read_file(argv[6]);
  from = now_ns() + strtoull(argv[3], NULL, 10) * 1000000u;
  until = from + strtoull(argv[4], NULL, 10) * 1000000u;
  for (int i = 0; i < total; i++) open_connection(&connections[i], atoi(argv[1]), epoll);
  while (open > 0) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      Connection *connection = events[i].data.ptr;
      ssize_t got = read(connection->fd, connection->buffer + connection->held, (size_t)(BUFFER - connection->held));
      if (got <= 0) fail("the server closed a connection");
      connection->held += (int)got;
      if (on_bytes(connection)) continue;
      close(connection->fd);
      open -= 1;
    }
  }
  for (size_t i = 0; i < count; i++) printf("%u\n", latencies[i]);
  return 0;
}
