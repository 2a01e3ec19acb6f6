/* types.c - the object's BTF: read, completed with what only the ELF file knows, and encoded for Linux.
 *
 * Compilers leave sizes of data sections 0 and offsets of variables to relocations. What is known about where things lie
 * comes from the symbol table, as in libbpf: first the relocations of .BTF are applied to its bytes, then global
 * variables get the offsets of their symbols. The struct skep_btf of an open object has all of that filled in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "btf/builder.h"
#include "object/object.h"

enum {
    MAX_TWINS = 64,     /* symbols of one name that are looked at */
    MAX_PARAMETERS = 64 /* of an extern function that get a name; none that exists has as many */
};

static int index_symbols(struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.symbol_count; i++) {
        const struct elf_symbol *symbol = obj->elf.symbols + i;

        if (symbol->section == ELF_UNDEF || symbol->section == ELF_NOWHERE || !symbol->name[0] ||
            (symbol->bind != ELF_GLOBAL && symbol->bind != ELF_WEAK))
            continue;
        if (!table_put(&obj->symbols, symbol->name, strlen(symbol->name), i))
            return error_set(err, -SKEP_ENOMEM, "no memory for %u symbols", obj->elf.symbol_count);
    }
    return 0;
}

uint32_t types_symbol(const struct skep_object *obj, const char *name, uint32_t section)
{
    uint32_t cursor = 0, found = table_get(&obj->symbols, name, strlen(name), &cursor);

    for (int i = 0; found != TABLE_NONE && i < MAX_TWINS; i++) {
        if (!section || obj->elf.symbols[found].section == section)
            return found;
        found = table_next(&obj->symbols, &cursor);
    }
    return OBJECT_NONE;
}

/* Add symbol values (and RELA's addends) to the words that the relocations of section `index` name. Every type that LLVM
 * used here over time (0, 3, 4, 10) means a 32-bit word. */
static int apply_relocs(const struct skep_object *obj, uint32_t index, uint8_t *bytes, size_t size,
                        struct skep_error *err)
{
    const struct elf *elf = &obj->elf;

    for (uint32_t i = 1; i < elf->section_count; i++) {
        struct elf_reloc *relocs;
        size_t count;
        int code;

        if ((elf->sections[i].type != ELF_REL && elf->sections[i].type != ELF_RELA) ||
            elf->sections[i].info != index)
            continue;
        code = elf_relocs(elf, i, &relocs, &count, err);
        if (code)
            return code;
        for (size_t k = 0; k < count; k++) {
            uint32_t value = (uint32_t)elf->symbols[relocs[k].symbol].value;

            if (!check_range(relocs[k].offset, 4, size)) {
                code = error_set(err, -SKEP_EFORMAT,
                                 "%s: relocation at 0x%llx runs past the end at 0x%zx",
                                 elf->sections[i].name, (unsigned long long)relocs[k].offset, size);
                free(relocs);
                return code;
            }
            value += relocs[k].has_addend ? (uint32_t)relocs[k].addend
                                          : load_u32(bytes + relocs[k].offset, elf->is_big);
            store_u32(bytes + relocs[k].offset, value, elf->is_big);
        }
        free(relocs);
    }
    return 0;
}

/* The bytes of a section with its relocations applied; malloc'ed. */
static int relocated(const struct skep_object *obj, uint32_t index, uint8_t **out,
                     struct skep_error *err)
{
    const struct elf_section *section = obj->elf.sections + index;
    size_t size = section->bytes ? (size_t)section->size : 0;
    uint8_t *copy = malloc(size ? size : 1);
    int code;

    *out = NULL;
    if (!copy)
        return error_set(err, -SKEP_ENOMEM, "section %s: no memory for %zu bytes", section->name,
                         size);
    if (size)
        memcpy(copy, section->bytes, size);
    code = apply_relocs(obj, index, copy, size, err);
    if (code)
        free(copy);
    else
        *out = copy;
    return code;
}

/* The writable record of a type: the object's BTF is still nobody else's. */
static uint32_t *record_of(struct skep_btf *btf, uint32_t id)
{
    return btf->words + btf->at[id];
}

static void place_variables(struct skep_object *obj)
{
    struct skep_btf *btf = obj->btf;

    for (uint32_t id = btf_next(btf, BTF_MASK(BTF_DATASEC), 0); id;
         id = btf_next(btf, BTF_MASK(BTF_DATASEC), id)) {
        uint32_t section = section_find(obj, btf_name_of(btf, id));
        uint32_t *record = record_of(btf, id);

        if (!section)
            continue;
        if (obj->elf.sections[section].size <= UINT32_MAX)
            record[2] = (uint32_t)obj->elf.sections[section].size;
        for (uint32_t i = 0; i < btf_length(btf, id); i++) {
            uint32_t *place = record + 3 + (size_t)i * 3, *var = record_of(btf, place[0]);
            uint32_t symbol;

            if (!btf_is(btf, place[0], BTF_MASK(BTF_VAR)) || var[3] != BTF_GLOBAL)
                continue;
            symbol = types_symbol(obj, btf_name_of(btf, place[0]), section);
            if (symbol == OBJECT_NONE || obj->elf.symbols[symbol].value > UINT32_MAX)
                continue;
            place[1] = (uint32_t)obj->elf.symbols[symbol].value;
            /* Hidden from other objects: the verifier shall see it as static, as with libbpf. */
            if (obj->elf.symbols[symbol].visibility == ELF_HIDDEN ||
                obj->elf.symbols[symbol].visibility == ELF_INTERNAL)
                var[3] = BTF_STATIC;
        }
    }
}

