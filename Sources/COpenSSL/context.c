#include <string.h>

#include "internal.h"

cssl_context *cssl_context_create(bool is_server) {
    cssl_forget_failures();
    SSL_CTX *self = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (!self) return NULL;
    cssl_dialect_prepare_context(self);
    // The memory for records goes when there are none; a write ends with each record, and its bytes may have moved when it is
    // tried again.
    SSL_CTX_set_mode(self, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // The chain is what was given, and not looked for among what is trusted with each handshake.
    SSL_CTX_set_mode(self, SSL_MODE_NO_AUTO_CHAIN);
    // Tickets are all that servers resume by: a cache would be one more thing that threads share.
    SSL_CTX_set_session_cache_mode(self, SSL_SESS_CACHE_OFF);
    return (cssl_context *)self;
}

void cssl_context_retain(cssl_context *context) { SSL_CTX_up_ref(context_of(context)); }

void cssl_context_release(cssl_context *context) { SSL_CTX_free(context_of(context)); }

bool cssl_context_set_versions(cssl_context *context, uint16_t minimum, uint16_t maximum) {
    cssl_forget_failures();
    return SSL_CTX_set_min_proto_version(context_of(context), minimum) == 1 &&
           SSL_CTX_set_max_proto_version(context_of(context), maximum) == 1;
}

bool cssl_context_set_ciphers(cssl_context *context, const char *list) {
    cssl_forget_failures();
    return SSL_CTX_set_cipher_list(context_of(context), list) == 1;
}

bool cssl_can_choose_suites(void) { return cssl_dialect_can_choose_suites(); }

bool cssl_context_set_suites(cssl_context *context, const char *list) {
    cssl_forget_failures();
    return cssl_dialect_set_suites(context_of(context), list);
}

bool cssl_context_set_groups(cssl_context *context, const char *list) {
    cssl_forget_failures();
    return SSL_CTX_set1_groups_list(context_of(context), list) == 1;
}

bool cssl_context_has_cipher(cssl_context *context, const char *name) {
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context_of(context));
    for (int number = 0; number < (int)sk_SSL_CIPHER_num(ciphers); number++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, number);
        const char *standard = SSL_CIPHER_standard_name(cipher);
        if (strcmp(SSL_CIPHER_get_name(cipher), name) == 0) return true;
        if (standard && strcmp(standard, name) == 0) return true;
    }
    return false;
}

static int mode_of(int32_t peer) {
    switch (peer) {
    case CSSL_PEER_ASKED: return SSL_VERIFY_PEER;
    case CSSL_PEER_REQUIRED: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    default: return SSL_VERIFY_NONE;
    }
}

// Keeps what was refused, for the error's text. It changes no decision.
static int verified(int is_good, X509_STORE_CTX *store) {
    if (is_good) return is_good;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (!ssl || !certificate || SSL_get_ex_data(ssl, cssl_refused_index)) return is_good;
    if (SSL_set_ex_data(ssl, cssl_refused_index, certificate) == 1) X509_up_ref(certificate);
    return is_good;
}

void cssl_context_set_verification(cssl_context *context, int32_t peer) {
    SSL_CTX_set_verify(context_of(context), mode_of(peer), verified);
}

// ---- Bytes that a context keeps for its callbacks

typedef struct {
    unsigned int size;
    unsigned char bytes[];
} kept_bytes;

// A server's protocols, and which sessions belong to it.
static int protocols_index = -1, scope_index = -1;

static bool keep_bytes(SSL_CTX *context, int index, const uint8_t *bytes, size_t size) {
    kept_bytes *kept = OPENSSL_malloc(sizeof *kept + size);
    if (!kept) return false;
    kept->size = (unsigned int)size;
    memcpy(kept->bytes, bytes, size);
    void *former = SSL_CTX_get_ex_data(context, index);
    bool is_set = SSL_CTX_set_ex_data(context, index, kept) == 1;
    OPENSSL_free(is_set ? former : kept);
    return is_set;
}

static void free_bytes(void *parent, void *kept, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    OPENSSL_free(kept);
}

// ---- ALPN

static int select_protocol(
    SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size, const unsigned char *offered, unsigned int offered_size,
    void *argument
) {
    (void)argument;
    // Of the context that the connection has now, which the server's name may have changed.
    const kept_bytes *list = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), protocols_index);
    if (!list) return SSL_TLSEXT_ERR_NOACK;
    unsigned char *result = NULL;
    int found = SSL_select_next_proto(&result, chosen_size, list->bytes, list->size, offered, offered_size);
    if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = result;
    return SSL_TLSEXT_ERR_OK;
}

bool cssl_context_set_protocols(cssl_context *context, bool is_server, const uint8_t *protocols, size_t size) {
    cssl_forget_failures();
    if (!is_server) return SSL_CTX_set_alpn_protos(context_of(context), protocols, (unsigned int)size) == 0;
    if (!keep_bytes(context_of(context), protocols_index, protocols, size)) return false;
    SSL_CTX_set_alpn_select_cb(context_of(context), select_protocol, NULL);
    return true;
}

