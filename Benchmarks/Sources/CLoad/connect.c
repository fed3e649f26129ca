#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "tls.h"

static const uint64_t default_patience_ns = 10ull * 1000 * 1000 * 1000;

static int resolve_unix(struct engine *engine, const char *path) {
    struct sockaddr_un *address = (struct sockaddr_un *)&engine->address;
    const size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) return ENAMETOOLONG;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length + 1);
    engine->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    if (path[0] == '@') {
        address->sun_path[0] = '\0';
        engine->address_length -= 1;  // an abstract name has no terminator
    }
    return 0;
}

int resolve_target(struct engine *engine) {
    const cload_config *config = engine->config;
    if (config->unix_path != NULL) return resolve_unix(engine, config->unix_path);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&engine->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&engine->address;
    if (inet_pton(AF_INET, config->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(config->port);
        engine->address_length = sizeof *v4;
        return 0;
    }
    if (inet_pton(AF_INET6, config->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(config->port);
        engine->address_length = sizeof *v6;
        return 0;
    }
    return EINVAL;
}

// A stream of its own for each, so that a foreign piece shows too.
uint32_t phase_of(uint32_t index) {
    return (uint32_t)((uint64_t)index * 7919 % cpattern_period);
}

void prepare_connection(struct engine *engine, struct connection *connection, int fd) {
    connection->fd = fd;
    connection->blocked = false;
    connection->sent = connection->received = connection->released = connection->completed = 0;
    connection->scheduled = 0;
    engine->open_count++;
    if (engine->config->unix_path != NULL || engine->config->kind == CLOAD_UDP) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool watch_connection(struct engine *engine, struct connection *connection) {
    struct epoll_event event = {.events = engine->interest, .data.ptr = connection};
    if (epoll_ctl(engine->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0) return true;
    fail_connection(engine, connection);
    return false;
}

uint64_t patience_ns(const struct engine *engine) {
    return engine->config->patience_ns > 0 ? engine->config->patience_ns : default_patience_ns;
}

bool may_open_more(const struct engine *engine) {
    return engine->result->timeouts == 0 && !cload_was_interrupted();
}

// Blocks while connecting: these connections are made before anything is measured.
bool open_connection(struct engine *engine, struct connection *connection) {
    const int type = engine->config->kind == CLOAD_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(engine->address.ss_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        engine->result->errors++;
        return false;
    }
    const uint64_t timeout_ns = patience_ns(engine);
    struct timeval timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                              .tv_usec = (suseconds_t)(timeout_ns % 1000000000u / 1000)};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (struct sockaddr *)&engine->address, engine->address_length) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        // EINPROGRESS from TCP and EAGAIN from a Unix socket: nobody accepted in time.
        if (errno == EINPROGRESS || errno == EAGAIN) engine->result->timeouts++;
        close(fd);
        engine->result->errors++;
        return false;
    }
    prepare_connection(engine, connection, fd);
    if (engine->tls != NULL && !tls_open(engine, connection)) return false;
    return watch_connection(engine, connection);
}

void close_connection(struct engine *engine, struct connection *connection) {
    if (connection->fd < 0) return;
    if (connection->tls != NULL) tls_close(engine, connection);
    close(connection->fd);
    connection->fd = -1;
    engine->open_count--;
}

void fail_connection(struct engine *engine, struct connection *connection) {
    engine->result->errors++;
    close_connection(engine, connection);
}
