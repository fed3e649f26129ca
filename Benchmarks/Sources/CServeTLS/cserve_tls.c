#define _GNU_SOURCE
#include "cserve_tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

// A record's content at its most, and the bytes around it in TLS 1.3.
enum { record_bytes = 16 * 1024, record_overhead = 22 };

static SSL_CTX *context;
static BIO_METHOD *bio_method;
static uint8_t plaintext[record_bytes];  // of the connection that is looked at

// What the call under way reads from and writes to: the same for all connections, as only one is looked at at a time.
static const uint8_t *input;
static size_t input_left;
static struct answer *output;
static size_t output_expected;  // of this call, in all

static int take(BIO *bio, char *bytes, size_t size, size_t *taken) {
    if (input_left == 0) {
        *taken = 0;
        BIO_set_retry_read(bio);  // it stays set: there is no other way to fail
        return -1;
    }
    const size_t count = size < input_left ? size : input_left;
    memcpy(bytes, input, count);
    input += count;
    input_left -= count;
    *taken = count;
    return 1;
}

static int put(BIO *bio, const char *bytes, size_t size, size_t *written) {
    (void)bio;
    answer_add(output, bytes, size, output_expected);
    *written = size;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

_Noreturn static void fail(const char *what) {
    const unsigned long code = ERR_peek_error();
    const char *reason = ERR_GET_LIB(code) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, reason != NULL ? reason : "OpenSSL does not say why");
    exit(1);
}

void cserve_tls_set_up(const struct cserve_options *options, long tickets) {
    context = SSL_CTX_new(TLS_server_method());
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "answer");
    if (context == NULL || bio_method == NULL) fail("OpenSSL");
    BIO_meth_set_read_ex(bio_method, take);
    BIO_meth_set_write_ex(bio_method, put);
    BIO_meth_set_ctrl(bio_method, control);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Idle connections keep no memory for records; no certificate is looked for with each handshake; tickets are all that
    // sessions are resumed by.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_num_tickets(context, (size_t)tickets) != 1) fail("tickets");
    if (SSL_CTX_use_certificate_chain_file(context, options->certificate_path) != 1) fail(options->certificate_path);
    if (SSL_CTX_use_PrivateKey_file(context, options->key_path, SSL_FILETYPE_PEM) != 1) fail(options->key_path);
}

void cserve_tls_clean_up(void) {
    SSL_CTX_free(context);
    BIO_meth_free(bio_method);
}

struct ssl_st *cserve_tls_create(void) {
    SSL *tls = SSL_new(context);
    BIO *bio = BIO_new(bio_method);
    if (tls == NULL || bio == NULL) fail("memory for a connection");
    BIO_set_init(bio, 1);
    SSL_set_bio(tls, bio, bio);
    SSL_set_accept_state(tls);
    return tls;
}

void cserve_tls_destroy(struct ssl_st *tls) {
    SSL_free(tls);
}

static void begin(const uint8_t *bytes, size_t length, struct answer *answer) {
    input = bytes;
    input_left = length;
    output = answer;
    // Half a record may have come before.
    output_expected = length + (length > record_bytes + record_overhead ? record_bytes : record_overhead);
    // An old entry of the thread's queue would be taken for this call's failure.
    ERR_clear_error();
}

static bool seal(SSL *tls, size_t length) {
    size_t written;
    return length == 0 || SSL_write_ex(tls, plaintext, length, &written) == 1;
}

bool cserve_tls_echo(struct ssl_st *tls, const uint8_t *bytes, size_t length, struct answer *answer) {
    begin(bytes, length, answer);
    size_t filled = 0, count;
    // Without read-ahead OpenSSL takes no more than a record: nothing is left in it when no plaintext is. What came in small
    // records goes back in large ones.
    while (input_left > 0 || SSL_pending(tls) > 0) {
        if (SSL_read_ex(tls, plaintext + filled, sizeof plaintext - filled, &count) == 1) {
            filled += count;
            if (filled < sizeof plaintext) continue;
            if (!seal(tls, filled)) return false;
            filled = 0;
            continue;
        }
        const int problem = SSL_get_error(tls, 0);
        if (problem == SSL_ERROR_WANT_READ) break;
        if (problem == SSL_ERROR_ZERO_RETURN && seal(tls, filled)) SSL_shutdown(tls);
        return false;
    }
    return seal(tls, filled);
}

void cserve_tls_end(struct ssl_st *tls, struct answer *answer) {
    begin(NULL, 0, answer);
    if (SSL_is_init_finished(tls)) SSL_shutdown(tls);
}
