/* core.c - resolving CO-RE relocations.
 *
 *   local type + access ──parse──► path (names and array indices)
 *                                    │ match, for every candidate of that name in the target
 *                                    ▼
 *   the same path in the target ──answer──► offset, size, sign, shifts, existence ... of both
 *
 * Every candidate that matches must give the same answer, else the relocation is ambiguous; those that do not match are
 * forgotten for later relocations of the same type, as libbpf does. A question about what nobody has yields "no" (0)
 * where that is an answer, else poison.
 */
#include "btf/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/vec.h"

enum {
    MAX_ACCESS = 64,       /* steps of an access, as in libbpf */
    MAX_CANDIDATES = 1024, /* types of one name in a target */
    STEPS_EACH = 20000     /* what a relocation adds to the steps that all of them may take */
};

enum family { FIELD, TYPE, ENUMVAL };
static const struct {
    const char *name;
    enum family family;
} kinds[CORE_KINDS] = {
    [CORE_FIELD_BYTE_OFFSET] = {"byte_off", FIELD},
    [CORE_FIELD_BYTE_SIZE] = {"byte_sz", FIELD},
    [CORE_FIELD_EXISTS] = {"field_exists", FIELD},
    [CORE_FIELD_SIGNED] = {"signed", FIELD},
    [CORE_FIELD_LSHIFT_U64] = {"lshift_u64", FIELD},
    [CORE_FIELD_RSHIFT_U64] = {"rshift_u64", FIELD},
    [CORE_TYPE_ID_LOCAL] = {"local_type_id", TYPE},
    [CORE_TYPE_ID_TARGET] = {"target_type_id", TYPE},
    [CORE_TYPE_EXISTS] = {"type_exists", TYPE},
    [CORE_TYPE_SIZE] = {"type_size", TYPE},
    [CORE_ENUMVAL_EXISTS] = {"enumval_exists", ENUMVAL},
    [CORE_ENUMVAL_VALUE] = {"enumval_value", ENUMVAL},
    [CORE_TYPE_MATCHES] = {"type_matches", TYPE},
};

const char *core_kind_name(uint32_t kind)
{
    return kind < CORE_KINDS ? kinds[kind].name : "unknown";
}

/* One step that matters: a named member (or enumerator) `index` of `type`, or, without a name, element `index` of an
 * array of `type`. Steps into anonymous members only move the offset. */
struct step {
    uint32_t type, index;
    const char *name;
};
struct path {
    const struct skep_btf *btf;
    uint32_t root;
    uint64_t bit_offset;
    uint32_t length;
    struct step steps[MAX_ACCESS + 1];
};

struct candidates {
    const struct skep_btf *target; /* NULL: nobody has one */
    uint32_t *ids;
    uint32_t count;
};
struct core {
    const struct skep_btf *local;
    const struct skep_btf **targets;
    size_t target_count;
    uint32_t *slots; /* by local type: index + 1 into known */
    VEC(struct candidates) known;
    uint64_t steps; /* members that may still be looked at: bounds hostile types, not real ones */
};

/* -- life -------------------------------------------------------------------------------------- */
int core_open(const struct skep_btf *local, const struct skep_btf *const *targets, size_t count,
              struct core **out, struct skep_error *err)
{
    struct core *core = calloc(1, sizeof *core);

    if (core) {
        core->slots = calloc(local->count, sizeof *core->slots);
        core->targets = calloc(count ? count : 1, sizeof *core->targets);
    }
    if (!core || !core->slots || !core->targets) {
        core_free(core);
        return error_set(err, -SKEP_ENOMEM, "co-re: no memory for %u types", local->count);
    }
    core->local = local;
    core->target_count = count;
    core->steps = 2 * CORE_STEPS;
    for (size_t i = 0; i < count; i++)
        core->targets[i] = targets[i];
    *out = core;
    return 0;
}

void core_free(struct core *core)
{
    if (!core)
        return;
    for (size_t i = 0; i < core->known.count; i++)
        free(core->known.items[i].ids);
    free(core->known.items);
    free(core->slots);
    free(core->targets);
    free(core);
}

