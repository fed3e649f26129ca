#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CTestCertificates.h"

ctest_key *ctest_key_create(void) { return (ctest_key *)EVP_EC_gen("P-256"); }

void ctest_key_destroy(ctest_key *key) { EVP_PKEY_free((EVP_PKEY *)key); }

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool fill(X509 *certificate, const ctest_request *request, EVP_PKEY *key, X509 *issuer) {
    uint64_t number = 0;
    RAND_bytes((unsigned char *)&number, sizeof number);
    // Looked at once: between two looks a second may begin, and the certificate would be valid for one more than was asked for.
    time_t now = time(NULL);
    X509_NAME *name = X509_get_subject_name(certificate);
    bool done = X509_set_version(certificate, X509_VERSION_3) &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1) &&
                X509_time_adj(X509_getm_notBefore(certificate), (long)request->from, &now) &&
                X509_time_adj(X509_getm_notAfter(certificate), (long)request->until, &now) &&
                X509_NAME_add_entry_by_txt(
                    name, "CN", MBSTRING_UTF8, (const unsigned char *)request->common_name, -1, -1, 0
                ) &&
                X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) && X509_set_pubkey(certificate, key);
    const char *constraint = request->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
    const char *usage = request->is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    done = done && add_extension(certificate, issuer, NID_basic_constraints, constraint) &&
           add_extension(certificate, issuer, NID_key_usage, usage) &&
           add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           (!request->names || add_extension(certificate, issuer, NID_subject_alt_name, request->names)) &&
           (!request->usage || add_extension(certificate, issuer, NID_ext_key_usage, request->usage));
    return done && (issuer == certificate ||
                    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always"));
}

ctest_certificate *ctest_certificate_create(
    const ctest_request *request, const ctest_key *key, const ctest_certificate *issuer, const ctest_key *issuer_key
) {
    X509 *self = X509_new();
    if (!self) return NULL;
    EVP_PKEY *signer = (EVP_PKEY *)(issuer_key ? issuer_key : key);
    if (fill(self, request, (EVP_PKEY *)key, issuer ? (X509 *)issuer : self) && X509_sign(self, signer, EVP_sha256()) > 0)
        return (ctest_certificate *)self;
    ERR_print_errors_fp(stderr);
    X509_free(self);
    return NULL;
}

void ctest_certificate_destroy(ctest_certificate *certificate) { X509_free((X509 *)certificate); }

static char *text_of(BIO *writer) {
    char *start = NULL;
    long size = BIO_get_mem_data(writer, &start);
    char *text = strndup(start, (size_t)size);
    BIO_free(writer);
    return text;
}

char *ctest_certificate_pem(const ctest_certificate *certificate) {
    BIO *writer = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(writer, (X509 *)certificate);
    return text_of(writer);
}

char *ctest_key_pem(const ctest_key *key, const char *passphrase) {
    BIO *writer = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(
        writer, (EVP_PKEY *)key, passphrase ? EVP_aes_128_cbc() : NULL, passphrase, passphrase ? (int)strlen(passphrase) : 0,
        NULL, NULL
    );
    return text_of(writer);
}

size_t ctest_key_der(const ctest_key *key, const char *passphrase, uint8_t **bytes) {
    BIO *writer = BIO_new(BIO_s_mem());
    i2d_PKCS8PrivateKey_bio(
        writer, (EVP_PKEY *)key, passphrase ? EVP_aes_128_cbc() : NULL, passphrase, passphrase ? (int)strlen(passphrase) : 0,
        NULL, NULL
    );
    char *start = NULL;
    size_t size = (size_t)BIO_get_mem_data(writer, &start);
    *bytes = malloc(size);
    memcpy(*bytes, start, size);
    BIO_free(writer);
    return size;
}

uint32_t ctest_certificate_hash(const ctest_certificate *certificate) {
    return (uint32_t)X509_subject_name_hash((X509 *)certificate);
}

void ctest_free(void *memory) { free(memory); }