// ---- Sessions, names, logs

static int new_session(SSL *ssl, SSL_SESSION *session) {
    return cssl_current_calls.keep(SSL_get_app_data(ssl), (cssl_session *)session);
}

bool cssl_context_set_tickets(cssl_context *context, int32_t count) {
    cssl_forget_failures();
    return cssl_dialect_set_tickets(context_of(context), count);
}

void cssl_context_keep_sessions(cssl_context *context) {
    SSL_CTX_set_session_cache_mode(context_of(context), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_of(context), new_session);
}

// A session of another context was agreed on without the certificate that this one wants.
static bool is_foreign_session(SSL *ssl, SSL_CTX *chosen) {
    if (!SSL_session_reused(ssl) || SSL_CTX_get_verify_mode(chosen) == SSL_VERIFY_NONE) return false;
    const kept_bytes *scope = SSL_CTX_get_ex_data(chosen, scope_index);
    unsigned int size = 0;
    const unsigned char *of_session = SSL_SESSION_get0_id_context(SSL_get_session(ssl), &size);
    return !scope || size != scope->size || memcmp(of_session, scope->bytes, size) != 0;
}

static int choose_context(SSL *ssl, int *alert, void *argument) {
    (void)argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *chosen = context_of(cssl_current_calls.choose(SSL_get_app_data(ssl), name));
    if (!chosen || chosen == SSL_get_SSL_CTX(ssl)) return SSL_TLSEXT_ERR_OK;
    if (is_foreign_session(ssl, chosen) || !SSL_set_SSL_CTX(ssl, chosen)) {
        *alert = SSL_AD_HANDSHAKE_FAILURE;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    // The certificate comes with the context; what follows stays the connection's own, unless it is told.
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen), SSL_CTX_get_verify_callback(chosen));
    X509_VERIFY_PARAM_set_flags(SSL_get0_param(ssl), X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(chosen)));
    SSL_set_options(ssl, SSL_CTX_get_options(chosen));
    return SSL_TLSEXT_ERR_OK;
}

void cssl_context_choose(cssl_context *context) { SSL_CTX_set_tlsext_servername_callback(context_of(context), choose_context); }

static void log_line(const SSL *ssl, const char *line) { cssl_current_calls.log(SSL_get_app_data(ssl), line); }

void cssl_context_log(cssl_context *context) { SSL_CTX_set_keylog_callback(context_of(context), log_line); }

bool cssl_context_set_session_scope(cssl_context *context, const uint8_t *bytes, size_t size) {
    cssl_forget_failures();
    if (!keep_bytes(context_of(context), scope_index, bytes, size)) return false;
    return SSL_CTX_set_session_id_context(context_of(context), bytes, (unsigned int)size) == 1;
}

bool cssl_context_share_tickets(cssl_context *context, cssl_context *other) {
    cssl_forget_failures();
    return cssl_dialect_share_tickets(context_of(context), context_of(other));
}

// ---- Certificates and trust

bool cssl_context_use_certificate(cssl_context *context, cssl_certificate *certificate) {
    cssl_forget_failures();
    return SSL_CTX_use_certificate(context_of(context), x509_of(certificate)) == 1;
}

bool cssl_context_add_to_chain(cssl_context *context, cssl_certificate *certificate) {
    cssl_forget_failures();
    return SSL_CTX_add1_chain_cert(context_of(context), x509_of(certificate)) == 1;
}

bool cssl_context_use_key(cssl_context *context, cssl_key *key) {
    cssl_forget_failures();
    return SSL_CTX_use_PrivateKey(context_of(context), (EVP_PKEY *)key) == 1 &&
           SSL_CTX_check_private_key(context_of(context)) == 1;
}

void cssl_context_set_trust(cssl_context *context, cssl_trust *trust) {
    cssl_dialect_set_trust(context_of(context), store_of(trust));
}

void cssl_context_set_partial_chains(cssl_context *context, bool partial) {
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context_of(context));
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_TRUSTED_FIRST | (partial ? X509_V_FLAG_PARTIAL_CHAIN : 0));
}

void cssl_context_name_authority(cssl_context *context, cssl_certificate *authority) {
    SSL_CTX_add_client_CA(context_of(context), x509_of(authority));
}

// ---- Once for a process

cssl_calls cssl_current_calls;
int cssl_refused_index = -1;

static void free_certificate(void *parent, void *certificate, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    X509_free(certificate);
}

bool cssl_start(const cssl_calls *calls) {
    cssl_current_calls = *calls;
    if (!cssl_dialect_start()) return false;
    protocols_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_bytes);
    scope_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_bytes);
    cssl_refused_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_certificate);
    return protocols_index >= 0 && scope_index >= 0 && cssl_refused_index >= 0 && cssl_make_bio_method();
}
