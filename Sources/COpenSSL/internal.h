// What the C files share. The library's headers are included here and nowhere else: OpenSSL's, or those of the BoringSSL that
// swift-nio-ssl carries, whose functions have other names for the linker.
#ifndef COPENSSL_INTERNAL_H
#define COPENSSL_INTERNAL_H

#ifdef COPENSSL_BORING
#include <CNIOBoringSSL_bio.h>
#include <CNIOBoringSSL_err.h>
#include <CNIOBoringSSL_evp.h>
#include <CNIOBoringSSL_pem.h>
#include <CNIOBoringSSL_pool.h>
#include <CNIOBoringSSL_ssl.h>
#include <CNIOBoringSSL_x509.h>
#include <CNIOBoringSSL_x509v3.h>
#else
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#endif

#include "COpenSSL.h"

extern cssl_calls cssl_current_calls;
// Where a connection keeps the certificate that was refused.
extern int cssl_refused_index;

static inline SSL_CTX *context_of(const cssl_context *context) { return (SSL_CTX *)context; }
static inline SSL *ssl_of(const cssl_connection *connection) { return (SSL *)connection; }
static inline SSL_SESSION *session_of(const cssl_session *session) { return (SSL_SESSION *)session; }
static inline X509 *x509_of(const cssl_certificate *certificate) { return (X509 *)certificate; }
static inline X509_STORE *store_of(const cssl_trust *trust) { return (X509_STORE *)trust; }

bool cssl_make_bio_method(void);

// ---- dialect.c: what libraries of this family do each in their own way

// Clears the thread's error queue, which there is hardly ever anything in: to clear it costs as much as to seal a short record.
static inline void cssl_forget_failures(void) {
    if (ERR_peek_error() != 0) ERR_clear_error();
}

// Of an entry of the error queue: the kind of failure, and the alert's number.
int32_t cssl_dialect_kind(unsigned long code, int32_t *number);
// Whether the suites of TLS 1.3 can be chosen at all.
bool cssl_dialect_can_choose_suites(void);
bool cssl_dialect_set_suites(SSL_CTX *context, const char *list);
bool cssl_dialect_set_tickets(SSL_CTX *context, int32_t count);
bool cssl_dialect_share_tickets(SSL_CTX *context, SSL_CTX *other);
void cssl_dialect_set_trust(SSL_CTX *context, X509_STORE *trust);
// Once for a process. False when there is no memory.
bool cssl_dialect_start(void);
// Of a context that is new.
void cssl_dialect_prepare_context(SSL_CTX *context);
// Of a connection that is new.
void cssl_dialect_prepare(SSL *ssl);
// Sends what would wait for the next write: the answer to the peer's key update, and tickets. As SSL_do_handshake returns.
int cssl_dialect_answer(SSL *ssl);
bool cssl_dialect_update_keys(SSL *ssl);
bool cssl_dialect_was_asked_for_certificate(const SSL *ssl);
SSL_SESSION *cssl_dialect_copy_session(const SSL_SESSION *session);
bool cssl_dialect_seconds(const ASN1_TIME *time, int64_t *seconds);

#endif
