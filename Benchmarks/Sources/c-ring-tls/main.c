// Echo over TLS and io_uring, written by hand: the baseline for TLS on completion loops.
//
// Multishot accept and receive; records are opened out of the provided buffer that they came in, which goes back at once,
// and what answers them is sealed into pooled blocks. It is sent once when all of the turn's completions
// have been looked at, one send in flight a socket; everything a turn wants is submitted by the one call that also waits.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "answer.h"
#include "buffers.h"
#include "connection.h"
#include "cserve.h"
#include "cserve_tls.h"
#include "ring.h"

// Beyond this a connection whose peer does not read is not read from either.
static long waiting_max;

// So many starved connections bring one more buffer.
static const unsigned starved_per_buffer = 8;

static struct connection *starved_connections, **starved_end = &starved_connections;  // first come, first served
static unsigned starved_count;
static int listener;
static bool accepting;
static char signal_buffer[128];

static void arm_accept(void) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = user_data(NULL, operation_accept);
    accepting = true;
}

static void arm_receive(struct connection *connection) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_recv_multishot(sqe, connection->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
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

// Sends all that there is by one call; the kernel continues a short send by itself.
static void submit_send(struct connection *connection) {
    struct io_uring_sqe *sqe = next_sqe();
    const struct answer *answer = &connection->sending;
    const int flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (answer->first == answer->last) {
        io_uring_prep_send(sqe, connection->fd, answer->first->bytes + answer->start, answer->length, flags);
    } else {
        if (connection->message == NULL) connection->message = (struct message *)take_block(message_class);
        struct message *message = connection->message;
        const size_t count = answer_pieces(answer, message->pieces, pieces_max);
        message->header = (struct msghdr){.msg_iov = message->pieces, .msg_iovlen = count};
        io_uring_prep_sendmsg(sqe, connection->fd, &message->header, (unsigned)flags);
    }
    sqe->user_data = user_data(connection, operation_send);
}

static void drop_message(struct connection *connection) {
    if (connection->message == NULL) return;
    return_block((uint8_t *)connection->message, message_class);
    connection->message = NULL;
}

// Closes when nothing refers to the record any more.
static void close_if_done(struct connection *connection) {
    if (connection->receiving || connection->starved || connection->sending.length > 0) return;
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_close(sqe, connection->fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = user_data(NULL, operation_close);
    return_connection(connection);
    if (!accepting) arm_accept();  // a descriptor is free again
}

static void accepted(const struct io_uring_cqe *cqe) {
    accepting = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res >= 0) arm_receive(take_connection(cqe->res));
    const bool out_of_resources = cqe->res == -EMFILE || cqe->res == -ENFILE || cqe->res == -ENOMEM;
    if (!accepting && !out_of_resources) arm_accept();  // otherwise the turn's time-out does it
}

static void received_piece(struct connection *connection, const uint8_t *piece, size_t length) {
    if (connection->ended) return;
    connection->ended = !cserve_tls_echo(connection->tls, piece, length, &connection->waiting);
    if (connection->waiting.length > 0 || connection->ended) mark_dirty(connection);
    if (connection->waiting.length > (size_t)waiting_max) stop_receiving(connection);
}

static void received(struct connection *connection, const struct io_uring_cqe *cqe) {
    connection->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->res > 0) {
        const unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        received_piece(connection, buffers.base + (size_t)id * buffers.size + buffers.offset[id], (size_t)cqe->res);
        buffers.offset[id] += (uint32_t)cqe->res;
        if (!(cqe->flags & IORING_CQE_F_BUF_MORE)) buffer_release(id);
    } else if (cqe->res == -ENOBUFS) {
        connection->starved = true;
        connection->next_starved = NULL;
        *starved_end = connection;
        starved_end = &connection->next_starved;
        starved_count++;
    } else if (cqe->res != -ECANCELED && !connection->ended) {
        // The end of the stream, or an error. An incremental buffer named here was not consumed: it is not ours.
        connection->ended = true;
        if (cqe->res == 0) cserve_tls_end(connection->tls, &connection->waiting);
    }
    if (!connection->receiving) mark_dirty(connection);  // armed again, or closed, when the turn ends
}

static void sent(struct connection *connection, const struct io_uring_cqe *cqe) {
    if (cqe->res < 0) {
        connection->ended = true;
        answer_drop(&connection->waiting, connection->waiting.length);
    }
    answer_drop(&connection->sending, cqe->res < 0 ? connection->sending.length : (size_t)cqe->res);
    if (connection->sending.length > 0) {
        submit_send(connection);
        return;
    }
    drop_message(connection);
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
            connection->waiting = (struct answer){0};
            submit_send(connection);
        }
        if (connection->ended) {
            // The end of the stream is often there in the same turn as the close_notify: only now is it worth a cancel.
            stop_receiving(connection);
            close_if_done(connection);
        } else if (!connection->receiving && !connection->starved) {
            if (!connection->stopped || connection->waiting.length == 0) arm_receive(connection);
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
        case operation_signal: serves = false; break;
        case operation_cancel: break;   // it came too late: the receive's own completion says what happened
        case operation_close: break;    // a close that failed; the descriptor is gone all the same
        case operation_connect: break;  // nothing here connects
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
    long buffer_size = 64 * 1024, buffer_count = 12, sq_entries = 1024, cq_entries = 8192, tickets = 2;
    waiting_max = 1 << 20;
    const struct cserve_knob knobs[] = {
        {"tickets", "session tickets after a full handshake", 0, 16, &tickets},
        {"buffer-size", "bytes of a provided buffer", 1024, 1 << 20, &buffer_size},
        {"buffers", "provided buffers to begin with", 1, buffer_count_max, &buffer_count},
        {"sq-entries", "entries of the submission queue", 8, 32768, &sq_entries},
        {"cq-entries", "entries of the completion queue", 8, 65536, &cq_entries},
        {"waiting-max", "bytes beyond which nothing is read before they are sent", 1, 1 << 30, &waiting_max},
    };
    struct cserve_options options = cserve_parse_tls(argc, argv, knobs, sizeof knobs / sizeof knobs[0]);
    cserve_tls_set_up(&options, tickets);
    cserve_raise_descriptor_limit();
    set_up_ring((unsigned)sq_entries, (unsigned)cq_entries);
    set_up_buffers((unsigned)buffer_count, (unsigned)buffer_size);
    listener = cserve_listen(&options, 0);
    watch_signals();
    arm_accept();
    cserve_announce(listener, &options);
    serve();
    cserve_close(listener, &options);
    io_uring_queue_exit(&ring);
    cserve_tls_clean_up();
    return 0;
}
