// What Swift cannot import from glibc for Unix sockets, their files and their peers.
#ifndef CPOSIX_UNIX_H
#define CPOSIX_UNIX_H

#include <stdbool.h>
#include <stdint.h>

// Which file it is: two names with the same numbers are of one file.
typedef struct {
    uint64_t device;
    uint64_t inode;
    bool is_socket;
} cposix_file_identity;

// Each returns minus errno where it fails.

// A folder to name files in (O_PATH), whatever is done to its path meanwhile.
int32_t cposix_open_folder(const char *path);
// 1, and what stands there, or 0 when nothing does. A link is itself, and not what it leads to.
int32_t cposix_file_identity_in(int32_t folder, const char *name, cposix_file_identity *found);
// Removes the file if it is this one still; -ESTALE if it is not.
int32_t cposix_remove_file_in(int32_t folder, const char *name, cposix_file_identity file);
// Gives a socket's file its permissions if it is this one still; -ESTALE if it is not.
int32_t cposix_set_file_mode_in(int32_t folder, const char *name, cposix_file_identity file, uint32_t mode);
// The permissions of the file that a Unix socket gets when it is bound, before the process's mask takes some away.
int32_t cposix_set_socket_mode(int32_t socket, uint32_t mode);
// Whether a Unix socket is bound to the file: 1 or 0, or minus errno where the kernel does not say.
int32_t cposix_is_bound_to(int32_t socket, cposix_file_identity file);
// 1 when a Unix socket, of whichever type, is open at the address, or may be, and 0 when there is none. It disturbs nobody:
// a server's backlog does not see it.
int32_t cposix_unix_address_is_alive(const void *address, uint32_t length);

#define CPOSIX_CONNECTED 0
#define CPOSIX_LISTENING 1
#define CPOSIX_UNCONNECTED 2
// Where a stream socket is in its life; one whose connection is broken already counts as connected.
int32_t cposix_stream_state(int32_t socket);

// 1 and the process, user and group of a Unix socket's peer (SO_PEERCRED), or 0 when it has none that the kernel knows of.
int32_t cposix_peer_credentials(int32_t socket, int32_t *process, uint32_t *user, uint32_t *group);

#endif