/* -- candidates -------------------------------------------------------------------------------- */
static int collect(const struct core *core, uint32_t type, const struct skep_btf *target,
                   struct candidates *out, struct skep_error *err)
{
    const char *name = btf_name_of(core->local, type);
    size_t length = btf_essential_length(name), room = 0, count = 0;
    uint32_t mask = BTF_MASK(btf_kind_of(core->local, type)), *slot;

    if (mask & BTF_ENUMS)
        mask = BTF_ENUMS;
    if (target == core->local) {
        slot = vec_grow((void **)&out->ids, &count, &room, 1, sizeof *slot);
        if (!slot)
            goto no_memory;
        *slot = type;
    }
    for (uint32_t id = 0; target != core->local;) {
        id = btf_find_essential(target, name, length, mask, id);
        if (!id)
            break;
        if (count == MAX_CANDIDATES)
            return error_set(err, -SKEP_E2BIG, "co-re: over %d types are named '%.64s'",
                             MAX_CANDIDATES, name);
        slot = vec_grow((void **)&out->ids, &count, &room, 1, sizeof *slot);
        if (!slot)
            goto no_memory;
        *slot = id;
    }
    out->count = (uint32_t)count;
    out->target = count ? target : NULL;
    return 0;
no_memory:
    return error_set(err, -SKEP_ENOMEM, "co-re: no memory for candidates of '%.64s'", name);
}

static int candidates_of(struct core *core, uint32_t type, struct candidates **out,
                         struct skep_error *err)
{
    struct candidates *entry;
    int code = 0;

    if (!core->slots[type]) {
        entry = VEC_PUSH(&core->known);
        if (!entry)
            return error_set(err, -SKEP_ENOMEM, "co-re: no memory");
        for (size_t i = 0; !code && !entry->count && i < core->target_count; i++)
            code = collect(core, type, core->targets[i], entry, err);
        if (code) {
            free(entry->ids);
            core->known.count--;
            return code;
        }
        core->slots[type] = (uint32_t)core->known.count;
    }
    *out = &core->known.items[core->slots[type] - 1];
    return 0;
}

/* -- the local path ---------------------------------------------------------------------------- */
static bool add_elements(struct path *path, uint64_t index, uint32_t type)
{
    int64_t size = skep_btf_size(path->btf, type);
    uint64_t bits;

    return size >= 0 && check_mul(index, (uint64_t)size * 8, &bits) &&
           check_add(path->bit_offset, bits, &path->bit_offset);
}

/* An array without elements at the end of a struct has as many as one asks for. */
static bool is_flexible(const struct path *path, struct btf_elements array)
{
    const struct step *last = &path->steps[path->length - 1];

    return !array.count && last->name && last->index + 1 == btf_length(path->btf, last->type);
}

static bool walk(struct path *path, uint32_t *type, uint32_t index)
{
    const struct skep_btf *btf = path->btf;
    struct btf_elements array;
    struct btf_field field;

    *type = btf_resolve(btf, *type);
    if (btf_is(btf, *type, BTF_COMPOSITES)) {
        if (index >= btf_length(btf, *type))
            return false;
        field = btf_field_at(btf, *type, index);
        path->bit_offset += field.bit_offset;
        if (*field.name)
            path->steps[path->length++] = (struct step){*type, index, field.name};
        *type = field.type;
        return true;
    }
    if (!btf_is(btf, *type, BTF_MASK(BTF_ARRAY)))
        return false;
    array = btf_elements_of(btf, *type);
    if (index >= array.count && !is_flexible(path, array))
        return false;
    *type = btf_resolve(btf, array.type);
    path->steps[path->length++] = (struct step){*type, index, NULL};
    return add_elements(path, index, *type);
}

/* "0:1:2" to numbers; 0: malformed. */
static uint32_t parse_access(const char *text, uint32_t *numbers)
{
    uint32_t count = 0;
    char *end;

    for (;; text = end + 1) {
        unsigned long long value;
        if (count == MAX_ACCESS || *text < '0' || *text > '9')
            return 0;
        value = strtoull(text, &end, 10);
        if (value > INT32_MAX)
            return 0;
        numbers[count++] = (uint32_t)value;
        if (*end != ':')
            return *end ? 0 : count;
    }
}