int types_load(struct skep_object *obj, struct skep_error *err)
{
    uint32_t btf = section_find(obj, ".BTF"), ext = section_find(obj, ".BTF.ext");
    uint8_t *bytes;
    int code = index_symbols(obj, err);

    if (code || !btf || !obj->elf.sections[btf].bytes)
        return code;
    code = relocated(obj, btf, &bytes, err);
    if (code)
        return code;
    code = btf_parse(bytes, (size_t)obj->elf.sections[btf].size, &obj->btf, err);
    free(bytes);
    if (code)
        return code;
    place_variables(obj);
    if (!ext || !obj->elf.sections[ext].bytes)
        return 0;
    code = relocated(obj, ext, &bytes, err);
    if (code)
        return code;
    code = ext_parse(bytes, (size_t)obj->elf.sections[ext].size, obj->btf, &obj->ext, err);
    free(bytes);
    for (uint32_t i = 0; !code && i < obj->ext.count; i++) {
        const char *name = obj->ext.sections[i].name;
        uint32_t cursor = 0, at = table_get(&obj->names, name, strlen(name), &cursor);

        for (; at != TABLE_NONE; at = table_next(&obj->names, &cursor))
            obj->sections[at].ext = obj->ext.sections + i;
    }
    return code;
}

/* -- for Linux --------------------------------------------------------------------------------- */

/* Functions that Linux knows have names for all parameters; declarations need not have any. */
static void name_parameters(struct builder *b, const struct skep_btf *btf, uint32_t proto)
{
    for (uint32_t i = 0; i < btf_length(btf, proto) && i < MAX_PARAMETERS; i++) {
        struct btf_parameter parameter = btf_parameter_at(btf, proto, i);
        uint32_t *record, name;

        if (parameter.name[0] || !parameter.type)
            continue;
        name = builder_string(b, "dummy_ksym");
        record = builder_record(b, proto);
        if (record)
            record[3 + (size_t)i * 2] = name;
    }
}

/* Linux knows no externs: it takes those of .ksyms for variables of an int each, one after the other; what stands for
 * functions must be variables too. The same forms as libbpf gives them. */
static void replace_ksyms(struct builder *b, const struct skep_btf *btf, uint32_t datasec)
{
    uint32_t count = btf_length(btf, datasec), offset = 0, word = 0, dummy = 0;

    for (uint32_t id = btf_next(btf, BTF_MASK(BTF_INT), 0); id && !word;
         id = btf_next(btf, BTF_MASK(BTF_INT), id))
        if (btf_size_field(btf, id) == 4 && btf_integer_of(btf, id).bits == 32)
            word = id;
    if (!word)
        word = builder_int(b, "int", 4, SKEP_INT_SIGNED);
    for (uint32_t i = 0; i < count; i++, offset += 4) {
        uint32_t type = btf_placed_at(btf, datasec, i).type;

        if (btf_is(btf, type, BTF_MASK(BTF_FUNC))) {
            if (!dummy)
                dummy = builder_var(b, "dummy_ksym", word, BTF_GLOBAL);
            builder_set_placed(b, datasec, i, dummy, offset, 4);
        } else {
            builder_set_ref(b, type, word);
            builder_set_linkage(b, type, BTF_GLOBAL);
            builder_set_placed(b, datasec, i, type, offset, 4);
        }
    }
    builder_set_size(b, datasec, offset);
}

static void fit_datasec(struct builder *b, const struct skep_btf *btf, uint32_t id)
{
    if (strcmp(btf_name_of(btf, id), ".ksyms") == 0) {
        replace_ksyms(b, btf, id);
        return;
    }
    for (uint32_t i = 0; i < btf_length(btf, id); i++) {
        uint32_t var = btf_placed_at(btf, id, i).type;

        if (btf_is(btf, var, BTF_MASK(BTF_VAR)) && btf_linkage_of(btf, var) == BTF_EXTERN)
            builder_set_linkage(b, var, BTF_GLOBAL);
    }
    builder_sort_placed(b, id);
}

int types_encode(struct skep_object *obj, struct skep_error *err)
{
    struct builder b;
    int code;

    if (!obj->btf || obj->btf_bytes)
        return 0;
    builder_from(&b, obj->btf);
    for (uint32_t id = btf_next(obj->btf, BTF_MASK(BTF_DATASEC) | BTF_MASK(BTF_FUNC), 0); id;
         id = btf_next(obj->btf, BTF_MASK(BTF_DATASEC) | BTF_MASK(BTF_FUNC), id)) {
        if (btf_is(obj->btf, id, BTF_MASK(BTF_DATASEC))) {
            fit_datasec(&b, obj->btf, id);
        } else if (btf_linkage_of(obj->btf, id) == BTF_EXTERN) {
            name_parameters(&b, obj->btf, btf_ref(obj->btf, id));
            builder_set_linkage(&b, id, BTF_GLOBAL);
        }
    }
    for (size_t i = 0; i < obj->funcs.count; i++) {
        uint32_t type = obj->funcs.items[i].type;

        if (obj->funcs.items[i].is_hidden && btf_is(obj->btf, type, BTF_MASK(BTF_FUNC)) &&
            btf_linkage_of(obj->btf, type) == BTF_GLOBAL)
            builder_set_linkage(&b, type, BTF_STATIC);
    }
    code = builder_encode(&b, HOST_IS_BIG, &obj->btf_bytes, &obj->btf_size, err);
    builder_free(&b);
    return code;
}
