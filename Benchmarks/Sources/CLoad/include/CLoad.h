// The load generator: one thread over raw epoll, so that it costs less than the servers it drives.
//
// Plain integers and pointers only, so that Swift imports it without <sys/…> headers behind it.
#ifndef CLOAD_H
#define CLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Latencies in nanoseconds, in buckets less than 2 % wide (the layout of an HDR histogram with seven significant bits).
typedef struct cload_histogram cload_histogram;

cload_histogram *cload_histogram_create(void);
void cload_histogram_destroy(cload_histogram *histogram);
void cload_histogram_record(cload_histogram *histogram, uint64_t value_ns);
// The smallest recorded bucket's upper edge that at least `fraction` (0 to 1) of the values do not exceed.
uint64_t cload_histogram_value_at(const cload_histogram *histogram, double fraction);
uint64_t cload_histogram_count(const cload_histogram *histogram);
uint64_t cload_histogram_max(const cload_histogram *histogram);
double cload_histogram_mean(const cload_histogram *histogram);

// Where processes are looked at; all zero for those of the kernel.
typedef struct {
    const char *proc;  // what stands for /proc; NULL for that
    // The CPU time of one process, UINT64_MAX when it is gone; NULL for the kernel's word.
    uint64_t (*process_ns)(void *context, int32_t pid);
    void *context;
} cload_processes;

typedef enum {
    CLOAD_ECHO,        // `depth` messages in flight on each connection, each awaited; depth 1 is ping-pong
    CLOAD_CHURN,       // connect, one message, close, over and over
    CLOAD_IDLE,        // open all, one message each, then hold: memory only
    CLOAD_STREAM_IN,   // towards a server that discards
    CLOAD_STREAM_OUT,  // from a server that sends without end
    CLOAD_FLOOD,       // `connections` flood with lines, one more asks a line at a time and awaits its answer: its latency
    CLOAD_PROXY,       // `connections` send to a server that forwards each to this generator's own listener
    CLOAD_UDP,         // `depth` datagrams in flight on each of `connections` connected UDP sockets, sent again when lost
} cload_kind;

typedef struct {
    const char *host;       // numeric; NULL for a Unix socket
    uint16_t port;
    const char *unix_path;  // NULL for TCP; a leading '@' means the abstract namespace
    cload_kind kind;
    uint32_t connections;
    uint32_t message_bytes;
    uint32_t depth;
    int upstream;           // CLOAD_PROXY: the listening socket that the server connects to; stays open
    bool lines;             // CLOAD_ECHO: each message is a line, and ends with the only line feed in it; 2 bytes to 64 KiB
    const char *tls_certificate;  // CLOAD_ECHO, CLOAD_CHURN, CLOAD_IDLE over TLS: a PEM file with the one to believe; NULL for plain
    bool tls_resumes;       // CLOAD_CHURN over TLS: each connection resumes by the newest ticket that its place was given
    bool single_datagrams;  // CLOAD_UDP: each passes the kernel by itself, whatever the depth
    double rate_per_s;      // CLOAD_ECHO: messages that are due a second, on all connections; 0 for a closed loop
    uint64_t warmup_ns;
    uint64_t window_ns;
    uint64_t patience_ns;   // how long a connection may take, after which no more are tried; 0 for 10 s
    int32_t server_pid;     // whose CPU time and memory are read, and those of its children; 0 for none
    cload_processes processes;  // where its children are found
    const char *throttle_file;  // the cpu.stat of the control group that limits this process; NULL for none
    int server_cpu;         // where server and load run, to see what else does; below 0: all CPUs are looked at
    int load_cpu;
    // The time in nanoseconds, for a run that is simulated; NULL for the kernel's. Such a run never sleeps: it asks again.
    uint64_t (*clock)(void *context);
    void *clock_context;
} cload_config;

