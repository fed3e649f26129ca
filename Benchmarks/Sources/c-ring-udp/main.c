// The datagram echo service over io_uring, written by hand: the baseline for datagrams.
//
// One multishot recvmsg fills provided buffers with sender and payload; each datagram goes back out of the buffer that it
// came in. What a turn received is sent when all of the turn's completions have been looked at.
//
// Datagrams of one peer in a row pass the kernel as one, both ways (UDP_GRO, UDP_SEGMENT): those that were received so go
// back so, and single ones that follow each other are joined.
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "cserve.h"

enum {
    buffer_group = 0,
    buffer_count_max = 4096,
    name_bytes = 32,
    control_bytes = CMSG_SPACE(sizeof(int)),
    run_datagrams_max = 64,
    run_bytes_max = 65000,
};

// How the answers of a turn leave.
enum send_mode { send_by_ring, send_messages_by_ring, send_by_one_call };

// A submission's user_data: the operation, and above it the buffer that a send uses.
enum operation { operation_receive, operation_send, operation_signal };
enum { operation_bits = 4 };

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static uint8_t *memory;
// Of a turn, in the order in which the datagrams came. An answer is one datagram, several that came as one, or several that
// are joined.
static struct mmsghdr *answers;
static union size_note {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
} *notes;  // how long an answer's datagrams are
static struct iovec *pieces;
static uint16_t *piece_buffers;
static unsigned answer_count, piece_count, returned_count;
static int sock;
static bool receiving;
static struct msghdr reception = {.msg_namelen = name_bytes, .msg_controllen = control_bytes};
static char signal_buffer[128];
static long buffer_count, buffer_size, send_mode, offload, sq_entries, cq_entries;

static struct io_uring_sqe *next_sqe(void) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    while (__builtin_expect(sqe == NULL, 0)) {
        int submitted = io_uring_submit(&ring);
        if (submitted < 0 && submitted != -EBUSY && submitted != -EAGAIN && submitted != -EINTR) {
            cserve_fail("io_uring_submit", -submitted);
        }
        sqe = io_uring_get_sqe(&ring);
    }
    return sqe;
}

static void return_buffer(unsigned id) {
    io_uring_buf_ring_add(buffer_ring, memory + (size_t)id * buffer_size, (unsigned)buffer_size, (unsigned short)id,
                          io_uring_buf_ring_mask((unsigned)buffer_count), (int)returned_count++);
}

static void publish_buffers(void) {
    if (returned_count > 0) io_uring_buf_ring_advance(buffer_ring, (int)returned_count);
    returned_count = 0;
}

static void arm_receive(void) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_recvmsg(sqe, sock, &reception, 0);
    sqe->ioprio |= IORING_RECV_MULTISHOT;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_group;
    sqe->user_data = operation_receive;
    receiving = true;
}

static void note_size(unsigned answer, uint16_t size) {
    notes[answer].header =
        (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof size)};
    memcpy(CMSG_DATA(&notes[answer].header), &size, sizeof size);
    answers[answer].msg_hdr.msg_control = &notes[answer];
    answers[answer].msg_hdr.msg_controllen = sizeof notes[answer];
}

// How long each datagram is of those that came as one, or 0.
static uint16_t joined_size(const struct io_uring_recvmsg_out *out, const void *control) {
    const struct cmsghdr *header = control;
    if (out->controllen < CMSG_LEN(sizeof(int))) return 0;
    if (header->cmsg_level != SOL_UDP || header->cmsg_type != UDP_GRO) return 0;
    int size;
    memcpy(&size, CMSG_DATA(header), sizeof size);
    return (uint16_t)size;
}

