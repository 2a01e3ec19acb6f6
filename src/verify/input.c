/* input.c - from a linked program to the verifier's input: maps by definition, contents that are constant, the kernel's
 * types, privileges. Nothing live is needed: the runtime comes here with the same image before it makes a map.
 *
 * Opening the kernel's types takes longer than verifying most programs, and few programs need them. The verifier refuses
 * what needs them where it has none, so a program is first judged without, and only a refused one again with them. Where
 * having them could turn a yes into another verdict (depends_on_types), they are there from the beginning.
 */
#include "verify/input.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "object/object.h"
#include "platform/access.h"
#include "platform/platform.h"
#include "verify/log.h"

enum {
    MAP_F_RDONLY_PROG = 1 << 7,
    LINUX_LIMIT = 1000000, /* instructions looked at: BPF_COMPLEXITY_LIMIT_INSNS */
    DEFAULT_BYTES =
        64 << 20, /* and for each instruction: of a million one checkpoint each may be needed */
    DEFAULT_INSN_BYTES = 128
};

/* Does libbpf freeze it before the program is loaded? Sections of constants and jump tables. */
static bool is_frozen_by_loader(const struct skep_map_def *def)
{
    if (def->type == SKEP_MAP_TYPE_INSN_ARRAY)
        return true;
    return def->type == SKEP_MAP_TYPE_ARRAY && def->flags & MAP_F_RDONLY_PROG && def->section &&
           (section_is(def->section, ".rodata") || section_is(def->section, ".kconfig"));
}

/* The constant content, padded with zeros; NULL: no memory. */
static const uint8_t *content(struct skep_object *obj, size_t index, const struct skep_map_def *def,
                              struct arena *arena)
{
    const void *data = skep_object_map_data(obj, index);
    uint64_t size = (uint64_t)def->max_entries * def->value_size;
    uint8_t *copy;

    if (data && def->initial_size >= size)
        return data;
    copy = size > DEFAULT_BYTES ? NULL : arena_alloc(arena, size ? (size_t)size : 1);
    if (copy && data)
        memcpy(copy, data, def->initial_size);
    return copy;
}

static int describe_object_map(struct skep_object *obj, uint32_t index, struct arena *arena,
                               struct verify_map *out)
{
    struct verify_map *inner;

    if (skep_object_map(obj, index, &out->def))
        return -SKEP_EINVAL;
    if (out->def.inner) {
        inner = arena_alloc(arena, sizeof *inner);
        if (!inner)
            return -SKEP_ENOMEM;
        inner->def = *out->def.inner;
        out->inner = inner;
    }
    if (is_frozen_by_loader(&out->def)) {
        out->is_frozen = true;
        out->data = content(obj, index, &out->def, arena);
        if (!out->data)
            return -SKEP_ENOMEM;
    }
    return 0;
}

static int describe_maps(struct skep_object *obj, const struct skep_image *image,
                         const struct verify_place *place, struct arena *arena,
                         struct verify_map *maps)
{
    int rc = maps ? 0 : -SKEP_ENOMEM;

    for (uint32_t i = 0; !rc && i < image->map_count; i++) {
        maps[i].index = i;
        maps[i].def.size = sizeof maps[i].def;
        rc = obj ? describe_object_map(obj, image->maps[i], arena, &maps[i]) : 0;
        if (!rc && place->map)
            rc = place->map(place->user, i, arena, &maps[i]);
    }
    return rc;
}

/* -- the kernel's types ------------------------------------------------------------------------ */

static const struct skep_btf *host_types(void *user)
{
    return relocate_host_types(user);
}

/* Externs may be missing, contexts of tracing programs have the kernel's types, and what a map may own (__kptr) is one of
 * the kernel's types or one of the program's. */
static bool depends_on_types(const struct skep_image *image)
{
    return image->extern_count || platform_is_typed(image->type) ||
           platform_is_tracing(image->type) ||
           (image->btf && btf_next(image->btf, BTF_MASK(BTF_TYPE_TAG), 0));
}