static bool parse_path(const struct skep_btf *btf, const struct core_query *query, struct path *out)
{
    uint32_t numbers[MAX_ACCESS], count = parse_access(query->access, numbers), type;

    *out = (struct path){.btf = btf, .root = query->type};
    if (!count)
        return false;
    type = btf_resolve(btf, query->type);
    switch (kinds[query->kind].family) {
    case TYPE:
        return count == 1 && !numbers[0];
    case ENUMVAL:
        if (count != 1 || !btf_is(btf, type, BTF_ENUMS) || numbers[0] >= btf_length(btf, type))
            return false;
        out->steps[out->length++] =
            (struct step){type, numbers[0], btf_enumerator_at(btf, type, numbers[0]).name};
        return true;
    default:
        out->steps[out->length++] = (struct step){type, numbers[0], NULL};
        if (!add_elements(out, numbers[0], type))
            return false;
        for (uint32_t i = 1; i < count; i++)
            if (!walk(out, &type, numbers[i]))
                return false;
        return true;
    }
}

/* -- the same path in a target ----------------------------------------------------------------- */
/* May a member of the local type be read as one of the target's? 1 yes, 0 no. */
static int fields_compatible(const struct skep_btf *local, uint32_t ours,
                             const struct skep_btf *target, uint32_t theirs)
{
    const char *name, *other;
    size_t length, other_length;

    for (;;) {
        ours = btf_resolve(local, ours);
        theirs = btf_resolve(target, theirs);
        if (btf_is(local, ours, BTF_COMPOSITES) && btf_is(target, theirs, BTF_COMPOSITES))
            return 1;
        if (btf_kind_of(local, ours) != btf_kind_of(target, theirs) &&
            !(btf_is(local, ours, BTF_ENUMS) && btf_is(target, theirs, BTF_ENUMS)))
            return 0;
        switch (btf_kind_of(local, ours)) {
        case BTF_PTR:
        case BTF_FLOAT:
            return 1;
        case BTF_FWD:
        case BTF_ENUM:
        case BTF_ENUM64:
            name = btf_name_of(local, ours);
            other = btf_name_of(target, theirs);
            length = btf_essential_length(name);
            other_length = btf_essential_length(other);
            return !length || !other_length ||
                   (length == other_length && !strncmp(name, other, length));
        case BTF_INT:
            return !btf_integer_of(local, ours).offset && !btf_integer_of(target, theirs).offset;
        case BTF_ARRAY:
            ours = btf_elements_of(local, ours).type;
            theirs = btf_elements_of(target, theirs).type;
            continue;
        default:
            return 0;
        }
    }
}

/* Find the member that a local step names in the target's struct `type`, through anonymous members: 1 and *next, 0, or
 * an error. Depth is bounded by parsing. */
static int match_member(struct core *core, const struct step *local, struct path *path,
                        uint32_t type, uint32_t *next)
{
    struct btf_field field, mine = btf_field_at(core->local, local->type, local->index);
    int found;

    type = btf_resolve(path->btf, type);
    if (!btf_is(path->btf, type, BTF_COMPOSITES))
        return 0;
    for (uint32_t i = 0; i < btf_length(path->btf, type); i++) {
        if (!core->steps)
            return -SKEP_E2BIG;
        core->steps--;
        field = btf_field_at(path->btf, type, i);
        path->bit_offset += field.bit_offset;
        if (!*field.name) {
            found = match_member(core, local, path, field.type, next);
            if (found)
                return found;
        } else if (!strcmp(field.name, local->name)) {
            found = fields_compatible(core->local, mine.type, path->btf, field.type);
            if (found) {
                path->steps[path->length++] = (struct step){type, i, field.name};
                *next = field.type;
                return 1;
            }
            path->bit_offset -= field.bit_offset;
            return 0;
        }
        path->bit_offset -= field.bit_offset;
    }
    return 0;
}

static int match_field(struct core *core, const struct path *local, struct path *path)
{
    uint32_t type = path->root;
    struct btf_elements array;
    int found;

    for (uint32_t i = 0; i < local->length; i++) {
        const struct step *step = &local->steps[i];
        type = btf_resolve(path->btf, type);
        if (step->name) {
            found = match_member(core, step, path, type, &type);
            if (found <= 0)
                return found;
            continue;
        }
        /* The first index counts whole root types; the others elements of an array. */
        if (i) {
            if (!btf_is(path->btf, type, BTF_MASK(BTF_ARRAY)))
                return 0;
            array = btf_elements_of(path->btf, type);
            if (step->index >= array.count && !is_flexible(path, array))
                return 0;
            type = btf_resolve(path->btf, array.type);
        }
        path->steps[path->length++] = (struct step){type, step->index, NULL};
        if (!add_elements(path, step->index, type))
            return -SKEP_EINVAL;
    }
    return 1;
}

