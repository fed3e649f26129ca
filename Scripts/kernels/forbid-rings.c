// forbid-rings ERRNO PROGRAM [ARGUMENT...]: runs a program in which the three calls of io_uring end with an error.
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

// The numbers of io_uring_setup, io_uring_enter and io_uring_register, on all machines.
enum { first_call = 425, last_call = 427 };

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: forbid-rings ERRNO PROGRAM [ARGUMENT...]\n");
        return 64;
    }
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first_call, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_call, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)atoi(arguments[1])),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    // Without new privileges, any user may set a filter.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        perror("forbid-rings");
        return 70;
    }
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    return 71;
}
