#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "CFiles.h"

#define BUFFER_BYTES (256 * 1024)
#define PIECE_BYTES (1 << 20)

struct cfiles_receiver {
    pthread_t thread;
    int socket;
    int cpu;
    uint64_t bytes;
};

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t cfiles_thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

uint64_t cfiles_process_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

void cfiles_pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) CPU_SET(cpu, &set);
    else memset(&set, 0xff, sizeof set);
    // On one CPU it fails, and all share that one.
    sched_setaffinity(0, sizeof set, &set);
}

int cfiles_connect(int sockets[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockets[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockets[1] = -1;
    if (listener >= 0 && sockets[0] >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 &&
        listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
        connect(sockets[0], (struct sockaddr *)&address, size) == 0) {
        sockets[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    }
    const int problem = sockets[1] >= 0 ? 0 : errno;
    close(listener);
    return problem;
}

static void *receive(void *argument) {
    struct cfiles_receiver *self = argument;
    char *buffer = malloc(BUFFER_BYTES);
    cfiles_pin(self->cpu);
    while (buffer) {
        const ssize_t count = recv(self->socket, buffer, BUFFER_BYTES, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        self->bytes += (uint64_t)count;
    }
    free(buffer);
    return NULL;
}

cfiles_receiver *cfiles_receive(int socket, int cpu) {
    struct cfiles_receiver *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->socket = socket;
    self->cpu = cpu;
    if (pthread_create(&self->thread, NULL, receive, self) == 0) return self;
    free(self);
    return NULL;
}

uint64_t cfiles_received(cfiles_receiver *self) {
    pthread_join(self->thread, NULL);
    const uint64_t bytes = self->bytes;
    free(self);
    return bytes;
}

int cfiles_sendfile(int socket, int file, uint64_t count) {
    off_t offset = 0;
    while (count > 0) {
        const ssize_t sent = sendfile(socket, file, &offset, count < PIECE_BYTES ? count : 0x7ffff000);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return sent < 0 ? errno : EIO;
        count -= (uint64_t)sent;
    }
    return 0;
}

int cfiles_make_file(const char *path, uint64_t size) {
    const int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) return errno;
    char *piece = malloc(PIECE_BYTES);
    uint64_t state = 88172645463325252u, done = 0;
    int problem = piece ? 0 : ENOMEM;
    while (!problem && done < size) {
        for (size_t index = 0; index < PIECE_BYTES; index += sizeof state) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            memcpy(piece + index, &state, sizeof state);
        }
        const ssize_t count = write(file, piece, PIECE_BYTES);
        if (count <= 0) problem = count < 0 ? errno : EIO;
        else done += (uint64_t)count;
    }
    if (!problem && fsync(file) != 0) problem = errno;
    free(piece);
    close(file);
    return problem;
}
