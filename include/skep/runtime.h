/* runtime.h - the role a kernel plays: it owns live maps and programs, CPUs (slots), limits and powers.
 *
 * Several runtimes may live in one process. Every live thing holds its runtime, so it may be given back first.
 */
#ifndef SKEP_RUNTIME_H
#define SKEP_RUNTIME_H

#include <skep/api.h>
#include <skep/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_runtime; /* opaque */
struct skep_slot;    /* opaque: a CPU as programs see it, leased by one thread at a time */
struct skep_backend; /* backend.h */

enum { SKEP_LOG_ERROR = 1, SKEP_LOG_WARN = 2, SKEP_LOG_INFO = 3, SKEP_LOG_DEBUG = 4 };
enum {
    SKEP_CLOCK_MONOTONIC = 1,
    SKEP_CLOCK_BOOTTIME = 7,
    SKEP_CLOCK_TAI = 11,
    SKEP_CLOCK_COARSE = 6
};

/* What the library asks of the program around it; a NULL member means the default. Called on any thread. */
struct skep_host {
    size_t size;
    void *user;
    /* new_size 0 frees; the result is aligned to `align` (a power of two). Default: the C library. */
    void *(*alloc)(void *user, void *ptr, size_t old_size, size_t new_size, size_t align);
    void (*log)(void *user, int level, const char *text); /* default: silence */
    void (*printk)(void *user, const char *line,
                   size_t length); /* bpf_printk, in trace_pipe's format; default: dropped */
    uint64_t (*clock)(void *user, int clock_id); /* nanoseconds; a test may freeze it */
    uint32_t (*random)(void *user);              /* bpf_get_prandom_u32; a test may seed it */
};

/* Powers over the host process, each off until granted. A program sees addresses of what it is given (its packet, stack and
 * map values) as it does in Linux when root loads it; it cannot use them for anything else. */
enum {
    SKEP_ALLOW_PROBE_READ = 1, /* bpf_probe_read_*: any memory of the process, without faulting */
    SKEP_ALLOW_SANDBOXED =
        16 /* programs that ask for it run unverified (`sandboxed`), every access checked */
};

struct skep_runtime_opts {
    size_t size;
    const struct skep_host *host; /* copied */
    uint64_t allow;               /* SKEP_ALLOW_* */
    uint64_t memory_limit;        /* bytes of all maps and programs; 0: none */
    uint32_t slots;               /* CPUs as programs see them; 0: the online CPUs */
    const struct skep_backend
        *backend; /* who runs the programs; NULL: skep itself. skep_kernel_backend() gives Linux */
};

SKEP_API int skep_runtime_create(const struct skep_runtime_opts *, struct skep_runtime **out,
                                 struct skep_error *err);
SKEP_API struct skep_runtime *skep_runtime_ref(struct skep_runtime *);
SKEP_API void skep_runtime_unref(struct skep_runtime *);
/* Returns when every run that began before the call has ended. Not from inside a run. */
SKEP_API void skep_runtime_barrier(struct skep_runtime *);
/* In the child after fork(): forget the leases of threads that do not exist here. */
SKEP_API int skep_runtime_forked(struct skep_runtime *);
SKEP_API uint32_t skep_runtime_slots(const struct skep_runtime *);
/* Bytes now allocated for maps and programs. */
SKEP_API uint64_t skep_runtime_memory(const struct skep_runtime *);

/* Lease a CPU for many runs; a leased one holds its runtime. Calls that take a slot lease one for that call if it is NULL.
 * -SKEP_EAGAIN: all are leased. */
SKEP_API int skep_slot_acquire(struct skep_runtime *, struct skep_slot **out);
SKEP_API void skep_slot_release(struct skep_slot *);
SKEP_API uint32_t skep_slot_cpu(const struct skep_slot *);

#ifdef __cplusplus
}
#endif
#endif
