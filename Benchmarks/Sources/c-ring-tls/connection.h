// The records of connections, and which of them the end of a turn has to look at.
#ifndef C_RING_TLS_CONNECTION_H
#define C_RING_TLS_CONNECTION_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "answer.h"
#include "cserve.h"
#include "cserve_tls.h"

// A send in several pieces, in a block.
struct message {
    struct msghdr header;
    struct iovec pieces[];
};

enum { message_class = block_class_first, pieces_max = 32 };

_Static_assert(sizeof(struct message) + pieces_max * sizeof(struct iovec) <= 1 << message_class, "fits its block");

struct connection {
    struct answer sending;    // the send in flight; empty when there is none
    struct answer waiting;    // sealed since
    struct message *message;  // of a send in more than one piece
    int fd;
    struct ssl_st *tls;
    bool receiving;  // a multishot receive is armed
    bool starved;    // it ended for want of buffers
    bool stopped;    // too much is waiting to be sent
    bool ended;      // nothing more is received
    bool dirty;
    struct connection *next_dirty;  // also links free records
    struct connection *next_starved;
} __attribute__((aligned(16)));

static struct connection *free_connections, *dirty_connections;

static inline struct connection *take_connection(int fd) {
    struct connection *connection = free_connections;
    if (connection == NULL) {
        enum { batch = 64 };
        struct connection *records = aligned_alloc(64, batch * sizeof *records);
        if (records == NULL) cserve_fail("aligned_alloc", errno);
        for (int i = 1; i < batch; i++) {
            records[i].next_dirty = free_connections;
            free_connections = &records[i];
        }
        connection = records;
    } else {
        free_connections = connection->next_dirty;
    }
    *connection = (struct connection){.fd = fd, .tls = cserve_tls_create()};
    return connection;
}

static inline void return_connection(struct connection *connection) {
    cserve_tls_destroy(connection->tls);
    connection->next_dirty = free_connections;
    free_connections = connection;
}

static inline void mark_dirty(struct connection *connection) {
    if (connection->dirty) return;
    connection->dirty = true;
    connection->next_dirty = dirty_connections;
    dirty_connections = connection;
}

#endif
