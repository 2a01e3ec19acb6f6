/* sync.c - slots, epochs and small locks.
 *
 * How a run and a writer miss each other without waiting: the domain counts epochs. A run notes the
 * epoch it began in; a writer first takes its thing out of sight, then moves the epoch on and
 * stamps the thing with the new number. The thing is free when no run in progress is older than its
 * stamp.
 *
 *     run                                      writer
 *     e = domain.epoch        (acquire)        unlink thing
 *     slot.epoch = e                           stamp = ++domain.epoch      (release)
 *     -- full fence --                         -- full fence --
 *     read things                              slot.epoch == 0 or >= stamp, for all slots?  free :
 * wait slot.epoch = 0          (release)
 *
 * Of the two fences one comes first. If the run's does, the writer sees slot.epoch; if the writer's
 * does, the run no longer sees the thing. A run that noted stamp or later has synchronized with the
 * writer's increment and does not see the thing either. A stale, too old e only makes the writer
 * wait longer.
 *
 * What waits is one stack, pushed by anyone without waiting, taken whole by one thread at a time
 * (`state`), which sorts it into what is free and what goes back. A second thread does not wait for
 * the first but leaves it a note to look again, so `free` functions that retire more do not
 * recurse. Who looks: a writer (less often the more is waiting, so that a long run does not make it
 * quadratic), a run that ends and was older than something, and every slot that is released.
 * sync_exit has no fence and may overlook a thing retired that very moment; sync_release has one
 * and does not.
 */
#include "sync/sync.h"

#include <skep/error.h>
#include <skep/runtime.h>

#include "base/check.h"
#include "os/os.h"

enum { STATE_IDLE, STATE_BUSY, STATE_AGAIN };

struct sync_domain {
    struct mem *mem;
    struct skep_slot *slots;
    uint32_t slot_count;
    _Atomic uint32_t generation; /* of locks: 1 .. 0xffff, another one in a child */
    _Atomic uint32_t hint;       /* where a free slot was seen last */
    /* Read by every run, written by writers only. */
    _Alignas(64) _Atomic uint64_t epoch;
    _Atomic uint64_t newest;   /* the highest stamp that ever waited */
    _Atomic uint64_t waiting;  /* things retired and not yet freed */
    _Atomic uint64_t next_try; /* a writer looks when so many wait */
    _Atomic(struct sync_node *) retired;
    _Atomic uint32_t state;
};

/* ThreadSanitizer does not know fences; an exchange with a common word is one for it, and slower.
 */
#if defined(__SANITIZE_THREAD__)
#define FENCE_BY_EXCHANGE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FENCE_BY_EXCHANGE 1
#endif
#endif

