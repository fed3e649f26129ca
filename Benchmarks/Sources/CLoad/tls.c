// OpenSSL reads from and writes to two buffers that all connections share, so that a piece costs one call of the kernel's,
// however many records it has. Only what a socket did not take is kept for its connection.
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

enum {
    // Sealed bytes that are received at a time: with what OpenSSL holds of a record before them, they open to no more than
    // `incoming` has room for.
    sealed_bytes_max = piece_bytes_max - 32 * 1024,
    plain_bytes_max = 64 * 1024,  // that are sealed at a time
    out_bytes_max = plain_bytes_max + 32 * 1024,
    certificate_bytes_max = 4096,
};

void tls_note(struct engine *engine, const char *problem) {
    if (engine->result->problem == NULL) engine->result->problem = problem;
}

// OpenSSL's own texts, which stay.
static void note_failure(struct engine *engine) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    tls_note(engine, reason == NULL ? "the handshake failed" : reason);
    ERR_clear_error();
}

static int read_records(BIO *bio, char *room, size_t size, size_t *count) {
    struct tls_engine *shared = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    const size_t there = shared->in_end - shared->in_start;
    if (there == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *count = size < there ? size : there;
    memcpy(room, shared->sealed_in + shared->in_start, *count);
    shared->in_start += *count;
    return 1;
}

static int write_records(BIO *bio, const char *bytes, size_t size, size_t *count) {
    struct tls_engine *shared = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size > out_bytes_max - shared->out_length) return 0;  // none is that long
    memcpy(shared->sealed_out + shared->out_length, bytes, size);
    shared->out_length += size;
    *count = size;
    return 1;
}

static long control_records(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *record_method(void) {
    static BIO_METHOD *method;  // of the process: OpenSSL numbers it
    if (method != NULL) return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shared records");
    if (method == NULL) return NULL;
    BIO_meth_set_read_ex(method, read_records);
    BIO_meth_set_write_ex(method, write_records);
    BIO_meth_set_ctrl(method, control_records);
    return method;
}

// The certificate of this run, and no other: the handshake proves that the server has its key. Chains are nobody's subject here.
static int is_expected(X509_STORE_CTX *store, void *context) {
    const struct tls_engine *shared = context;
    uint8_t shown[certificate_bytes_max], *end = shown;
    const X509 *certificate = X509_STORE_CTX_get0_cert(store);
    const int length = certificate == NULL ? 0 : i2d_X509(certificate, NULL);
    if (length > 0 && (size_t)length == shared->certificate_bytes && i2d_X509(certificate, &end) == length &&
        memcmp(shown, shared->certificate, (size_t)length) == 0) {
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
}

// A session's reference is kept by whoever returns 1.
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct tls *tls = SSL_get_app_data(ssl);
    SSL_SESSION_free(tls->session);
    tls->session = session;
    return 1;
}

static bool read_certificate(struct tls_engine *shared, const char *path) {
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);
    BIO_free(file);
    const int length = certificate == NULL ? 0 : i2d_X509(certificate, &shared->certificate);
    X509_free(certificate);
    if (length <= 0 || length > certificate_bytes_max) return false;
    shared->certificate_bytes = (size_t)length;
    return true;
}

// The same for all contenders: nothing else is offered.
static bool make_context(struct engine *engine, struct tls_engine *shared) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    shared->context = context;
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
        SSL_CTX_set1_sigalgs_list(context, "ecdsa_secp256r1_sha256") != 1) {
        return false;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, is_expected, shared);
    const bool keeps = engine->config->tls_resumes;
    SSL_CTX_set_session_cache_mode(context, keeps ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    if (keeps) SSL_CTX_sess_set_new_cb(context, keep_session);
    // Buffers that each connection holds on to save some time, and thousands of idle ones would fill the memory.
    if (engine->config->kind == CLOAD_IDLE) SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    BIO_METHOD *method = record_method();
    shared->records = method == NULL ? NULL : BIO_new(method);
    if (shared->records == NULL) return false;
    BIO_set_data(shared->records, shared);
    BIO_set_init(shared->records, 1);
    return true;
}

int tls_set_up(struct engine *engine) {
    struct tls_engine *shared = calloc(1, sizeof *shared);
    if (shared == NULL) return ENOMEM;
    engine->tls = shared;
    shared->places = calloc(engine->connection_count, sizeof *shared->places);
    shared->sealed_in = malloc(sealed_bytes_max);
    shared->sealed_out = malloc(out_bytes_max);
    if (shared->places == NULL || shared->sealed_in == NULL || shared->sealed_out == NULL) return ENOMEM;
    for (uint32_t i = 0; i < engine->connection_count; i++) engine->connections[i].tls = &shared->places[i];
    const bool is_done = read_certificate(shared, engine->config->tls_certificate) && make_context(engine, shared);
    ERR_clear_error();
    return is_done ? 0 : EINVAL;
}

