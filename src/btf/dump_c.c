/* dump_c.c - all types as a C header, as `bpftool btf dump format c` writes it.
 *
 * C wants a struct complete before it is embedded, and declared before it is pointed at. For each type in turn two
 * walks follow. Ordering collects the definitions that must come first: it goes through members, but stops at named
 * structs behind pointers. Emitting writes them, and where a definition points at a struct or typedef that is not out
 * yet, a forward declaration before it. Names that occur twice (types of several compilation units) get "___2".
 */
#include "btf/dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/table.h"
#include "base/vec.h"

/* -- names ------------------------------------------------------------------------------------- */
/* Tags (struct, union, enum) and ordinary identifiers (typedefs, enumerators) are two name spaces in C. */
struct name_space {
    struct table table; /* name to index into counts */
    VEC(uint32_t) counts;
};
struct dump_names {
    const struct skep_btf *btf;
    struct name_space tags, identifiers;
    uint32_t *times; /* by type: how often its name had been met, itself included; 0: not met yet */
    struct text unique;
    bool is_out_of_memory;
};

static uint32_t count_name(struct dump_names *names, struct name_space *space, const char *name)
{
    uint32_t index = table_get(&space->table, name, strlen(name), NULL), *count;

    if (index == TABLE_NONE) {
        index = (uint32_t)space->counts.count;
        count = VEC_PUSH(&space->counts);
        if (!count || !table_put(&space->table, name, strlen(name), index)) {
            names->is_out_of_memory = true;
            return 1;
        }
    }
    return ++space->counts.items[index];
}

uint32_t dump_names_count(struct dump_names *names, const char *name)
{
    return count_name(names, &names->identifiers, name);
}

const char *dump_names_of(struct dump_names *names, uint32_t id)
{
    const struct skep_btf *btf = names->btf;
    const char *name = btf_name_of(btf, id);

    if (!*name)
        return name;
    if (!names->times[id]) {
        /* Declaring twice is no conflict. */
        if (btf_is(btf, id, BTF_MASK(BTF_FWD)) ||
            (btf_is(btf, id, BTF_ENUMS) && !btf_length(btf, id)))
            names->times[id] = 1;
        else
            names->times[id] = count_name(
                names, btf_is(btf, id, BTF_MASK(BTF_TYPEDEF)) ? &names->identifiers : &names->tags,
                name);
    }
    if (names->times[id] == 1)
        return name;
    names->unique.count = 0;
    text_printf(&names->unique, "%s___%u", name, names->times[id]);
    return names->unique.code ? name : names->unique.items;
}

static void free_names(struct dump_names *names)
{
    table_free(&names->tags.table);
    table_free(&names->identifiers.table);
    free(names->tags.counts.items);
    free(names->identifiers.counts.items);
    free(names->times);
    text_free(&names->unique);
}

/* -- state ------------------------------------------------------------------------------------- */
enum {
    OPEN = 1, /* being ordered: meeting it again is a loop */
    ORDERED = 2,
    REFERENCED = 4, /* some type refers to it */
    WRITING = 8,
    WRITTEN = 16,
    DECLARED = 32 /* a forward declaration is out (of a typedef: the typedef itself) */
};
struct dump {
    const struct skep_btf *btf;
    struct declarer d;
    struct dump_names names;
    uint8_t *states; /* by type */
    VEC(uint32_t) queue;
    uint32_t nest;
};

static bool is_named(const struct dump *dump, uint32_t id)
{
    return btf_name_offset(dump->btf, id) != 0;
}

