/* Deliberately empty: OpenSSL's headers must stay out of every Swift module. */
