// Datagrams that come back, `depth` in flight on each of the sockets. What is lost is sent again after a while and counted.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine.h"

static const uint64_t resend_after_ns = 20 * 1000 * 1000;
static const uint64_t resend_look_ns = 5 * 1000 * 1000;

// A datagram begins with its number on this socket, so that an answer which comes twice is told from the next one. Number n
// is in lane n % depth, and each lane has one datagram in flight.
//
// At a depth above 1 several datagrams pass the kernel as one, both ways, as fast clients have it (UDP_SEGMENT, UDP_GRO):
// the load then costs less than a server. What leaves the kernel are the same datagrams; a server sees no difference unless
// it asks for it. Loopback joins nothing by itself: a server that asks gains only by what the load has joined. So there
// is the other load too, whose datagrams pass the kernel one by one, many to a call (sendmmsg, recvmmsg).
enum { number_bytes = sizeof(uint64_t), segments_max = 64, segmented_bytes_max = 65000,
       lanes_max = 256, singles_max = 64 };

// What goes out. The kernel hands over no more as one.
struct batch {
    unsigned count;
    struct lane *lanes[lanes_max];
};

// One call's worth.
static unsigned batch_limit(const struct engine *engine) {
    const unsigned limit = segmented_bytes_max / engine->message_bytes;
    return limit == 0 ? 1 : limit < segments_max ? limit : segments_max;
}

static void compose(const struct engine *engine, const struct connection *connection, const struct lane *lane,
                    uint8_t *datagram) {
    memcpy(datagram, &lane->number, number_bytes);
    memcpy(datagram + number_bytes, expected_bytes(engine, connection, lane->number),
           engine->message_bytes - number_bytes);
}

static bool is_as_expected(const struct engine *engine, const struct connection *connection, const struct lane *lane,
                           const uint8_t *datagram, size_t length) {
    return length == engine->message_bytes &&
           memcmp(datagram + number_bytes, expected_bytes(engine, connection, lane->number),
                  engine->message_bytes - number_bytes) == 0;
}

// A full socket buffer is a lost datagram; so is an answer to an earlier one that nobody was there to take.
static void send_lanes(struct engine *engine, struct connection *connection, struct lane *const *lanes,
                       unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        compose(engine, connection, lanes[i], engine->incoming + (size_t)i * engine->message_bytes);
    }
    connection->sent += count;
    struct iovec piece = {engine->incoming, (size_t)count * engine->message_bytes};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {.header = {.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))}};
    if (count > 1) {
        const uint16_t size = (uint16_t)engine->message_bytes;
        memcpy(CMSG_DATA(&control.header), &size, sizeof size);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    (void)!sendmsg(connection->fd, &message, MSG_NOSIGNAL);
}

// Each as a datagram of its own. What the kernel does not take is lost, as above.
static void send_singly(struct engine *engine, struct connection *connection, struct lane *const *lanes,
                        unsigned count) {
    struct mmsghdr messages[segments_max];
    struct iovec pieces[segments_max];
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){engine->incoming + (size_t)i * engine->message_bytes, engine->message_bytes};
        compose(engine, connection, lanes[i], pieces[i].iov_base);
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    connection->sent += count;
    (void)!sendmmsg(connection->fd, messages, count, MSG_NOSIGNAL);
}

static void send_batch(struct engine *engine, struct connection *connection, struct batch *batch) {
    const unsigned limit = batch_limit(engine);
    for (unsigned first = 0; first < batch->count; first += limit) {
        const unsigned rest = batch->count - first, count = rest < limit ? rest : limit;
        (engine->joins ? send_lanes : send_singly)(engine, connection, batch->lanes + first, count);
    }
    batch->count = 0;
}

// Receives a datagram, or several that came as one; `size` is then how long each is, but for the last.
static ssize_t receive(const struct engine *engine, const struct connection *connection, size_t *size) {
    struct iovec piece = {engine->incoming, piece_bytes_max};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (engine->joins) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    const ssize_t length = recvmsg(connection->fd, &message, 0);
    *size = length > 0 ? (size_t)length : 0;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (length <= 0 || header == NULL || header->cmsg_level != SOL_UDP || header->cmsg_type != UDP_GRO) return length;
    int segment;
    memcpy(&segment, CMSG_DATA(header), sizeof segment);
    if (segment > 0) *size = (size_t)segment;
    return length;
}

