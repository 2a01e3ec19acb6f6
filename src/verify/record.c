/* record.c - special members: locks, timers, pointers with owners, lists and trees in map values and in the program's own
 * types.
 *
 * They are found by the names of their types, by type tags (kptr) and declaration tags (contains:), in members, arrays and
 * nested structs. The rules are those of Linux's BTF: what it does not find, or finds malformed, is no special member, and
 * a program is then judged as if it were not there. Types of the program with such members are parsed all at once, since
 * lists and trees refer to each other.
 */
#include "verify/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "platform/typed.h"

enum {
    MOST = 11,       /* special members of one type: Linux's BTF_FIELDS_MAX */
    MOST_LEVELS = 32 /* of nesting */
};

#define BIT(what)    (UINT32_C(1) << (what))
#define MAP_OF(type) (UINT64_C(1) << SKEP_MAP_TYPE_##type)
#define STORAGES                                                                                   \
    (MAP_OF(SK_STORAGE) | MAP_OF(INODE_STORAGE) | MAP_OF(TASK_STORAGE) | MAP_OF(CGRP_STORAGE))
#define PLAIN  (MAP_OF(HASH) | MAP_OF(ARRAY))
#define LOCKS  (PLAIN | MAP_OF(CGROUP_STORAGE) | STORAGES)
#define TIMERS (PLAIN | MAP_OF(LRU_HASH))
#define OBJECTS                                                                                    \
    (TIMERS | MAP_OF(PERCPU_HASH) | MAP_OF(LRU_PERCPU_HASH) | MAP_OF(PERCPU_ARRAY) | STORAGES)

enum {
    KPTRS = BIT(SPECIAL_KPTR_UNREF) | BIT(SPECIAL_KPTR) | BIT(SPECIAL_PERCPU_KPTR),
    POINTERS = KPTRS | BIT(SPECIAL_UPTR),
    ROOTS = BIT(SPECIAL_LIST_HEAD) | BIT(SPECIAL_RB_ROOT),
    NODES = BIT(SPECIAL_LIST_NODE) | BIT(SPECIAL_RB_NODE),
    IN_MAPS = BIT(SPECIAL_SPIN_LOCK) | BIT(SPECIAL_RES_SPIN_LOCK) | BIT(SPECIAL_TIMER) |
              BIT(SPECIAL_WORKQUEUE) | BIT(SPECIAL_TASK_WORK) | POINTERS | ROOTS |
              BIT(SPECIAL_REFCOUNT),
    IN_TYPES = BIT(SPECIAL_SPIN_LOCK) | BIT(SPECIAL_RES_SPIN_LOCK) | ROOTS | NODES |
               BIT(SPECIAL_REFCOUNT) | KPTRS,
    REPEATABLE = POINTERS | ROOTS /* may be elements of arrays */
};

static const struct kind {
    const char *name; /* of the struct; pointers: for messages */
    uint8_t size, align;
    bool is_unique, is_owned; /* is_owned: a type with one is a type to parse */
    uint64_t maps;            /* whose values may have one */
} kinds[] = {
    [SPECIAL_SPIN_LOCK] = {"bpf_spin_lock", 4, 4, true, true, LOCKS},
    [SPECIAL_RES_SPIN_LOCK] = {"bpf_res_spin_lock", 4, 4, true, false, LOCKS},
    [SPECIAL_TIMER] = {"bpf_timer", 16, 8, true, false, TIMERS},
    [SPECIAL_WORKQUEUE] = {"bpf_wq", 16, 8, true, false, TIMERS},
    [SPECIAL_TASK_WORK] = {"bpf_task_work", 8, 8, true, false, TIMERS},
    [SPECIAL_KPTR_UNREF] = {"kptr", 8, 8, false, false, OBJECTS},
    [SPECIAL_KPTR] = {"kptr", 8, 8, false, false, OBJECTS},
    [SPECIAL_PERCPU_KPTR] = {"percpu_kptr", 8, 8, false, false, OBJECTS},
    [SPECIAL_UPTR] = {"uptr", 8, 8, false, false, MAP_OF(TASK_STORAGE)},
    [SPECIAL_LIST_HEAD] = {"bpf_list_head", 16, 8, false, true, PLAIN},
    [SPECIAL_LIST_NODE] = {"bpf_list_node", 24, 8, false, true, 0},
    [SPECIAL_RB_ROOT] = {"bpf_rb_root", 16, 8, false, true, PLAIN},
    [SPECIAL_RB_NODE] = {"bpf_rb_node", 32, 8, false, true, 0},
    [SPECIAL_REFCOUNT] = {"bpf_refcount", 4, 4, false, true, OBJECTS},
};

