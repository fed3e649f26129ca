// TLS for Swift, over OpenSSL or BoringSSL. Nothing of their headers is here: only opaque pointers, plain numbers and bytes. What the two
// do in different ways is in dialect.c alone.
//
// Thread rule: contexts, certificates, keys, sessions and trust belong to any number of threads once they are set up; a
// connection belongs to one at a time. cssl_take_failure is called by the thread whose call failed, before any other call.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cssl_context cssl_context;
typedef struct cssl_connection cssl_connection;
typedef struct cssl_session cssl_session;
typedef struct cssl_certificate cssl_certificate;
typedef struct cssl_key cssl_key;
typedef struct cssl_trust cssl_trust;
typedef struct cssl_names cssl_names;

// What connections call, with the owner that they were made with, and only within a call on the connection.
typedef struct {
    // Moves bytes that have come into the buffer, and returns how many; none: there is nothing.
    size_t (*take)(void *owner, void *buffer, size_t size);
    // Whether there is anything that could be moved.
    bool (*has_more)(void *owner);
    // Sends bytes, all or, returning false, none.
    bool (*put)(void *owner, const void *bytes, size_t size);
    // The context that a server goes on with for the name that the client gave, or NULL for none. It lives until the call on the
    // connection returns.
    cssl_context *(*choose)(void *owner, const char *name);
    // A session that may be resumed. Returns whether it keeps the reference.
    bool (*keep)(void *owner, cssl_session *session);
    // A line for a key log.
    void (*log)(void *owner, const char *line);
} cssl_calls;

// Once for a process, before anything else. False when there is no memory.
bool cssl_start(const cssl_calls *calls);

// ---- Failures

#define CSSL_FAILURE_OTHER 0
#define CSSL_FAILURE_ALERT 1             // the peer sent one: number
#define CSSL_FAILURE_VERIFY 2            // the peer's certificate: number is one of CSSL_VERIFY_
#define CSSL_FAILURE_NO_CERTIFICATE 3    // the peer showed none
#define CSSL_FAILURE_NOTHING_IN_COMMON 4 // version, cipher, group, signature
#define CSSL_FAILURE_NO_PROTOCOL 5       // ALPN
#define CSSL_FAILURE_BROKEN_RECORD 6     // its seal does not hold
#define CSSL_FAILURE_KEY_DOES_NOT_FIT 7

#define CSSL_VERIFY_OTHER 0
#define CSSL_VERIFY_EXPIRED 1
#define CSSL_VERIFY_NOT_YET_VALID 2
#define CSSL_VERIFY_NAME 3
#define CSSL_VERIFY_AUTHORITY 4

typedef struct {
    int32_t kind;
    int32_t number;
    char text[256];
} cssl_failure;

// Why the thread's last call failed. connection: whose call it was, or NULL.
void cssl_take_failure(const cssl_connection *connection, cssl_failure *failure);

// ---- Contexts. Those that return bool say false for what the library refuses; cssl_take_failure tells why.

#define CSSL_TLS_1_2 0x0303
#define CSSL_TLS_1_3 0x0304

#define CSSL_PEER_UNVERIFIED 0
#define CSSL_PEER_ASKED 1 // a server's: verified if it shows a certificate
#define CSSL_PEER_REQUIRED 2

cssl_context *cssl_context_create(bool is_server);
void cssl_context_retain(cssl_context *context);
void cssl_context_release(cssl_context *context);
bool cssl_context_set_versions(cssl_context *context, uint16_t minimum, uint16_t maximum);
// Names with colons between them.
bool cssl_context_set_ciphers(cssl_context *context, const char *list);
// Whether the suites of TLS 1.3 can be chosen: some libraries take all of them, by a preference of their own.
bool cssl_can_choose_suites(void);
bool cssl_context_set_suites(cssl_context *context, const char *list);
bool cssl_context_set_groups(cssl_context *context, const char *list);
// Whether a cipher or suite of this name is switched on.
bool cssl_context_has_cipher(cssl_context *context, const char *name);
void cssl_context_set_verification(cssl_context *context, int32_t peer);
// Each protocol behind a byte that holds its length, by preference.
bool cssl_context_set_protocols(cssl_context *context, bool is_server, const uint8_t *protocols, size_t size);
// How many tickets a server sends after a full handshake; zero: nothing can be resumed.
bool cssl_context_set_tickets(cssl_context *context, int32_t count);
// A client's sessions go to the calls' keep.
void cssl_context_keep_sessions(cssl_context *context);
// A server asks the calls' choose.
void cssl_context_choose(cssl_context *context);
void cssl_context_log(cssl_context *context);
// Which sessions belong together.
bool cssl_context_set_session_scope(cssl_context *context, const uint8_t *bytes, size_t size);
// Goes on taking and giving the tickets of another context.
bool cssl_context_share_tickets(cssl_context *context, cssl_context *other);
bool cssl_context_use_certificate(cssl_context *context, cssl_certificate *certificate);
bool cssl_context_add_to_chain(cssl_context *context, cssl_certificate *certificate);
bool cssl_context_use_key(cssl_context *context, cssl_key *key);
void cssl_context_set_trust(cssl_context *context, cssl_trust *trust);
// partial: any trusted certificate ends a chain, not only an authority that has signed itself.
void cssl_context_set_partial_chains(cssl_context *context, bool partial);
// Tells clients of an authority whose certificates are welcome.
void cssl_context_name_authority(cssl_context *context, cssl_certificate *authority);

// ---- Connections

#define CSSL_DONE 0
#define CSSL_NEEDS_RECORDS 1
#define CSSL_NEEDS_ROOM 2
#define CSSL_CLOSED 3 // by the peer's close_notify
#define CSSL_FAILED 4

