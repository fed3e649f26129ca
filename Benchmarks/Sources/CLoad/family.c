// The processes of a server: the one that was started, and what it has started, and that again.
//
// The CPU time of processes that begin and end while nobody looks is not lost: it is in the count that the kernel keeps
// with whoever has waited for them. So what a family has used is its members' own time and, of each, that of the children
// whose end it has seen. When a member ends, its part moves from the one to the other.
//
// Not found are those who were disowned (their parent ended, and somebody else inherited them), and the time of children
// whose end the kernel was told to ignore (SIGCHLD).
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

enum { path_bytes = 512, attempts_max = 5, members_max = 1 << 16 };

static const uint64_t gone = UINT64_MAX;

static const char *proc_of(const cload_processes *where) {
    return where == NULL || where->proc == NULL ? "/proc" : where->proc;
}

static bool add_member(struct family *family, int32_t pid) {
    if (family->count == members_max) return false;
    if (family->count == family->capacity) {
        const size_t capacity = family->capacity == 0 ? 16 : family->capacity * 2;
        int32_t *members = realloc(family->members, capacity * sizeof *members);
        if (members == NULL) return false;
        family->members = members;
        family->capacity = capacity;
    }
    family->members[family->count++] = pid;
    return true;
}

// What /proc/PID/stat says: the parent, and the time of the children that were waited for. False when there is none.
static bool read_stat(const char *proc, int32_t pid, int32_t *parent, uint64_t *reaped_ns) {
    char path[path_bytes], text[1024];
    snprintf(path, sizeof path, "%s/%d/stat", proc, pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *rest = strrchr(text, ')');  // a program's name may have anything in it
    unsigned long long user, system;
    if (rest == NULL || sscanf(rest + 1,
                               " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %llu %llu", parent, &user,
                               &system) != 3) {
        return false;
    }
    *reaped_ns = (user + system) * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
    return true;
}

// The children of each of a process's threads, as the kernel lists them. False when it does not.
static bool add_listed_children(struct family *family, const char *proc, int32_t pid) {
    char path[path_bytes];
    snprintf(path, sizeof path, "%s/%d/task", proc, pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL) return true;  // it is gone
    bool lists = true;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (!isdigit((unsigned char)task->d_name[0])) continue;
        snprintf(path, sizeof path, "%s/%d/task/%.20s/children", proc, pid, task->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL) {
            // Either this thread has just ended, or the kernel has no such list (CONFIG_PROC_CHILDREN).
            snprintf(path, sizeof path, "%s/%d/task/%.20s/stat", proc, pid, task->d_name);
            lists = lists && access(path, F_OK) != 0;
            continue;
        }
        for (int32_t child; fscanf(file, "%d", &child) == 1;) add_member(family, child);
        fclose(file);
    }
    closedir(tasks);
    return lists;
}

// By everybody's parent, for a kernel that does not list children: as many files as there are processes.
static void add_by_parents(struct family *family, const char *proc) {
    struct family all = {0}, parents = {0};
    DIR *processes = opendir(proc);
    if (processes == NULL) return;
    for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        int32_t parent;
        uint64_t reaped_ns;
        const int32_t pid = isdigit((unsigned char)entry->d_name[0]) ? (int32_t)atoi(entry->d_name) : 0;
        if (pid <= 0 || !read_stat(proc, pid, &parent, &reaped_ns)) continue;
        if (!add_member(&all, pid)) break;
        if (!add_member(&parents, parent)) break;
    }
    closedir(processes);
    for (size_t i = 0; i < family->count; i++) {
        for (size_t k = 0; k < parents.count; k++) {
            if (parents.members[k] == family->members[i]) add_member(family, all.members[k]);
        }
    }
    free(all.members);
    free(parents.members);
}

void find_family(const cload_processes *where, int32_t pid, struct family *family) {
    const char *proc = proc_of(where);
    *family = (struct family){0};
    if (!add_member(family, pid)) return;
    for (size_t i = 0; i < family->count; i++) {
        if (add_listed_children(family, proc, family->members[i])) continue;
        family->count = 1;
        add_by_parents(family, proc);
        return;
    }
}

static uint64_t own_ns(const cload_processes *where, int32_t pid) {
    if (where != NULL && where->process_ns != NULL) return where->process_ns(where->context, pid);
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return gone;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// The order matters: who is not waited for yet when its parent's count is read is still there afterwards, or else all is
// looked at again. So nobody's time is counted twice, and nobody's is missed.
uint64_t cload_descendants_cpu_ns(const cload_processes *where, int32_t pid) {
    for (int attempt = 1;; attempt++) {
        struct family family;
        find_family(where, pid, &family);
        uint64_t total_ns = 0;
        bool is_whole = true;
        for (size_t i = 0; i < family.count; i++) {
            int32_t parent;
            uint64_t reaped_ns;
            if (read_stat(proc_of(where), family.members[i], &parent, &reaped_ns)) total_ns += reaped_ns;
        }
        for (size_t i = 1; i < family.count; i++) {
            const uint64_t used_ns = own_ns(where, family.members[i]);
            if (used_ns == gone) is_whole = false;
            if (used_ns != gone) total_ns += used_ns;
        }
        free(family.members);
        if (is_whole || attempt == attempts_max) return total_ns;
    }
}