struct record_cache {
    struct record **of_type; /* by id in the program's BTF */
    uint32_t count;
    struct {
        const struct skep_map_def *def;
        const char *why;
    } * missing; /* of maps and their templates */
    size_t missing_count, missing_room;
};

/* What one parse finds, in the order of members. */
struct finder {
    struct verifier *v;
    const struct skep_btf *btf;
    uint32_t mask;
    struct special_field items[MOST];
    uint32_t count;
    const char *why; /* static or in v->memory */
    bool is_out_of_memory;
};

const char *record_special_name(enum special what)
{
    return what < ARRAY_SIZE(kinds) && kinds[what].name ? kinds[what].name : "special member";
}

/* -- finding ----------------------------------------------------------------------------------- */

static int PRINTF_LIKE(2, 3) fail(struct finder *f, const char *format, ...)
{
    char text[200];
    va_list args;

    if (f->why)
        return -1;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    f->why = arena_string(&f->v->memory, text);
    f->is_out_of_memory = !f->why;
    return -1;
}

static int out_of_memory(struct finder *f)
{
    f->is_out_of_memory = true;
    f->why = f->why ? f->why : "no memory";
    return -1;
}

static struct special_field *add(struct finder *f, enum special what, uint32_t offset)
{
    struct special_field *item;

    if (f->count == MOST) {
        fail(f, "more than 11 special members");
        return NULL;
    }
    item = &f->items[f->count++];
    *item = (struct special_field){
        .what = (uint8_t)what, .offset = offset, .size = kinds[what].size, .space = SPACE_PROGRAM};
    return item;
}

/* The pointer's tag; SPECIAL_NONE: it has none, or is no pointer. -1: a tag that a pointer in such a type must not have. */
static int pointer_kind(const struct skep_btf *btf, uint32_t type, uint32_t *pointee)
{
    static const struct {
        const char *tag;
        enum special what;
    } tags[] = {{"kptr_untrusted", SPECIAL_KPTR_UNREF},
                {"kptr", SPECIAL_KPTR},
                {"percpu_kptr", SPECIAL_PERCPU_KPTR},
                {"uptr", SPECIAL_UPTR}};
    uint32_t tag;

    if (btf_is(btf, type, BTF_MASK(BTF_VOLATILE)))
        type = btf_ref(btf, type);
    if (!btf_is(btf, type, BTF_MASK(BTF_PTR)))
        return SPECIAL_NONE;
    tag = btf_ref(btf, type);
    if (!btf_is(btf, tag, BTF_MASK(BTF_TYPE_TAG)) || btf_flag(btf, tag))
        return SPECIAL_NONE;
    if (btf_is(btf, btf_ref(btf, tag), BTF_MASK(BTF_TYPE_TAG)))
        return -1;
    *pointee = btf_resolve(btf, btf_ref(btf, tag));
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (strcmp(btf_name_of(btf, tag), tags[i].tag) == 0)
            return (int)tags[i].what;
    return -1;
}

static int add_pointer(struct finder *f, uint32_t type, uint32_t offset)
{
    uint32_t pointee = 0;
    int what = pointer_kind(f->btf, type, &pointee);
    struct special_field *item;

    if (what < 0)
        return fail(f, "a pointer tag that is not kptr, kptr_untrusted, percpu_kptr or uptr");
    if (what == SPECIAL_NONE || !(f->mask & BIT(what)))
        return 0;
    if (!btf_is(f->btf, pointee, BTF_MASK(BTF_STRUCT)))
        return fail(f, "a %s that does not point at a struct", kinds[what].name);
    item = add(f, (enum special)what, offset);
    if (!item)
        return -1;
    item->btf_id = pointee;
    return 1;
}

