/* prog.c - live programs: made, run, counted, cancelled. */
#include "runtime/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/sized.h"
#include "helper/helper.h"
#include "platform/platform.h"

/* -- life -------------------------------------------------------------------------------------- */

static void prog_free(struct skep_prog *prog)
{
    struct skep_runtime *rt = prog->runtime;

    if (prog->handle)
        rt->backend->prog_free(prog->handle);
    exec_code_free(&rt->mem, prog->code);
    for (uint32_t i = 0; i < prog->map_count; i++)
        live_map_drop(prog->maps[i]);
    mem_free(&rt->mem, prog->maps, prog->map_count * sizeof(struct skep_map *), 16);
    mem_free(&rt->mem, prog, sizeof *prog, 64);
    skep_runtime_unref(rt);
}

struct skep_prog *skep_prog_ref(struct skep_prog *prog)
{
    if (prog)
        atomic_fetch_add_explicit(&prog->refs, 1, memory_order_relaxed);
    return prog;
}

void skep_prog_unref(struct skep_prog *prog)
{
    if (prog && atomic_fetch_sub_explicit(&prog->refs, 1, memory_order_acq_rel) == 1)
        prog_free(prog);
}

/* A program without code yet, holding its runtime and maps. */
static struct skep_prog *prog_alloc(struct skep_runtime *rt, struct skep_map *const *maps,
                                    uint32_t map_count)
{
    struct skep_prog *prog = mem_alloc(&rt->mem, sizeof *prog, 64);

    if (!prog)
        return NULL;
    prog->maps = mem_alloc(&rt->mem, map_count * sizeof(struct skep_map *), 16);
    if (!prog->maps) {
        mem_free(&rt->mem, prog, sizeof *prog, 64);
        return NULL;
    }
    prog->refs = 1;
    prog->runtime = skep_runtime_ref(rt);
    prog->map_count = map_count;
    for (uint32_t i = 0; i < map_count; i++)
        prog->maps[i] = live_map_hold(maps[i]);
    return prog;
}

static struct exec_line *copy_lines(const struct skep_image *image)
{
    struct exec_line *lines = calloc(image->line_count ? image->line_count : 1, sizeof *lines);

    for (uint32_t i = 0; lines && i < image->line_count; i++)
        lines[i] =
            (struct exec_line){image->lines[i].insn, image->lines[i].line, image->lines[i].column,
                               image->lines[i].file, image->lines[i].source};
    return lines;
}

