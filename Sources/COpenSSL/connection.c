#include <limits.h>
#include <string.h>

#include "internal.h"

// ---- The BIO: bytes come out of and go into what the owner was lent for the call

static int take(BIO *bio, char *buffer, int size) {
    BIO_clear_retry_flags(bio);
    size_t count = cssl_current_calls.take(BIO_get_data(bio), buffer, (size_t)size);
    if (count > 0) return (int)count;
    // Also at the end of the stream: the owner knows that by itself, and the connection can still be written to.
    BIO_set_retry_read(bio);
    return -1;
}

// More than a record with the answer to new keys in front of it.
#define PUT_MAX 20480

static int put(BIO *bio, const char *bytes, int size) {
    BIO_clear_retry_flags(bio);
    // A handshake's messages may come all at once, and be more than there is ever room for.
    if (size > PUT_MAX) size = PUT_MAX;
    if (cssl_current_calls.put(BIO_get_data(bio), bytes, (size_t)size)) return size;
    BIO_set_retry_write(bio);
    return -1;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

bool cssl_make_bio_method(void) {
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "proactor");
    if (!bio_method) return false;
    BIO_meth_set_read(bio_method, take);
    BIO_meth_set_write(bio_method, put);
    BIO_meth_set_ctrl(bio_method, control);
    return true;
}

// ---- Life

cssl_connection *cssl_connection_create(cssl_context *context, bool is_server) {
    cssl_forget_failures();
    SSL *self = SSL_new(context_of(context));
    BIO *bio = BIO_new(bio_method);
    if (!self || !bio) {
        SSL_free(self);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_init(bio, 1);
    SSL_set_bio(self, bio, bio);
    cssl_dialect_prepare(self);
    if (is_server)
        SSL_set_accept_state(self);
    else
        SSL_set_connect_state(self);
    return (cssl_connection *)self;
}

void cssl_connection_set_owner(cssl_connection *connection, void *owner) {
    BIO_set_data(SSL_get_rbio(ssl_of(connection)), owner);
    SSL_set_app_data(ssl_of(connection), owner);
}

void cssl_connection_destroy(cssl_connection *connection, bool was_sound) {
    // A session whose connection ended without these would be taken for a broken one and never be resumed.
    if (was_sound) SSL_set_shutdown(ssl_of(connection), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_of(connection));
    cssl_forget_failures();
}

bool cssl_connection_send_name(cssl_connection *connection, const char *name) {
    cssl_forget_failures();
    return SSL_set_tlsext_host_name(ssl_of(connection), name) == 1;
}

bool cssl_connection_expect_name(cssl_connection *connection, const char *name) {
    cssl_forget_failures();
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl_of(connection));
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
    );
    return X509_VERIFY_PARAM_set1_host(parameters, name, strlen(name)) == 1;
}

bool cssl_connection_expect_address(cssl_connection *connection, const uint8_t *address, size_t size) {
    cssl_forget_failures();
    return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl_of(connection)), address, size) == 1;
}

bool cssl_connection_resume(cssl_connection *connection, cssl_session *session) {
    cssl_forget_failures();
    return SSL_set_session(ssl_of(connection), session_of(session)) == 1;
}

// ---- Bytes in, bytes out. The thread's error queue is cleared before each call: an old entry would be taken for its own.

static int32_t result_of(SSL *self, int result) {
    switch (SSL_get_error(self, result)) {
    case SSL_ERROR_NONE: return CSSL_DONE;
    case SSL_ERROR_WANT_READ: return CSSL_NEEDS_RECORDS;
    case SSL_ERROR_WANT_WRITE: return CSSL_NEEDS_ROOM;
    case SSL_ERROR_ZERO_RETURN: return CSSL_CLOSED;
    default: return CSSL_FAILED;
    }
}

static int clamp(size_t size) { return size > INT_MAX ? INT_MAX : (int)size; }

int32_t cssl_handshake(cssl_connection *connection) {
    SSL *self = ssl_of(connection);
    cssl_forget_failures();
    int result = SSL_do_handshake(self);
    // Tickets may wait for a write.
    if (result == 1) result = cssl_dialect_answer(self);
    return result_of(self, result);
}

