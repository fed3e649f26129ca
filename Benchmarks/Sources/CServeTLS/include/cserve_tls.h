// An echo over TLS for the C baseline servers, by OpenSSL: records come out of what was received where it lies, and answers go
// into blocks that can be sent.
//
// One thread only. A connection must be made and destroyed by these functions; nothing of OpenSSL is needed beside them.
#ifndef CSERVE_TLS_H
#define CSERVE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "cserve.h"

struct ssl_st;

// Reads the certificate and its key, or exits with 1 and the reason. `tickets` come after each full handshake.
void cserve_tls_set_up(const struct cserve_options *options, long tickets);

void cserve_tls_clean_up(void);

struct ssl_st *cserve_tls_create(void);

void cserve_tls_destroy(struct ssl_st *tls);

// Takes all that was received, and adds what has to be sent to `answer`. False when nothing more is to be received: then the
// answer's end is a close_notify, or an alert.
bool cserve_tls_echo(struct ssl_st *tls, const uint8_t *bytes, size_t length, struct answer *answer);

// The stream has ended without a close_notify. Answers with one, if the peer can read it.
void cserve_tls_end(struct ssl_st *tls, struct answer *answer);

#endif