typedef struct {
    uint64_t requests;      // completed in the window; connections for CLOAD_CHURN, questions for CLOAD_FLOOD
    uint64_t bytes;         // of payload, received, in the window; sent for CLOAD_STREAM_IN, taken by the server for CLOAD_FLOOD
    uint64_t errors;        // connections that failed, ended early or timed out, at any time
    uint64_t timeouts;      // connections that were waited for in vain: at most one, as none is tried after it
    const char *problem;    // why TLS failed first, in words that stay; NULL when it did not
    uint64_t resent;        // datagrams that did not come back in time, at any time
    uint64_t corruptions;   // connections on which something else than expected came back, at any time
    uint64_t scheduled;     // open loop: messages that were due in the window
    uint64_t unanswered;    // of those, not back a second after its end; recorded with the age they had then
    uint64_t window_ns;     // as measured
    uint64_t server_cpu_ns; // user and system, all threads, with its children, in the window
    uint64_t load_cpu_ns;   // of this generator, in the window
    uint64_t load_waiting_ns;   // how long this generator was kept from its CPU by something else, in the window
    // What the CPUs of server and load did in the window, as the kernel's ticks see it (10 ms steps).
    uint64_t task_ns;       // processes, whoever they belong to
    uint64_t interrupt_ns;  // interrupts, among them the network's
    uint64_t steal_ns;      // taken by the hypervisor
    uint64_t throttled_ns;  // how long the control group kept its CPUs from it, each CPU by itself
    uint64_t rss_before_bytes, rss_after_bytes;              // of the server; for CLOAD_IDLE before and while holding
    uint64_t anonymous_before_bytes, anonymous_after_bytes;
} cload_result;

// Runs one measurement. 0, or an errno when it could not start at all (`*what` then names the step).
int cload_run(const cload_config *config, cload_histogram *latency, cload_result *result, const char **what);

// What two CPUs (all of them, when a number is below 0) have done since the machine started, in 10 ms steps: for
// processes, for interrupts, and what the hypervisor took.
void cload_read_cpus(int first, int second, uint64_t *task_ns, uint64_t *interrupt_ns, uint64_t *steal_ns);

typedef struct {
    int32_t pid;
    int output;  // the reading end of a pipe from its standard output; -1 when that goes to the log
    int log;     // a file in memory that has its standard error
} cload_child;

// From now on SIGINT and SIGTERM are only remembered, the first time; a second one ends the process.
void cload_catch_interrupts(void);
bool cload_was_interrupted(void);
// As if one of the signals had come, or, with false, none.
void cload_set_interrupted(bool was_interrupted);

// The CPU time that a process and its children have used, in nanoseconds, up to the present moment if they run pinned to
// `cpu`; 0 when there is none.
uint64_t cload_cpu_ns(int32_t pid, int cpu);
// The CPU time of a process's children, of theirs, and of those among them that have ended and were waited for. The last
// in ticks of the kernel's, which are 10 ms.
uint64_t cload_descendants_cpu_ns(const cload_processes *where, int32_t pid);
// How long a control group was kept from its CPUs, as its cpu.stat says; 0 when it does not.
uint64_t cload_throttled_ns(const char *file);

// Makes a self-signed certificate (ECDSA P-256, for localhost and 127.0.0.1) and its key, in two PEM files that are not there
// yet. 0 or an errno.
int cload_make_certificate(const char *certificate_path, const char *key_path);

// Listens on a port of 127.0.0.1 that the system chooses, without waiting. The socket, or a negative errno.
int cload_listen(uint16_t *port);

// Starts `arguments[0]` (arguments and environment end with NULL) pinned to `cpu` (below 0: not pinned), with nothing to
// read on standard input. Its standard output goes to a pipe when it `announces`, and to the log else. The child dies
// with the calling thread. 0 or an errno.
int cload_spawn(char *const arguments[], char *const environment[], int cpu, bool announces, cload_child *child);
// Whether the child has ended, and then its exit status, or 128 + signal. Says true once.
bool cload_has_ended(int32_t pid, int *status);
// Sends `signal_number` and waits up to `timeout_ms`, then kills; what the child started itself is killed in any case.
// The exit status, 128 + signal, or -1 when killed here.
int cload_stop(int32_t pid, int signal_number, int timeout_ms);
// Pins the calling thread. 0 or an errno.
int cload_pin(int cpu);
// Lets the calling thread run on each of these CPUs. 0 or an errno.
int cload_allow(const int32_t *cpus, int count);
// Whether this process may run on that CPU; its number is from 0 to 1023.
int cload_may_use_cpu(int cpu);
// Raises the soft limit on descriptors to the hard one and returns it.
uint64_t cload_raise_descriptor_limit(void);

#endif
