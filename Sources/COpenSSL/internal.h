// What the C files share. OpenSSL's headers are included here and nowhere else.
#ifndef COPENSSL_INTERNAL_H
#define COPENSSL_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

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

// Of an entry of the error queue: the kind of failure, and the alert's number.
int32_t cssl_dialect_kind(unsigned long code, int32_t *number);
bool cssl_dialect_set_suites(SSL_CTX *context, const char *list);
bool cssl_dialect_set_tickets(SSL_CTX *context, int32_t count);
bool cssl_dialect_share_tickets(SSL_CTX *context, SSL_CTX *other);
// Sends the answer to the peer's key update, which would wait for the next write. As SSL_do_handshake returns.
int cssl_dialect_answer(SSL *ssl);
bool cssl_dialect_update_keys(SSL *ssl);
bool cssl_dialect_was_asked_for_certificate(const SSL *ssl);
uint64_t cssl_dialect_options(void);

#endif