void tls_tear_down(struct engine *engine) {
    struct tls_engine *shared = engine->tls;
    if (shared == NULL) return;
    for (uint32_t i = 0; shared->places != NULL && i < engine->connection_count; i++) {
        SSL_SESSION_free(shared->places[i].session);
    }
    BIO_free(shared->records);
    SSL_CTX_free(shared->context);
    OPENSSL_free(shared->certificate);
    free(shared->places);
    free(shared->sealed_in);
    free(shared->sealed_out);
    free(shared);
    engine->tls = NULL;
}

static bool keep_unsent(struct tls *tls, const uint8_t *bytes, size_t length) {
    uint8_t *all = malloc(tls->unsent_length + length);
    if (all == NULL) return false;
    if (tls->unsent_length > 0) memcpy(all, tls->unsent + tls->unsent_start, tls->unsent_length);
    memcpy(all + tls->unsent_length, bytes, length);
    free(tls->unsent);
    tls->unsent = all;
    tls->unsent_start = 0;
    tls->unsent_length += length;
    return true;
}

static void drop_unsent(struct tls *tls) {
    free(tls->unsent);
    tls->unsent = NULL;
    tls->unsent_start = tls->unsent_length = 0;
}

// Offers the socket what is sealed and keeps what it does not take. False with errno, which is EAGAIN when something is kept.
static bool flush(struct engine *engine, struct connection *connection) {
    struct tls_engine *shared = engine->tls;
    struct tls *tls = connection->tls;
    const bool is_first = tls->unsent_length == 0;
    const size_t fresh = shared->out_length;
    shared->out_length = 0;
    if (is_first && fresh == 0) return true;
    if (!is_first && fresh > 0 && !keep_unsent(tls, shared->sealed_out, fresh)) return false;
    const uint8_t *bytes = is_first ? shared->sealed_out : tls->unsent + tls->unsent_start;
    const size_t length = is_first ? fresh : tls->unsent_length;
    ssize_t sent;
    do sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if (is_first) {
        if ((size_t)sent == length) return true;
        if (!keep_unsent(tls, bytes + sent, length - (size_t)sent)) return false;
    } else {
        tls->unsent_start += (size_t)sent;
        tls->unsent_length -= (size_t)sent;
        if (tls->unsent_length == 0) drop_unsent(tls);
    }
    errno = EAGAIN;
    return tls->unsent_length == 0;
}

bool tls_open(struct engine *engine, struct connection *connection) {
    struct tls_engine *shared = engine->tls;
    struct tls *tls = connection->tls;
    tls->ssl = SSL_new(shared->context);
    if (tls->ssl == NULL) {
        fail_connection(engine, connection);
        return false;
    }
    shared->handshaking++;
    BIO_up_ref(shared->records);
    SSL_set_bio(tls->ssl, shared->records, shared->records);
    SSL_set_app_data(tls->ssl, tls);
    tls->resumes = tls->session != NULL && SSL_set_session(tls->ssl, tls->session) == 1;
    SSL_set_connect_state(tls->ssl);
    shared->in_start = shared->in_end = shared->out_length = 0;
    // It says hello, and waits for the answer.
    if (SSL_do_handshake(tls->ssl) == 1 || SSL_get_error(tls->ssl, -1) != SSL_ERROR_WANT_READ) {
        note_failure(engine);
        fail_connection(engine, connection);
        return false;
    }
    if (flush(engine, connection) || errno == EAGAIN) return true;
    fail_connection(engine, connection);
    return false;
}

void tls_close(struct engine *engine, struct connection *connection) {
    struct tls *tls = connection->tls;
    if (tls->ssl == NULL) return;
    if (!tls->is_ready) engine->tls->handshaking--;
    // A session is good also when its connection was cut: OpenSSL would not resume it.
    SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN);
    SSL_free(tls->ssl);
    drop_unsent(tls);
    *tls = (struct tls){.session = tls->session};
}

// What comes at a time; below 0 with errno, 0 at the end.
static ssize_t receive_sealed(struct engine *engine, struct connection *connection) {
    struct tls_engine *shared = engine->tls;
    ssize_t received;
    do received = recv(connection->fd, shared->sealed_in, sealed_bytes_max, 0);
    while (received < 0 && errno == EINTR);
    shared->in_start = 0;
    shared->in_end = received > 0 ? (size_t)received : 0;
    return received;
}

// Opens what was received, up to the peer's end or a broken record, and says how much plaintext there is.
static ssize_t open_records(struct engine *engine, struct tls *tls) {
    size_t total = 0, count = 0;
    while (total < piece_bytes_max &&
           SSL_read_ex(tls->ssl, engine->incoming + total, piece_bytes_max - total, &count) == 1) {
        total += count;
    }
    const int why = total == piece_bytes_max ? SSL_ERROR_WANT_READ : SSL_get_error(tls->ssl, 0);
    tls->peer_ended = why == SSL_ERROR_ZERO_RETURN;
    tls->is_broken = why != SSL_ERROR_WANT_READ && !tls->peer_ended;
    if (tls->is_broken) note_failure(engine);
    return (ssize_t)total;
}

