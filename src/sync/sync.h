/* sync.h - CPUs as slots, and memory that is given back only when nobody can be reading it.
 *
 * A domain belongs to a runtime and has a fixed number of slots, one per CPU that programs see. A
 * thread leases a slot to run programs; sync_enter/sync_exit bracket a run (they nest). What a run
 * may still be reading is retired, not freed: it is freed when every run that was in progress at
 * that moment has ended.
 *
 * Whoever calls in here holds the domain's owner until the call returns: a `free` function may
 * retire more and may give back references, but it is never what destroys the domain.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct sync_domain;
struct sync_node { /* embedded in what is retired */
    struct sync_node *next;
    uint64_t epoch;
    void (*free)(struct sync_node *);
};
struct skep_slot { /* one cache line each, in an array of the domain */
    _Alignas(64) _Atomic uint64_t
        epoch;      /* 0: no run in progress, else the domain's epoch when the run began */
    uint32_t depth; /* nesting of runs; the holder's only */
    uint32_t cpu;
    _Atomic uint32_t is_leased;
    struct sync_domain *domain;
    void *owner; /* the runtime, for those who have only the slot */
};

struct sync_domain *sync_create(struct mem *, uint32_t slots, void *owner); /* NULL: no memory */
void sync_destroy(struct sync_domain *); /* no run is in progress; frees what is retired */
uint32_t sync_slots(const struct sync_domain *);

struct skep_slot *sync_lease(struct sync_domain *);      /* NULL: all are leased */
struct skep_slot *sync_lease_wait(struct sync_domain *); /* yields until one is free */
struct skep_slot *sync_lease_cpu(struct sync_domain *,
                                 uint32_t cpu); /* that one, waiting; NULL: no such slot */
void sync_release(struct skep_slot *);          /* no run is in progress on it */
/* In the child after fork: no slot is leased, no run is in progress, no lock is held; also not by
 * this thread. */
void sync_forget_leases(struct sync_domain *);

void sync_enter(struct skep_slot *);
void sync_exit(struct skep_slot *);
/* Never blocks; reclaims what is old enough on the way. `node` must not be retired twice. */
void sync_retire(struct sync_domain *, struct sync_node *node, void (*free)(struct sync_node *));
/* Returns when every run that began before has ended, and what was retired before is freed. Not
 * from inside a run, nor from a `free` function. */
void sync_barrier(struct sync_domain *);

/* -- locks of a few instructions' length
 * --------------------------------------------------------------------------- A word that is 0 when
 * free. A lock that a thread held when the process forked is free in the child. A CPU that asks for
 * a lock it holds itself (a run that interrupted a run, in a signal handler) gets -SKEP_EBUSY
 * instead of a deadlock, and so does one that has waited for seconds. `cpu` is the run's, or
 * SYNC_HOST. */
#define SYNC_HOST UINT32_MAX
int sync_lock(struct sync_domain *, _Atomic uint32_t *lock, uint32_t cpu);
void sync_unlock(_Atomic uint32_t *lock);

#endif