static void mark_referenced(struct dump *dump)
{
    const uint32_t refers = BTF_MODIFIERS | BTF_MASK(BTF_PTR) | BTF_MASK(BTF_FUNC) |
                            BTF_MASK(BTF_VAR) | BTF_MASK(BTF_DECL_TAG);
    const struct skep_btf *btf = dump->btf;
    uint8_t *states = dump->states;

    for (uint32_t id = 1; id < btf->count; id++) {
        const uint32_t *record = btf_record(btf, id);
        uint32_t length = btf_length(btf, id);
        if (btf_is(btf, id, refers)) {
            states[record[2]] |= REFERENCED;
        } else if (btf_is(btf, id, BTF_MASK(BTF_ARRAY))) {
            states[record[3]] |= REFERENCED;
            states[record[4]] |= REFERENCED;
        } else if (btf_is(btf, id, BTF_COMPOSITES)) {
            for (uint32_t i = 0; i < length; i++)
                states[record[3 + i * 3 + 1]] |= REFERENCED;
        } else if (btf_is(btf, id, BTF_MASK(BTF_FUNC_PROTO))) {
            for (uint32_t i = 0; i < length; i++)
                states[record[3 + i * 2 + 1]] |= REFERENCED;
        } else if (btf_is(btf, id, BTF_MASK(BTF_DATASEC))) {
            for (uint32_t i = 0; i < length; i++)
                states[record[3 + i * 3]] |= REFERENCED;
        }
    }
}

/* -- ordering ---------------------------------------------------------------------------------- */
static bool enqueue(struct dump *dump, uint32_t id)
{
    uint32_t *slot = VEC_PUSH(&dump->queue);

    if (slot)
        *slot = id;
    return slot != NULL;
}

static int order(struct dump *dump, uint32_t id, bool is_behind_ptr);

static int order_members(struct dump *dump, uint32_t id)
{
    int link;

    dump->states[id] |= OPEN;
    for (uint32_t i = 0; i < btf_length(dump->btf, id); i++) {
        link = order(dump, btf_field_at(dump->btf, id, i).type, false);
        if (link < 0)
            return link;
    }
    if (is_named(dump, id) && !enqueue(dump, id))
        return -SKEP_ENOMEM;
    dump->states[id] = (uint8_t)((dump->states[id] & ~OPEN) | ORDERED);
    return 1;
}

static int order_prototype(struct dump *dump, uint32_t id, bool is_behind_ptr)
{
    int link = order(dump, btf_ref(dump->btf, id), is_behind_ptr), strongest = link;

    for (uint32_t i = 0; link >= 0 && i < btf_length(dump->btf, id); i++) {
        link = order(dump, btf_parameter_at(dump->btf, id, i).type, is_behind_ptr);
        if (link > strongest)
            strongest = link;
    }
    return link < 0 ? link : strongest;
}

/* 1: the type is, or will be, defined before what uses it (a strong link); 0: it is only pointed at, or needs no
 * definition; or an error. */
static int order_kind(struct dump *dump, uint32_t id, bool is_behind_ptr)
{
    const struct skep_btf *btf = dump->btf;
    int link;

    switch (btf_kind_of(btf, id)) {
    case BTF_PTR:
        link = order(dump, btf_ref(btf, id), true);
        dump->states[id] |= ORDERED;
        return link;
    case BTF_ARRAY:
        return order(dump, btf_elements_of(btf, id).type, false);
    case BTF_STRUCT:
    case BTF_UNION:
        return is_behind_ptr && is_named(dump, id) ? 0 : order_members(dump, id);
    case BTF_ENUM:
    case BTF_ENUM64:
    case BTF_FWD:
        /* Anonymous enums are written where they are used; where nobody does, for their enumerators. */
        if ((is_named(dump, id) || !(dump->states[id] & REFERENCED)) && !enqueue(dump, id))
            return -SKEP_ENOMEM;
        dump->states[id] |= ORDERED;
        return 1;
    case BTF_TYPEDEF:
        link = order(dump, btf_ref(btf, id), is_behind_ptr);
        if (link < 0 || (is_behind_ptr && !link))
            return link;
        if (!enqueue(dump, id))
            return -SKEP_ENOMEM;
        dump->states[id] |= ORDERED;
        return 1;
    case BTF_VOLATILE:
    case BTF_CONST:
    case BTF_RESTRICT:
    case BTF_TYPE_TAG:
        return order(dump, btf_ref(btf, id), is_behind_ptr);
    case BTF_FUNC_PROTO:
        return order_prototype(dump, id, is_behind_ptr);
    default:
        dump->states[id] |= ORDERED;
        return 0;
    }
}

