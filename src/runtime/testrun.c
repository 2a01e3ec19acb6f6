/* testrun.c - a program run on given data: bpf_prog_test_run's rules, in user space.
 *
 * Each runnable type has a row: how a packet becomes a context, what is checked, what comes back.
 * The limits and the errors are Linux's (net/bpf/test_run.c's behaviour, compared with the running
 * kernel by tests/diff), but for packets that a page cannot hold: here they simply get a larger
 * buffer.
 */
#include "runtime/runtime.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/sized.h"
#include "platform/context.h"
#include "runtime/testrun.h"

/* -- the parts that all types share ------------------------------------------------------------ */

/* As Linux copies results out: as much as there is room for, the whole size reported, -ENOSPC if it
 * was cut. */
static int copy_result(void *out, size_t *room, const void *bytes, size_t size)
{
    size_t fits = size < *room ? size : *room;

    if (out && fits)
        memcpy(out, bytes, fits);
    *room = size;
    return out && fits < size ? -SKEP_ENOSPC : 0;
}

int testrun_data_out(struct skep_test_run *run, const void *bytes, size_t size)
{
    return copy_result(run->data_out, &run->data_size_out, bytes, size);
}

int testrun_ctx_out(struct skep_test_run *run, const void *bytes, size_t size)
{
    return copy_result(run->ctx_out, &run->ctx_size_out, bytes, size);
}

/* The caller's context struct, which may be shorter than ours, or longer with zeros (bpf_ctx_init).
 */
int testrun_ctx_in(const struct skep_test_run *run, void *ctx, size_t known, struct skep_error *err)
{
    size_t given = run->ctx_in ? run->ctx_size_in : 0;

    memset(ctx, 0, known);
    for (size_t i = known; i < given; i++)
        if (((const uint8_t *)run->ctx_in)[i])
            return error_set(err, -SKEP_E2BIG,
                             "ctx_in: byte %zu is set, the type's context has %zu", i, known);
    if (given)
        memcpy(ctx, run->ctx_in, given < known ? given : known);
    return 0;
}

/* Run `repeat` times and take the mean time, as Linux does: the packet is not made anew in between.
 */
int testrun_repeat(struct skep_call *call, struct skep_prog *prog, struct skep_test_run *run,
                   uint64_t r1, uint64_t r2, struct skep_error *err)
{
    uint32_t repeat = run->repeat ? run->repeat : 1;
    uint64_t start = os_clock(SKEP_CLOCK_MONOTONIC), spent, ret = 0;
    int rc = 0;

    sync_enter(call->slot);
    for (uint32_t i = 0; i < repeat && !rc; i++) {
        rc = exec_run(call, prog->code, r1, r2, &ret);
        if ((i & 1023) == 1023) { /* what was retired meanwhile may go */
            sync_exit(call->slot);
            sync_enter(call->slot);
        }
    }
    sync_exit(call->slot);
    spent = os_clock(SKEP_CLOCK_MONOTONIC) - start;
    run->duration_ns = spent / repeat;
    run->insns = call->insns;
    run->retval = ret;
    atomic_fetch_add_explicit(&prog->runs, repeat, memory_order_relaxed);
    atomic_fetch_add_explicit(&prog->run_ns, spent, memory_order_relaxed);
    if (rc) {
        atomic_fetch_add_explicit(&prog->faults, 1, memory_order_relaxed);
        if (err)
            sized_copy_out(err, &call->err, sizeof call->err);
    }
    return rc;
}

/* -- types whose context is plain memory ------------------------------------------------------- */

/* Raw tracepoints take up to 12 arguments (MAX_BPF_FUNC_REG_ARGS), syscall programs up to 64 KiB.
 */
enum { RAW_TP_MAX = 12 * 8, SYSCALL_MAX = UINT16_MAX };

static int run_memory(struct skep_call *call, struct skep_prog *prog, struct skep_test_run *run,
                      struct skep_error *err)
{
    bool is_raw_tp = prog->type == SKEP_PROG_TYPE_RAW_TRACEPOINT;
    bool is_own = prog->type == SKEP_PROG_TYPE_MEMORY;
    size_t limit = is_raw_tp ? RAW_TP_MAX : is_own ? SIZE_MAX / 2 : SYSCALL_MAX;
    size_t size = run->ctx_in ? run->ctx_size_in : 0;
    void *bytes;
    int rc;