cssl_connection *cssl_connection_create(cssl_context *context, bool is_server);
// owner: given to the calls; not retained. Set before anything is read or written.
void cssl_connection_set_owner(cssl_connection *connection, void *owner);
// was_sound: neither side has broken it. What it has negotiated can still be resumed then.
void cssl_connection_destroy(cssl_connection *connection, bool was_sound);
// The name that is sent in the clear (SNI).
bool cssl_connection_send_name(cssl_connection *connection, const char *name);
// Whom the peer's certificate has to be for.
bool cssl_connection_expect_name(cssl_connection *connection, const char *name);
bool cssl_connection_expect_address(cssl_connection *connection, const uint8_t *address, size_t size);
bool cssl_connection_resume(cssl_connection *connection, cssl_session *session);

int32_t cssl_handshake(cssl_connection *connection);
// Opens records until the buffer is full or the result is not CSSL_DONE. Sends what reading makes necessary.
int32_t cssl_read(cssl_connection *connection, void *buffer, size_t size, size_t *count);
// Seals one record at the most.
int32_t cssl_write(cssl_connection *connection, const void *bytes, size_t size, size_t *count);
int32_t cssl_close_notify(cssl_connection *connection);
// Asks for new keys on both sides, with the next write.
bool cssl_update_keys(cssl_connection *connection);
// Whether plaintext waits inside.
bool cssl_has_plaintext(const cssl_connection *connection);
// Whether a client was asked for a certificate (TLS 1.2 only: a refusal has an alert of its own since).
bool cssl_was_asked_for_certificate(const cssl_connection *connection);

const char *cssl_version(const cssl_connection *connection);
const char *cssl_cipher(const cssl_connection *connection);
bool cssl_was_resumed(const cssl_connection *connection);
// The name that a client gave, or NULL.
const char *cssl_server_name(const cssl_connection *connection);
// size 0: none was chosen.
const uint8_t *cssl_protocol(const cssl_connection *connection, size_t *size);
// The peer's own, or NULL; the caller releases it.
cssl_certificate *cssl_peer_certificate(const cssl_connection *connection);
// The one of the peer's that verification failed at, or NULL; the caller releases it.
cssl_certificate *cssl_refused_certificate(const cssl_connection *connection);
// What the peer sent with it and behind it, by number, its own first; NULL behind the last. The caller releases it.
cssl_certificate *cssl_peer_chain(const cssl_connection *connection, int32_t number, bool is_server);

// ---- Sessions

void cssl_session_release(cssl_session *session);
// One with the same content: a session that several connections resume at the same time is not one object to them.
cssl_session *cssl_session_copy(const cssl_session *session);
bool cssl_session_is_resumable(const cssl_session *session);
// Whether it may be used for one connection only.
bool cssl_session_is_single_use(const cssl_session *session);
// When it ends, in seconds since 1970.
int64_t cssl_session_end(const cssl_session *session);

// ---- Certificates and keys

#define CSSL_READ 1
#define CSSL_READ_NOTHING 0 // nothing is left
#define CSSL_READ_BROKEN -1
#define CSSL_READ_NO_PASSPHRASE -2
#define CSSL_READ_WRONG_PASSPHRASE -3

// A whole file, which the caller frees with cssl_free. Minus errno when it cannot be read.
int32_t cssl_read_file(const char *path, uint8_t **bytes, size_t *size);
void cssl_free(void *memory);
// Reads the next certificate, PEM or DER, and moves the position behind it.
int32_t cssl_read_certificate(const uint8_t *bytes, size_t size, size_t *position, cssl_certificate **certificate);
void cssl_certificate_release(cssl_certificate *certificate);
// passphrase: NULL if there is none.
int32_t cssl_read_key(const uint8_t *bytes, size_t size, const char *passphrase, cssl_key **key);
void cssl_key_release(cssl_key *key);

// The certificate's bytes (DER), which the caller frees with cssl_free.
size_t cssl_certificate_bytes(cssl_certificate *certificate, uint8_t **bytes);
// As text, which the caller frees with cssl_free.
char *cssl_certificate_subject(cssl_certificate *certificate);
char *cssl_certificate_issuer(cssl_certificate *certificate);
// In seconds since 1970. False when one is no date.
bool cssl_certificate_validity(cssl_certificate *certificate, int64_t *from, int64_t *until);
// What it is for (subjectAltName); NULL when it says nothing.
cssl_names *cssl_names_create(cssl_certificate *certificate);
void cssl_names_destroy(cssl_names *names);
int32_t cssl_names_count(const cssl_names *names);
#define CSSL_NAME_OTHER 0
#define CSSL_NAME_HOST 1
#define CSSL_NAME_ADDRESS 2
int32_t cssl_name(const cssl_names *names, int32_t number, const uint8_t **bytes, size_t *size);

// ---- Trust

cssl_trust *cssl_trust_create(void);
void cssl_trust_release(cssl_trust *trust);
bool cssl_trust_add(cssl_trust *trust, cssl_certificate *certificate);
// Looks certificates up in a folder when they are needed, by the names that `openssl rehash` makes.
bool cssl_trust_add_folder(cssl_trust *trust, const char *path);
// Calls found for each entry of a folder, with its name and whether it is one that `openssl rehash` makes. Zero or minus errno.
int32_t cssl_list_folder(const char *path, void *context, void (*found)(void *context, const char *name, bool is_hash));
// Where the library looks for the system's authorities: environment first, then as it was built.
const char *cssl_system_trust_file(void);
const char *cssl_system_trust_folder(void);

// ---- Addresses

// Reads an IP address, also in the short forms that the system's resolver takes. Returns its size, 4 or 16; 0: it is none.
size_t cssl_read_address(const char *text, uint8_t *address);

#endif