static int order(struct dump *dump, uint32_t id, bool is_behind_ptr)
{
    int link;

    if (dump->states[id] & ORDERED)
        return 1;
    if (dump->states[id] & OPEN)
        return is_behind_ptr && is_named(dump, id) ? 0 : -SKEP_ELOOP;
    if (!dump->d.budget || dump->nest >= DUMP_NEST)
        return dump->d.budget ? -SKEP_ELOOP : -SKEP_E2BIG;
    dump->d.budget--;
    dump->nest++;
    link = order_kind(dump, id, is_behind_ptr);
    dump->nest--;
    return link;
}

/* -- writing ----------------------------------------------------------------------------------- */
static void write_definition(struct dump *dump, uint32_t id, uint32_t user);

static void end_definition(struct dump *dump)
{
    text_str(&dump->d.text, ";\n\n");
    if (dump->names.is_out_of_memory && !dump->d.text.code)
        dump->d.text.code = -SKEP_ENOMEM;
    if (dump->d.text.count > DUMP_FLUSH)
        declare_flush(&dump->d);
}

/* The compiler knows it without a typedef. */
static bool is_builtin(const struct dump *dump, uint32_t id)
{
    return !strcmp(btf_name_of(dump->btf, id), "__builtin_va_list");
}

/* arm64's vector types are built into one compiler and unknown to the other. */
static void write_missing_base(struct dump *dump, uint32_t id)
{
    static const char *const bases[][2] = {{"__Poly8_t", "unsigned char"},
                                           {"__Poly16_t", "unsigned short"},
                                           {"__Poly64_t", "unsigned long long"},
                                           {"__Poly128_t", "unsigned __int128"}};

    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        if (!strcmp(btf_name_of(dump->btf, id), bases[i][0]))
            text_printf(&dump->d.text, "typedef %s %s;\n\n", bases[i][1], bases[i][0]);
}

/* Met while it is being written itself: only a declaration can help. */
static void write_again(struct dump *dump, uint32_t id, uint32_t user)
{
    uint8_t *state = &dump->states[id];

    if (*state & DECLARED)
        return;
    if (btf_is(dump->btf, id, BTF_COMPOSITES)) {
        if (id == user || !is_named(dump, id))
            return;
        declare_tag(&dump->d, id);
        end_definition(dump);
        *state |= DECLARED;
    } else if (btf_is(dump->btf, id, BTF_MASK(BTF_TYPEDEF))) {
        if (!is_builtin(dump, id)) {
            declare_typedef(&dump->d, id);
            end_definition(dump);
        }
        *state |= DECLARED;
    }
}

static void write_composite(struct dump *dump, uint32_t id, uint32_t user)
{
    uint8_t *state = &dump->states[id];

    *state |= WRITING;
    if (!user || !is_named(dump, id)) {
        /* Its members are about to be written: what they need first. */
        for (uint32_t i = 0; i < btf_length(dump->btf, id) && !dump->d.text.code; i++)
            write_definition(dump, btf_field_at(dump->btf, id, i).type,
                             is_named(dump, id) ? id : user);
    } else if (!(*state & DECLARED) && id != user) {
        declare_tag(&dump->d, id);
        end_definition(dump);
        *state |= DECLARED;
    }
    *state = (uint8_t)(*state & ~WRITING);
    if (user)
        return;
    declare_struct(&dump->d, id, 0);
    end_definition(dump);
    *state |= WRITTEN;
}

