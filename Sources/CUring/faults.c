// What kernels do wrong, and what they can do, asked of the kernel itself: fixes come to old series too, so a version says nothing.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring.h"

enum { probe_group = 1, probe_buffer_count = 4, probe_buffer_size = 64, probe_turns = 8 };

typedef bool preparation(curing_ring *ring, int32_t descriptor);

static bool prepare_receive(curing_ring *ring, int32_t descriptor) {
    return curing_prepare_receive_selected(ring, descriptor, probe_group, true, 1);
}

static bool prepare_read(curing_ring *ring, int32_t descriptor) {
    return curing_prepare_pipe_read(ring, descriptor, 0, probe_group, true, 1);
}

// Lets the last bytes and the end come together. Nothing here waits: both are there before the ring is entered.
static bool tells_end(curing_ring *ring, preparation *prepare, int reading, int writing) {
    if (!prepare(ring, reading)) return false;
    curing_submit_and_wait(ring, 0, false);
    bool has_written = write(writing, "x", 1) == 1;
    close(writing);
    for (int turn = 0; has_written && turn < probe_turns; turn++) {
        curing_submit_and_wait(ring, 0, false);
        curing_completion completion;
        while (curing_reap(ring, &completion, 1) == 1) {
            if (completion.result <= 0) return completion.result == 0;
        }
    }
    return false;
}

static int32_t ask(curing_ring *ring, preparation *prepare, int (*make)(int[2])) {
    int ends[2];
    if (make(ends) < 0) return -errno;
    int32_t result = tells_end(ring, prepare, ends[0], ends[1]);
    close(ends[0]);
    return result;
}

static int make_sockets(int ends[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends); }
static int make_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC | O_NONBLOCK); }

// A share of three bytes, of which there are four: pieces of three at the most, and then the end.
static int32_t ask_for_share(curing_ring *ring) {
    enum { share = 3 };
    int ends[2];
    if (make_sockets(ends) < 0) return -errno;
    bool has_ended = false;
    int32_t received = 0;
    if (write(ends[1], "four", 4) == 4 && curing_prepare_receive_share(ring, ends[0], probe_group, share, share, 1)) {
        for (int turn = 0; !has_ended && turn < probe_turns; turn++) {
            curing_submit_and_wait(ring, 0, false);
            curing_completion completion;
            while (curing_reap(ring, &completion, 1) == 1) {
                if (completion.result > 0) received += completion.result;
                if (!(completion.flags & CURING_COMPLETION_MORE)) has_ended = true;
            }
        }
    }
    close(ends[0]);
    close(ends[1]);
    return has_ended && received == share;
}

static int32_t ask_all(curing_ring *ring, curing_multishot_facts *facts) {
    int32_t result = ask(ring, prepare_receive, make_sockets);
    if (result < 0) return result;
    facts->unix_receive_ends = result;
    if ((result = ask_for_share(ring)) < 0) return result;
    facts->receive_counts = result;
    if (!curing_has_multishot_read(ring)) return 0;
    if ((result = ask(ring, prepare_read, make_pipe)) < 0) return result;
    facts->read_ends = result;
    if (result == 0 || (result = ask(ring, prepare_read, make_sockets)) < 0) return result;
    facts->read_ends = result;
    return 0;
}

int32_t curing_find_multishot_facts(curing_multishot_facts *facts) {
    *facts = (curing_multishot_facts){0};
    const curing_parameters parameters = {.submission_entries = 4, .completion_entries = 32};
    curing_ring *ring;
    bool was_made;
    int32_t result = curing_create(&parameters, &ring, &was_made);
    if (result < 0) return result;
    curing_buffers *buffers = curing_buffers_create(probe_buffer_count, probe_buffer_size);
    if (!buffers) result = -ENOMEM;
    if (result >= 0) result = curing_enable(ring);
    if (result >= 0) result = curing_buffers_register(buffers, ring, probe_group, probe_buffer_count, false);
    if (result >= 0) result = ask_all(ring, facts);
    curing_destroy(ring, true);
    if (buffers) curing_buffers_destroy(buffers);
    return result;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
