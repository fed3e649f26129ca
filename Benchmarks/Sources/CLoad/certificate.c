// A certificate for one run: self-signed, ECDSA P-256, good for this machine for a day.
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "CLoad.h"

enum { day_seconds = 86400 };

static bool add_extension(X509 *certificate, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    const bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool fill(X509 *certificate, EVP_PKEY *key) {
    uint64_t number;
    if (RAND_bytes((unsigned char *)&number, sizeof number) != 1) return false;
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -day_seconds) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), day_seconds) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

// Nobody else reads it. 0 or an errno.
static int write_file(const char *path, const X509 *certificate, const EVP_PKEY *key) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        const int problem = errno;
        close(fd);
        return problem;
    }
    const int written = certificate != NULL ? PEM_write_X509(file, certificate)
                                            : PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    const bool is_closed = fclose(file) == 0;
    return written == 1 && is_closed ? 0 : EIO;
}

int cload_make_certificate(const char *certificate_path, const char *key_path) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int problem = key != NULL && certificate != NULL && fill(certificate, key) ? 0 : ENOTSUP;
    if (problem == 0) problem = write_file(certificate_path, certificate, NULL);
    if (problem == 0) problem = write_file(key_path, NULL, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return problem;
}