    if (!is_own && (run->data_in || run->data_out))
        return error_set(err, -SKEP_EINVAL, "programs of this type take a context, not a packet");
    if (is_own && run->data_in)
        return error_set(err, -SKEP_EINVAL,
                         "programs of type memory take their bytes as the context");
    if (size > limit)
        return error_set(err, -SKEP_EINVAL, "a context of %zu bytes: %zu are allowed", size, limit);
    bytes = mem_alloc(&prog->runtime->mem, size, 64);
    if (!bytes)
        return error_set(err, -SKEP_ENOMEM, "no memory for a context of %zu bytes", size);
    if (size)
        memcpy(bytes, run->ctx_in, size);
    call->ctx = bytes;
    exec_region_set(call, REGION_CTX, bytes, size, !is_raw_tp, "context");
    rc = testrun_repeat(call, prog, run, is_own && !size ? 0 : (uint64_t)(uintptr_t)bytes,
                        is_own ? size : 0, err);
    if (is_raw_tp)
        run->ctx_size_out = 0; /* its arguments are not given back */
    else if (!rc)
        rc = testrun_ctx_out(run, bytes, size);
    mem_free(&prog->runtime->mem, bytes, size, 64);
    return rc;
}

/* -- the table --------------------------------------------------------------------------------- */

static const struct {
    uint32_t type;
    int (*run)(struct skep_call *, struct skep_prog *, struct skep_test_run *, struct skep_error *);
} runners[] = {
    {SKEP_PROG_TYPE_XDP, testrun_xdp},           {SKEP_PROG_TYPE_SOCKET_FILTER, testrun_skb},
    {SKEP_PROG_TYPE_SCHED_CLS, testrun_skb},     {SKEP_PROG_TYPE_SCHED_ACT, testrun_skb},
    {SKEP_PROG_TYPE_RAW_TRACEPOINT, run_memory}, {SKEP_PROG_TYPE_SYSCALL, run_memory},
    {SKEP_PROG_TYPE_MEMORY, run_memory},
};

static struct skep_slot *take_slot(struct skep_prog *prog, const struct skep_test_run *run)
{
    if (run->flags & TESTRUN_ON_CPU)
        return sync_lease_cpu(prog->runtime->sync, run->cpu);
    return runtime_slot_take(prog->runtime, NULL);
}

int testrun(struct skep_prog *prog, struct skep_test_run *run, struct skep_error *err)
{
    struct skep_slot *slot;
    struct skep_call call;
    int rc;

    for (size_t i = 0; i < ARRAY_SIZE(runners); i++) {
        if (runners[i].type != prog->type)
            continue;
        if ((run->flags & ~(uint32_t)TESTRUN_ON_CPU) ||
            ((run->flags & TESTRUN_ON_CPU) && prog->type != SKEP_PROG_TYPE_RAW_TRACEPOINT))
            return error_set(err, -SKEP_EINVAL, "flags 0x%x mean nothing for this type",
                             run->flags);
        slot = take_slot(prog, run);
        if (!slot)
            return error_set(err, -SKEP_EINVAL, "there is no CPU %u, the runtime has %u", run->cpu,
                             sync_slots(prog->runtime->sync));
        testrun_init_call(&call, prog, slot);
        rc = runners[i].run(&call, prog, run, err);
        sync_release(slot);
        if (!rc && prog->type != SKEP_PROG_TYPE_MEMORY)
            run->retval = (uint32_t)run->retval;
        return rc;
    }
    return error_set(err, -SKEP_EOPNOTSUPP, "programs of this type have no test run");
}

int skep_prog_test_run(struct skep_prog *prog, struct skep_test_run *given, struct skep_error *err)
{
    struct skep_test_run run;
    int rc = sized_check(given, sizeof run, "skep_test_run", err);

    if (rc)
        return rc;
    sized_copy_in(&run, sizeof run, given);
    if (prog->handle) {
        run.size = sizeof run;
        rc = prog->runtime->backend->prog_test_run(prog->handle, &run, err);
    } else {
        rc = testrun(prog, &run, err);
    }
    if (rc && err && err->size >= sizeof *err && !err->subject[0])
        error_subject(err, "prog %s", prog->name);
    sized_copy_out(given, &run, sizeof run);
    return rc;
}
