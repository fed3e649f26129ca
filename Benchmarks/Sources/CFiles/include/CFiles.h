// Files in C: what the library's own ways are measured against.
#ifndef CFILES_H
#define CFILES_H

#include <stdint.h>

// Two TCP sockets on loopback that are connected to each other. Returns errno.
int cfiles_connect(int sockets[2]);

// Starts a thread, pinned to `cpu`, that receives from `socket` until its end. Null when it cannot be started.
typedef struct cfiles_receiver cfiles_receiver;
cfiles_receiver *cfiles_receive(int socket, int cpu);
// Waits for the end and returns how many bytes came.
uint64_t cfiles_received(cfiles_receiver *receiver);

// Pins the calling thread; -1 is any CPU.
void cfiles_pin(int cpu);

// sendfile(2) until all is sent. Returns errno.
int cfiles_sendfile(int socket, int file, uint64_t count);

// CPU time in nanoseconds: of the calling thread, and of the process with the kernel's threads that work for it.
uint64_t cfiles_thread_cpu_ns(void);
uint64_t cfiles_process_cpu_ns(void);

// A file of `size` bytes that a read of it by O_DIRECT finds on the disk. Returns errno.
int cfiles_make_file(const char *path, uint64_t size);

// Random reads of 4 KiB by one io_uring with `depth` in flight for `nanoseconds`. The number of reads, or minus errno.
int64_t cfiles_ring_reads(const char *path, int direct, uint64_t size, unsigned depth, uint64_t nanoseconds,
                          uint64_t seed);

#endif
