// recv(2) and send(2) as they are. The C library's look first whether the thread may be cancelled, once there is more than one: that is
// as much work as a loop's own for a small message.

#include "CPosix.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// A sanitizer has to see what is read and written.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define ASKS_THE_LIBRARY 1
#endif
#endif

#if !defined(ASKS_THE_LIBRARY) && defined(__x86_64__) && defined(__LP64__)

static long transfer(long number, int32_t socket, const void *bytes, uint64_t count, int32_t flags) {
    long result;
    register long r10 __asm__("r10") = flags;
    register long r8 __asm__("r8") = 0;
    register long r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"((long)socket), "S"(bytes), "d"(count), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif !defined(ASKS_THE_LIBRARY) && defined(__aarch64__)

static long transfer(long number, int32_t socket, const void *bytes, uint64_t count, int32_t flags) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = socket;
    register const void *x1 __asm__("x1") = bytes;
    register uint64_t x2 __asm__("x2") = count;
    register long x3 __asm__("x3") = flags;
    register long x4 __asm__("x4") = 0;
    register long x5 __asm__("x5") = 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}

#else

static long transfer(long number, int32_t socket, const void *bytes, uint64_t count, int32_t flags) {
    ssize_t result = number == SYS_sendto ? send(socket, bytes, count, flags) : recv(socket, (void *)bytes, count, flags);
    return result < 0 ? -errno : result;
}

#endif

int64_t cposix_receive(int32_t socket, void *buffer, uint64_t count, int32_t flags) {
    return transfer(SYS_recvfrom, socket, buffer, count, flags);
}

int64_t cposix_send(int32_t socket, const void *bytes, uint64_t count, int32_t flags) {
    return transfer(SYS_sendto, socket, bytes, count, flags);
}
