#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

// ---- Files and folders

int32_t cssl_read_file(const char *path, uint8_t **bytes, size_t *size) {
    FILE *file = fopen(path, "rbe");
    if (!file) return -errno;
    uint8_t *memory = NULL;
    size_t filled = 0, capacity = 0;
    int32_t failure = 0;
    while (!failure) {
        if (filled == capacity) {
            capacity = capacity ? 2 * capacity : 8192;
            uint8_t *larger = realloc(memory, capacity);
            if (!larger) {
                failure = ENOMEM;
                break;
            }
            memory = larger;
        }
        errno = 0;
        size_t count = fread(memory + filled, 1, capacity - filled, file);
        filled += count;
        if (count == 0) {
            if (ferror(file)) failure = errno ? errno : EIO;
            break;
        }
    }
    fclose(file);
    if (failure) {
        free(memory);
        return -failure;
    }
    *bytes = memory;
    *size = filled;
    return 0;
}

void cssl_free(void *memory) { free(memory); }

// As `openssl rehash` names it: eight hexadecimal digits, a dot, and a number.
static bool is_hash(const char *name) {
    for (int place = 0; place < 8; place++)
        if (!isxdigit((unsigned char)name[place])) return false;
    if (name[8] != '.' || !name[9]) return false;
    for (const char *rest = name + 9; *rest; rest++)
        if (!isdigit((unsigned char)*rest)) return false;
    return true;
}

int32_t cssl_list_folder(const char *path, void *context, void (*found)(void *context, const char *name, bool is_hash)) {
    DIR *folder = opendir(path);
    if (!folder) return -errno;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') found(context, entry->d_name, is_hash(entry->d_name));
    closedir(folder);
    return 0;
}

// ---- Certificates

static const char *const pem_start = "-----BEGIN ";

static bool is_pem(const uint8_t *bytes, size_t size) { return memmem(bytes, size, pem_start, strlen(pem_start)) != NULL; }

int32_t cssl_read_certificate(const uint8_t *bytes, size_t size, size_t *position, cssl_certificate **certificate) {
    cssl_forget_failures();
    const uint8_t *next = bytes + *position;
    size_t left = size - *position;
    if (left > INT_MAX) return CSSL_READ_BROKEN;
    if (!is_pem(bytes, size)) {
        if (left == 0) return CSSL_READ_NOTHING;
        *certificate = (cssl_certificate *)d2i_X509(NULL, &next, (long)left);
        *position = (size_t)(next - bytes);
        return *certificate ? CSSL_READ : CSSL_READ_BROKEN;
    }
    BIO *reader = BIO_new_mem_buf(next, (int)left);
    if (!reader) return CSSL_READ_BROKEN;
    *certificate = (cssl_certificate *)PEM_read_bio_X509(reader, NULL, NULL, NULL);
    *position = size - BIO_ctrl_pending(reader);
    BIO_free(reader);
    if (*certificate) return CSSL_READ;
    unsigned long code = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    return is_end ? CSSL_READ_NOTHING : CSSL_READ_BROKEN;
}

void cssl_certificate_release(cssl_certificate *certificate) { X509_free(x509_of(certificate)); }

size_t cssl_certificate_bytes(cssl_certificate *certificate, uint8_t **bytes) {
    int size = i2d_X509(x509_of(certificate), NULL);
    if (size <= 0) return 0;
    uint8_t *memory = malloc((size_t)size), *end = memory;
    if (!memory) return 0;
    i2d_X509(x509_of(certificate), &end);
    *bytes = memory;
    return (size_t)size;
}

