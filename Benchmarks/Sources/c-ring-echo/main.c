// Echo, sink, source, answers to lines, and a proxy over io_uring, written by hand: the baseline for completion loops.
//
// Multishot accept and receive; what arrives in a turn is gathered per connection and sent once when all of the turn's
// completions have been looked at, one send in flight a socket; everything a turn wants is submitted by the one call
// that also waits. One piece goes out straight from the provided buffer; several that do not touch are copied together.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "blocks.h"
#include "buffers.h"
#include "cpattern.h"
#include "clines.h"
#include "connection.h"
#include "cserve.h"
#include "ring.h"

// Beyond this a connection whose peer does not read is not read from either.
static long waiting_max;

// So many starved connections bring one more buffer.
static const unsigned starved_per_buffer = 8;

static long copy_below, buffer_size, buffer_count, sq_entries, cq_entries, poll_first, wait_all;
static struct connection *starved_connections, **starved_end = &starved_connections;  // first come, first served
static unsigned starved_count;
static int listener;
static bool accepting;
static char signal_buffer[128];
static struct cserve_options options;
static enum cserve_service service;
static uint8_t *pattern;  // of a source
static uint32_t message_bytes;

static void arm_accept(void) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = user_data(NULL, operation_accept);
    accepting = true;
}

static void arm_receive(struct connection *connection) {
    struct io_uring_sqe *sqe = next_sqe();
    if (service == cserve_ask || service == cserve_proxy) {
        // One piece a turn: a multishot receive of one that sends without end would take every buffer.
        io_uring_prep_recv(sqe, connection->fd, NULL, 0, 0);
    } else {
        io_uring_prep_recv_multishot(sqe, connection->fd, NULL, 0, 0);
    }
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
    if (poll_first) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->user_data = user_data(connection, operation_receive);
    connection->receiving = true;
    connection->stopped = false;
}

static void stop_receiving(struct connection *connection) {
    if (connection->stopped) return;
    connection->stopped = true;
    if (!connection->receiving) return;
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_cancel64(sqe, user_data(connection, operation_receive), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = user_data(NULL, operation_cancel);
}

static void submit_send(struct connection *connection) {
    struct io_uring_sqe *sqe = next_sqe();
    struct span *span = &connection->sending;
    io_uring_prep_send(sqe, connection->fd, span->bytes + connection->sent, span->length - connection->sent,
                       MSG_NOSIGNAL | (wait_all ? MSG_WAITALL : 0));
    sqe->user_data = user_data(connection, operation_send);
}

static void release_span(struct span *span) {
    if (service == cserve_source) {
        // It sends from the pattern, which stays.
    } else if (buffers_own(span->bytes)) {
        buffer_release(buffer_id(span->bytes));
    } else {
        return_block(span->bytes, span->class);
    }
    span->length = 0;
}

// Moves the span's bytes to a block with room for `extra` more, unless they are in one already.
static void make_room(struct span *span, uint32_t extra) {
    const bool borrowed = buffers_own(span->bytes);
    const size_t needed = (size_t)span->length + extra;
    if (!borrowed && needed <= ((size_t)1 << span->class)) return;
    const unsigned class = block_class(needed);
    uint8_t *bytes = take_block(class);
    memcpy(bytes, span->bytes, span->length);
    const uint32_t length = span->length;
    release_span(span);
    *span = (struct span){.bytes = bytes, .length = length, .class = class};
}

static void append(struct span *span, const uint8_t *bytes, uint32_t length) {
    if (span->length == 0) {
        const unsigned class = block_class(length);
        *span = (struct span){.bytes = take_block(class), .class = class};
    } else {
        make_room(span, length);
    }
    memcpy(span->bytes + span->length, bytes, length);
    span->length += length;
}

// Takes a received piece, which holds a reference to its buffer.
static void gather(struct connection *connection, uint8_t *piece, uint32_t length) {
    struct span *span = &connection->waiting;
    const bool copies = length < copy_below;
    if (span->length == 0 && !copies) {
        *span = (struct span){.bytes = piece, .length = length};
        return;
    }
    if (span->length > 0 && !copies && span->bytes + span->length == piece &&
        buffer_id(span->bytes) == buffer_id(piece)) {
        span->length += length;
    } else {
        append(span, piece, length);
    }
    buffer_release(buffer_id(piece));  // of a span that has grown, its own reference is enough
}

static void answer_questions(struct connection *connection, const uint8_t *piece, size_t length) {
    const uint8_t *line;
    size_t position = 0, line_bytes;
    while ((line_bytes = clines_next_question(connection->lines, piece, length, &position, &line)) > 0) {
        append(&connection->waiting, line, (uint32_t)line_bytes);
        mark_dirty(connection);
    }
}

static bool is_done(const struct connection *connection) {
    return !connection->receiving && !connection->starved && !connection->dirty && !connection->connecting &&
           connection->sending.length == 0 && connection->waiting.length == 0;
}

static void retire(struct connection *connection) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_close(sqe, connection->fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = user_data(NULL, operation_close);
    free(connection->lines);
    connection->next_dirty = free_connections;
    free_connections = connection;
    if (!accepting) arm_accept();  // a descriptor is free again
}

// Closes when nothing refers to the record any more, and, of a proxy, to that of the other side.
static void close_if_done(struct connection *connection) {
    struct connection *peer = connection->peer;
    if (!is_done(connection) || !is_done(peer)) return;
    if (peer != connection) retire(peer);
    retire(connection);
}

// Nothing more is received. What waits is still sent; both sides of a proxy end together.
static void end(struct connection *connection) {
    struct connection *peer = connection->peer;
    connection->ended = true;
    if (peer->ended) return;
    peer->ended = true;
    stop_receiving(peer);
    mark_dirty(peer);
}

// Lets the turn's end send the next piece of the pattern.
static void continue_source(struct connection *connection) {
    if (connection->ended) return;
    connection->waiting = (struct span){.bytes = pattern + connection->position, .length = message_bytes};
    connection->position = (uint32_t)(((uint64_t)connection->position + message_bytes) % cpattern_period);
    mark_dirty(connection);
}

// What is accepted is read from when the other side stands.
static void connect_upstream(struct connection *connection) {
    const int fd = cserve_connect_upstream(&options);
    if (fd < 0) {
        connection->ended = true;
        mark_dirty(connection);
        return;
    }
    struct connection *upstream = take_connection(fd);
    upstream->peer = connection;
    upstream->connecting = true;
    connection->peer = upstream;
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_poll_add(sqe, fd, POLLOUT);
    sqe->user_data = user_data(upstream, operation_connect);
}

static void connected(struct connection *upstream) {
    int problem = 0;
    socklen_t length = sizeof problem;
    upstream->connecting = false;
    getsockopt(upstream->fd, SOL_SOCKET, SO_ERROR, &problem, &length);
    if (problem != 0 || upstream->ended) {
        end(upstream);
        mark_dirty(upstream);
        return;
    }
    // From here on the ring waits for it; a call on a socket that does not wait would come back with EAGAIN.
    fcntl(upstream->fd, F_SETFL, 0);
    arm_receive(upstream);
    arm_receive(upstream->peer);
}

static void accepted(const struct io_uring_cqe *cqe) {
    accepting = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res >= 0) {
        struct connection *connection = take_connection(cqe->res);
        if (service == cserve_proxy) {
            connect_upstream(connection);
        } else {
            arm_receive(connection);  // a source learns its peer's end by it
        }
        if (service == cserve_ask) begin_lines(connection);
        if (service == cserve_source) continue_source(connection);
    }
    const bool out_of_resources = cqe->res == -EMFILE || cqe->res == -ENFILE || cqe->res == -ENOMEM;
    if (!accepting && !out_of_resources) arm_accept();  // otherwise the turn's time-out does it
}

