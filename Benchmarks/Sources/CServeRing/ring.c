#include "ring.h"

struct io_uring ring;

void set_up_ring(unsigned sq_entries, unsigned cq_entries) {
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
        .cq_entries = cq_entries,
    };
    int problem = io_uring_queue_init_params(sq_entries, &ring, &params);
    if (problem < 0) cserve_fail("io_uring_queue_init_params (kernel 6.1 or newer is needed)", -problem);
    problem = io_uring_register_ring_fd(&ring);  // saves the descriptor look-up of every enter
    if (problem < 0) cserve_fail("io_uring_register_ring_fd", -problem);
}