static uint32_t caps_of(const struct skep_verify_opts *opts)
{
    if (!opts->caps)
        return SKEP_AS_ROOT;
    return opts->caps & (SKEP_CAP_BPF | SKEP_CAP_PERFMON | SKEP_CAP_NET_ADMIN | SKEP_CAP_SYS_ADMIN);
}

/* -- judging ----------------------------------------------------------------------------------- */

/* A program that needs more than it may have is refused for that. */
static int judge_exhausted(struct verify_result *r, int rc)
{
    if (rc != -SKEP_ENOMEM && rc != -SKEP_ETIME)
        return rc;
    r->code = CODE_COMPLEXITY;
    snprintf(r->text, sizeof r->text, "%s",
             rc == -SKEP_ETIME ? "the verification takes longer than it may"
                               : "the verification needs more memory than it may have");
    return 0;
}

/* Refused without the kernel's types, but not for having tried all that it may. */
static bool may_pass_with_types(const struct verify_result *r)
{
    return r->code != CODE_OK && r->code != CODE_COMPLEXITY;
}

static int judge(struct verify_input *in, const struct verify_place *place,
                 struct verify_result *out, struct skep_error *err)
{
    uint64_t spent;
    int rc;

    if (in->kernel_btf || depends_on_types(in->image) || in->log.level) {
        if (!in->kernel_btf)
            in->kernel_btf = place->types(place->user);
        return verify_program(in, out, err);
    }
    rc = verify_program(in, out, err);
    if (rc || !may_pass_with_types(out) || !(in->kernel_btf = place->types(place->user)))
        return rc;
    spent = out->ns;
    if (in->max_ns)
        in->max_ns = in->max_ns > spent ? in->max_ns - spent : 1;
    rc = verify_program(in, out, err);
    out->ns += spent;
    return rc;
}

int verify_image(struct skep_object *obj, const struct skep_image *image,
                 const struct skep_verify_opts *given, const struct verify_place *given_place,
                 struct verify_result *out, struct skep_error *err)
{
    static const struct skep_verify_opts none = {.size = sizeof none};
    const struct skep_verify_opts *opts = given ? given : &none;
    const struct verify_place here = {.user = obj, .types = host_types};
    const struct verify_place *place = given_place ? given_place : &here;
    struct log log = LOG_INIT(opts->print, opts->user);
    struct arena arena = {0};
    struct verify_map *maps =
        arena_alloc(&arena, (image->map_count ? image->map_count : 1) * sizeof *maps);
    struct verify_input in = {
        .image = image,
        .maps = maps,
        .kernel_btf = opts->btf ? opts->btf
                      : obj     ? obj->host_btf
                                : NULL,
        .caps = caps_of(opts),
        .flags = image->flags | opts->flags,
        .cpus = place->cpus,
        .reached = place->reached,
        .max_processed = opts->max_insns,
        .is_linux_only = opts->linux_only != 0,
        .max_bytes = opts->max_bytes
                         ? opts->max_bytes
                         : DEFAULT_BYTES + (uint64_t)image->insn_count * DEFAULT_INSN_BYTES,
        .max_ns = opts->max_ns,
        .cancel = (const _Atomic uint32_t *)(uintptr_t)opts->cancel,
        .log = {opts->print ? opts->log_level : 0, &log.text},
    };
    int rc = describe_maps(obj, image, place, &arena, maps);

    *out = (struct verify_result){.reg = UINT8_MAX, .insns = image->insn_count};
    if (rc)
        error_set(err, rc, "%s while the program's maps were described", skep_code_name(rc));
    else
        rc = judge_exhausted(out, judge(&in, place, out, err));
    if (!rc)
        log_finish(&log, in.log.level, in.max_processed ? in.max_processed : LINUX_LIMIT, out);
    arena_free(&arena);
    return rc;
}