int32_t cssl_read(cssl_connection *connection, void *buffer, size_t size, size_t *count) {
    SSL *self = ssl_of(connection);
    int32_t status = CSSL_DONE;
    *count = 0;
    // Asked once more where there is nothing, the library makes room for a record, and releases it.
    while (*count < size && (*count == 0 || SSL_has_pending(self) || cssl_current_calls.has_more(SSL_get_app_data(self)))) {
        cssl_forget_failures();
        int result = SSL_read(self, (char *)buffer + *count, clamp(size - *count));
        if (result <= 0) {
            status = result_of(self, result);
            break;
        }
        *count += (size_t)result;
    }
    if (status == CSSL_FAILED) return status;
    if (status == CSSL_DONE && *count < size) status = CSSL_NEEDS_RECORDS;
    // An answer to new keys would wait for the next write, which may never be.
    int answer = cssl_dialect_answer(self);
    return answer == 1 ? status : result_of(self, answer);
}

int32_t cssl_write(cssl_connection *connection, const void *bytes, size_t size, size_t *count) {
    *count = 0;
    cssl_forget_failures();
    int result = SSL_write(ssl_of(connection), bytes, clamp(size));
    if (result <= 0) return result_of(ssl_of(connection), result);
    *count = (size_t)result;
    return CSSL_DONE;
}

int32_t cssl_close_notify(cssl_connection *connection) {
    cssl_forget_failures();
    int result = SSL_shutdown(ssl_of(connection));
    // Zero: sent, and the peer's is not here yet.
    return result >= 0 ? CSSL_DONE : result_of(ssl_of(connection), result);
}

bool cssl_update_keys(cssl_connection *connection) {
    cssl_forget_failures();
    return cssl_dialect_update_keys(ssl_of(connection));
}

bool cssl_has_plaintext(const cssl_connection *connection) { return SSL_pending(ssl_of(connection)) > 0; }

bool cssl_was_asked_for_certificate(const cssl_connection *connection) {
    return cssl_dialect_was_asked_for_certificate(ssl_of(connection));
}

// ---- What is known

const char *cssl_version(const cssl_connection *connection) { return SSL_get_version(ssl_of(connection)); }

const char *cssl_cipher(const cssl_connection *connection) {
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl_of(connection));
    return cipher ? SSL_CIPHER_get_name(cipher) : NULL;
}

bool cssl_was_resumed(const cssl_connection *connection) { return SSL_session_reused(ssl_of(connection)) == 1; }

const char *cssl_server_name(const cssl_connection *connection) {
    return SSL_get_servername(ssl_of(connection), TLSEXT_NAMETYPE_host_name);
}

const uint8_t *cssl_protocol(const cssl_connection *connection, size_t *size) {
    const unsigned char *name = NULL;
    unsigned int length = 0;
    SSL_get0_alpn_selected(ssl_of(connection), &name, &length);
    *size = length;
    return name;
}

cssl_certificate *cssl_peer_certificate(const cssl_connection *connection) {
    return (cssl_certificate *)SSL_get_peer_certificate(ssl_of(connection));
}

cssl_certificate *cssl_refused_certificate(const cssl_connection *connection) {
    X509 *certificate = SSL_get_ex_data(ssl_of(connection), cssl_refused_index);
    if (certificate) X509_up_ref(certificate);
    return (cssl_certificate *)certificate;
}

cssl_certificate *cssl_peer_chain(const cssl_connection *connection, int32_t number, bool is_server) {
    if (is_server) {
        // A server's list of what the client sent lacks the client's own.
        if (number == 0) return cssl_peer_certificate(connection);
        number--;
    }
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl_of(connection));
    if (!chain || number >= (int32_t)sk_X509_num(chain)) return NULL;
    X509 *certificate = sk_X509_value(chain, number);
    X509_up_ref(certificate);
    return (cssl_certificate *)certificate;
}

// ---- Sessions

void cssl_session_release(cssl_session *session) { SSL_SESSION_free(session_of(session)); }

cssl_session *cssl_session_copy(const cssl_session *session) {
    cssl_forget_failures();
    return (cssl_session *)cssl_dialect_copy_session(session_of(session));
}

bool cssl_session_is_resumable(const cssl_session *session) { return SSL_SESSION_is_resumable(session_of(session)) == 1; }

bool cssl_session_is_single_use(const cssl_session *session) {
    return SSL_SESSION_get_protocol_version(session_of(session)) >= CSSL_TLS_1_3;
}

int64_t cssl_session_end(const cssl_session *session) {
    return (int64_t)SSL_SESSION_get_time(session_of(session)) + (int64_t)SSL_SESSION_get_timeout(session_of(session));
}
