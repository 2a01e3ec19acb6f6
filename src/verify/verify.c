/* verify.c - the verification of a program from beginning to end. */
#include <stdlib.h>
#include <string.h>

#include <skep/runtime.h>

#include "base/error.h"
#include "base/reader.h"
#include "os/os.h"
#include "verify/facts.h"
#include "verify/prune.h"
#include "verify/record.h"
#include "verify/signature.h"
#include "verify/verifier.h"

/* The functions that are verified on their own: what is called from verified code, until nothing new is. Linux leaves out
 * global functions that nobody reaches. */
static int explore_globals(struct verifier *v)
{
    bool is_more = true;
    int rc = 0;

    while (is_more && !rc) {
        is_more = false;
        for (uint32_t i = 1; i < v->subprog_count && !rc; i++) {
            struct subprog *subprog = &v->subprogs[i];

            if (!subprog->is_global || !subprog->is_called || subprog->is_verified)
                continue;
            subprog->is_verified = is_more = true; /* until a caller asks for more: subprog.c */
            rc = explore_subprog(v, i);
            if (rc)
                reject_note(v, subprog->start,
                            "function '%s' is verified on its own, for any arguments that its "
                            "prototype allows",
                            subprog->name ? subprog->name : "?");
        }
    }
    return rc;
}

static int explore_all(struct verifier *v)
{
    int rc = explore_subprog(v, 0);

    if (!rc && v->exception_callback)
        rc = explore_subprog(v, v->exception_callback);
    return rc ? rc : explore_globals(v);
}

static int mark_fastcall(struct verifier *v)
{
    cfg_mark_fastcall(v);
    return 0;
}

static int note_reached(struct verifier *v)
{
    for (uint32_t i = 0; v->in->reached && i < v->insn_count; i++)
        v->in->reached[i] = v->info[i].is_seen;
    return 0;
}

typedef int (*stage_fn)(struct verifier *);

static int run(struct verifier *v)
{
    static const stage_fn stages[] = {
        program_prepare, cfg_split,       signature_check_info, kfunc_prepare,
        cfg_check,       mark_fastcall,   cfg_live_regs,        prune_init,
        explore_all,     cfg_stack_depth, note_reached,         facts_collect,
    };

    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        int rc = stages[i](v);

        if (rc)
            return rc;
    }
    return 0;
}

int verify_program(const struct verify_input *in, struct verify_result *result,
                   struct skep_error *err)
{
    struct verifier *v = calloc(1, sizeof *v);
    int rc;

    memset(result, 0, sizeof *result);
    result->insn = INSN_NONE;
    result->reg = 0xff;
    if (!v)
        return error_set(err, -SKEP_ENOMEM, "no memory for the verifier");
    v->in = in;
    v->image = in->image;
    v->insns = in->image->insns;
    v->insn_count = in->image->insn_count;
    v->kernel_btf = in->kernel_btf;
    v->prog_btf = in->image->btf;
    v->is_big = HOST_IS_BIG;
    v->cpus = in->cpus ? in->cpus : os_cpu_possible();
    v->result = result;
    v->started_ns = os_clock(SKEP_CLOCK_MONOTONIC);
    v->info = v->insn_count ? arena_alloc(&v->memory, v->insn_count * sizeof *v->info) : NULL;
    v->prev_insn = INSN_NONE;
    if (v->insn_count && !v->info)
        rc = reject_memory(v);
    else
        rc = run(v);
    result->is_beyond_linux = v->is_merging && result->code == CODE_OK;
    result->insns = v->insn_count;
    result->processed = v->processed;
    result->states = v->states_made;
    result->peak_states = v->peak_states;
    result->peak_bytes = v->pool.bytes + facts_peak_bytes(result->facts);
    result->ns = os_clock(SKEP_CLOCK_MONOTONIC) - v->started_ns;
    pool_free(v);
    arena_free(&v->memory);
    if (v->stopped)
        rc = error_set(err, v->stopped, "the verification was stopped (%s)",
                       skep_code_name(v->stopped));
    else if (rc && result->code == CODE_OK)
        rc = error_set(err, -SKEP_ENOMEM, "no memory for the verifier");
    else
        rc = 0;
    free(v);
    return rc;
}
