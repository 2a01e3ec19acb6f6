/* func.c - the pieces of code in an object: where functions begin and end.
 *
 * Compilers of today mark functions with type and size. Old ones wrote plain symbols without either, among labels
 * ("LBB0_3"): then every global symbol begins a function, or where there is none every local one that is not a label, and
 * it ends where the next begins. A section without any is one function with the section's name.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"

enum { MAX_TWINS = 64 /* functions of one name that are looked at */ };

/* LBB0_3, L3, .Ltmp7, BB0_1: what LLVM calls places within functions. */
static bool is_label(const char *name)
{
    static const char *const prefixes[] = {"LBB", "BB", "L", "Ltmp", "tmp", "$"};

    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t length = strlen(prefixes[i]);

        if (strncmp(name, prefixes[i], length) == 0 && isdigit((unsigned char)name[length])) {
            const char *rest = name + length;

            while (isdigit((unsigned char)*rest) || *rest == '_')
                rest++;
            if (!*rest)
                return true;
        }
    }
    return false;
}

/* How much a symbol looks like the beginning of a function; a section's functions are those of its best rank. */
enum { RANK_NONE, RANK_LOCAL, RANK_GLOBAL, RANK_TYPED };
static int rank_of(const struct elf_symbol *symbol)
{
    if (symbol->type == ELF_FUNC)
        return RANK_TYPED;
    if (symbol->type != ELF_NOTYPE || !symbol->name[0] || is_label(symbol->name))
        return RANK_NONE;
    return symbol->bind == ELF_LOCAL ? RANK_LOCAL : RANK_GLOBAL;
}

static int add_func(struct skep_object *obj, const struct elf_symbol *symbol, uint32_t section,
                    struct skep_error *err)
{
    const char *name = obj->elf.sections[section].name;
    struct object_func *func;

    if (symbol && (symbol->value % 8 || symbol->size % 8 ||
                   !check_range(symbol->value, symbol->size, obj->elf.sections[section].size)))
        return error_set(err, -SKEP_EFORMAT,
                         "function %s: 0x%llx bytes at %s+0x%llx, but the section has 0x%llx",
                         symbol->name, (unsigned long long)symbol->size, name,
                         (unsigned long long)symbol->value,
                         (unsigned long long)obj->elf.sections[section].size);
    if (symbol && symbol->value == obj->elf.sections[section].size)
        return 0; /* an empty one at the very end */
    func = VEC_PUSH(&obj->funcs);
    if (!func)
        return error_set(err, -SKEP_ENOMEM, "section %s: no memory", name);
    func->section = section;
    func->handler = OBJECT_NONE;
    if (!symbol) {
        func->name = name;
        func->bind = ELF_GLOBAL;
        func->is_section = true;
        return 0;
    }
    func->name = symbol->name;
    func->insn = (uint32_t)(symbol->value / 8);
    func->count = (uint32_t)(symbol->size / 8);
    func->bind = symbol->bind;
    func->is_hidden = symbol->bind != ELF_LOCAL &&
                      (symbol->visibility == ELF_HIDDEN || symbol->visibility == ELF_INTERNAL);
    return 0;
}

/* By place; of two names of one place the global one is first and stays. */
static int compare_funcs(const void *a, const void *b)
{
    const struct object_func *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    if (x->insn != y->insn)
        return x->insn < y->insn ? -1 : 1;
    if ((x->bind == ELF_LOCAL) != (y->bind == ELF_LOCAL))
        return x->bind == ELF_LOCAL ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int collect(struct skep_object *obj, struct skep_error *err)
{
    uint8_t *rank = calloc(obj->elf.section_count, 1);
    int code = 0;

    if (!rank)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u sections", obj->elf.section_count);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 1; i < obj->elf.symbol_count && !code; i++) {
            const struct elf_symbol *symbol = obj->elf.symbols + i;
            int own = rank_of(symbol);

            if (symbol->section == ELF_NOWHERE || symbol->section == ELF_UNDEF ||
                obj->sections[symbol->section].kind != SECTION_CODE || !own)
                continue;
            if (!pass && own > rank[symbol->section])
                rank[symbol->section] = (uint8_t)own;
            else if (pass && own == rank[symbol->section])
                code = add_func(obj, symbol, symbol->section, err);
        }
    for (uint32_t i = 1; i < obj->elf.section_count && !code; i++)
        if (obj->sections[i].kind == SECTION_CODE && obj->sections[i].insn_count && !rank[i])
            code = add_func(obj, NULL, i, err);
    free(rank);
    return code;
}

