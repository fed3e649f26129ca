#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "internal.h"

// The library gives an alert of the peer the reason 1000 and its number.
#define REASON_OF_FIRST_ALERT SSL_AD_REASON_OFFSET
#define ALERT_MAX 255

int32_t cssl_dialect_kind(unsigned long code, int32_t *number) {
    int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_X509 && reason == X509_R_KEY_VALUES_MISMATCH) return CSSL_FAILURE_KEY_DOES_NOT_FIT;
    if (ERR_GET_LIB(code) == ERR_LIB_X509 && reason == X509_R_KEY_TYPE_MISMATCH) return CSSL_FAILURE_KEY_DOES_NOT_FIT;
    if (ERR_GET_LIB(code) != ERR_LIB_SSL) return CSSL_FAILURE_OTHER;
    if (reason >= REASON_OF_FIRST_ALERT && reason <= REASON_OF_FIRST_ALERT + ALERT_MAX) {
        *number = reason - REASON_OF_FIRST_ALERT;
        return CSSL_FAILURE_ALERT;
    }
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return CSSL_FAILURE_VERIFY;
#ifndef COPENSSL_BORING
    // No callback of ours fails but for that reason, or for want of memory.
    case SSL_R_CALLBACK_FAILED:
#endif
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return CSSL_FAILURE_NO_CERTIFICATE;
    case SSL_R_NO_APPLICATION_PROTOCOL: return CSSL_FAILURE_NO_PROTOCOL;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: return CSSL_FAILURE_BROKEN_RECORD;
    case SSL_R_NO_CIPHERS_AVAILABLE:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_WRONG_SSL_VERSION:
#ifdef COPENSSL_BORING
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_NO_SUPPORTED_VERSIONS_ENABLED:
    case SSL_R_WRONG_CURVE:
#else
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_VERSION_TOO_LOW:
#endif
        return CSSL_FAILURE_NOTHING_IN_COMMON;
    default: return CSSL_FAILURE_OTHER;
    }
}

bool cssl_dialect_set_tickets(SSL_CTX *context, int32_t count) {
    if (count == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(context, (size_t)count) == 1;
}

bool cssl_dialect_share_tickets(SSL_CTX *context, SSL_CTX *other) {
    unsigned char keys[128];
    long size = SSL_CTX_get_tlsext_ticket_keys(other, NULL, 0);
    if (size <= 0 || size > (long)sizeof keys) return false;
    bool done = SSL_CTX_get_tlsext_ticket_keys(other, keys, size) == 1 &&
                SSL_CTX_set_tlsext_ticket_keys(context, keys, size) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    return done;
}

bool cssl_dialect_update_keys(SSL *ssl) { return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1; }

bool cssl_dialect_was_asked_for_certificate(const SSL *ssl) {
    const unsigned char *types = NULL;
    return SSL_get0_certificate_types((SSL *)ssl, &types) > 0;
}

#ifdef COPENSSL_BORING

bool cssl_dialect_can_choose_suites(void) { return false; }

bool cssl_dialect_set_suites(SSL_CTX *context, const char *list) {
    (void)context, (void)list;
    return false;
}

// Certificates that peers have shown and that are alive: connections to the same server hold the same bytes.
static CRYPTO_BUFFER_POOL *shown_certificates;

bool cssl_dialect_start(void) {
    shown_certificates = CRYPTO_BUFFER_POOL_new();
    return shown_certificates != NULL;
}

void cssl_dialect_prepare_context(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set1_buffer_pool(context, shown_certificates);
}

void cssl_dialect_set_trust(SSL_CTX *context, X509_STORE *trust) {
    X509_STORE_up_ref(trust);
    SSL_CTX_set_cert_store(context, trust);
}

// What only handshakes need goes when the first is over: there is no second one.
void cssl_dialect_prepare(SSL *ssl) { SSL_set_shed_handshake_config(ssl, 1); }

int cssl_dialect_answer(SSL *ssl) {
    if (SSL_in_init(ssl) || SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN) return 1;
    // A write of nothing sends what waits, and nothing else.
    int result = SSL_write(ssl, "", 0);
    return result < 0 ? result : 1;
}

SSL_SESSION *cssl_dialect_copy_session(const SSL_SESSION *session) {
    // It never changes, so that any number of connections may have this very one.
    SSL_SESSION *same = (SSL_SESSION *)session;
    return SSL_SESSION_up_ref(same) == 1 ? same : NULL;
}

bool cssl_dialect_seconds(const ASN1_TIME *time, int64_t *seconds) { return ASN1_TIME_to_posix(time, seconds) == 1; }

#else

bool cssl_dialect_can_choose_suites(void) { return true; }

bool cssl_dialect_set_suites(SSL_CTX *context, const char *list) { return SSL_CTX_set_ciphersuites(context, list) == 1; }

bool cssl_dialect_start(void) { return true; }

void cssl_dialect_prepare_context(SSL_CTX *context) {
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA
    );
}

void cssl_dialect_set_trust(SSL_CTX *context, X509_STORE *trust) { SSL_CTX_set1_cert_store(context, trust); }

void cssl_dialect_prepare(SSL *ssl) { (void)ssl; }

int cssl_dialect_answer(SSL *ssl) {
    if (SSL_get_key_update_type(ssl) == SSL_KEY_UPDATE_NONE || SSL_in_init(ssl)) return 1;
    // An answer by itself is not sent by a handshake; one that was asked for here is.
    if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return 1;
    return SSL_do_handshake(ssl);
}

SSL_SESSION *cssl_dialect_copy_session(const SSL_SESSION *session) { return SSL_SESSION_dup(session); }

bool cssl_dialect_seconds(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
    *seconds = timegm(&parts);
    return true;
}

#endif