static void launch(struct batch *batch, struct lane *lane, uint64_t now) {
    lane->start_ns = lane->sent_ns = now;
    batch->lanes[batch->count++] = lane;
}

// Takes an answer, and puts its lane's next datagram into the batch. False when it is none that was asked for.
static bool take_answer(struct engine *engine, struct connection *connection, struct batch *batch,
                        const uint8_t *datagram, size_t length, uint64_t now) {
    uint64_t number;
    if (length < number_bytes) return false;
    memcpy(&number, datagram, number_bytes);
    struct lane *lane = &connection->lanes[number % engine->depth];
    if (number < lane->number) return true;  // both answers of a datagram that was sent twice
    if (number > lane->number || batch->count == lanes_max) return false;
    if (!is_as_expected(engine, connection, lane, datagram, length)) return false;
    connection->completed++;
    if (engine->measuring) {
        cload_histogram_record(engine->latency, now - lane->start_ns);
        engine->result->requests++;
        engine->result->bytes += length;
    }
    lane->number += engine->depth;
    launch(batch, lane, now);
    return true;
}

// Takes the answers of one call, joined or one. False when there was something else among them.
static bool take_joined(struct engine *engine, struct connection *connection, struct batch *batch) {
    size_t size;
    const ssize_t length = receive(engine, connection, &size);
    if (length < 0) return true;  // the fate of what was sent: it is sent again in time
    const uint64_t now = now_ns(engine);
    size_t start = 0;
    do {
        const size_t rest = (size_t)length - start, own = rest < size ? rest : size;
        if (!take_answer(engine, connection, batch, engine->incoming + start, own, now)) return false;
        start += own;
    } while (start < (size_t)length);
    return true;
}

// The same of one call that receives each by itself. A byte of room too much shows what is too long.
static bool take_singly(struct engine *engine, struct connection *connection, struct batch *batch) {
    const size_t room = (size_t)engine->message_bytes + 1;
    unsigned count = piece_bytes_max / room < singles_max ? (unsigned)(piece_bytes_max / room) : singles_max;
    struct mmsghdr messages[singles_max];
    struct iovec pieces[singles_max];
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){engine->incoming + i * room, room};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    const int received = recvmmsg(connection->fd, messages, count, MSG_DONTWAIT, NULL);
    const uint64_t now = now_ns(engine);
    for (int i = 0; i < received; i++) {
        if (!take_answer(engine, connection, batch, pieces[i].iov_base, messages[i].msg_len, now)) return false;
    }
    return true;
}

void udp_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (!(events & (EPOLLIN | EPOLLERR))) return;
    struct batch batch;
    batch.count = 0;
    const bool sends_several = engine->depth > 1 && !engine->joins;
    if ((sends_several ? take_singly : take_joined)(engine, connection, &batch)) {
        send_batch(engine, connection, &batch);
        return;
    }
    engine->result->corruptions++;
    close_connection(engine, connection);
}

// Sends again what should have come back by now.
void udp_resend(struct engine *engine) {
    const uint64_t now = now_ns(engine);
    if (now < engine->resend_look_at_ns) return;
    engine->resend_look_at_ns = now + resend_look_ns;
    for (uint32_t i = 0; i < engine->config->connections; i++) {
        struct connection *connection = &engine->connections[i];
        for (uint32_t j = 0; j < engine->depth && connection->fd >= 0; j++) {
            struct lane *lane = &connection->lanes[j];
            if (now - lane->sent_ns < resend_after_ns) continue;
            lane->sent_ns = now;
            engine->result->resent++;
            send_lanes(engine, connection, &lane, 1);
        }
    }
}

static void start(struct engine *engine, struct connection *connection) {
    const int on = 1;
    if (engine->joins) setsockopt(connection->fd, SOL_UDP, UDP_GRO, &on, sizeof on);
    struct batch batch;
    batch.count = 0;
    const uint64_t now = now_ns(engine);
    for (uint32_t i = 0; i < engine->depth; i++) {
        connection->lanes[i].number = i;
        launch(&batch, &connection->lanes[i], now);
        if (batch.count == batch_limit(engine)) send_batch(engine, connection, &batch);
    }
    send_batch(engine, connection, &batch);
}

void udp_start(struct engine *engine) {
    for (uint32_t i = 0; i < engine->config->connections; i++) {
        if (engine->connections[i].fd >= 0) start(engine, &engine->connections[i]);
    }
}