/* Linux's list (license_is_gpl_compatible). */
static bool is_gpl_compatible(const char *license)
{
    static const char *const fine[] = {"GPL",          "GPL v2",       "GPL and additional rights",
                                       "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

    for (size_t i = 0; license && i < ARRAY_SIZE(fine); i++)
        if (!strcmp(license, fine[i]))
            return true;
    return false;
}

/* Our own engine's code for the image. */
static int build(struct skep_prog *prog, const struct skep_image *image, const uint8_t *reached,
                 struct skep_error *err)
{
    const struct platform_prog_type *type = platform_prog_type(image->type);
    struct exec_line *lines = copy_lines(image);
    struct exec_extern *externs =
        calloc(image->extern_count ? image->extern_count : 1, sizeof *externs);
    struct exec_source source = {.name = image->name,
                                 .insns = image->insns,
                                 .insn_count = image->insn_count,
                                 .maps = prog->maps,
                                 .map_count = prog->map_count,
                                 .lines = lines,
                                 .line_count = image->line_count,
                                 .externs = externs,
                                 .extern_count = image->extern_count,
                                 .helper = helper_find,
                                 .ctx = type ? type->ctx : NULL,
                                 .prog_type = image->type,
                                 .is_gpl = is_gpl_compatible(image->license),
                                 .reached = reached};
    int rc = -SKEP_ENOMEM;

    for (uint32_t i = 0; i < prog->map_count; i++)
        if (!live_map_fits_prog(prog->maps[i], image->type)) {
            rc = error_set(err, -SKEP_EINVAL, "map %s calls programs of another type",
                           prog->maps[i]->name);
            goto out;
        }
    if (!lines || !externs) {
        error_set(err, rc, "no memory for line information");
        goto out;
    }
    for (uint32_t i = 0; i < image->extern_count; i++)
        externs[i] = (struct exec_extern){image->externs[i].name, image->externs[i].is_weak};
    rc = exec_build(&prog->runtime->mem, &source, &prog->code, err);
    prog->target.code = prog->code;
out:
    free(lines);
    free(externs);
    return rc;
}

int prog_check_type(const struct skep_runtime *rt, const struct skep_image *image,
                    struct skep_error *err)
{
    const struct platform_prog_type *type = platform_prog_type(image->type);

    if (rt->backend || (type && type->is_runnable))
        return 0;
    return error_set(err, -SKEP_EOPNOTSUPP, "programs of type %s do not run in this engine",
                     type ? type->name : "unknown");
}

int prog_create(struct skep_runtime *rt, const struct skep_image *image,
                struct skep_map *const *maps, uint64_t max_insns, const struct judgement *judgement,
                struct skep_prog **out, struct skep_error *err)
{
    struct skep_prog *prog = prog_alloc(rt, maps, image->map_count);
    void **handles = NULL;
    int rc;

    if (!prog)
        return error_set(err, -SKEP_ENOMEM, "no memory for a program");
    prog->id = atomic_fetch_add_explicit(&rt->next_id, 1, memory_order_relaxed) + 1;
    prog->type = image->type;
    prog->attach_type = image->attach_type;
    prog->flags = image->flags;
    prog->insns = image->insn_count;
    prog->max_insns = max_insns;
    prog->is_verified = judgement->is_verified;
    prog->verify_ns = judgement->ns;
    snprintf(prog->name, sizeof prog->name, "%s", image->name ? image->name : "");
    snprintf(prog->license, sizeof prog->license, "%s", image->license ? image->license : "");
    if (rt->backend) {
        handles = calloc(image->map_count ? image->map_count : 1, sizeof *handles);
        rc = handles ? 0 : error_set(err, -SKEP_ENOMEM, "no memory for map handles");
        for (uint32_t i = 0; !rc && i < image->map_count; i++)
            handles[i] = maps[i]->handle;
        if (!rc)
            rc = rt->backend->prog_load(rt->backend_state, image, handles, &prog->handle, err);
        if (!rc && rt->backend->prog_id)
            prog->id = rt->backend->prog_id(prog->handle);
        free(handles);
    } else {
        rc = build(prog, image, judgement->reached, err);
    }
    if (rc) {
        skep_prog_unref(prog);
        return rc;
    }
    *out = prog;
    return 0;
}

static int judge_code(struct skep_runtime *rt, const struct skep_prog_code *code,
                      const struct skep_image *image, struct judgement *out, struct skep_error *err)
{
    const struct judge judge = {.rt = rt,
                                .image = image,
                                .maps = code->maps,
                                .opts = code->verify,
                                .report = code->report,
                                .is_sandboxed = code->sandboxed != 0};
    int rc = prog_check_type(rt, image, err);

    if (!rc)
        rc = judge_sandbox(rt, judge.is_sandboxed, err);
    if (!rc)
        rc = judge_open_report(judge.report, err);
    return rc ? rc : judge_program(&judge, out, err);
}

int skep_prog_load(struct skep_runtime *rt, const struct skep_prog_code *given,
                   struct skep_prog **out, struct skep_error *err)
{
    struct skep_prog_code code;
    struct skep_image image = {.size = sizeof image};
    struct judgement judgement = {.reached = NULL};
    uint32_t *indices;
    int rc = sized_check(given, sizeof code, "skep_prog_code", err);

    if (rc)
        return rc;
    sized_copy_in(&code, sizeof code, given);
    indices = calloc(code.map_count ? code.map_count : 1, sizeof *indices);
    if (!indices)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u maps", code.map_count);
    for (uint32_t i = 0; !rc && i < code.map_count; i++) {
        indices[i] = i;
        if (!code.maps[i] || code.maps[i]->runtime != rt)
            rc = error_set(err, -SKEP_EINVAL, "map %u belongs to another runtime", i);
    }
    image.name = code.name ? code.name : "";
    image.license = code.license ? code.license : "GPL";
    image.type = code.type;
    image.attach_type = code.attach_type;
    image.flags = code.flags;
    image.insns = code.insns;
    image.insn_count = code.insn_count;
    image.map_count = code.map_count;
    image.maps = indices;
    if (!rc)
        rc = judge_code(rt, &code, &image, &judgement, err);
    if (!rc)
        rc = prog_create(rt, &image, code.maps, code.max_insns, &judgement, out, err);
    judge_free(&judgement);
    if (rc && *image.name)
        error_subject(err, "prog %s", image.name);
    free(indices);
    return rc;
}

/* -- runs -------------------------------------------------------------------------------------- */

void testrun_init_call(struct skep_call *call, struct skep_prog *prog, struct skep_slot *slot)
{
    exec_call_init(call);
    call->host = &prog->runtime->exec;
    call->runtime = prog->runtime;
    call->slot = slot;
    call->mem = &prog->runtime->mem;
    call->cpu = slot->cpu;
    call->prog_type = prog->type;
    call->max_insns = prog->max_insns;
    call->cancel = &prog->is_canceled;
    call->code = prog->code;
}

int skep_prog_run(struct skep_prog *prog, struct skep_slot *given, void *ctx, size_t ctx_size,
                  uint64_t *ret, struct skep_error *err)
{
    const struct platform_prog_type *type = platform_prog_type(prog->type);
    struct skep_slot *slot;
    struct skep_call call;
    int rc;

    if (prog->handle) {
        struct skep_test_run run = {.size = sizeof run,
                                    .ctx_in = ctx,
                                    .ctx_size_in = ctx_size,
                                    .ctx_out = ctx,
                                    .ctx_size_out = ctx_size};
        rc = skep_prog_test_run(prog, &run, err);
        *ret = run.retval;
        return rc;
    }
    if (!type || !type->ctx || type->ctx->kind != CTX_MEMORY)
        return error_set(err, -SKEP_EINVAL,
                         "prog %s: a context of type %s is not plain memory; use a test run",
                         prog->name, type ? type->name : "unknown");
    if (given && given->owner != prog->runtime)
        return error_set(err, -SKEP_EINVAL, "prog %s: the slot belongs to another runtime",
                         prog->name);
    slot = runtime_slot_take(prog->runtime, given);
    testrun_init_call(&call, prog, slot);
    call.ctx = ctx;
    exec_region_set(&call, REGION_CTX, ctx, ctx_size, !type->ctx->is_read_only, "context");
    sync_enter(slot);
    rc = exec_run(&call, prog->code, ctx_size ? (uint64_t)(uintptr_t)ctx : 0, ctx_size, ret);
    sync_exit(slot);
    runtime_slot_give(slot, given);
    atomic_fetch_add_explicit(&prog->runs, 1, memory_order_relaxed);
    if (rc) {
        atomic_fetch_add_explicit(&prog->faults, 1, memory_order_relaxed);
        if (err)
            sized_copy_out(err, &call.err, sizeof call.err);
    } else if (type->is_ret32) {
        *ret = (uint32_t)*ret;
    }
    return rc;
}

void skep_prog_cancel(struct skep_prog *prog)
{
    atomic_store_explicit(&prog->is_canceled, 1, memory_order_relaxed);
}

/* -- questions --------------------------------------------------------------------------------- */

int skep_prog_get_info(struct skep_prog *prog, struct skep_prog_info *out)
{
    struct skep_prog_info info = {
        .size = sizeof info,
        .id = prog->id,
        .type = prog->type,
        .name = prog->name,
        .engine = prog->runtime->backend ? prog->runtime->backend->name : "interp",
        .insns = prog->insns,
        .memory = sizeof *prog + (prog->code ? exec_code_memory(prog->code) : 0),
        .runs = atomic_load_explicit(&prog->runs, memory_order_relaxed),
        .run_ns = atomic_load_explicit(&prog->run_ns, memory_order_relaxed),
        .faults = atomic_load_explicit(&prog->faults, memory_order_relaxed),
        .verified = prog->is_verified,
        .verify_ns = prog->verify_ns,
    };

    if (prog->handle && prog->runtime->backend->prog_info) {
        int rc = prog->runtime->backend->prog_info(prog->handle, &info);

        if (rc)
            return rc;
    }
    sized_copy_out(out, &info, sizeof info);
    return 0;
}
