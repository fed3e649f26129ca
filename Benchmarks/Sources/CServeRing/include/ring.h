// The ring of the C servers over io_uring, and constants that liburing 2.3 does not have yet.
#ifndef CSERVE_RING_H
#define CSERVE_RING_H

#include <liburing.h>
#include <stdint.h>

#include "cserve.h"

#ifndef IOU_PBUF_RING_INC
#define IOU_PBUF_RING_INC 2  // kernel 6.12: a buffer is consumed piece by piece
#endif
#ifndef IORING_CQE_F_BUF_MORE
#define IORING_CQE_F_BUF_MORE (1U << 4)  // kernel 6.12: the buffer has room left and stays with the kernel
#endif

// A submission's user_data is the address of its connection with one of these in the low bits, which are zero in it.
enum operation {
    operation_accept,
    operation_receive,
    operation_send,
    operation_cancel,
    operation_close,
    operation_signal,
    operation_connect,
};
enum { operation_mask = 15 };

extern struct io_uring ring;

static inline uint64_t user_data(const void *object, enum operation operation) {
    return (uint64_t)(uintptr_t)object | (uint64_t)operation;
}

// A submission entry; when the queue is full, what it holds is submitted first.
static inline struct io_uring_sqe *next_sqe(void) {
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

// Makes the ring of this one thread, or exits with 1 and the reason.
void set_up_ring(unsigned sq_entries, unsigned cq_entries);

#endif
