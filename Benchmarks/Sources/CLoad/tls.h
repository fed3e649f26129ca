// TLS between the load's messages and its sockets. Not public.
#ifndef CLOAD_TLS_H
#define CLOAD_TLS_H

#include "engine.h"

struct ssl_st;
struct ssl_session_st;

// One place for a connection, and for those that follow it there.
struct tls {
    struct ssl_st *ssl;                // of the present connection
    struct ssl_session_st *session;    // the newest ticket that was given; CLOAD_CHURN with resumption only
    bool is_ready;                     // the handshake is over
    bool resumes;                      // this connection is to be resumed, and does not count otherwise
    bool has_said_goodbye;             // close_notify was sealed
    bool peer_ended;                   // close_notify has come
    bool is_broken;                    // nothing more can be opened
    uint8_t *unsent;                   // sealed, and not taken by the socket
    size_t unsent_start, unsent_length;
};

// What all connections share.
struct tls_engine {
    struct ssl_ctx_st *context;
    struct bio_st *records;
    struct tls *places;
    uint8_t *certificate;    // the only one that is believed (DER)
    size_t certificate_bytes;
    uint8_t *sealed_in, *sealed_out;
    size_t in_start, in_end, out_length;
    uint32_t handshaking;    // connections whose handshake is not over
};

int tls_set_up(struct engine *engine);
void tls_tear_down(struct engine *engine);
// Begins the handshake of a connection that was made, or is being made. False on failure, which is counted.
bool tls_open(struct engine *engine, struct connection *connection);
void tls_close(struct engine *engine, struct connection *connection);
// Goes on with the handshake. True once it is over: the caller then sends, as the last of it may still have to go out. A
// failure is counted.
bool tls_shake_hands(struct engine *engine, struct connection *connection);
// As send() does; 0 bytes send what is still left of others.
ssize_t tls_send(struct engine *engine, struct connection *connection, const uint8_t *bytes, size_t length);
// As recv() into `incoming` does; 0 is the end, said or not. `*more` says that another call may bring more at once.
ssize_t tls_receive(struct engine *engine, struct connection *connection, bool *more);
// Says that nothing follows. False on failure, with errno.
bool tls_say_goodbye(struct engine *engine, struct connection *connection);
// Whether the peer has ended its side as well, and closed. Below 0 when something else came, or failed.
int tls_has_ended(struct engine *engine, struct connection *connection, bool ending);
// Notes a server that lets connections stand which have said goodbye, if nothing was measured.
void tls_note_unanswered(struct engine *engine);
// Keeps the first reason why TLS failed.
void tls_note(struct engine *engine, const char *problem);

static inline bool is_shaking_hands(const struct connection *connection) {
    return connection->tls != NULL && !connection->tls->is_ready;
}

// Sealed bytes that have to go out, whatever there is to say besides.
static inline bool has_unsent(const struct engine *engine, const struct connection *connection) {
    return connection->tls != NULL && (connection->tls->unsent_length > 0 || engine->tls->out_length > 0);
}

static inline ssize_t send_bytes(
    struct engine *engine, struct connection *connection, const uint8_t *bytes, size_t length
) {
    if (connection->tls == NULL) return send(connection->fd, bytes, length, MSG_NOSIGNAL);
    return tls_send(engine, connection, bytes, length);
}

static inline ssize_t receive_bytes(struct engine *engine, struct connection *connection, bool *more) {
    if (connection->tls != NULL) return tls_receive(engine, connection, more);
    const ssize_t received = recv(connection->fd, engine->incoming, piece_bytes_max, 0);
    *more = received == piece_bytes_max;
    return received;
}

#endif
