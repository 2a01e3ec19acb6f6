/* reloc.c - what instructions refer to: relocations of code, turned into (kind, index, offset).
 *
 * Only two instructions can be relocated: the wide load and the call. What the relocation means is decided by where its
 * symbol is, not by its type number, which changed over LLVM's life (a wide load had 1, and 0 in the first versions).
 * REL keeps the addend in the instruction: bytes in a wide load; in a call the distance in instructions less one.
 */
#include <stdlib.h>

#include "base/check.h"
#include "object/object.h"

struct context {
    struct skep_object *obj;
    uint32_t section; /* of the code */
    struct skep_error *err;
};

static int refuse(const struct context *c, const struct elf_reloc *reloc, const char *why)
{
    const struct elf_symbol *symbol = c->obj->elf.symbols + reloc->symbol;

    return error_set(c->err, -SKEP_EFORMAT, "relocation at %s+0x%llx (%s): %s",
                     c->obj->elf.sections[c->section].name, (unsigned long long)reloc->offset,
                     symbol->name[0] ? symbol->name : "a symbol without a name", why);
}

/* A call or the address of a function: some instruction of some section of code. */
static int to_code(const struct context *c, const struct elf_reloc *reloc, bool is_call,
                   const struct skep_insn *insn, struct object_reloc *out)
{
    const struct elf_symbol *symbol = c->obj->elf.symbols + reloc->symbol;
    int64_t at = (int64_t)(symbol->value & INT64_MAX), addend;
    uint32_t func;

    if (reloc->has_addend)
        addend = reloc->addend;
    else
        addend = is_call ? ((int64_t)insn->imm + 1) * 8 : insn->imm;
    if (!check_add(at, addend, &at) || at < 0 || at % 8 ||
        at / 8 >= c->obj->sections[symbol->section].insn_count)
        return refuse(c, reloc, "leads out of the section");
    out->kind = is_call ? RELOC_CALL : RELOC_FUNC;
    out->index = symbol->section;
    out->offset = (uint32_t)(at / 8);
    func = func_at(c->obj, symbol->section, out->offset);
    if (func == OBJECT_NONE || c->obj->funcs.items[func].insn != out->offset)
        return refuse(c, reloc, "leads into the middle of a function");
    c->obj->funcs.items[func].is_called = true;
    return 0;
}

/* A variable, or a map's definition. */
static int to_data(const struct context *c, const struct elf_reloc *reloc,
                   const struct skep_insn *insn, struct object_reloc *out)
{
    const struct elf_symbol *symbol = c->obj->elf.symbols + reloc->symbol;
    int64_t at = (int64_t)(symbol->value & INT64_MAX),
            addend = reloc->has_addend ? reloc->addend : insn->imm;
    uint8_t kind = c->obj->sections[symbol->section].kind;
    uint64_t into;

    if (kind == SECTION_JUMPTABLES) {
        out->kind = RELOC_JUMPTABLE;
        out->index = reloc->symbol;
        if (addend < 0 || addend > UINT32_MAX)
            return refuse(c, reloc, "begins before the jump table");
        out->offset = (uint32_t)addend;
        return 0;
    }
    if (!check_add(at, addend, &at) || at < INT32_MIN || at > INT32_MAX)
        return refuse(c, reloc, "lies too far away");
    if (kind == SECTION_MAPS || kind == SECTION_LEGACY_MAPS) {
        if (at < 0)
            return refuse(c, reloc, "begins before its section");
        out->kind = RELOC_MAP;
        out->index = object_map_at(c->obj, symbol->section, (uint64_t)at, &into);
        return out->index == OBJECT_NONE ? refuse(c, reloc, "is not a map") : 0;
    }
    out->kind = RELOC_DATA;
    out->index = c->obj->sections[symbol->section].map;
    out->offset = (uint32_t)at;
    if (out->index == OBJECT_NONE) { /* .eh_frame and the like: an error of who reaches it */
        out->kind = RELOC_STRAY;
        out->index = reloc->symbol;
    }
    return 0;
}