/* The text behind "contains:" in the declaration tag of a member or variable; NULL: no such tag, or two. */
static const char *contains_tag(const struct skep_btf *btf, uint32_t type, int32_t component)
{
    static const char key[] = "contains:";
    const char *found = NULL;

    for (uint32_t tag = btf_next_tag(btf, type, 0); tag; tag = btf_next_tag(btf, type, tag)) {
        const char *text = btf_name_of(btf, tag);

        if (btf_component_of(btf, tag) != component || strncmp(text, key, sizeof key - 1) != 0)
            continue;
        if (found)
            return NULL;
        found = text + sizeof key - 1;
    }
    return found;
}

/* A list's or tree's root: what it holds is said by a tag "contains:STRUCT:MEMBER". */
static int add_root(struct finder *f, enum special what, uint32_t owner, int32_t component,
                    uint32_t offset)
{
    const char *text = contains_tag(f->btf, owner, component);
    const char *colon = text ? strchr(text, ':') : NULL;
    struct special_field *item;
    uint32_t element;
    char *name;

    if (!colon)
        return fail(f, "a %s without a tag contains:STRUCT:MEMBER", kinds[what].name);
    name = arena_copy(&f->v->memory, text, (size_t)(colon - text) + 1);
    if (!name)
        return out_of_memory(f);
    name[colon - text] = 0;
    element = btf_find_next(f->btf, name, BTF_MASK(BTF_STRUCT), 0);
    if (!element)
        return fail(f, "there is no struct %s to contain", name);
    if (!colon[1])
        return fail(f, "a tag contains:%s: without a member", name);
    item = add(f, what, offset);
    if (!item)
        return -1;
    item->btf_id = element;
    item->node_name = colon + 1;
    return 1;
}

/* Elements of arrays are the first one again: items[first..count) `count` times in all, `size` bytes apart. */
static int repeat(struct finder *f, uint32_t first, uint32_t times, uint32_t size)
{
    uint32_t found = f->count - first;

    for (uint32_t i = first; i < f->count; i++)
        if (!(BIT(f->items[i].what) & REPEATABLE))
            return fail(f, "an array of %s", kinds[f->items[i].what].name);
    if ((uint64_t)found * (times - 1) > MOST - f->count)
        return fail(f, "more than 11 special members");
    for (uint32_t n = 1; n < times; n++)
        for (uint32_t i = 0; i < found; i++) {
            f->items[f->count] = f->items[first + i];
            f->items[f->count++].offset += n * size;
        }
    return 0;
}

/* Which special member a type is by its name; SPECIAL_NONE; -1: a second one of what there may be one. */
static int named_kind(struct finder *f, uint32_t type, uint32_t *seen)
{
    const char *name = btf_name_of(f->btf, type);

    for (uint32_t i = 1; i < ARRAY_SIZE(kinds); i++) {
        if (!(f->mask & BIT(i) & ~(uint32_t)POINTERS) || strcmp(name, kinds[i].name) != 0)
            continue;
        if (kinds[i].is_unique && *seen & BIT(i))
            return fail(f, "more than one %s", name);
        *seen |= BIT(i);
        return (int)i;
    }
    return SPECIAL_NONE;
}

static int find_members(struct finder *f, uint32_t type, uint32_t level);

/* Offsets are within the struct that is looked at: find_nested shifts them. expected: a variable's size in its section, 0:
 * a member. */
