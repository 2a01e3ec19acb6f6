/* relocate.c - CO-RE: code compiled against one kernel's types, patched for another's.
 *
 * The target is what the caller gives, else the host's types, else skep's own context types with the object's types
 * behind them: so programs that only use those (every XDP program made with vmlinux.h) need no kernel at all. Answers
 * come from the BTF room; here they meet the code. A relocation that cannot be answered at all is an error of programs
 * that its function is part of, not of the object.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <skep/runtime.h>

#include "base/check.h"
#include "btf/core.h"
#include "object/object.h"

static bool needs_target(const struct skep_object *obj)
{
    for (uint32_t i = 0; i < obj->ext.count; i++)
        for (uint32_t k = 0; k < obj->ext.sections[i].core_count; k++)
            if (obj->ext.sections[i].cores[k].kind != CORE_TYPE_ID_LOCAL)
                return true;
    return false;
}

const struct skep_btf *relocate_host_types(struct skep_object *obj)
{
    if (!obj->host_btf && !obj->is_host_tried) {
        obj->is_host_tried = true;
        if (skep_btf_open_host(&obj->host_btf, NULL))
            obj->host_btf = NULL;
    }
    return obj->host_btf;
}

/* The BTFs to ask, in order; their number. */
static int choose(struct skep_object *obj, const struct skep_btf *targets[2], size_t *count,
                  struct skep_error *err)
{
    *count = 1;
    if (obj->opts.btf) {
        targets[0] = obj->opts.btf;
        link_log(obj, SKEP_LOG_INFO, "%s: CO-RE against the given types", obj->name);
        return 0;
    }
    targets[0] = relocate_host_types(obj);
    if (targets[0]) {
        link_log(obj, SKEP_LOG_INFO, "%s: CO-RE against the types of this host's kernel",
                 obj->name);
        return 0;
    }
    if (!obj->builtin_btf) {
        int code = skep_btf_open_builtin(&obj->builtin_btf, err);

        if (code)
            return code;
    }
    targets[0] = obj->builtin_btf;
    targets[1] = obj->btf;
    *count = 2;
    link_log(
        obj, SKEP_LOG_INFO,
        "%s: CO-RE against skep's own context types, and the object's types for the rest: this "
        "host has none",
        obj->name);
    return 0;
}

static void remember(struct skep_object *obj, uint32_t func, const struct skep_error *fault)
{
    struct object_func *f = func == OBJECT_NONE ? NULL : obj->funcs.items + func;

    if (f && !f->fault)
        f->fault = arena_copy(&obj->arena, fault, sizeof *fault);
}

/* One relocation on `code`, which is at section index `section`. Failures stay with the function. */
static void apply(struct skep_object *obj, struct core *core, uint32_t section,
                  const struct ext_core *record)
{
    struct skep_error fault = {.size = sizeof fault};
    const char *name = obj->elf.sections[section].name;
    uint32_t insn = record->offset / 8, func = func_at(obj, section, insn);
    struct core_query query = {record->type, btf_string(obj->btf, record->access), record->kind};
    struct core_result result;
    int code;

    if (insn >= obj->sections[section].insn_count)
        return; /* checked before */
    code = core_resolve(core, &query, &result, &fault);
    if (!code) {
        const struct object_func *f = func == OBJECT_NONE ? NULL : obj->funcs.items + func;

        code = core_patch(obj->sections[section].linked, obj->sections[section].insn_count, insn,
                          &result, &fault);
        if (!code)
            link_log(obj, result.is_poison ? SKEP_LOG_INFO : SKEP_LOG_DEBUG, "%s: %s: insn %u: %s",
                     obj->name, f ? f->name : name, f ? insn - f->insn : insn, result.text);
    }
    if (code) {
        error_prefix(&fault, "%s+0x%x", name, record->offset);
        remember(obj, func, &fault);
    }
}

static int check_offsets(const struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct object_section *section = obj->sections + i;

        if (section->kind != SECTION_CODE || !section->ext)
            continue;
        for (uint32_t k = 0; k < section->ext->core_count; k++)
            if (section->ext->cores[k].offset / 8 >= section->insn_count)
                return error_set(
                    err, -SKEP_EFORMAT,
                    "CO-RE relocation %u of section %s is at 0x%x, but it ends at 0x%x", k,
                    obj->elf.sections[i].name, section->ext->cores[k].offset,
                    section->insn_count * 8);
    }
    return 0;
}

static int copy_code(struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        struct object_section *section = obj->sections + i;
        size_t size = section->insn_count * sizeof *section->insns;

        if (!section->insns)
            continue;
        if (!section->linked)
            section->linked = malloc(size);
        if (!section->linked)
            return error_set(err, -SKEP_ENOMEM, "section %s: no memory for %u instructions",
                             obj->elf.sections[i].name, section->insn_count);
        memcpy(section->linked, section->insns, size);
    }
    return 0;
}

int relocate_types(struct skep_object *obj, struct skep_error *err)
{
    const struct skep_btf *targets[2] = {obj->btf, NULL};
    struct core *core = NULL;
    bool has_any = false;
    size_t count = 1;
    int code = copy_code(obj, err);

    for (size_t i = 0; i < obj->funcs.count; i++)
        obj->funcs.items[i].fault = NULL;
    for (uint32_t i = 0; i < obj->ext.count; i++)
        has_any = has_any || obj->ext.sections[i].core_count;
    if (code || !has_any)
        return code;
    code = check_offsets(obj, err);
    if (!code && needs_target(obj))
        code = choose(obj, targets, &count, err);
    if (!code)
        code = core_open(obj->btf, targets, count, &core, err);
    if (code)
        return code;
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct ext_section *ext = obj->sections[i].ext;

        if (obj->sections[i].kind == SECTION_CODE && ext)
            for (uint32_t k = 0; k < ext->core_count; k++)
                apply(obj, core, i, ext->cores + k);
    }
    core_free(core);
    return 0;
}