static int resolve(const struct context *c, const struct elf_reloc *reloc, struct object_reloc *out)
{
    const struct elf_symbol *symbol = c->obj->elf.symbols + reloc->symbol;
    const struct object_section *code = c->obj->sections + c->section;
    const struct skep_insn *insn;
    bool is_call;

    if (reloc->offset % 8)
        return refuse(c, reloc, "is not at the beginning of an instruction");
    out->insn = (uint32_t)(reloc->offset / 8);
    insn = code->insns + out->insn;
    is_call = insn->code == INSN_CALL;
    if (!is_call && insn->code != INSN_WIDE_LOAD)
        return refuse(c, reloc, "is on an instruction that is neither a call nor a wide load");
    if (!is_call && out->insn + 1 >= code->insn_count)
        return refuse(c, reloc, "is on a wide load that is cut off");
    if (symbol->section == ELF_UNDEF) {
        out->index = extern_of_symbol(c->obj, reloc->symbol);
        out->kind = RELOC_EXTERN;
        return out->index == OBJECT_NONE ? refuse(c, reloc, "is against an undefined local symbol")
                                         : 0;
    }
    if (symbol->section == ELF_NOWHERE) {
        out->kind = RELOC_STRAY;
        out->index = reloc->symbol;
        return 0;
    }
    if (c->obj->sections[symbol->section].kind == SECTION_CODE)
        return to_code(c, reloc, is_call, insn, out);
    if (is_call)
        return refuse(c, reloc, "calls what is not code");
    return to_data(c, reloc, insn, out);
}

static int load_section(struct skep_object *obj, uint32_t index, struct skep_error *err)
{
    struct context c = {obj, obj->elf.sections[index].info, err};
    struct object_section *code = obj->sections + c.section;
    struct elf_reloc *relocs;
    size_t count;
    int result = elf_relocs(&obj->elf, index, &relocs, &count, err);

    if (result || !count)
        return result;
    if (code->relocs) {
        free(relocs);
        return error_set(err, -SKEP_EFORMAT, "section %s: two sections have relocations for it",
                         obj->elf.sections[c.section].name);
    }
    code->relocs = calloc(count, sizeof *code->relocs);
    if (!code->relocs)
        result = error_set(err, -SKEP_ENOMEM, "no memory for %zu relocations", count);
    for (size_t i = 0; i < count && !result; i++) {
        result = resolve(&c, relocs + i, code->relocs + i);
        if (!result && i && code->relocs[i].insn == code->relocs[i - 1].insn)
            result = refuse(&c, relocs + i, "is the second for this instruction");
    }
    code->reloc_count = (uint32_t)count;
    free(relocs);
    return result;
}

/* Calls within a section need no relocation; they count as calls all the same. */
static void mark_calls(struct skep_object *obj, uint32_t section)
{
    const struct object_section *code = obj->sections + section;

    for (uint32_t i = 0, reloc = 0; i < code->insn_count; i++) {
        const struct skep_insn *insn = code->insns + i;
        int64_t target = (int64_t)i + 1 + insn->imm;
        uint32_t func;

        while (reloc < code->reloc_count && code->relocs[reloc].insn < i)
            reloc++;
        if (insn->code == INSN_WIDE_LOAD) {
            i++;
            continue;
        }
        if (insn->code != INSN_CALL || SKEP_INSN_SRC(insn) != SKEP_PSEUDO_CALL || target < 0 ||
            target >= code->insn_count ||
            (reloc < code->reloc_count && code->relocs[reloc].insn == i))
            continue;
        func = func_at(obj, section, (uint32_t)target);
        if (func != OBJECT_NONE)
            obj->funcs.items[func].is_called = true;
    }
}

int reloc_load(struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct elf_section *section = obj->elf.sections + i;
        int code;

        if ((section->type != ELF_REL && section->type != ELF_RELA) ||
            section->info >= obj->elf.section_count ||
            obj->sections[section->info].kind != SECTION_CODE)
            continue;
        code = load_section(obj, i, err);
        if (code)
            return code;
    }
    for (uint32_t i = 1; i < obj->elf.section_count; i++)
        if (obj->sections[i].kind == SECTION_CODE)
            mark_calls(obj, i);
    return 0;
}

uint32_t reloc_from(const struct object_section *section, uint32_t insn)
{
    uint32_t low = 0, high = section->reloc_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (section->relocs[middle].insn < insn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