static char *text_of(const X509_NAME *name) {
    BIO *writer = BIO_new(BIO_s_mem());
    if (!writer) return NULL;
    char *text = NULL, *written = NULL;
    // RFC 4514, with characters beyond ASCII as they are.
    if (X509_NAME_print_ex(writer, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long size = BIO_get_mem_data(writer, &written);
        text = strndup(written ? written : "", size > 0 ? (size_t)size : 0);
    }
    BIO_free(writer);
    return text;
}

char *cssl_certificate_subject(cssl_certificate *certificate) { return text_of(X509_get_subject_name(x509_of(certificate))); }

char *cssl_certificate_issuer(cssl_certificate *certificate) { return text_of(X509_get_issuer_name(x509_of(certificate))); }

bool cssl_certificate_validity(cssl_certificate *certificate, int64_t *from, int64_t *until) {
    return cssl_dialect_seconds(X509_get0_notBefore(x509_of(certificate)), from) &&
           cssl_dialect_seconds(X509_get0_notAfter(x509_of(certificate)), until);
}

cssl_names *cssl_names_create(cssl_certificate *certificate) {
    return X509_get_ext_d2i(x509_of(certificate), NID_subject_alt_name, NULL, NULL);
}

void cssl_names_destroy(cssl_names *names) { GENERAL_NAMES_free((GENERAL_NAMES *)names); }

int32_t cssl_names_count(const cssl_names *names) { return sk_GENERAL_NAME_num((const GENERAL_NAMES *)names); }

int32_t cssl_name(const cssl_names *names, int32_t number, const uint8_t **bytes, size_t *size) {
    int type = 0;
    const ASN1_STRING *value =
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value((const GENERAL_NAMES *)names, number), &type);
    if (type != GEN_DNS && type != GEN_IPADD) return CSSL_NAME_OTHER;
    *bytes = ASN1_STRING_get0_data(value);
    *size = (size_t)ASN1_STRING_length(value);
    return type == GEN_DNS ? CSSL_NAME_HOST : CSSL_NAME_ADDRESS;
}

// ---- Keys

typedef struct {
    const char *passphrase;
    bool was_asked;
} asked_passphrase;

static int give_passphrase(char *buffer, int size, int writing, void *argument) {
    (void)writing;
    asked_passphrase *asked = argument;
    asked->was_asked = true;
    size_t length = asked->passphrase ? strlen(asked->passphrase) : 0;
    if (!asked->passphrase || length > (size_t)size) return -1;
    memcpy(buffer, asked->passphrase, length);
    return (int)length;
}

int32_t cssl_read_key(const uint8_t *bytes, size_t size, const char *passphrase, cssl_key **key) {
    cssl_forget_failures();
    if (size > INT_MAX) return CSSL_READ_BROKEN;
    asked_passphrase asked = {.passphrase = passphrase};
    EVP_PKEY *found = NULL;
    BIO *reader = BIO_new_mem_buf(bytes, (int)size);
    if (!reader) return CSSL_READ_BROKEN;
    if (is_pem(bytes, size)) {
        found = PEM_read_bio_PrivateKey(reader, NULL, give_passphrase, &asked);
    } else {
        const uint8_t *start = bytes;
        found = d2i_AutoPrivateKey(NULL, &start, (long)size);
        if (!found) found = d2i_PKCS8PrivateKey_bio(reader, NULL, give_passphrase, &asked);
    }
    BIO_free(reader);
    *key = (cssl_key *)found;
    if (found) return CSSL_READ;
    if (!asked.was_asked) return CSSL_READ_BROKEN;
    return passphrase ? CSSL_READ_WRONG_PASSPHRASE : CSSL_READ_NO_PASSPHRASE;
}

void cssl_key_release(cssl_key *key) { EVP_PKEY_free((EVP_PKEY *)key); }

// ---- Trust

cssl_trust *cssl_trust_create(void) {
    cssl_forget_failures();
    return (cssl_trust *)X509_STORE_new();
}

void cssl_trust_release(cssl_trust *trust) { X509_STORE_free(store_of(trust)); }

bool cssl_trust_add(cssl_trust *trust, cssl_certificate *certificate) {
    cssl_forget_failures();
    return X509_STORE_add_cert(store_of(trust), x509_of(certificate)) == 1;
}

bool cssl_trust_add_folder(cssl_trust *trust, const char *path) {
    cssl_forget_failures();
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store_of(trust), X509_LOOKUP_hash_dir());
    return lookup && X509_LOOKUP_add_dir(lookup, path, X509_FILETYPE_PEM) == 1;
}

const char *cssl_system_trust_file(void) {
    const char *chosen = secure_getenv(X509_get_default_cert_file_env());
    return chosen ? chosen : X509_get_default_cert_file();
}

const char *cssl_system_trust_folder(void) {
    const char *chosen = secure_getenv(X509_get_default_cert_dir_env());
    return chosen ? chosen : X509_get_default_cert_dir();
}

// ---- Addresses

size_t cssl_read_address(const char *text, uint8_t *address) {
    struct in_addr old;
    if (inet_pton(AF_INET6, text, address) == 1) return sizeof(struct in6_addr);
    if (!inet_aton(text, &old)) return 0;
    memcpy(address, &old, sizeof old);
    return sizeof old;
}
