/* runtime.c - the life of a runtime: memory, clocks, slots, limits. */
#include "runtime/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sized.h"

uint32_t skep_version(void)
{
    return SKEP_VERSION;
}

/* -- what the host gives, or the default ------------------------------------------------------- */

static uint64_t host_clock(void *user, int clock_id)
{
    struct skep_runtime *rt = user;

    return rt->host.clock ? rt->host.clock(rt->host.user, clock_id) : os_clock(clock_id);
}

static uint32_t host_random32(void *user)
{
    struct skep_runtime *rt = user;

    return rt->host.random ? rt->host.random(rt->host.user) : (uint32_t)os_random();
}

static uint64_t host_random64(void *user)
{
    uint64_t high = host_random32(user);

    return high << 32 | host_random32(user);
}

static void host_printk(void *user, const char *line, size_t length)
{
    struct skep_runtime *rt = user;

    if (rt->host.printk)
        rt->host.printk(rt->host.user, line, length);
}

void runtime_log(struct skep_runtime *rt, int level, const char *format, ...)
{
    char line[512];
    va_list args;

    if (!rt->host.log)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    rt->host.log(rt->host.user, level, line);
}

/* -- life -------------------------------------------------------------------------------------- */

static void prog_unref_item(void *prog)
{
    skep_prog_unref(prog);
}

static uint32_t prog_id_item(void *prog)
{
    return ((const struct skep_prog *)prog)->id;
}

static int take_options(struct skep_runtime *rt, const struct skep_runtime_opts *given,
                        struct skep_runtime_opts *opts, struct skep_error *err)
{
    int rc;

    *opts = (struct skep_runtime_opts){.size = sizeof *opts};
    if (given) {
        rc = sized_check(given, sizeof *opts, "skep_runtime_opts", err);
        if (rc)
            return rc;
        sized_copy_in(opts, sizeof *opts, given);
    }
    if (opts->host) {
        rc = sized_check(opts->host, sizeof rt->host, "skep_host", err);
        if (rc)
            return rc;
        sized_copy_in(&rt->host, sizeof rt->host, opts->host);
    }
    return 0;
}

int skep_runtime_create(const struct skep_runtime_opts *given, struct skep_runtime **out,
                        struct skep_error *err)
{
    struct skep_runtime_opts opts;
    struct skep_runtime *rt;
    uint32_t slots;
    int rc;

    rt = calloc(1, sizeof *rt);
    if (!rt)
        return error_set(err, -SKEP_ENOMEM, "no memory for a runtime");
    rt->refs = 1;
    rc = take_options(rt, given, &opts, err);
    if (rc)
        goto out;
    slots = opts.slots ? opts.slots : os_cpu_count();
    rt->mem.alloc = rt->host.alloc;
    rt->mem.user = rt->host.user;
    rt->mem.limit = opts.memory_limit;
    rt->allow = opts.allow;
    rt->backend = opts.backend;
    rt->exec = (struct exec_host){rt, host_clock, host_random32, host_printk, opts.allow};
    rt->backend_state = rt->backend ? rt->backend->user : NULL;
    if (rt->backend && rt->backend->open) {
        rc = rt->backend->open(rt->backend->user, &rt->host, &rt->backend_state, err);
        if (rc)
            goto out;
    }
    rt->sync = sync_create(&rt->mem, slots, rt);
    if (!rt->sync) {
        rc = error_set(err, -SKEP_ENOMEM, "no memory for %u slots", slots);
        if (rt->backend && rt->backend->close)
            rt->backend->close(rt->backend_state);
        goto out;
    }
    rt->maps = (struct map_env){.mem = &rt->mem,
                                .sync = rt->sync,
                                .cpus = slots,
                                .random = host_random64,
                                .user = rt,
                                .prog_unref = prog_unref_item,
                                .map_unref = live_map_drop,
                                .prog_id = prog_id_item};
    *out = rt;
    return 0;
out:
    free(rt);
    return rc;
}

struct skep_runtime *skep_runtime_ref(struct skep_runtime *rt)
{
    if (rt)
        atomic_fetch_add_explicit(&rt->refs, 1, memory_order_relaxed);
    return rt;
}

void skep_runtime_unref(struct skep_runtime *rt)
{
    if (!rt || atomic_fetch_sub_explicit(&rt->refs, 1, memory_order_acq_rel) != 1)
        return;
    sync_destroy(rt->sync);
    if (rt->backend && rt->backend->close)
        rt->backend->close(rt->backend_state);
    skep_btf_free(atomic_load(&rt->host_btf));
    free(rt);
}

void skep_runtime_barrier(struct skep_runtime *rt)
{
    sync_barrier(rt->sync);
}

int skep_runtime_forked(struct skep_runtime *rt)
{
    sync_forget_leases(rt->sync);
    atomic_fetch_sub(&rt->refs, atomic_exchange(&rt->leases, 0));
    return 0;
}

uint32_t skep_runtime_slots(const struct skep_runtime *rt)
{
    if (rt->backend && rt->backend->cpus)
        return rt->backend->cpus(rt->backend_state);
    return sync_slots(rt->sync);
}

uint64_t skep_runtime_memory(const struct skep_runtime *rt)
{
    return atomic_load_explicit(&rt->mem.used, memory_order_relaxed);
}

/* -- slots ------------------------------------------------------------------------------------- */

int skep_slot_acquire(struct skep_runtime *rt, struct skep_slot **out)
{
    struct skep_slot *slot = sync_lease(rt->sync);

    if (!slot)
        return -SKEP_EAGAIN;
    skep_runtime_ref(rt);
    atomic_fetch_add_explicit(&rt->leases, 1, memory_order_relaxed);
    *out = slot;
    return 0;
}

void skep_slot_release(struct skep_slot *slot)
{
    struct skep_runtime *rt;

    /* Not leased: it was forgotten in the child of a fork, and its reference with it. */
    if (!slot || !atomic_load_explicit(&slot->is_leased, memory_order_relaxed))
        return;
    rt = slot->owner;
    sync_release(slot);
    atomic_fetch_sub_explicit(&rt->leases, 1, memory_order_relaxed);
    skep_runtime_unref(rt);
}

uint32_t skep_slot_cpu(const struct skep_slot *slot)
{
    return slot->cpu;
}

struct skep_slot *runtime_slot_take(struct skep_runtime *rt, struct skep_slot *given)
{
    return given ? given : sync_lease_wait(rt->sync);
}

void runtime_slot_give(struct skep_slot *slot, struct skep_slot *given)
{
    if (!given)
        sync_release(slot);
}
