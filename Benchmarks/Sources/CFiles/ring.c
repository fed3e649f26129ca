#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "CFiles.h"

#define READ_BYTES 4096

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void prepare(struct io_uring *ring, int file, char *memory, uint64_t number, uint64_t blocks, uint64_t *state) {
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    const uint64_t offset = next_random(state) % blocks * READ_BYTES;
    io_uring_prep_read(entry, file, memory + number * READ_BYTES, READ_BYTES, offset);
    entry->user_data = number;
}

static int64_t run(struct io_uring *ring, int file, char *memory, uint64_t blocks, unsigned depth, uint64_t deadline,
                   uint64_t *state) {
    int64_t count = 0;
    unsigned in_flight = depth;
    for (unsigned number = 0; number < depth; number++) prepare(ring, file, memory, number, blocks, state);
    while (in_flight > 0) {
        const int result = io_uring_submit_and_wait(ring, 1);
        if (result < 0 && result != -EINTR) return result;
        const int goes_on = now_ns() < deadline;
        struct io_uring_cqe *completions[64];
        const unsigned found = io_uring_peek_batch_cqe(ring, completions, 64);
        for (unsigned index = 0; index < found; index++) {
            if (completions[index]->res != READ_BYTES) return completions[index]->res < 0 ? completions[index]->res : -EIO;
            const uint64_t number = completions[index]->user_data;
            count++;
            if (goes_on) prepare(ring, file, memory, number, blocks, state);
            else in_flight--;
        }
        io_uring_cq_advance(ring, found);
    }
    return count;
}

int64_t cfiles_ring_reads(const char *path, int direct, uint64_t size, unsigned depth, uint64_t nanoseconds,
                          uint64_t seed) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
    if (file < 0) return -errno;
    struct io_uring ring;
    struct io_uring_params parameters = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                                  IORING_SETUP_COOP_TASKRUN};
    char *memory = mmap(NULL, (size_t)depth * READ_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int64_t result = -ENOMEM;
    if (memory != MAP_FAILED) {
        result = io_uring_queue_init_params(depth, &ring, &parameters);
        if (result == 0) {
            result = run(&ring, file, memory, size / READ_BYTES, depth, now_ns() + nanoseconds, &seed);
            io_uring_queue_exit(&ring);
        }
        munmap(memory, (size_t)depth * READ_BYTES);
    }
    close(file);
    return result;
}