static inline void full_fence(struct sync_domain *domain)
{
#ifdef FENCE_BY_EXCHANGE
    atomic_fetch_add(&domain->epoch, 0);
#else
    (void)domain;
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

struct sync_domain *sync_create(struct mem *mem, uint32_t slots, void *owner)
{
    struct sync_domain *domain;
    size_t bytes;

    if (!slots || slots > 0xfff0 || !check_mul(sizeof(struct skep_slot), (size_t)slots, &bytes))
        return NULL;
    domain = mem_alloc(mem, sizeof *domain, _Alignof(struct sync_domain));
    if (!domain)
        return NULL;
    domain->slots = mem_alloc(mem, bytes, _Alignof(struct skep_slot));
    if (!domain->slots) {
        mem_free(mem, domain, sizeof *domain, _Alignof(struct sync_domain));
        return NULL;
    }
    domain->mem = mem;
    domain->slot_count = slots;
    atomic_init(&domain->generation, 1);
    atomic_init(&domain->epoch, 1);
    atomic_init(&domain->next_try, 1);
    for (uint32_t i = 0; i < slots; i++) {
        domain->slots[i].cpu = i;
        domain->slots[i].domain = domain;
        domain->slots[i].owner = owner;
    }
    return domain;
}

void sync_destroy(struct sync_domain *domain)
{
    struct sync_node *node, *next;

    if (!domain)
        return;
    /* Busy from here on: what the functions retire is only stacked, for the next turn of this loop.
     */
    atomic_store(&domain->state, STATE_BUSY);
    while ((node = atomic_exchange_explicit(&domain->retired, NULL, memory_order_acquire)))
        for (; node; node = next) {
            next = node->next;
            node->free(node);
        }
    mem_free(domain->mem, domain->slots, sizeof(struct skep_slot) * domain->slot_count,
             _Alignof(struct skep_slot));
    mem_free(domain->mem, domain, sizeof *domain, _Alignof(struct sync_domain));
}

uint32_t sync_slots(const struct sync_domain *domain)
{
    return domain->slot_count;
}

/* -- waiting for what was retired -------------------------------------------------------------- */

/* The epoch of the oldest run in progress, UINT64_MAX if there is none. */
static uint64_t oldest_run(struct sync_domain *domain)
{
    uint64_t oldest = UINT64_MAX;

    full_fence(domain);
    for (uint32_t i = 0; i < domain->slot_count; i++) {
        uint64_t epoch = atomic_load_explicit(&domain->slots[i].epoch, memory_order_acquire);

        if (epoch && epoch < oldest)
            oldest = epoch;
    }
    return oldest;
}

static void push_chain(struct sync_domain *domain, struct sync_node *first, struct sync_node *last)
{
    struct sync_node *head = atomic_load_explicit(&domain->retired, memory_order_relaxed);

    do
        last->next = head;
    while (!atomic_compare_exchange_weak_explicit(&domain->retired, &head, first,
                                                  memory_order_acq_rel, memory_order_relaxed));
}

/* One turn of the thread that is STATE_BUSY. */
static void sweep(struct sync_domain *domain)
{
    struct sync_node *node, *ready = NULL, *kept = NULL, *kept_last = NULL, *next;
    uint64_t oldest, freed = 0, kept_count = 0;

    /* Who comes too late for this turn must ask for another one: see sync_retire. */
    atomic_store_explicit(&domain->next_try, 1, memory_order_relaxed);
    full_fence(domain);
    node = atomic_exchange_explicit(&domain->retired, NULL, memory_order_acquire);
    if (!node)
        return;
    oldest = oldest_run(domain);
    for (; node; node = next) {
        next = node->next;
        if (node->epoch <= oldest) {
            node->next = ready;
            ready = node;
        } else {
            node->next = kept;
            kept = node;
            if (!kept_last)
                kept_last = node;
            kept_count++;
        }
    }
    if (kept)
        push_chain(domain, kept, kept_last);
    for (node = ready; node; node = next) {
        next = node->next;
        node->free(node);
        freed++;
    }
    atomic_fetch_sub_explicit(&domain->waiting, freed, memory_order_relaxed);
    atomic_store_explicit(&domain->next_try, kept_count * 2 + 1, memory_order_relaxed);
}

/* The thread is STATE_BUSY: look, and look again as long as somebody has asked for it. */
static void sweep_all(struct sync_domain *domain)
{
    uint32_t state = STATE_BUSY;

    sweep(domain);
    while (!atomic_compare_exchange_strong_explicit(&domain->state, &state, STATE_IDLE,
                                                    memory_order_acq_rel, memory_order_acquire)) {
        atomic_store_explicit(&domain->state, STATE_BUSY, memory_order_release);
        state = STATE_BUSY;
        /* The note was read by the failed exchange, so this turn sees all that its writer did
         * before. */
        sweep(domain);
    }
}

static void reclaim(struct sync_domain *domain)
{
    uint32_t state = atomic_load_explicit(&domain->state, memory_order_relaxed);

    for (;;) {
        uint32_t wanted = state == STATE_IDLE ? STATE_BUSY : STATE_AGAIN;

        if (!atomic_compare_exchange_weak_explicit(&domain->state, &state, wanted,
                                                   memory_order_acq_rel, memory_order_relaxed))
            continue;
        if (wanted == STATE_BUSY)
            sweep_all(domain);
        return;
    }
}

void sync_retire(struct sync_domain *domain, struct sync_node *node,
                 void (*free)(struct sync_node *))
{
    uint64_t waiting = atomic_fetch_add_explicit(&domain->waiting, 1, memory_order_relaxed) + 1;
    uint64_t newest;

    node->free = free;
    node->epoch = atomic_fetch_add_explicit(&domain->epoch, 1, memory_order_acq_rel) + 1;
    newest = atomic_load_explicit(&domain->newest, memory_order_relaxed);
    while (newest < node->epoch &&
           !atomic_compare_exchange_weak_explicit(&domain->newest, &newest, node->epoch,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    push_chain(domain, node, node); /* it may be freed from here on */
    /* Either the thread that takes the stack sees the node, or we see that it takes the stack. */
    full_fence(domain);
    if (waiting >= atomic_load_explicit(&domain->next_try, memory_order_relaxed))
        reclaim(domain);
}

/* Let others run; after a while, sleep. */
static void pause_turn(uint32_t *turns)
{
    if ((*turns)++ < 64)
        os_yield();
    else
        os_sleep(50000);
}

void sync_barrier(struct sync_domain *domain)
{
    uint64_t target = atomic_fetch_add_explicit(&domain->epoch, 1, memory_order_acq_rel) + 1;
    uint32_t turns = 0, state = STATE_IDLE;

    full_fence(domain);
    for (uint32_t i = 0; i < domain->slot_count; i++)
        for (;;) {
            uint64_t epoch = atomic_load_explicit(&domain->slots[i].epoch, memory_order_acquire);

            if (!epoch || epoch >= target)
                break;
            pause_turn(&turns);
        }
    /* Whoever is looking now may have looked at the slots before us: be the next one. */
    while (!atomic_compare_exchange_weak_explicit(&domain->state, &state, STATE_BUSY,
                                                  memory_order_acq_rel, memory_order_relaxed)) {
        if (state != STATE_IDLE)
            pause_turn(&turns);
        state = STATE_IDLE;
    }
    sweep_all(domain);
}

/* -- slots ------------------------------------------------------------------------------------- */
static bool slot_take(struct skep_slot *slot)
{
    uint32_t free = 0;

    return atomic_load_explicit(&slot->is_leased, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(&slot->is_leased, &free, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

struct skep_slot *sync_lease(struct sync_domain *domain)
{
    uint32_t first = atomic_load_explicit(&domain->hint, memory_order_relaxed);

    for (uint32_t i = 0; i < domain->slot_count; i++) {
        uint32_t index =
            first + i < domain->slot_count ? first + i : first + i - domain->slot_count;

        if (slot_take(&domain->slots[index]))
            return &domain->slots[index];
    }
    return NULL;
}

struct skep_slot *sync_lease_wait(struct sync_domain *domain)
{
    struct skep_slot *slot;
    uint32_t turns = 0;

    while (!(slot = sync_lease(domain)))
        pause_turn(&turns);
    return slot;
}

struct skep_slot *sync_lease_cpu(struct sync_domain *domain, uint32_t cpu)
{
    uint32_t turns = 0;

    if (cpu >= domain->slot_count)
        return NULL;
    while (!slot_take(&domain->slots[cpu]))
        pause_turn(&turns);
    return &domain->slots[cpu];
}

void sync_release(struct skep_slot *slot)
{
    struct sync_domain *domain = slot->domain;

    full_fence(domain);
    if (atomic_load_explicit(&domain->waiting, memory_order_relaxed))
        reclaim(domain);
    atomic_store_explicit(&domain->hint, slot->cpu, memory_order_relaxed);
    /* The last access to the domain: the owner may go as soon as its slots are free. */
    atomic_store_explicit(&slot->is_leased, 0, memory_order_release);
}

void sync_forget_leases(struct sync_domain *domain)
{
    uint32_t generation = atomic_load(&domain->generation);
    uint64_t waiting = 0;

    for (uint32_t i = 0; i < domain->slot_count; i++) {
        domain->slots[i].depth = 0;
        atomic_store(&domain->slots[i].epoch, 0);
        atomic_store(&domain->slots[i].is_leased, 0);
    }
    atomic_store(&domain->hint, 0);
    atomic_store(&domain->generation, generation == 0xffff ? 1 : generation + 1);
    /* What a thread of the parent had taken from the stack is lost to this process; the stack
     * itself is whole. */
    for (struct sync_node *node = atomic_load(&domain->retired); node; node = node->next)
        waiting++;
    atomic_store(&domain->waiting, waiting);
    atomic_store(&domain->next_try, 1);
    atomic_store(&domain->state, STATE_IDLE);
    if (waiting)
        reclaim(domain);
}

/* A signal handler may run programs on the slot of the thread it interrupted, between any two of
 * these lines: the count goes up after the epoch is noted, and down before it is cleared, so that
 * such a run notes its own where ours is not. */
void sync_enter(struct skep_slot *slot)
{
    uint64_t epoch;

    if (!slot->depth) {
        epoch = atomic_load_explicit(&slot->domain->epoch, memory_order_acquire);
        atomic_store_explicit(&slot->epoch, epoch, memory_order_release);
        full_fence(slot->domain);
    }
    slot->depth++;
}

void sync_exit(struct skep_slot *slot)
{
    struct sync_domain *domain = slot->domain;
    uint64_t epoch;

    if (--slot->depth)
        return;
    epoch = atomic_load_explicit(&slot->epoch, memory_order_relaxed);
    atomic_store_explicit(&slot->epoch, 0, memory_order_release);
    if (epoch < atomic_load_explicit(&domain->newest, memory_order_relaxed) &&
        atomic_load_explicit(&domain->waiting, memory_order_relaxed))
        reclaim(domain);
}

/* -- locks ------------------------------------------------------------------------------------- */
enum { LOCK_SPINS = 128 };
#define LOCK_PATIENCE_NS UINT64_C(5000000000)

static inline void spin_hint(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* The word tells who holds it: generation << 16 | cpu + 1; the host's threads are all CPU 0xfffe.
 */
int sync_lock(struct sync_domain *domain, _Atomic uint32_t *lock, uint32_t cpu)
{
    uint32_t generation = atomic_load_explicit(&domain->generation, memory_order_relaxed);
    uint32_t mine = generation << 16 | (cpu == SYNC_HOST ? 0xffffu : cpu + 1);
    uint32_t seen = 0;
    uint64_t deadline = 0;

    for (uint32_t turns = 0;; turns++) {
        if (atomic_compare_exchange_strong_explicit(lock, &seen, mine, memory_order_acquire,
                                                    memory_order_relaxed))
            return 0;
        if (seen >> 16 != generation)
            continue; /* held by a thread that was not copied into this process: take it over */
        if (seen == mine && cpu != SYNC_HOST)
            return -SKEP_EBUSY;
        seen = 0;
        if (turns < LOCK_SPINS) {
            spin_hint();
            continue;
        }
        if (!deadline)
            deadline = os_clock(SKEP_CLOCK_MONOTONIC) + LOCK_PATIENCE_NS;
        else if (os_clock(SKEP_CLOCK_MONOTONIC) > deadline)
            return -SKEP_EBUSY;
        os_yield();
    }
}

void sync_unlock(_Atomic uint32_t *lock)
{
    atomic_store_explicit(lock, 0, memory_order_release);
}