static void write_kind(struct dump *dump, uint32_t id, uint32_t user)
{
    const struct skep_btf *btf = dump->btf;
    uint8_t *state = &dump->states[id];

    switch (btf_kind_of(btf, id)) {
    case BTF_INT:
        write_missing_base(dump, id);
        *state |= WRITTEN;
        break;
    case BTF_ENUM:
    case BTF_ENUM64:
        if (!user) {
            declare_enum(&dump->d, id, 0);
            end_definition(dump);
        }
        *state |= WRITTEN;
        break;
    case BTF_FWD:
        declare_tag(&dump->d, id);
        end_definition(dump);
        *state |= WRITTEN;
        break;
    case BTF_PTR:
    case BTF_VOLATILE:
    case BTF_CONST:
    case BTF_RESTRICT:
    case BTF_TYPE_TAG:
        write_definition(dump, btf_ref(btf, id), user);
        break;
    case BTF_ARRAY:
        write_definition(dump, btf_elements_of(btf, id).type, user);
        break;
    case BTF_TYPEDEF:
        *state |= WRITING;
        write_definition(dump, btf_ref(btf, id), id);
        if (!(*state & DECLARED) && !is_builtin(dump, id)) {
            declare_typedef(&dump->d, id);
            end_definition(dump);
        }
        *state = (uint8_t)((*state & ~WRITING) | WRITTEN);
        break;
    case BTF_STRUCT:
    case BTF_UNION:
        write_composite(dump, id, user);
        break;
    case BTF_FUNC_PROTO:
        write_definition(dump, btf_ref(btf, id), user);
        for (uint32_t i = 0; i < btf_length(btf, id) && !dump->d.text.code; i++)
            write_definition(dump, btf_parameter_at(btf, id, i).type, user);
        break;
    default:
        break;
    }
}

/* Write what `id` needs before `user` (0: id itself is to be defined) can be written. */
static void write_definition(struct dump *dump, uint32_t id, uint32_t user)
{
    if (dump->states[id] & WRITTEN || dump->d.text.code)
        return;
    if (dump->states[id] & WRITING) {
        write_again(dump, id, user);
        return;
    }
    if (!dump->d.budget || dump->nest >= DUMP_NEST) {
        dump->d.text.code = dump->d.budget ? -SKEP_ELOOP : -SKEP_E2BIG;
        return;
    }
    dump->d.budget--;
    dump->nest++;
    write_kind(dump, id, user);
    dump->nest--;
}

/* -- the header -------------------------------------------------------------------------------- */
static int dump_type(struct dump *dump, uint32_t id)
{
    int link;

    dump->queue.count = 0;
    link = order(dump, id, false);
    if (link < 0)
        return link;
    for (size_t i = 0; i < dump->queue.count; i++)
        write_definition(dump, dump->queue.items[i], 0);
    return dump->d.text.code;
}

int dump_c(const struct skep_btf *btf, skep_print_fn print, void *user)
{
    struct dump dump = {
        .btf = btf, .d.btf = btf, .d.print = print, .d.user = user, .names.btf = btf};
    struct text *text = &dump.d.text;
    int code = 0;

    dump.states = calloc(btf->count, 1);
    dump.d.aligns = malloc(btf->count);
    dump.names.times = calloc(btf->count, sizeof *dump.names.times);
    if (!dump.states || !dump.d.aligns || !dump.names.times) {
        code = -SKEP_ENOMEM;
        goto out;
    }
    memset(dump.d.aligns, 255, btf->count);
    dump.d.names = &dump.names;
    dump.d.budget = 1000000 + (uint64_t)btf->word_count * 64;
    mark_referenced(&dump);
    text_str(text, "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
                   "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
                   "#pragma clang attribute push (__attribute__((preserve_access_index)), "
                   "apply_to = record)\n#endif\n\n");
    for (uint32_t id = 1; id < btf->count && !code; id++)
        code = dump_type(&dump, id);
    text_str(text, "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n"
                   "#endif /* __VMLINUX_H__ */\n");
    if (!code)
        code = declare_flush(&dump.d);
out:
    free(dump.states);
    free(dump.d.aligns);
    free(dump.queue.items);
    free_names(&dump.names);
    text_free(text);
    return code;
}