static int find_one(struct finder *f, uint32_t owner, int32_t component, uint32_t type,
                    uint32_t offset, uint32_t expected, uint32_t *seen, uint32_t level)
{
    uint32_t elements = 1, first = f->count, size, depth = 0;
    bool is_struct;
    int what;

    for (; btf_is(f->btf, type, BTF_MASK(BTF_ARRAY)); depth++) {
        struct btf_elements array = btf_elements_of(f->btf, type);

        if (depth == MOST_LEVELS || !check_mul(elements, array.count, &elements))
            return fail(f, "arrays nest too deep");
        type = array.type;
    }
    if (!elements)
        return 0;
    is_struct = btf_is(f->btf, type, BTF_MASK(BTF_STRUCT));
    what = named_kind(f, type, seen);
    if (what < 0)
        return -1;
    if (what == SPECIAL_NONE && is_struct) {
        size = btf_size_field(f->btf, type);
        if (expected && expected != (uint64_t)size * elements)
            return 0;
        if (level + 1 >= MOST_LEVELS)
            return fail(f, "structs nest too deep");
        if (find_members(f, type, level + 1) < 0)
            return -1;
        for (uint32_t i = first; i < f->count; i++)
            f->items[i].offset += offset;
    } else {
        if (what == SPECIAL_NONE && f->mask & POINTERS)
            what = SPECIAL_KPTR;
        if (what == SPECIAL_NONE)
            return 0;
        size = kinds[what].size;
        if ((expected && expected != (uint64_t)size * elements) || offset % kinds[what].align)
            return 0;
        if (BIT(what) & POINTERS) {
            if (add_pointer(f, type, offset) < 0)
                return -1;
        } else if (is_struct && btf_size_field(f->btf, type) == size) {
            if (BIT(what) & ROOTS ? add_root(f, (enum special)what, owner, component, offset) < 0
                                  : !add(f, (enum special)what, offset))
                return -1;
        }
    }
    return elements > 1 && f->count > first ? repeat(f, first, elements, size) : 0;
}

static int find_members(struct finder *f, uint32_t type, uint32_t level)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < btf_length(f->btf, type); i++) {
        struct btf_field field = btf_field_at(f->btf, type, i);

        if (field.bit_offset % 8)
            return fail(f, "bit-field %s that begins within a byte", field.name);
        if (find_one(f, type, (int32_t)i, field.type, field.bit_offset / 8, 0, &seen, level) < 0)
            return -1;
    }
    return 0;
}

static int find_variables(struct finder *f, uint32_t section)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < btf_length(f->btf, section); i++) {
        struct btf_placed placed = btf_placed_at(f->btf, section, i);

        if (find_one(f, placed.type, -1, btf_ref(f->btf, placed.type), placed.offset, placed.size,
                     &seen, 0) < 0)
            return -1;
    }
    return 0;
}

/* -- checking ---------------------------------------------------------------------------------- */

/* A pointee with the name of one of the kernel's structs is that one; else the program's own. */
static int resolve_pointee(struct finder *f, struct special_field *item)
{
    const struct skep_btf *kernel = f->v->kernel_btf;
    const char *name = btf_name_of(f->btf, item->btf_id);
    uint32_t id = kernel ? btf_find_next(kernel, name, BTF_MASK(BTF_STRUCT), 0) : 0;

    if (!id)
        return 0;
    item->space = SPACE_KERNEL;
    item->btf_id = id;
    if (item->what != SPECIAL_KPTR)
        return 0;
    item->release = typed_release(name);
    if (!item->release || !btf_find_next(kernel, item->release, BTF_MASK(BTF_FUNC), 0))
        return fail(f, "a kptr to struct %s, which maps cannot own", name);
    return 0;
}

/* The member that links elements must be a node of the right kind. */
static int resolve_node(struct finder *f, struct special_field *item)
{
    const struct kind *node =
        &kinds[item->what == SPECIAL_LIST_HEAD ? SPECIAL_LIST_NODE : SPECIAL_RB_NODE];
    bool is_found = false;

    for (uint32_t i = 0; i < btf_length(f->btf, item->btf_id); i++) {
        struct btf_field field = btf_field_at(f->btf, item->btf_id, i);

        if (strcmp(field.name, item->node_name) != 0)
            continue;
        if (is_found || !btf_is(f->btf, field.type, BTF_MASK(BTF_STRUCT)) ||
            strcmp(btf_name_of(f->btf, field.type), node->name) != 0 ||
            field.bit_offset % (node->align * 8u))
            return fail(f, "contained member %s is not a node of its root's kind", field.name);
        is_found = true;
        item->node_offset = field.bit_offset / 8;
    }
    return is_found ? 0 : fail(f, "there is no member %s in what is contained", item->node_name);
}