static int match_enumerator(const struct path *local, struct path *path)
{
    uint32_t type = btf_resolve(path->btf, path->root);
    size_t length = btf_essential_length(local->steps[0].name);
    const char *name;

    if (!btf_is(path->btf, type, BTF_ENUMS))
        return 0;
    for (uint32_t i = 0; i < btf_length(path->btf, type); i++) {
        name = btf_enumerator_at(path->btf, type, i).name;
        if (strncmp(name, local->steps[0].name, length) != 0 ||
            btf_essential_length(name) != length)
            continue;
        path->steps[path->length++] = (struct step){type, i, name};
        return 1;
    }
    return 0;
}

static int match_path(struct core *core, uint32_t kind, const struct path *local,
                      const struct skep_btf *target, uint32_t root, struct path *out)
{
    *out = (struct path){.btf = target, .root = root};
    switch (kinds[kind].family) {
    case TYPE:
        return kind == CORE_TYPE_MATCHES
                   ? core_types_match(local->btf, local->root, target, root, &core->steps)
                   : core_types_compatible(local->btf, local->root, target, root, &core->steps);
    case ENUMVAL:
        return match_enumerator(local, out);
    default:
        return match_field(core, local, out);
    }
}

/* -- answers ----------------------------------------------------------------------------------- */
struct answer {
    uint64_t value;
    uint32_t size, type; /* of the field, for loads and stores; size 0: unknown */
    bool is_poison, is_checked;
};

/* Where a bit-field is loaded from: the smallest aligned unit, of its type's size or more, that holds it all. */
static bool place_bits(uint64_t bit_offset, uint32_t bit_size, uint32_t *size, uint64_t *offset)
{
    if (!*size)
        return false;
    for (;; *size *= 2) {
        *offset = bit_offset / 8 / *size * *size;
        if (bit_offset + bit_size - *offset * 8 <= (uint64_t)*size * 8)
            return true;
        if (*size >= 8)
            return false;
    }
}

static int answer_element(uint32_t kind, const struct path *path, struct answer *out)
{
    const struct step *last = &path->steps[path->length - 1];
    int64_t size = skep_btf_size(path->btf, last->type);

    if (size < 0 || (kind != CORE_FIELD_BYTE_OFFSET && kind != CORE_FIELD_BYTE_SIZE))
        return -SKEP_EINVAL;
    if (kind == CORE_FIELD_BYTE_SIZE) {
        out->value = (uint64_t)size;
        return 0;
    }
    out->value = path->bit_offset / 8;
    out->size = (uint32_t)size;
    out->type = last->type;
    return 0;
}

static bool is_signed(const struct skep_btf *btf, uint32_t type)
{
    if (btf_is(btf, type, BTF_ENUMS))
        return btf_flag(btf, type);
    return btf_is(btf, type, BTF_MASK(BTF_INT)) &&
           btf_integer_of(btf, type).flags & SKEP_INT_SIGNED;
}

static int answer_member(uint32_t kind, const struct path *path, bool is_big, struct answer *out)
{
    const struct step *last = &path->steps[path->length - 1];
    struct btf_field field = btf_field_at(path->btf, last->type, last->index);
    uint32_t type = btf_resolve(path->btf, field.type), bits = field.bit_size, size, element = type;
    int64_t whole = skep_btf_size(path->btf, type);
    uint64_t offset = path->bit_offset / 8;

    if (whole < 0)
        return -SKEP_EINVAL;
    size = (uint32_t)whole;
    if (!bits)
        bits = size * 8;
    else if (!place_bits(path->bit_offset, bits, &size, &offset))
        return -SKEP_E2BIG;
    /* Compilers and we may choose different units for a bit-field; its sign and width leave no choice. */
    out->is_checked = !field.bit_size;
    switch (kind) {
    case CORE_FIELD_BYTE_OFFSET:
        out->value = offset;
        if (field.bit_size)
            return 0;
        /* An access to an array is one to its element. */
        while (btf_is(path->btf, element, BTF_MASK(BTF_ARRAY)))
            element = btf_resolve(path->btf, btf_elements_of(path->btf, element).type);
        whole = skep_btf_size(path->btf, element);
        if (whole < 0)
            return -SKEP_EINVAL;
        out->size = (uint32_t)whole;
        out->type = type;
        return 0;
    case CORE_FIELD_BYTE_SIZE:
        out->value = size;
        return 0;
    case CORE_FIELD_SIGNED:
        out->value = is_signed(path->btf, type);
        out->is_checked = true;
        return 0;
    case CORE_FIELD_LSHIFT_U64:
        out->value = is_big ? (8 - (uint64_t)size) * 8 + (path->bit_offset - offset * 8)
                            : 64 - (path->bit_offset + bits - offset * 8);
        return 0;
    default: /* CORE_FIELD_RSHIFT_U64 */
        out->value = 64 - (uint64_t)bits;
        out->is_checked = true;
        return 0;
    }
}