// Puts a datagram behind the last answer when both may leave as one.
static bool join_last_answer(const struct io_uring_recvmsg_out *out, const void *name, const struct iovec *piece) {
    if (!offload || send_mode != send_by_one_call || answer_count == 0 || piece->iov_len == 0) return false;
    struct msghdr *last = &answers[answer_count - 1].msg_hdr;
    const size_t size = last->msg_iov[0].iov_len, count = last->msg_iovlen;
    // One that came joined already, or whose last is shorter, is full.
    if ((count == 1 && last->msg_controllen > 0) || last->msg_iov[count - 1].iov_len < size) return false;
    if (piece->iov_len > size || count == run_datagrams_max || (count + 1) * size > run_bytes_max) return false;
    if (out->namelen != last->msg_namelen || memcmp(name, last->msg_name, out->namelen) != 0) return false;
    last->msg_iovlen++;
    if (count == 1) note_size(answer_count - 1, (uint16_t)size);
    return true;
}

static void received(const struct io_uring_cqe *cqe) {
    receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
    // Out of buffers, or the fate of an earlier answer: it is armed again when the turn ends.
    if (cqe->res < 0) return;
    const unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    uint8_t *buffer = memory + (size_t)id * buffer_size;
    const struct io_uring_recvmsg_out *out = (const struct io_uring_recvmsg_out *)buffer;
    const size_t head = sizeof *out + name_bytes + control_bytes;
    const struct iovec piece = {.iov_base = buffer + head, .iov_len = (size_t)cqe->res - head};
    pieces[piece_count] = piece;
    piece_buffers[piece_count++] = (uint16_t)id;
    const uint16_t size = joined_size(out, buffer + sizeof *out + name_bytes);
    if (size == 0 && join_last_answer(out, buffer + sizeof *out, &piece)) return;
    answers[answer_count].msg_hdr = (struct msghdr){
        .msg_name = buffer + sizeof *out,
        .msg_namelen = out->namelen,
        .msg_iov = &pieces[piece_count - 1],
        .msg_iovlen = 1,
    };
    if (size > 0) note_size(answer_count, size);
    answer_count++;
}

static void submit_answer(unsigned index) {
    struct io_uring_sqe *sqe = next_sqe();
    const struct msghdr *message = &answers[index].msg_hdr;
    if (send_mode == send_by_ring && message->msg_controllen == 0) {
        io_uring_prep_send(sqe, sock, message->msg_iov->iov_base, message->msg_iov->iov_len, 0);
        sqe->addr2 = (uintptr_t)message->msg_name;
        sqe->addr_len = (uint16_t)message->msg_namelen;
    } else {
        io_uring_prep_sendmsg(sqe, sock, message, 0);
    }
    const unsigned first = (unsigned)(message->msg_iov - pieces);
    sqe->user_data = operation_send | (uint64_t)piece_buffers[first] << operation_bits;
}

static void send_answers(void) {
    if (send_mode != send_by_one_call) {
        // The kernel has read the headers when the submission is over, which is before they are used again.
        for (unsigned i = 0; i < answer_count; i++) submit_answer(i);
        answer_count = piece_count = 0;
        return;
    }
    unsigned sent = 0;
    while (sent < answer_count) {
        int count = sendmmsg(sock, answers + sent, answer_count - sent, 0);
        if (count > 0) sent += (unsigned)count;
        // The fate of an earlier answer, or one that cannot be sent: dropped, as datagrams may be.
        if (count < 0 && errno != EINTR) sent++;
    }
    for (unsigned i = 0; i < piece_count; i++) return_buffer(piece_buffers[i]);
    answer_count = piece_count = 0;
}

// Looks at everything that has completed. False when a signal asks to stop.
static bool dispatch_completions(void) {
    unsigned head, count = 0;
    bool serves = true;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring, head, cqe) {
        count++;
        switch ((enum operation)(cqe->user_data & ((1 << operation_bits) - 1))) {
        case operation_receive: received(cqe); break;
        case operation_send: return_buffer((unsigned)(cqe->user_data >> operation_bits)); break;
        case operation_signal: serves = false; break;
        }
    }
    io_uring_cq_advance(&ring, count);
    return serves;
}

static void serve(void) {
    for (;;) {
        int result = io_uring_submit_and_wait(&ring, 1);
        if (result < 0 && result != -EINTR && result != -EBUSY && result != -EAGAIN) {
            cserve_fail("io_uring_submit_and_wait", -result);
        }
        if (!dispatch_completions()) return;
        send_answers();
        publish_buffers();
        if (!receiving) arm_receive();
    }
}