static void received(struct connection *connection, const struct io_uring_cqe *cqe) {
    connection->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res > 0) {
        const unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        uint8_t *piece = buffers.base + (size_t)id * buffers.size + buffers.offset[id];
        const bool retired = !(cqe->flags & IORING_CQE_F_BUF_MORE);
        buffers.offset[id] += (uint32_t)cqe->res;
        if (!retired) buffers.references[id]++;  // else the kernel's reference becomes the piece's
        if (service == cserve_ask && !connection->ended) answer_questions(connection, piece, (size_t)cqe->res);
        if (connection->ended || (service != cserve_echo && service != cserve_proxy)) {
            buffer_release(id);
        } else {
            gather(connection->peer, piece, (uint32_t)cqe->res);
            mark_dirty(connection->peer);
        }
        if (connection->peer->waiting.length > waiting_max) stop_receiving(connection);
    } else if (cqe->res == -ENOBUFS) {
        connection->starved = true;
        connection->next_starved = NULL;
        *starved_end = connection;
        starved_end = &connection->next_starved;
        starved_count++;
    } else if (cqe->res != -ECANCELED) {
        // The end of the stream, or an error. An incremental buffer named here was not consumed: it is not ours.
        end(connection);
    }
    if (!connection->receiving) mark_dirty(connection);  // armed again, or closed, when the turn ends
}

static void sent(struct connection *connection, const struct io_uring_cqe *cqe) {
    if (cqe->res < 0) {
        end(connection);
        release_span(&connection->sending);
        if (connection->waiting.length > 0) release_span(&connection->waiting);
        stop_receiving(connection);
        mark_dirty(connection);
        return;
    }
    connection->sent += (uint32_t)cqe->res;
    if (connection->sent < connection->sending.length) {
        submit_send(connection);
        return;
    }
    release_span(&connection->sending);
    if (service == cserve_source) continue_source(connection);
    if (connection->waiting.length > 0 || connection->ended || connection->stopped) mark_dirty(connection);
}

// The end of a turn: one send for each connection that has something to send and none in flight.
static void flush_dirty(void) {
    while (dirty_connections != NULL) {
        struct connection *connection = dirty_connections;
        dirty_connections = connection->next_dirty;
        connection->dirty = false;
        if (connection->sending.length == 0 && connection->waiting.length > 0) {
            connection->sending = connection->waiting;
            connection->waiting.length = 0;
            connection->sent = 0;
            submit_send(connection);
            if (connection->peer->stopped) mark_dirty(connection->peer);  // it may be read from again
        }
        if (connection->ended) {
            close_if_done(connection);
        } else if (!connection->receiving && !connection->starved && !connection->connecting) {
            if (!connection->stopped || connection->peer->waiting.length == 0) arm_receive(connection);
        }
    }
}

