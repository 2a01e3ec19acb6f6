/* kernel_run.c - test runs: BPF_PROG_TEST_RUN with the fields and meaning of struct skep_test_run.
 *
 * Linux takes different parts of it for different program types, and refuses the rest with a bare
 * EINVAL: here each type gets what it takes, and the error says what was too much.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CTX_MAX = 65535 /* of syscall programs: U16_MAX */ };

static int run_error(const struct kernel_prog *prog, const struct skep_test_run *run, int sys,
                     struct skep_error *err)
{
    const char *type = skep_prog_type_name(prog->type);

    if (!type)
        type = "unknown";
    if (sys == 524 || sys == EOPNOTSUPP)
        return error_set(err, -SKEP_EOPNOTSUPP, "test run: Linux has none for programs of type %s",
                         type);
    if (sys == EINVAL && run->data_size_in < 14 && prog->type != SKEP_PROG_TYPE_RAW_TRACEPOINT)
        return error_set(err, -SKEP_EINVAL,
                         "test run: Linux wants a packet of at least 14 bytes (an Ethernet header) "
                         "for %s, not %zu",
                         type, run->data_size_in);
    return kernel_open_error(err, sys, "test run of %s with %zu bytes of data and %zu of context",
                             type, run->data_size_in, run->ctx_size_in);
}

/* The kernel writes a syscall program's context back to where it came from, so it runs on a copy.
 */
static int run_syscall(const struct kernel_prog *prog, struct skep_test_run *run,
                       struct skep_error *err)
{
    uint32_t repeat = run->repeat ? run->repeat : 1;
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    uint64_t start, spent = 0;
    void *ctx = NULL;
    int code = 0;

    if (run->data_size_in)
        return error_set(err, -SKEP_EINVAL,
                         "test run: a syscall program takes a context, not data (%zu bytes given)",
                         run->data_size_in);
    if (run->ctx_size_in > CTX_MAX)
        return error_set(err, -SKEP_E2BIG,
                         "test run: a context of %zu bytes; Linux takes %d at most",
                         run->ctx_size_in, CTX_MAX);
    if (run->ctx_size_in && !(ctx = malloc(run->ctx_size_in)))
        return error_set(err, -SKEP_ENOMEM, "test run: no memory");
    if (ctx)
        memcpy(ctx, run->ctx_in, run->ctx_size_in);
    opts.ctx_in = ctx;
    opts.ctx_size_in = (uint32_t)run->ctx_size_in;
    for (uint32_t i = 0; i < repeat && code == 0; i++) {
        start = os_clock(SKEP_CLOCK_MONOTONIC);
        code = bpf_prog_test_run_opts(prog->fd, &opts);
        spent += os_clock(SKEP_CLOCK_MONOTONIC) - start;
    }
    if (code < 0) {
        code = kernel_open_error(err, -code, "test run of syscall with %zu bytes of context",
                                 run->ctx_size_in);
        goto out;
    }
    run->retval = opts.retval;
    run->duration_ns = spent / repeat; /* the system call included: Linux measures nothing here */
    run->data_size_out = 0;
    if (run->ctx_out && run->ctx_size_out < run->ctx_size_in)
        code =
            error_set(err, -SKEP_ENOSPC, "test run: a context of %zu bytes does not fit into %zu",
                      run->ctx_size_in, run->ctx_size_out);
    else if (run->ctx_out && ctx)
        memcpy(run->ctx_out, ctx, run->ctx_size_in);
    run->ctx_size_out = run->ctx_size_in;
out:
    free(ctx);
    return code;
}

int kernel_run_test(void *handle, struct skep_test_run *run, struct skep_error *err)
{
    const struct kernel_prog *prog = handle;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = run->flags, .cpu = run->cpu);
    int code;

    if (prog->memory)
        return kernel_memory_run(prog->memory, run, err);
    if (prog->type == SKEP_PROG_TYPE_SYSCALL)
        return run_syscall(prog, run, err);
    if (run->data_size_in > UINT32_MAX || run->data_size_out > UINT32_MAX ||
        run->ctx_size_in > UINT32_MAX || run->ctx_size_out > UINT32_MAX || run->repeat > INT32_MAX)
        return error_set(err, -SKEP_E2BIG, "test run: sizes of 4 GiB and more");
    opts.ctx_in = run->ctx_in;
    opts.ctx_size_in = (uint32_t)run->ctx_size_in;
    if (prog->type == SKEP_PROG_TYPE_RAW_TRACEPOINT) {
        /* Its arguments are the context; it knows no data, no repetition, no output. */
        code = bpf_prog_test_run_opts(prog->fd, &opts);
        run->data_size_out = run->ctx_size_out = 0;
        if (code < 0)
            return run_error(prog, run, -code, err);
        run->retval = opts.retval;
        return 0;
    }
    opts.data_in = run->data_in;
    opts.data_size_in = (uint32_t)run->data_size_in;
    opts.data_out = run->data_out;
    opts.data_size_out = run->data_out ? (uint32_t)run->data_size_out : 0;
    opts.ctx_out = run->ctx_out;
    opts.ctx_size_out = run->ctx_out ? (uint32_t)run->ctx_size_out : 0;
    opts.repeat = run->repeat ? (int)run->repeat : 1;
    code = bpf_prog_test_run_opts(prog->fd, &opts);
    run->data_size_out = opts.data_size_out;
    run->ctx_size_out = opts.ctx_size_out;
    run->retval = opts.retval;
    run->duration_ns = opts.duration;
    if (code == -ENOSPC)
        return error_set(err, -SKEP_ENOSPC,
                         "test run: the result has %u bytes of data, more than the room given",
                         opts.data_size_out);
    return code < 0 ? run_error(prog, run, -code, err) : 0;
}