/* What the question yields for a path; NULL: for none. */
static int answer(uint32_t kind, const struct path *path, bool is_big, struct answer *out)
{
    int64_t size;

    *out = (struct answer){.is_checked = true};
    switch (kind) {
    case CORE_FIELD_EXISTS:
    case CORE_ENUMVAL_EXISTS:
    case CORE_TYPE_EXISTS:
    case CORE_TYPE_MATCHES:
        out->value = path != NULL;
        return 0;
    case CORE_TYPE_SIZE:
        size = path ? skep_btf_size(path->btf, path->root) : 0;
        out->value = (uint64_t)size;
        return size < 0 ? -SKEP_EINVAL : 0;
    case CORE_TYPE_ID_TARGET:
        /* Static linkers renumber types without looking at instructions. */
        out->is_checked = false;
        out->value = path ? path->root : 0;
        return 0;
    case CORE_ENUMVAL_VALUE:
        if (path) {
            out->value =
                (uint64_t)btf_enumerator_at(path->btf, path->steps[0].type, path->steps[0].index)
                    .value;
            /* Before kind_flag, signed enums looked like unsigned ones. */
            if (btf_is(path->btf, path->steps[0].type, BTF_MASK(BTF_ENUM)))
                out->value = (uint64_t)(int64_t)(int32_t)out->value;
        }
        out->is_poison = !path;
        return 0;
    default:
        out->is_poison = !path;
        if (!path)
            return 0;
        return path->steps[path->length - 1].name ? answer_member(kind, path, is_big, out)
                                                  : answer_element(kind, path, out);
    }
}

/* May a load of one size become a load of the other? Pointers of 32-bit kernels, and unsigned integers. */
static bool is_resizable(const struct skep_btf *local, uint32_t ours, const struct skep_btf *target,
                         uint32_t theirs)
{
    if (btf_is(local, ours, BTF_MASK(BTF_PTR)) && btf_is(target, theirs, BTF_MASK(BTF_PTR)))
        return true;
    return btf_is(local, ours, BTF_MASK(BTF_INT)) && btf_is(target, theirs, BTF_MASK(BTF_INT)) &&
           !is_signed(local, ours) && !is_signed(target, theirs);
}

static int combine(uint32_t kind, const struct path *local, const struct path *target,
                   struct core_result *out)
{
    struct answer ours, theirs;
    bool is_big = local->btf->is_big;
    int code = answer(kind, local, is_big, &ours);

    if (!code)
        code = answer(kind, target, is_big, &theirs);
    if (code)
        return code;
    *out = (struct core_result){.is_poison = theirs.is_poison,
                                .local = ours.value,
                                .value = theirs.value,
                                .is_checked = ours.is_checked};
    if (target) {
        out->target = target->btf;
        out->target_type = target->root;
    }
    if (target && kind == CORE_FIELD_BYTE_OFFSET) {
        out->has_sizes = true;
        out->local_size = ours.size;
        out->target_size = theirs.size;
        out->is_unfit = ours.size != theirs.size &&
                        !is_resizable(local->btf, ours.type, target->btf, theirs.type);
    }
    return 0;
}

