/* judge.c - a program is verified before it is live: the verifier sees it where it will run, with the maps that exist
 * already as they are, and a kernel that has no functions and variables to offer, as this engine has none.
 *
 * What makes a program live without this step is asked for by name (`sandboxed`), and the runtime must allow it.
 */
#include "runtime/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sized.h"
#include "btf/builder.h"
#include "verify/facts.h"
#include "verify/input.h"
#include "verify/report.h"

/* -- live maps --------------------------------------------------------------------------------- */

static bool is_constant(const struct skep_map *map)
{
    const struct skep_map_def *def = &map->def;

    if (!map->ops || !atomic_load(&map->is_frozen))
        return false;
    return def->type == SKEP_MAP_TYPE_INSN_ARRAY ||
           (def->type == SKEP_MAP_TYPE_ARRAY && def->flags & MAP_F_RDONLY_PROG &&
            def->max_entries == 1);
}

/* Frozen stays frozen, so one reading is enough. */
static const uint8_t *content(struct skep_map *map, struct arena *arena)
{
    uint32_t count = map->def.max_entries, size = map->def.value_size, zero = 0;
    uint8_t *copy;

    if (map->def.type == SKEP_MAP_TYPE_ARRAY)
        return map->ops->lookup(map, &zero, 0);
    copy = arena_alloc(arena, (size_t)count * size);
    for (uint32_t key = 0; copy && key < count; key++)
        if (map->ops->copy_out(map, &key, copy + (size_t)key * size, 0))
            return NULL;
    return copy;
}

/* An object knows the types of keys and values (there may be a lock in them), the live map everything else. */
static void describe_def(const struct skep_map_def *live, bool has_object, struct skep_map_def *out)
{
    struct skep_map_def def = *live;

    def.key_type = has_object ? out->key_type : 0;
    def.value_type = has_object ? out->value_type : 0;
    def.inner = NULL;
    *out = def;
}

static int describe_map(void *user, uint32_t index, struct arena *arena, struct verify_map *out)
{
    const struct judge *j = user;
    struct skep_map *map = j->maps[index];
    struct verify_map *inner;

    if (!map)
        return 0;
    out->data = NULL;
    out->is_frozen = atomic_load(&map->is_frozen);
    if (map->template_map) {
        inner = arena_alloc(arena, sizeof *inner);
        if (!inner)
            return -SKEP_ENOMEM;
        if (out->inner)
            inner->def = out->inner->def;
        describe_def(&map->template_map->def, out->inner != NULL, &inner->def);
        out->inner = inner;
    }
    describe_def(&map->def, j->obj != NULL, &out->def);
    if (is_constant(map)) {
        out->data = content(map, arena);
        return out->data ? 0 : -SKEP_ENOMEM;
    }
    return 0;
}

/* -- the kernel's types ------------------------------------------------------------------------ */

/* Opened once per runtime, when a program asks for them; two threads may both open them, then one copy stays. */
static const struct skep_btf *host_types(void *user)
{
    const struct judge *j = user;
    struct skep_btf *found = atomic_load(&j->rt->host_btf), *none = NULL;

    if (found || skep_btf_open_host(&found, NULL))
        return found;
    if (atomic_compare_exchange_strong(&j->rt->host_btf, &none, found))
        return found;
    skep_btf_free(found);
    return none;
}

/* A kernel without anything: weak externs are missing, as they will be when the program runs. */
static int empty_types(struct skep_btf **out, struct skep_error *err)
{
    struct builder builder;
    int rc;

    builder_init(&builder);
    rc = builder_open(&builder, out, err);
    builder_free(&builder);
    return rc;
}

static int check_externs(const struct skep_image *image, struct skep_error *err)
{
    for (uint32_t i = 0; i < image->extern_count; i++)
        if (!image->externs[i].is_weak)
            return error_set(err, -SKEP_EUNRESOLVED, "extern '%s' is not offered by this engine",
                             image->externs[i].name);
    return 0;
}

/* -- the report -------------------------------------------------------------------------------- */

int judge_open_report(struct skep_report **report, struct skep_error *err)
{
    if (!report || *report)
        return 0;
    *report = calloc(1, sizeof **report);
    return *report ? 0 : error_set(err, -SKEP_ENOMEM, "no memory for a report");
}

static int add_verdict(struct skep_report *report, const struct judge *j,
                       const struct skep_prog_def *def, const struct verify_result *r,
                       const struct skep_error *why, struct skep_error *err)
{
    const char *object = j->obj ? skep_object_name(j->obj) : "";

    if (report_add(report, object, def, why ? NULL : j->image, r, why))
        return error_set(err, -SKEP_ENOMEM, "no memory for a report");
    return 0;
}

