// Certificates for tests, made in memory: ECDSA over P-256, signed with SHA-256.
#ifndef CTESTCERTIFICATES_H
#define CTESTCERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ctest_key ctest_key;
typedef struct ctest_certificate ctest_certificate;

ctest_key *ctest_key_create(void);
void ctest_key_destroy(ctest_key *key);

typedef struct {
    const char *common_name;
    // As OpenSSL's configuration writes them, such as "DNS:example.com,IP:127.0.0.1"; NULL: none.
    const char *names;
    // In seconds from now.
    int64_t from;
    int64_t until;
    bool is_authority;
    // "clientAuth" and the like; NULL: for all.
    const char *usage;
} ctest_request;

// issuer NULL: signed by itself.
ctest_certificate *ctest_certificate_create(
    const ctest_request *request, const ctest_key *key, const ctest_certificate *issuer, const ctest_key *issuer_key
);
void ctest_certificate_destroy(ctest_certificate *certificate);

// Each is freed by ctest_free.
char *ctest_certificate_pem(const ctest_certificate *certificate);
// passphrase NULL: not encrypted.
char *ctest_key_pem(const ctest_key *key, const char *passphrase);
// PKCS #8.
size_t ctest_key_der(const ctest_key *key, const char *passphrase, uint8_t **bytes);
// The name under which a folder of trusted certificates is searched for it.
uint32_t ctest_certificate_hash(const ctest_certificate *certificate);
void ctest_free(void *memory);

#endif