// Receives that ended for want of buffers start again once some are back. A few that run dry mean large messages, which
// do best in few buffers; many mean many connections, which need more of them.
static void feed_starved(void) {
    unsigned wanted = starved_count / starved_per_buffer;
    if (wanted == 0 && buffers.added == 0) wanted = 1;
    while (wanted > 0 && buffers_grow()) wanted--;
    if (buffers.added == 0) return;
    while (starved_connections != NULL) {
        struct connection *connection = starved_connections;
        starved_connections = connection->next_starved;
        connection->starved = false;
        mark_dirty(connection);
    }
    starved_end = &starved_connections;
    starved_count = 0;
}

static void watch_signals(void) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_read(sqe, cserve_signals(0), signal_buffer, sizeof signal_buffer, 0);
    sqe->user_data = user_data(NULL, operation_signal);
}

// Looks at everything that has completed. False when a signal asks to stop.
static bool dispatch_completions(void) {
    unsigned head, count = 0;
    bool serves = true;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
        count++;
        struct connection *connection = (struct connection *)(uintptr_t)(cqe->user_data & ~(uint64_t)operation_mask);
        switch ((enum operation)(cqe->user_data & operation_mask)) {
        case operation_receive: received(connection, cqe); break;
        case operation_send: sent(connection, cqe); break;
        case operation_accept: accepted(cqe); break;
        case operation_connect: connected(connection); break;
        case operation_signal: serves = false; break;
        case operation_cancel: break;  // it came too late: the receive's own completion says what happened
        case operation_close: break;   // a close that failed; the descriptor is gone all the same
        }
    }
    io_uring_cq_advance(&ring, count);
    return serves;
}

static void serve(void) {
    struct __kernel_timespec retry = {.tv_nsec = 100 * 1000 * 1000};
    for (;;) {
        struct io_uring_cqe *cqe;
        int result = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, accepting ? NULL : &retry, NULL);
        if (result < 0 && result != -ETIME && result != -EINTR && result != -EBUSY && result != -EAGAIN) {
            cserve_fail("io_uring_submit_and_wait_timeout", -result);
        }
        if (result == -ETIME && !accepting) arm_accept();
        if (!dispatch_completions()) return;
        if (starved_connections != NULL) feed_starved();
        flush_dirty();
        buffers_flush();
    }
}

int main(int argc, char **argv) {
    // Chosen by measuring. Few buffers are better than many once messages are large: what was received is sent while
    // it is still in the cache. More are made when they run out.
    copy_below = 0, buffer_size = 0, buffer_count = 12, sq_entries = 1024, cq_entries = 8192;
    poll_first = 0, wait_all = 1, waiting_max = 0;
    const struct cserve_knob knobs[] = {
        {"copy-below", "pieces shorter than this are copied rather than sent from the buffer", 0, 1 << 30, &copy_below},
        {"buffer-size", "bytes of a provided buffer; 0: 64 KiB, 256 KiB for a proxy", 0, 1 << 20, &buffer_size},
        {"buffers", "provided buffers to begin with", 1, buffer_count_max, &buffer_count},
        {"sq-entries", "entries of the submission queue", 8, 32768, &sq_entries},
        {"cq-entries", "entries of the completion queue", 8, 65536, &cq_entries},
        {"poll-first", "1: poll before the first receive", 0, 1, &poll_first},
        {"waiting-max", "bytes beyond which nothing is read before they are sent; 0: 1 MiB, 1 for a proxy", 0, 1 << 30, &waiting_max},
        {"wait-all", "1: let the kernel continue short sends", 0, 1, &wait_all},
    };
    options = cserve_parse(argc, argv, knobs, sizeof knobs / sizeof knobs[0]);
    if (options.service == cserve_udp_echo) cserve_fail("udp-echo", EOPNOTSUPP);
    cserve_raise_descriptor_limit();
    set_up_ring((unsigned)sq_entries, (unsigned)cq_entries);
    service = options.service;
    if (buffer_size == 0) buffer_size = (service == cserve_proxy ? 256 : 64) * 1024;
    set_up_buffers((unsigned)buffer_count, (unsigned)buffer_size);
    message_bytes = options.message_bytes;
    // Of a proxy one piece waits while one is sent: so none has to be copied to another.
    if (waiting_max == 0) waiting_max = service == cserve_proxy ? 1 : 1 << 20;
    if (service == cserve_source) pattern = cpattern_create(message_bytes);
    if (service == cserve_source && pattern == NULL) cserve_fail("memory for the pattern", errno);
    listener = cserve_listen(&options, 0);
    watch_signals();
    arm_accept();
    cserve_announce(listener, &options);
    serve();
    cserve_close(listener, &options);
    io_uring_queue_exit(&ring);
    return 0;
}
