// What the C baseline servers share: options, the listening socket, the line that says so, and signals.
#ifndef CSERVE_H
#define CSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The exit status for a command line that makes no sense (sysexits.h's EX_USAGE).
#define CSERVE_EXIT_USAGE 64

enum cserve_service {
    cserve_echo,    // what came goes back
    cserve_sink,    // what comes is dropped
    cserve_ask,     // lines that begin with '?' go back, all others are only looked at (clines.h)
    cserve_proxy,   // each connection is forwarded to one of its own to the upstream port
    cserve_udp_echo,  // datagrams go back to where they came from
    cserve_source,  // the pattern (cpattern.h) is sent without end, on each connection from its beginning
};

struct cserve_options {
    const char *host;
    const char *port;
    const char *unix_path;  // NULL for TCP
    enum cserve_service service;
    uint16_t upstream;      // of a proxy, on 127.0.0.1
    uint32_t message_bytes;  // what a source sends at a time
    const char *certificate_path, *key_path;  // PEM files of a server that speaks TLS
};

// One more option of a server: `--name VALUE`, where VALUE is a number from `min` to `max`.
struct cserve_knob {
    const char *name;
    const char *help;
    long min;
    long max;
    long *value;
};

// Parses the command line. Exits with 64 when it is wrong and with 0 after `--help`.
struct cserve_options cserve_parse(int argc, char **argv, const struct cserve_knob *knobs, size_t knob_count);

// The same for a server that echoes over TLS: it needs `--tls CERT KEY`, and knows no other service.
struct cserve_options cserve_parse_tls(int argc, char **argv, const struct cserve_knob *knobs, size_t knob_count);

// Makes the listening socket (TCP_NODELAY, which accepted sockets inherit) or exits with 1 and the reason.
int cserve_listen(const struct cserve_options *options, int socket_flags);

// A connection to a proxy's upstream, not necessarily made yet (it does not wait), or a negative errno.
int cserve_connect_upstream(const struct cserve_options *options);

// Prints the one line `listening on HOST:PORT` or `listening on PATH`.
void cserve_announce(int listener, const struct cserve_options *options);

// A signalfd for SIGINT and SIGTERM, both blocked from here on. SIGPIPE is ignored.
int cserve_signals(int flags);

// Raises the limit on open descriptors to what the system allows.
void cserve_raise_descriptor_limit(void);

// Closes the listener and removes the path of a Unix socket.
void cserve_close(int listener, const struct cserve_options *options);

// Prints `NAME: WHAT: strerror(error)` and exits with 1.
_Noreturn void cserve_fail(const char *what, int error);

#endif