/* Ends, and where each section's functions are. */
static int measure(struct skep_object *obj, struct skep_error *err)
{
    struct object_func *funcs = obj->funcs.items;
    size_t kept = 0;

    if (!obj->funcs.count)
        return 0;
    qsort(funcs, obj->funcs.count, sizeof *funcs, compare_funcs);
    for (size_t i = 0; i < obj->funcs.count; i++)
        if (!kept || funcs[kept - 1].section != funcs[i].section ||
            funcs[kept - 1].insn != funcs[i].insn)
            funcs[kept++] = funcs[i];
    obj->funcs.count = kept;
    for (size_t i = 0; i < kept; i++) {
        struct object_section *section = obj->sections + funcs[i].section;
        uint32_t end = section->insn_count;

        if (i + 1 < kept && funcs[i + 1].section == funcs[i].section)
            end = funcs[i + 1].insn;
        if (!funcs[i].count)
            funcs[i].count = end - funcs[i].insn;
        if (funcs[i].count > end - funcs[i].insn)
            return error_set(
                err, -SKEP_EFORMAT,
                "function %s: %u instructions at %s+0x%llx, but %s begins after %u", funcs[i].name,
                funcs[i].count, obj->elf.sections[funcs[i].section].name,
                (unsigned long long)funcs[i].insn * 8, funcs[i + 1].name, end - funcs[i].insn);
        if (!section->func_count++)
            section->first_func = (uint32_t)i;
    }
    return 0;
}

uint32_t func_at(const struct skep_object *obj, uint32_t section, uint32_t insn)
{
    const struct object_section *s = obj->sections + section;
    uint32_t low = s->first_func, high = s->first_func + s->func_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (obj->funcs.items[middle].insn <= insn)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->first_func || !s->func_count)
        return OBJECT_NONE;
    low--;
    return insn - obj->funcs.items[low].insn < obj->funcs.items[low].count ? low : OBJECT_NONE;
}

/* -- types ------------------------------------------------------------------------------------- */

static uint32_t type_by_name(const struct skep_btf *btf, const struct object_func *func)
{
    uint32_t id = 0;

    for (int i = 0; i < MAX_TWINS; i++) {
        id = btf_find_next(btf, func->name, BTF_MASK(BTF_FUNC), id);
        if (!id || btf_linkage_of(btf, id) != BTF_EXTERN)
            return id;
    }
    return 0;
}

static void find_types(struct skep_object *obj)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct ext_section *ext = obj->sections[i].ext;

        for (uint32_t k = 0; ext && k < ext->func_count; k++) {
            uint32_t func = func_at(obj, i, ext->funcs[k].offset / 8);

            if (func != OBJECT_NONE && obj->funcs.items[func].insn == ext->funcs[k].offset / 8)
                obj->funcs.items[func].type = ext->funcs[k].type;
        }
    }
    for (size_t i = 0; i < obj->funcs.count; i++)
        if (!obj->funcs.items[i].type && !obj->funcs.items[i].is_section)
            obj->funcs.items[i].type = type_by_name(obj->btf, obj->funcs.items + i);
}

/* A program may name the function that its exceptions go to (Linux 6.7): it is linked though nobody calls it. */
static void find_handlers(struct skep_object *obj)
{
    static const char prefix[] = "exception_callback:";
    struct table names = {0}, types = {0};
    bool is_good = true;

    for (uint32_t tag = btf_next(obj->btf, BTF_MASK(BTF_DECL_TAG), 0); tag && is_good;
         tag = btf_next(obj->btf, BTF_MASK(BTF_DECL_TAG), tag)) {
        const char *text = btf_name_of(obj->btf, tag), *func;

        if (strncmp(text, prefix, sizeof prefix - 1) != 0 ||
            !btf_is(obj->btf, btf_ref(obj->btf, tag), BTF_MASK(BTF_FUNC)))
            continue;
        func = btf_name_of(obj->btf, btf_ref(obj->btf, tag));
        is_good = table_put(&types, func, strlen(func), tag);
    }
    for (size_t i = 0; i < obj->funcs.count && types.count && is_good; i++)
        is_good = table_put(&names, obj->funcs.items[i].name, strlen(obj->funcs.items[i].name),
                            (uint32_t)i);
    for (size_t i = 0; i < obj->funcs.count && types.count; i++) {
        const char *name = obj->funcs.items[i].name, *target;
        uint32_t tag = table_get(&types, name, strlen(name), NULL), found;

        if (tag == TABLE_NONE)
            continue;
        target = btf_name_of(obj->btf, tag) + sizeof prefix - 1;
        found = table_get(&names, target, strlen(target), NULL);
        if (found == TABLE_NONE)
            continue;
        obj->funcs.items[i].handler = found;
        obj->funcs.items[found].is_called = true;
    }
    table_free(&names);
    table_free(&types);
}

int func_load(struct skep_object *obj, struct skep_error *err)
{
    int code = collect(obj, err);

    if (!code)
        code = measure(obj, err);
    if (!code && obj->btf) {
        find_types(obj);
        find_handlers(obj);
    }
    return code;
}