static int describe_rejection(const struct skep_report *report, struct skep_error *err)
{
    struct skep_verdict verdict = {.size = sizeof verdict};

    (void)skep_report_verdict(report, report->rows.count - 1, &verdict);
    error_set(err, -SKEP_EVERIFY, "%s [%s]", verdict.text, verdict.code);
    error_place(err, verdict.insn, verdict.file, verdict.line, verdict.column);
    return -SKEP_EVERIFY;
}

static int reject_program(const struct judge *j, const struct skep_prog_def *def,
                          const struct verify_result *r, struct skep_error *err)
{
    struct skep_report *own = NULL;
    int rc = judge_open_report(&own, err);

    if (!rc)
        rc = add_verdict(own, j, def, r, NULL, err);
    if (!rc)
        rc = describe_rejection(own, err);
    skep_report_free(own);
    return rc;
}

int judge_unlinked(const struct judge *j, const struct skep_prog_def *def,
                   const struct skep_error *why, struct skep_error *err)
{
    struct verify_result r = {
        .code = CODE_PROGRAM, .insn = INSN_NONE, .reg = UINT8_MAX, .insns = def->insns};

    snprintf(r.text, sizeof r.text, "%s", why->text[0] ? why->text : skep_code_name(why->code));
    return j->report ? add_verdict(*j->report, j, def, &r, why, err) : 0;
}

/* -- judging ----------------------------------------------------------------------------------- */

int judge_sandbox(const struct skep_runtime *rt, bool is_sandboxed, struct skep_error *err)
{
    if (!is_sandboxed || rt->allow & SKEP_ALLOW_SANDBOXED)
        return 0;
    return error_set(err, -SKEP_EPERM,
                     "unverified programs are not allowed in this runtime (SKEP_ALLOW_SANDBOXED)");
}

/* The verifier says that a kernel lacks something; here it is this engine that does. */
static void explain_missing(const struct skep_image *image, struct verify_result *r)
{
    if (image->extern_count && (r->code == CODE_CALL_UNKNOWN || r->code == CODE_NO_BTF))
        snprintf(r->help, sizeof r->help,
                 "functions and types of the kernel are not offered by this engine");
}

static int verify(const struct judge *j, const struct skep_verify_opts *opts, struct judgement *out,
                  struct skep_error *err)
{
    const struct skep_image *image = j->image;
    struct skep_prog_def def = {.size = sizeof def,
                                .name = image->name ? image->name : "",
                                .section = image->section ? image->section : ""};
    struct verify_place place = {.user = (void *)(uintptr_t)j,
                                 .map = describe_map,
                                 .types = host_types,
                                 .cpus = skep_runtime_slots(j->rt),
                                 .reached = out->reached};
    struct verify_result r;
    int rc = verify_image(j->obj, image, opts, &place, &r, err);

    if (rc)
        return rc;
    out->ns = r.ns;
    out->is_verified = r.code == CODE_OK;
    facts_free(r.facts); /* this engine has no use for them */
    explain_missing(image, &r);
    if (j->report)
        rc = add_verdict(*j->report, j, &def, &r, NULL, err);
    return rc || out->is_verified ? rc : reject_program(j, &def, &r, err);
}

int judge_program(const struct judge *j, struct judgement *out, struct skep_error *err)
{
    struct skep_verify_opts opts = {.size = sizeof opts};
    struct skep_btf *empty = NULL;
    int rc = 0;

    *out = (struct judgement){.reached = NULL};
    if (j->rt->backend || j->is_sandboxed)
        return 0;
    if (j->opts) {
        rc = sized_check(j->opts, sizeof opts, "skep_verify_opts", err);
        if (rc)
            return rc;
        sized_copy_in(&opts, sizeof opts, j->opts);
    }
    opts.btf = NULL;
    rc = check_externs(j->image, err);
    if (!rc && j->image->extern_count)
        rc = empty_types(&empty, err);
    if (rc)
        return rc;
    opts.btf = empty;
    out->reached = calloc(j->image->insn_count ? j->image->insn_count : 1, 1);
    rc = out->reached ? verify(j, &opts, out, err)
                      : error_set(err, -SKEP_ENOMEM, "no memory for the verification");
    if (rc)
        judge_free(out);
    skep_btf_free(empty);
    return rc;
}

void judge_free(struct judgement *judgement)
{
    free(judgement->reached);
    judgement->reached = NULL;
}