/* -- the whole question ------------------------------------------------------------------------ */
/* "struct task_struct.se.exec_start[2]" */
static void print_path(const struct path *path, char *text, size_t room)
{
    const char *kind = skep_btf_kind(path->btf, path->root);
    size_t used = (size_t)snprintf(text, room, "%s %s", kind, btf_name_of(path->btf, path->root));

    for (uint32_t i = 0; i < path->length && used < room; i++) {
        if (path->steps[i].name)
            used += (size_t)snprintf(text + used, room - used, ".%s", path->steps[i].name);
        else if (i || path->steps[i].index)
            used += (size_t)snprintf(text + used, room - used, "[%u]", path->steps[i].index);
    }
}

static int search(struct core *core, uint32_t kind, const struct path *local,
                  struct core_result *out, struct skep_error *err)
{
    struct candidates *all = NULL;
    struct core_result one;
    struct path path;
    uint64_t first_offset = 0;
    uint32_t kept = 0;
    char what[96];
    int code = candidates_of(core, local->root, &all, err);

    if (code)
        return code;
    print_path(local, what, sizeof what);
    for (uint32_t i = 0; i < all->count; i++) {
        code = match_path(core, kind, local, all->target, all->ids[i], &path);
        if (code < 0)
            return error_set(err, code, "co-re: %s of %s: type %u of the target cannot be compared",
                             core_kind_name(kind), what, all->ids[i]);
        if (!code)
            continue;
        code = combine(kind, local, &path, &one);
        if (code)
            return error_set(err, code, "co-re: %s of %s: has no answer in type %u of the target",
                             core_kind_name(kind), what, all->ids[i]);
        if (!kept) {
            *out = one;
            first_offset = path.bit_offset;
        } else if (first_offset != path.bit_offset || one.value != out->value ||
                   one.is_poison != out->is_poison) {
            return error_set(err, -SKEP_EINVAL,
                             "co-re: %s of %s is ambiguous: %llu (offset %llu bits) in type %u of "
                             "the target, %llu (offset %llu bits) in type %u",
                             core_kind_name(kind), what, (unsigned long long)out->value,
                             (unsigned long long)first_offset, out->target_type,
                             (unsigned long long)one.value, (unsigned long long)path.bit_offset,
                             all->ids[i]);
        }
        all->ids[kept++] = all->ids[i];
    }
    /* What nobody has says nothing about who is the right one. */
    if (kept) {
        all->count = kept;
        return 0;
    }
    code = combine(kind, local, NULL, out);
    return code ? error_set(err, code, "co-re: %s of %s has no answer even in the object",
                            core_kind_name(kind), what)
                : 0;
}

int core_resolve(struct core *core, const struct core_query *query, struct core_result *out,
                 struct skep_error *err)
{
    const struct skep_btf *local = core->local;
    struct path path;
    char what[96];
    int code = 0;

    if (query->kind >= CORE_KINDS)
        return error_set(err, -SKEP_EOPNOTSUPP, "co-re: relocation kind %u is not known",
                         query->kind);
    if (query->type >= local->count)
        return error_set(err, -SKEP_EINVAL, "co-re: type %u of %u does not exist", query->type,
                         local->count);
    if (!parse_path(local, query, &path))
        return error_set(
            err, -SKEP_EINVAL, "co-re: %s of type %u (%s '%.64s'): access '%.48s' does not fit it",
            core_kind_name(query->kind), query->type, skep_btf_kind(local, query->type),
            btf_name_of(local, query->type), query->access);
    *out = (struct core_result){0};
    core->steps += STEPS_EACH;
    if (query->kind == CORE_TYPE_ID_LOCAL)
        out->local = out->value = query->type;
    else if (!*btf_name_of(local, query->type))
        return error_set(
            err, -SKEP_EOPNOTSUPP, "co-re: %s of type %u (%s): it has no name to search for",
            core_kind_name(query->kind), query->type, skep_btf_kind(local, query->type));
    else
        code = search(core, query->kind, &path, out, err);
    if (code)
        return code;
    print_path(&path, what, sizeof what);
    if (out->is_poison)
        snprintf(out->text, sizeof out->text, "%s of %s: not found, poisoned",
                 core_kind_name(query->kind), what);
    else
        snprintf(out->text, sizeof out->text, "%s of %s: %llu -> %llu", core_kind_name(query->kind),
                 what, (unsigned long long)out->local, (unsigned long long)out->value);
    return 0;
}
