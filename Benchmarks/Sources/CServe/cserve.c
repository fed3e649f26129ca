#define _GNU_SOURCE
#include "cserve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const int listen_backlog = 4096;

_Noreturn void cserve_fail(const char *what, int error) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
    exit(1);
}

static void print_usage(FILE *file, bool speaks_tls, const struct cserve_knob *knobs, size_t knob_count) {
    fprintf(file, "usage: %s%s", program_invocation_short_name, speaks_tls ? " --tls CERT KEY" : "");
    fprintf(file, " [--host HOST] [--port PORT] | [--unix PATH]%s\n", knob_count > 0 ? " [OPTIONS]" : "");
    fprintf(file, "Serves until SIGINT or SIGTERM. Port 0 lets the system choose.\n");
    if (speaks_tls) {
        fprintf(file, "  --tls            the PEM files of the certificate chain and of its key, for an echo over TLS\n");
    } else {
        fprintf(file, "  --service        echo, sink (drops what it receives), source (sends without end), some: udp-echo,\n");
        fprintf(file, "                   ask (sends lines back that begin with '?'), proxy (forwards to --upstream) (echo)\n");
        fprintf(file, "  --upstream       the port of 127.0.0.1 that a proxy connects to\n");
        fprintf(file, "  --message-bytes  what a source sends at a time, in bytes (65536)\n");
    }
    for (size_t i = 0; i < knob_count; i++) {
        fprintf(file, "  --%-14s %s (%ld)\n", knobs[i].name, knobs[i].help, *knobs[i].value);
    }
}

_Noreturn static void usage_error(const char *problem, const char *argument) {
    fprintf(stderr, "%s: %s '%s'; see --help\n", program_invocation_short_name, problem, argument);
    exit(CSERVE_EXIT_USAGE);
}

// A number from `min` to `max`, or the end of the program.
static long parse_number(const char *value, long min, long max) {
    char *end = NULL;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < min || number > max) {
        usage_error("out of range or not a number:", value);
    }
    return number;
}

static enum cserve_service parse_service(const char *name) {
    if (strcmp(name, "echo") == 0) return cserve_echo;
    if (strcmp(name, "sink") == 0) return cserve_sink;
    if (strcmp(name, "source") == 0) return cserve_source;
    if (strcmp(name, "ask") == 0) return cserve_ask;
    if (strcmp(name, "proxy") == 0) return cserve_proxy;
    if (strcmp(name, "udp-echo") == 0) return cserve_udp_echo;
    usage_error("not a service:", name);
}

static bool set_knob(const struct cserve_knob *knobs, size_t knob_count, const char *name, const char *value) {
    for (size_t i = 0; i < knob_count; i++) {
        if (strcmp(knobs[i].name, name) != 0) continue;
        *knobs[i].value = parse_number(value, knobs[i].min, knobs[i].max);
        return true;
    }
    return false;
}

// Takes an option that only servers without TLS have; false when the name is another.
static bool set_plain_option(struct cserve_options *options, const char *name, const char *value) {
    if (strcmp(name, "service") == 0) {
        options->service = parse_service(value);
    } else if (strcmp(name, "upstream") == 0) {
        options->upstream = (uint16_t)parse_number(value, 1, UINT16_MAX);
    } else if (strcmp(name, "message-bytes") == 0) {
        options->message_bytes = (uint32_t)parse_number(value, 1, 1 << 30);
    } else {
        return false;
    }
    return true;
}