// The handshake is over. Whether it was of the kind that is measured.
static bool is_as_meant(struct engine *engine, struct connection *connection) {
    struct tls *tls = connection->tls;
    tls->is_ready = true;
    engine->tls->handshaking--;
    connection->blocked = false;
    const bool was_resumed = SSL_session_reused(tls->ssl) == 1;
    if (was_resumed != tls->resumes) {
        tls_note(engine, was_resumed ? "a handshake was resumed that was to be a full one" : "a handshake was not resumed");
        // Another ticket is needed, and another full handshake brings it.
        SSL_SESSION_free(tls->session);
        tls->session = NULL;
        return false;
    }
    // Records that came behind it are tickets: nothing was asked yet that could be answered.
    const ssize_t early = engine->tls->in_start < engine->tls->in_end ? open_records(engine, tls) : 0;
    if (early > 0) engine->result->corruptions++;
    return early == 0 && !tls->is_broken;
}

bool tls_shake_hands(struct engine *engine, struct connection *connection) {
    struct tls *tls = connection->tls;
    if (tls->unsent_length > 0 && !flush(engine, connection) && errno != EAGAIN) {
        fail_connection(engine, connection);
        return false;
    }
    while (true) {
        const ssize_t received = receive_sealed(engine, connection);
        if (received < 0 && errno == EAGAIN) return false;
        const bool is_over = received > 0 && SSL_do_handshake(tls->ssl) == 1;
        if (is_over && is_as_meant(engine, connection)) return true;
        const bool waits = received > 0 && !is_over && SSL_get_error(tls->ssl, -1) == SSL_ERROR_WANT_READ;
        if (received > 0 && !is_over && !waits) note_failure(engine);
        if (received == 0) tls_note(engine, "the server ended a connection amid the handshake");
        // An alert too is still sent.
        const bool is_sent = flush(engine, connection) || errno == EAGAIN;
        if (!waits || !is_sent) {
            fail_connection(engine, connection);
            return false;
        }
        if (received < sealed_bytes_max) return false;
    }
}

ssize_t tls_send(struct engine *engine, struct connection *connection, const uint8_t *bytes, size_t length) {
    struct tls *tls = connection->tls;
    if (tls->unsent_length > 0 && !flush(engine, connection)) return -1;
    if (!tls->is_ready) {
        errno = EAGAIN;
        return -1;
    }
    if (length > plain_bytes_max) length = plain_bytes_max;
    size_t sealed;
    if (length > 0 && SSL_write_ex(tls->ssl, bytes, length, &sealed) != 1) {
        note_failure(engine);
        errno = EPROTO;
        return -1;
    }
    // What is kept counts as sent: it goes before anything else.
    if (!flush(engine, connection) && errno != EAGAIN) return -1;
    return (ssize_t)length;
}

ssize_t tls_receive(struct engine *engine, struct connection *connection, bool *more) {
    struct tls *tls = connection->tls;
    *more = false;
    if (tls->peer_ended) return 0;
    ssize_t sealed, opened;
    do {
        if (tls->is_broken) {
            errno = EPROTO;
            return -1;
        }
        sealed = receive_sealed(engine, connection);
        if (sealed <= 0) return sealed;
        opened = open_records(engine, tls);
        // An answer to a key update, or an alert.
        if (engine->tls->out_length > 0 && !flush(engine, connection) && errno != EAGAIN) return -1;
    } while (opened == 0 && !tls->peer_ended && (tls->is_broken || sealed == sealed_bytes_max));
    *more = sealed == sealed_bytes_max || tls->peer_ended || tls->is_broken;
    if (opened > 0 || tls->peer_ended) return opened;
    errno = EAGAIN;  // tickets, or a part of a record
    return -1;
}

void tls_note_unanswered(struct engine *engine) {
    for (uint32_t i = 0; i < engine->client_count && engine->result->requests == 0; i++) {
        if (!engine->connections[i].tls->has_said_goodbye) continue;
        tls_note(engine, "the server does not close a connection after close_notify");
        return;
    }
}

bool tls_say_goodbye(struct engine *engine, struct connection *connection) {
    struct tls *tls = connection->tls;
    tls->has_said_goodbye = true;
    if (SSL_shutdown(tls->ssl) < 0) note_failure(engine);
    return flush(engine, connection) || errno == EAGAIN;
}

int tls_has_ended(struct engine *engine, struct connection *connection, bool ending) {
    struct tls *tls = connection->tls;
    bool more = false;
    if (!tls->peer_ended) {
        const ssize_t received = tls_receive(engine, connection, &more);
        if (received > 0) return -1;
        if (received < 0) return errno == EAGAIN ? 0 : -1;
        // An end without close_notify is one: nothing was to come any more.
        if (!tls->peer_ended) return 1;
    }
    if (ending) return 1;
    uint8_t byte;
    const ssize_t received = recv(connection->fd, &byte, 1, 0);
    if (received == 0) return 1;
    return received < 0 && errno == EAGAIN ? 0 : -1;
}