static int compare_fields(const void *a, const void *b)
{
    const struct special_field *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void remember_offset(struct record *record, const struct special_field *item)
{
    int32_t *offsets[] = {[SPECIAL_SPIN_LOCK] = &record->spin_lock_off,
                          [SPECIAL_RES_SPIN_LOCK] = &record->res_spin_lock_off,
                          [SPECIAL_TIMER] = &record->timer_off,
                          [SPECIAL_WORKQUEUE] = &record->wq_off,
                          [SPECIAL_TASK_WORK] = &record->task_work_off,
                          [SPECIAL_REFCOUNT] = &record->refcount_off};

    record->mask |= BIT(item->what);
    if (item->what < ARRAY_SIZE(offsets) && offsets[item->what])
        *offsets[item->what] = (int32_t)item->offset;
}

/* A record of what was found in `size` bytes; NULL: nothing, or f->why says what is wrong. */
static struct record *make_record(struct finder *f, uint64_t size)
{
    struct record *record;
    uint64_t next = 0;

    if (!f->count)
        return NULL;
    record = arena_alloc(&f->v->memory, sizeof *record);
    if (!record) {
        out_of_memory(f);
        return NULL;
    }
    *record = (struct record){.count = f->count,
                              .spin_lock_off = -1,
                              .res_spin_lock_off = -1,
                              .timer_off = -1,
                              .wq_off = -1,
                              .task_work_off = -1,
                              .refcount_off = -1};
    for (uint32_t i = 0; i < f->count; i++) {
        struct special_field *item = &f->items[i];
        int code = BIT(item->what) & POINTERS ? resolve_pointee(f, item)
                   : BIT(item->what) & ROOTS  ? resolve_node(f, item)
                                              : 0;

        if (code == 0 && (item->offset < next || item->offset + (uint64_t)item->size > size))
            code = fail(f, "%s overlaps another member or the end", kinds[item->what].name);
        if (code < 0)
            return NULL;
        next = item->offset + (uint64_t)item->size;
        remember_offset(record, item);
    }
    if (record->spin_lock_off >= 0 && record->res_spin_lock_off >= 0)
        fail(f, "both bpf_spin_lock and bpf_res_spin_lock");
    else if (record->mask & ROOTS && record->spin_lock_off < 0 && record->res_spin_lock_off < 0)
        fail(f, "a list or tree without a lock beside it");
    else if ((record->mask & NODES) == NODES && record->refcount_off < 0)
        fail(f, "nodes of a list and of a tree without a bpf_refcount");
    if (f->why)
        return NULL;
    qsort(f->items, f->count, sizeof *f->items, compare_fields);
    record->fields = arena_copy(&f->v->memory, f->items, f->count * sizeof *f->items);
    if (!record->fields) {
        out_of_memory(f);
        return NULL;
    }
    return record;
}

/* -- the program's own types ------------------------------------------------------------------- */

/* Does a struct have a member of these types? Only members themselves count, not what is in arrays and nested structs. */
static bool has_owned_member(const struct skep_btf *btf, uint32_t type, const uint32_t *owned)
{
    uint32_t pointee;

    for (uint32_t i = 0; i < btf_length(btf, type); i++) {
        uint32_t member = btf_field_at(btf, type, i).type;
        int what;

        for (uint32_t k = 1; k < ARRAY_SIZE(kinds); k++)
            if (owned[k] && owned[k] == member)
                return true;
        what = pointer_kind(btf, member, &pointee);
        if (what > 0 && BIT(what) & KPTRS && btf_is(btf, pointee, BTF_MASK(BTF_STRUCT)))
            return true;
    }
    return false;
}

/* Lists and trees: what they hold has a record. Who is held must not hold what holds in turn, so that nothing owns
 * itself. */
static const char *link_elements(struct verifier *v, struct record *record)
{
    struct special_field *fields = (struct special_field *)(uintptr_t)record->fields;

    for (uint32_t i = 0; i < record->count; i++) {
        if (!(BIT(fields[i].what) & ROOTS))
            continue;
        fields[i].element = record_of_type(v, SPACE_PROGRAM, fields[i].btf_id);
        if (!fields[i].element)
            return "what a list or tree contains has no node";
        if (record->mask & NODES && fields[i].element->mask & ROOTS)
            return "a contained type contains types that contain others: they might own themselves";
    }
    return NULL;
}

static int parse_types(struct verifier *v, const char **why)
{
    const struct skep_btf *btf = v->prog_btf;
    uint32_t owned[ARRAY_SIZE(kinds)] = {0}, found = 0;

    for (uint32_t k = 1; k < ARRAY_SIZE(kinds); k++)
        if (kinds[k].is_owned)
            owned[k] = btf_find_next(btf, kinds[k].name, BTF_MASK(BTF_STRUCT), 0);
    for (uint32_t id = btf_next(btf, BTF_MASK(BTF_STRUCT), 0); id;
         id = btf_next(btf, BTF_MASK(BTF_STRUCT), id)) {
        struct finder f = {.v = v, .btf = btf, .mask = IN_TYPES};

        if (!has_owned_member(btf, id, owned))
            continue;
        if (!v->records->of_type) {
            v->records->of_type = arena_alloc(&v->memory, btf->count * sizeof *v->records->of_type);
            if (!v->records->of_type)
                return reject_memory(v);
            v->records->count = btf->count;
        }
        if (find_members(&f, id, 0) == 0)
            v->records->of_type[id] = make_record(&f, btf_size_field(btf, id));
        if (f.is_out_of_memory)
            return reject_memory(v);
        if (!v->records->of_type[id]) {
            *why = arena_printf(&v->memory, "struct %s: %s", btf_name_of(btf, id),
                                f.why ? f.why : "a special member out of place");
            return *why ? 0 : reject_memory(v);
        }
        found++;
    }
    for (uint32_t id = 1; found && id < btf->count; id++) {
        const char *fault;

        if (!v->records->of_type[id])
            continue;
        fault = link_elements(v, v->records->of_type[id]);
        if (!fault)
            continue;
        *why = arena_printf(&v->memory, "struct %s: %s", btf_name_of(btf, id), fault);
        return *why ? 0 : reject_memory(v);
    }
    return 0;
}

int record_prepare(struct verifier *v, const char **why)
{
    *why = NULL;
    v->records = arena_alloc(&v->memory, sizeof *v->records);
    if (!v->records)
        return reject_memory(v);
    if (v->prog_btf && parse_types(v, why) < 0)
        return -SKEP_ENOMEM;
    if (*why)
        v->records->of_type = NULL;
    return 0;
}

const struct record *record_of_type(struct verifier *v, uint8_t space, uint32_t id)
{
    if (space != SPACE_PROGRAM || !v->records || !v->records->of_type || id >= v->records->count)
        return NULL;
    return v->records->of_type[id];
}

/* -- maps -------------------------------------------------------------------------------------- */

/* Types for which loaders give Linux no BTF types, so that their values have no special members. */
static bool is_untyped(uint32_t type)
{
    static const uint64_t untyped =
        MAP_OF(PERF_EVENT_ARRAY) | MAP_OF(CGROUP_ARRAY) | MAP_OF(STACK_TRACE) |
        MAP_OF(ARRAY_OF_MAPS) | MAP_OF(HASH_OF_MAPS) | MAP_OF(DEVMAP) | MAP_OF(DEVMAP_HASH) |
        MAP_OF(CPUMAP) | MAP_OF(XSKMAP) | MAP_OF(SOCKMAP) | MAP_OF(SOCKHASH) | MAP_OF(QUEUE) |
        MAP_OF(STACK) | MAP_OF(ARENA) | MAP_OF(STRUCT_OPS);

    return type < 64 && untyped >> type & 1;
}

/* Arrays and storages have int keys; only sections of variables have none. */
static bool has_fitting_key(const struct skep_btf *btf, const struct skep_map_def *def)
{
    static const uint64_t int_keys = MAP_OF(ARRAY) | MAP_OF(PERCPU_ARRAY) | STORAGES;

    if (!def->key_type)
        return def->type == SKEP_MAP_TYPE_ARRAY && def->max_entries == 1 &&
               btf_is(btf, def->value_type, BTF_MASK(BTF_DATASEC));
    if (skep_btf_size(btf, def->key_type) != (int64_t)def->key_size)
        return false;
    if (def->type < 64 && int_keys >> def->type & 1) {
        uint32_t key = btf_resolve(btf, def->key_type);

        return btf_is(btf, key, BTF_MASK(BTF_INT)) && btf_integer_of(btf, key).bits == 32 &&
               btf_integer_of(btf, key).offset == 0;
    }
    return true;
}

static const char *check_map(struct verifier *v, const struct skep_map_def *def,
                             const struct record *record)
{
    enum { READ_ONLY = 1 << 7, WRITE_ONLY = 1 << 8 }; /* BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG */

    if (!v->can_bpf)
        return "only CAP_BPF may have special members in maps";
    if (def->flags & (READ_ONLY | WRITE_ONLY))
        return "programs may not both read and write the map";
    for (uint32_t i = 0; i < record->count; i++) {
        const struct special_field *item = &record->fields[i];

        if (def->type >= 64 || !(kinds[item->what].maps >> def->type & 1))
            return arena_printf(&v->memory, "maps of type %s may not have a %s",
                                skep_map_type_name(def->type), kinds[item->what].name);
        if (item->what != SPECIAL_UPTR)
            continue;
        if (item->space == SPACE_KERNEL)
            return "a uptr points at one of the program's own types";
        if (btf_size_field(v->prog_btf, item->btf_id) - 1 >= 4096)
            return "what a uptr points at has 1 to 4096 bytes";
    }
    if (!has_fitting_key(v->prog_btf, def))
        return "the key's type does not fit";
    return NULL;
}

static int add_missing(struct verifier *v, const struct skep_map_def *def, const char *why)
{
    struct record_cache *cache = v->records;

    if (cache->missing_count == cache->missing_room) {
        size_t room = cache->missing_room ? cache->missing_room * 2 : 8;
        void *more = arena_alloc(&v->memory, room * sizeof *cache->missing);

        if (!more)
            return reject_memory(v);
        if (cache->missing_count)
            memcpy(more, cache->missing, cache->missing_count * sizeof *cache->missing);
        cache->missing = more;
        cache->missing_room = room;
    }
    cache->missing[cache->missing_count].def = def;
    cache->missing[cache->missing_count++].why = why;
    return 0;
}

const char *record_missing(struct verifier *v, const struct verify_map *map)
{
    for (size_t i = 0; v->records && i < v->records->missing_count; i++)
        if (v->records->missing[i].def == &map->def)
            return v->records->missing[i].why;
    return NULL;
}

int record_of_map(struct verifier *v, struct verify_map *map, const struct record **out)
{
    const struct skep_map_def *def = &map->def;
    struct finder f = {.v = v, .btf = v->prog_btf, .mask = IN_MAPS};
    struct record *record = NULL;
    uint32_t value;
    const char *why;

    *out = NULL;
    if (!v->prog_btf || !def->value_type || is_untyped(def->type))
        return 0;
    value = btf_resolve(v->prog_btf, def->value_type);
    if (btf_is(v->prog_btf, value, BTF_MASK(BTF_STRUCT))
            ? find_members(&f, value, 0) == 0
            : btf_is(v->prog_btf, value, BTF_MASK(BTF_DATASEC)) && find_variables(&f, value) == 0)
        record = make_record(&f, def->value_size);
    if (f.is_out_of_memory)
        return reject_memory(v);
    why = f.why;
    if (record) {
        why = check_map(v, def, record);
        if (!why && skep_btf_size(v->prog_btf, value) != (int64_t)def->value_size)
            why = "the value's type does not have the value's size";
        if (!why)
            why = link_elements(v, record);
    }
    if (why)
        return add_missing(v, def, why);
    *out = record;
    return 0;
}

/* -- questions --------------------------------------------------------------------------------- */

const struct special_field *record_field(const struct record *record, uint32_t offset,
                                         uint32_t mask)
{
    for (uint32_t i = 0; record && i < record->count; i++)
        if (record->fields[i].offset == offset && mask & BIT(record->fields[i].what))
            return &record->fields[i];
    return NULL;
}

const struct special_field *record_overlap(const struct record *record, uint64_t offset,
                                           uint64_t size)
{
    for (uint32_t i = 0; record && i < record->count; i++) {
        const struct special_field *item = &record->fields[i];

        if (offset < item->offset + (uint64_t)item->size && item->offset < offset + size)
            return item;
    }
    return NULL;
}
