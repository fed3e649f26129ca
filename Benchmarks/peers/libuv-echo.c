// Echo, sink, source and echo of datagrams over libuv.
//
// One read buffer for all connections, as a read is over before the next one asks for memory. What is read is written at
// once; what the socket does not take is kept, with reading stopped until it is gone.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "cpattern.h"
#include "cserve.h"

// libuv takes 64 KiB of it for each datagram of a call.
enum { read_buffer_bytes = 20 * 64 * 1024, stream_bytes = 256 * 1024, backlog = 4096 };

union stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_udp_t udp;
};

struct connection {
    union stream peer;
    uv_write_t request;
    char *rest;          // what the socket did not take; NULL when there is none
    uint32_t position;   // in the pattern's period, of what a source sends next
};

static char read_buffer[read_buffer_bytes];
static union stream listener;
static bool is_unix;
static enum cserve_service service;
static const uint8_t *pattern;  // of a source
static uint32_t message_bytes;

static void check(const char *what, int problem) {
    if (problem < 0) cserve_fail(what, -problem);
}

static void set_up_stream(union stream *stream) {
    check("socket", is_unix ? uv_pipe_init(uv_default_loop(), &stream->pipe, 0)
                            : uv_tcp_init(uv_default_loop(), &stream->tcp));
}

static void on_closed(uv_handle_t *handle) {
    struct connection *connection = handle->data;
    free(connection->rest);
    free(connection);
}

static void close_connection(struct connection *connection) {
    if (!uv_is_closing(&connection->peer.handle)) uv_close(&connection->peer.handle, on_closed);
}

static void on_memory_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)suggested;
    *buffer = uv_buf_init(read_buffer, handle->type == UV_UDP ? read_buffer_bytes : stream_bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static void on_written(uv_write_t *request, int status) {
    struct connection *connection = request->data;
    free(connection->rest);
    connection->rest = NULL;
    if (status < 0 || uv_read_start(&connection->peer.stream, on_memory_wanted, on_read) < 0) {
        close_connection(connection);
    }
}

static void write_rest(struct connection *connection, const char *bytes, size_t length) {
    connection->rest = malloc(length);
    if (connection->rest == NULL) cserve_fail("malloc", UV_ENOMEM);
    memcpy(connection->rest, bytes, length);
    uv_read_stop(&connection->peer.stream);
    connection->request.data = connection;
    uv_buf_t buffer = uv_buf_init(connection->rest, (unsigned)length);
    if (uv_write(&connection->request, &connection->peer.stream, &buffer, 1, on_written) < 0) {
        close_connection(connection);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    struct connection *connection = stream->data;
    if (count == 0) return;
    if (count < 0) {
        close_connection(connection);
        return;
    }
    uv_buf_t echo = uv_buf_init(buffer->base, (unsigned)count);
    int written = uv_try_write(stream, &echo, 1);
    if (written == UV_EAGAIN) written = 0;
    if (written < 0) {
        close_connection(connection);
    } else if (written < count) {
        write_rest(connection, buffer->base + written, (size_t)(count - written));
    }
}

static void on_dropped(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    (void)buffer;
    if (count < 0) close_connection(stream->data);
}

static void send_pattern(struct connection *connection);

static void on_pattern_sent(uv_write_t *request, int status) {
    struct connection *connection = request->data;
    connection->position = (connection->position + message_bytes) % cpattern_period;
    if (status < 0) {
        close_connection(connection);
    } else {
        send_pattern(connection);
    }
}

static void send_pattern(struct connection *connection) {
    if (uv_is_closing(&connection->peer.handle)) return;
    connection->request.data = connection;
    uv_buf_t buffer = uv_buf_init((char *)pattern + connection->position, message_bytes);
    if (uv_write(&connection->request, &connection->peer.stream, &buffer, 1, on_pattern_sent) < 0) {
        close_connection(connection);
    }
}

static void on_connection(uv_stream_t *server, int status) {
    if (status < 0) return;  // libuv goes on accepting by itself
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) cserve_fail("calloc", UV_ENOMEM);
    set_up_stream(&connection->peer);
    connection->peer.handle.data = connection;
    if (uv_accept(server, &connection->peer.stream) < 0 ||
        uv_read_start(&connection->peer.stream, on_memory_wanted, service == cserve_echo ? on_read : on_dropped) < 0) {
        close_connection(connection);
        return;
    }
    if (service == cserve_source) send_pattern(connection);
}

static void on_datagram(uv_udp_t *socket, ssize_t count, const uv_buf_t *buffer, const struct sockaddr *source,
                        unsigned flags) {
    (void)flags;
    if (count < 0 || source == NULL) return;  // nothing, or the end of what one call received
    uv_buf_t echo = uv_buf_init(buffer->base, (unsigned)count);
    (void)uv_udp_try_send(socket, &echo, 1, source);  // what the socket does not take is dropped, as datagrams may be
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)number;
    uv_stop(handle->loop);
}

static void watch_signal(uv_signal_t *handle, int number) {
    check("signal", uv_signal_init(uv_default_loop(), handle));
    check("signal", uv_signal_start(handle, on_signal, number));
}

static void resolve(const struct cserve_options *options, struct sockaddr_in *address) {
    check(options->host, uv_ip4_addr(options->host, atoi(options->port), address));
}

// Receives many datagrams by one call, for as many as the read buffer has room for.
static void bind_datagrams(const struct cserve_options *options) {
    struct sockaddr_in address;
    resolve(options, &address);
    if (is_unix) cserve_fail(options->unix_path, EAFNOSUPPORT);
    check("socket", uv_udp_init_ex(uv_default_loop(), &listener.udp, AF_INET | UV_UDP_RECVMMSG));
    check("bind", uv_udp_bind(&listener.udp, (const struct sockaddr *)&address, 0));
    check("receive", uv_udp_recv_start(&listener.udp, on_memory_wanted, on_datagram));
}

static void bind_listener(const struct cserve_options *options) {
    if (service == cserve_udp_echo) {
        bind_datagrams(options);
        return;
    }
    set_up_stream(&listener);
    if (is_unix) {
        check(options->unix_path, uv_pipe_bind(&listener.pipe, options->unix_path));
    } else {
        struct sockaddr_in address;
        resolve(options, &address);
        check("bind", uv_tcp_bind(&listener.tcp, (const struct sockaddr *)&address, 0));
        check("TCP_NODELAY", uv_tcp_nodelay(&listener.tcp, 1));  // accepted sockets inherit it
    }
    check("listen", uv_listen(&listener.stream, backlog, on_connection));
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("libuv %s\n", uv_version_string());
        return 0;
    }
    struct cserve_options options = cserve_parse(argc, argv, NULL, 0);
    is_unix = options.unix_path != NULL;
    service = options.service;
    message_bytes = options.message_bytes;
    pattern = cpattern_create(message_bytes);
    if (pattern == NULL) cserve_fail("pattern", UV_ENOMEM);
    cserve_raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);  // libuv leaves it to its users
    uv_signal_t interrupt, terminate;
    watch_signal(&interrupt, SIGINT);
    watch_signal(&terminate, SIGTERM);
    bind_listener(&options);
    uv_os_fd_t descriptor;
    check("listener", uv_fileno(&listener.handle, &descriptor));
    cserve_announce(descriptor, &options);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    cserve_close(descriptor, &options);
    return 0;
}