static void set_up_ring(void) {
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
        .cq_entries = (unsigned)cq_entries,
    };
    int problem = io_uring_queue_init_params((unsigned)sq_entries, &ring, &params);
    if (problem < 0) cserve_fail("io_uring_queue_init_params (kernel 6.1 or newer is needed)", -problem);
    problem = io_uring_register_ring_fd(&ring);  // saves the descriptor look-up of every enter
    if (problem < 0) cserve_fail("io_uring_register_ring_fd", -problem);
}

static void set_up_buffers(void) {
    if ((buffer_count & (buffer_count - 1)) != 0) cserve_fail("--buffers must be a power of two", EINVAL);
    const int protection = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    const size_t count = (size_t)buffer_count;
    buffer_ring = mmap(NULL, count * sizeof(struct io_uring_buf), protection, kind, -1, 0);
    memory = mmap(NULL, count * (size_t)buffer_size, protection, kind, -1, 0);
    if (buffer_ring == MAP_FAILED || memory == MAP_FAILED) cserve_fail("mmap", errno);
    answers = calloc(count, sizeof *answers);
    pieces = calloc(count, sizeof *pieces);
    piece_buffers = calloc(count, sizeof *piece_buffers);
    notes = calloc(count, sizeof *notes);
    if (answers == NULL || pieces == NULL || piece_buffers == NULL || notes == NULL) cserve_fail("calloc", errno);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)buffer_ring, .ring_entries = (unsigned)buffer_count, .bgid = buffer_group};
    int problem = io_uring_register_buf_ring(&ring, &registration, 0);
    if (problem < 0) cserve_fail("io_uring_register_buf_ring", -problem);
    for (unsigned id = 0; id < count; id++) return_buffer(id);
    publish_buffers();
}

static int bind_socket(const struct cserve_options *options) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    if (options->unix_path != NULL) cserve_fail(options->unix_path, EAFNOSUPPORT);
    if (getaddrinfo(options->host, options->port, &hints, &found) != 0) cserve_fail(options->host, EINVAL);
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) cserve_fail("socket", errno);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) cserve_fail("bind", errno);
    freeaddrinfo(found);
    const int joins = offload != 0;
    if (setsockopt(fd, SOL_UDP, UDP_GRO, &joins, sizeof joins) != 0) cserve_fail("UDP_GRO", errno);
    return fd;
}

int main(int argc, char **argv) {
    // Chosen by measuring.
    // A step of 64 KiB would put all buffers' beginnings into the same few lines of a cache.
    buffer_count = 256, buffer_size = (64 << 10) + 192, send_mode = send_by_one_call, offload = 1;
    sq_entries = 1024, cq_entries = 4096;
    const struct cserve_knob knobs[] = {
        {"buffers", "provided buffers, a power of two", 1, buffer_count_max, &buffer_count},
        {"buffer-size", "bytes of a provided buffer; longer datagrams are cut", 128, 1 << 20, &buffer_size},
        {"send", "0: a send each by the ring, 1: a sendmsg each by the ring, 2: one sendmmsg", 0, 2, &send_mode},
        {"offload", "1: datagrams of one peer in a row pass the kernel as one", 0, 1, &offload},
        {"sq-entries", "entries of the submission queue", 8, 32768, &sq_entries},
        {"cq-entries", "entries of the completion queue", 8, 65536, &cq_entries},
    };
    struct cserve_options options = cserve_parse(argc, argv, knobs, sizeof knobs / sizeof knobs[0]);
    set_up_ring();
    set_up_buffers();
    sock = bind_socket(&options);
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_read(sqe, cserve_signals(0), signal_buffer, sizeof signal_buffer, 0);
    sqe->user_data = operation_signal;
    arm_receive();
    cserve_announce(sock, &options);
    serve();
    io_uring_queue_exit(&ring);
    cserve_close(sock, &options);
    return 0;
}
