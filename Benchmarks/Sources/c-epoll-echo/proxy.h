// The proxy of c-epoll-echo, and what it shares with the other services.
#ifndef C_EPOLL_ECHO_PROXY_H
#define C_EPOLL_ECHO_PROXY_H

#include <stdint.h>

#include "cserve.h"

enum { pieces_per_event_max = 16 };

extern int epoll_fd;
extern uint8_t *read_buffer;
extern long read_buffer_bytes;

// Forwards an accepted connection to the upstream.
void proxy_accepted(int fd, const struct cserve_options *options);
// An event of a socket whose tag is `side`.
void proxy_ready(void *side, uint32_t events);
// All events of a turn have been looked at.
void proxy_turn_ended(void);

#endif
