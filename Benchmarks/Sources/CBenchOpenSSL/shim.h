// Here for its link to OpenSSL only: CServeTLS's C file includes <openssl/ssl.h> itself.
