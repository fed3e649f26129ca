#include <stdio.h>
#include <string.h>

#include "internal.h"

static int32_t verify_kind(long result) {
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return CSSL_VERIFY_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return CSSL_VERIFY_NOT_YET_VALID;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return CSSL_VERIFY_NAME;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return CSSL_VERIFY_AUTHORITY;
    default: return CSSL_VERIFY_OTHER;
    }
}

void cssl_take_failure(const cssl_connection *connection, cssl_failure *failure) {
    memset(failure, 0, sizeof *failure);
    // The first entry is the nearest to the cause. A later one may be the only one whose kind is known.
    unsigned long first = ERR_get_error(), code = first;
    while (code) {
        failure->kind = cssl_dialect_kind(code, &failure->number);
        if (failure->kind != CSSL_FAILURE_OTHER) break;
        code = ERR_get_error();
    }
    if (!code) code = first;
    if (failure->kind == CSSL_FAILURE_VERIFY && connection) {
        long result = SSL_get_verify_result(ssl_of(connection));
        failure->number = verify_kind(result);
        snprintf(failure->text, sizeof failure->text, "%s", X509_verify_cert_error_string(result));
    } else if (code) {
        const char *text = ERR_reason_error_string(code);
        if (text)
            snprintf(failure->text, sizeof failure->text, "%s", text);
        else
            ERR_error_string_n(code, failure->text, sizeof failure->text);
    }
    cssl_forget_failures();
}