static struct cserve_options parse(int argc, char **argv, bool speaks_tls, const struct cserve_knob *knobs, size_t knob_count) {
    struct cserve_options options = {.service = cserve_echo, .message_bytes = 64 * 1024};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout, speaks_tls, knobs, knob_count);
            exit(0);
        }
        if (strncmp(argv[i], "--", 2) != 0) usage_error("unexpected argument", argv[i]);
        if (i + 1 == argc) usage_error("unknown option, or its value is missing:", argv[i]);
        const char *name = argv[i] + 2;
        const char *value = argv[++i];
        if (strcmp(name, "host") == 0) {
            options.host = value;
        } else if (strcmp(name, "port") == 0) {
            parse_number(value, 0, UINT16_MAX);
            options.port = value;
        } else if (strcmp(name, "unix") == 0) {
            options.unix_path = value;
        } else if (speaks_tls && strcmp(name, "tls") == 0) {
            if (i + 1 == argc) usage_error("the key's path is missing behind", value);
            options.certificate_path = value;
            options.key_path = argv[++i];
        } else if (!(!speaks_tls && set_plain_option(&options, name, value)) && !set_knob(knobs, knob_count, name, value)) {
            usage_error("unknown option", argv[i - 1]);
        }
    }
    if (options.unix_path != NULL && (options.host != NULL || options.port != NULL)) {
        usage_error("--unix goes with neither --host nor --port:", options.unix_path);
    }
    if (options.host == NULL) options.host = "127.0.0.1";
    if (options.port == NULL) options.port = "0";
    return options;
}

struct cserve_options cserve_parse(int argc, char **argv, const struct cserve_knob *knobs, size_t knob_count) {
    struct cserve_options options = parse(argc, argv, false, knobs, knob_count);
    if ((options.service == cserve_proxy) != (options.upstream != 0)) {
        usage_error("a proxy, and nothing else, needs", "--upstream");
    }
    return options;
}

struct cserve_options cserve_parse_tls(int argc, char **argv, const struct cserve_knob *knobs, size_t knob_count) {
    struct cserve_options options = parse(argc, argv, true, knobs, knob_count);
    if (options.certificate_path == NULL) usage_error("this server needs", "--tls CERT KEY");
    return options;
}

static int listen_unix(const char *path, int socket_flags) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) usage_error("path too long for a Unix socket:", path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | socket_flags, 0);
    if (fd < 0) cserve_fail("socket", errno);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) cserve_fail(path, errno);
    if (listen(fd, listen_backlog) != 0) cserve_fail(path, errno);
    return fd;
}

static int listen_tcp(const char *host, const char *port, int socket_flags) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(host, port, &hints, &found);
    if (problem != 0) {
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, host, gai_strerror(problem));
        exit(1);
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | socket_flags, 0);
    if (fd < 0) cserve_fail("socket", errno);
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) cserve_fail("SO_REUSEADDR", errno);
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) cserve_fail("TCP_NODELAY", errno);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) cserve_fail("bind", errno);
    if (listen(fd, listen_backlog) != 0) cserve_fail("listen", errno);
    freeaddrinfo(found);
    return fd;
}

int cserve_listen(const struct cserve_options *options, int socket_flags) {
    if (options->unix_path != NULL) return listen_unix(options->unix_path, socket_flags);
    return listen_tcp(options->host, options->port, socket_flags);
}

int cserve_connect_upstream(const struct cserve_options *options) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(options->upstream), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        const int problem = errno;
        close(fd);
        return -problem;
    }
    return fd;
}

void cserve_announce(int listener, const struct cserve_options *options) {
    if (options->unix_path != NULL) {
        printf("listening on %s\n", options->unix_path);
    } else {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) cserve_fail("getsockname", errno);
        bool v6 = address.ss_family == AF_INET6;
        unsigned port = v6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                           : ntohs(((struct sockaddr_in *)&address)->sin_port);
        printf(v6 ? "listening on [%s]:%u\n" : "listening on %s:%u\n", options->host, port);
    }
    fflush(stdout);
}

int cserve_signals(int flags) {
    signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) cserve_fail("sigprocmask", errno);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | flags);
    if (fd < 0) cserve_fail("signalfd", errno);
    return fd;
}

void cserve_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void cserve_close(int listener, const struct cserve_options *options) {
    close(listener);
    if (options->unix_path != NULL) unlink(options->unix_path);
}
