/* compare.c - CO-RE's two ideas of "the same type", as libbpf 1.6 has them.
 *
 * Compatible: same kinds all the way down pointers, arrays and prototypes; names and members do not matter. Matching:
 * names (without flavors) do matter, and every member or enumerator of the local type must be found in the target's,
 * but behind a pointer a struct needs no more than its name. Both nest BTF_MAX_DEPTH deep at most; a budget of steps
 * bounds what types that use each other many times would cost.
 */
#include "btf/core.h"

#include <string.h>

struct pair {
    const struct skep_btf *local, *target;
    uint64_t *steps;
};

static bool spend(struct pair *p)
{
    return *p->steps && (*p->steps)--;
}

static bool is_same_kind(const struct pair *p, uint32_t local, uint32_t target)
{
    return btf_kind_of(p->local, local) == btf_kind_of(p->target, target) ||
           (btf_is(p->local, local, BTF_ENUMS) && btf_is(p->target, target, BTF_ENUMS));
}

static bool is_same_name(const char *local, const char *target)
{
    size_t length = btf_essential_length(local);

    return length == btf_essential_length(target) && !strncmp(local, target, length);
}

/* -- compatible -------------------------------------------------------------------------------- */
static int compatible(struct pair *p, uint32_t local, uint32_t target, int depth)
{
    struct btf_parameter ours, theirs;
    int answer;

    for (;;) {
        if (depth-- <= 0)
            return -SKEP_EINVAL;
        if (!spend(p))
            return -SKEP_E2BIG;
        local = btf_resolve(p->local, local);
        target = btf_resolve(p->target, target);
        if (!is_same_kind(p, local, target))
            return 0;
        switch (btf_kind_of(p->local, local)) {
        case BTF_INT:
            /* Offsets inside an int are how bit-fields were written before kind_flag. */
            return !btf_integer_of(p->local, local).offset &&
                   !btf_integer_of(p->target, target).offset;
        case BTF_PTR:
            local = btf_ref(p->local, local);
            target = btf_ref(p->target, target);
            continue;
        case BTF_ARRAY:
            local = btf_elements_of(p->local, local).type;
            target = btf_elements_of(p->target, target).type;
            continue;
        case BTF_FUNC_PROTO:
            if (btf_length(p->local, local) != btf_length(p->target, target))
                return 0;
            for (uint32_t i = 0; i < btf_length(p->local, local); i++) {
                ours = btf_parameter_at(p->local, local, i);
                theirs = btf_parameter_at(p->target, target, i);
                answer = compatible(p, ours.type, theirs.type, depth);
                if (answer <= 0)
                    return answer;
            }
            local = btf_ref(p->local, local);
            target = btf_ref(p->target, target);
            continue;
        case BTF_VOID:
        case BTF_STRUCT:
        case BTF_UNION:
        case BTF_ENUM:
        case BTF_ENUM64:
        case BTF_FWD:
        case BTF_FLOAT:
            return 1;
        default:
            return 0;
        }
    }
}

int core_types_compatible(const struct skep_btf *local, uint32_t local_type,
                          const struct skep_btf *target, uint32_t target_type, uint64_t *steps)
{
    struct pair p = {local, target, steps};

    if (!is_same_kind(&p, local_type, target_type))
        return 0;
    return compatible(&p, local_type, target_type, BTF_MAX_DEPTH);
}

/* -- matching ---------------------------------------------------------------------------------- */
static int match(struct pair *p, uint32_t local, uint32_t target, bool is_behind_ptr, int depth);

/* Both lists are mostly in the same order, so the search for item `i` begins at `i` and wraps. */
static uint32_t wrap(uint32_t i, uint32_t k, uint32_t count)
{
    return (uint32_t)(((uint64_t)i + k) % count);
}

static int match_enums(struct pair *p, uint32_t local, uint32_t target)
{
    uint32_t ours = btf_length(p->local, local), theirs = btf_length(p->target, target), k;

    if (!is_same_kind(p, local, target) || ours > theirs)
        return 0;
    for (uint32_t i = 0; i < ours; i++) {
        const char *name = btf_enumerator_at(p->local, local, i).name;
        for (k = 0; k < theirs; k++) {
            if (!spend(p))
                return -SKEP_E2BIG;
            if (is_same_name(name, btf_enumerator_at(p->target, target, wrap(i, k, theirs)).name))
                break;
        }
        if (k == theirs)
            return 0;
    }
    return 1;
}

static int match_members(struct pair *p, uint32_t local, uint32_t target, int depth)
{
    uint32_t ours = btf_length(p->local, local), theirs = btf_length(p->target, target);
    int answer;

    if (ours > theirs)
        return 0;
    for (uint32_t i = 0; i < ours; i++) {
        struct btf_field mine = btf_field_at(p->local, local, i);
        answer = 0;
        for (uint32_t k = 0; k < theirs && !answer; k++) {
            struct btf_field other = btf_field_at(p->target, target, wrap(i, k, theirs));
            if (!spend(p))
                return -SKEP_E2BIG;
            if (is_same_name(mine.name, other.name))
                answer = match(p, mine.type, other.type, false, depth);
        }
        if (answer <= 0)
            return answer;
    }
    return 1;
}

/* Struct, union and forward declarations of them. */
static int match_composites(struct pair *p, uint32_t local, uint32_t target, bool is_behind_ptr,
                            int depth)
{
    enum btf_kind ours = btf_kind_of(p->local, local), theirs = btf_kind_of(p->target, target);
    bool is_union, is_other_union;

    if (!is_behind_ptr) {
        if (ours != theirs)
            return 0;
        if (ours != BTF_FWD)
            return match_members(p, local, target, depth);
    }
    if (theirs != BTF_STRUCT && theirs != BTF_UNION && theirs != BTF_FWD)
        return 0;
    /* kind_flag of a forward declaration: it is a union's. */
    is_union = ours == BTF_UNION || (ours == BTF_FWD && btf_flag(p->local, local));
    is_other_union = theirs == BTF_UNION || (theirs == BTF_FWD && btf_flag(p->target, target));
    return is_union == is_other_union;
}

static int match(struct pair *p, uint32_t local, uint32_t target, bool is_behind_ptr, int depth)
{
    struct btf_elements mine, others;
    struct btf_integer ours, theirs;
    int answer;

    for (;;) {
        if (depth-- <= 0)
            return -SKEP_EINVAL;
        if (!spend(p))
            return -SKEP_E2BIG;
        local = btf_resolve(p->local, local);
        target = btf_resolve(p->target, target);
        if (!is_same_name(btf_name_of(p->local, local), btf_name_of(p->target, target)))
            return 0;
        if (btf_is(p->local, local, BTF_COMPOSITES | BTF_MASK(BTF_FWD)))
            return match_composites(p, local, target, is_behind_ptr, depth);
        if (btf_is(p->local, local, BTF_ENUMS))
            return match_enums(p, local, target);
        if (!is_same_kind(p, local, target))
            return 0;
        switch (btf_kind_of(p->local, local)) {
        case BTF_VOID:
            return 1;
        case BTF_INT:
            ours = btf_integer_of(p->local, local);
            theirs = btf_integer_of(p->target, target);
            return ours.bits == theirs.bits && !((ours.flags ^ theirs.flags) & SKEP_INT_SIGNED);
        case BTF_FLOAT:
            return btf_size_field(p->local, local) == btf_size_field(p->target, target);
        case BTF_PTR:
            is_behind_ptr = true;
            local = btf_ref(p->local, local);
            target = btf_ref(p->target, target);
            continue;
        case BTF_ARRAY:
            mine = btf_elements_of(p->local, local);
            others = btf_elements_of(p->target, target);
            if (mine.count != others.count)
                return 0;
            local = mine.type;
            target = others.type;
            continue;
        case BTF_FUNC_PROTO:
            if (btf_length(p->local, local) != btf_length(p->target, target))
                return 0;
            for (uint32_t i = 0; i < btf_length(p->local, local); i++) {
                answer = match(p, btf_parameter_at(p->local, local, i).type,
                               btf_parameter_at(p->target, target, i).type, is_behind_ptr, depth);
                if (answer <= 0)
                    return answer;
            }
            local = btf_ref(p->local, local);
            target = btf_ref(p->target, target);
            continue;
        default:
            return 0;
        }
    }
}

int core_types_match(const struct skep_btf *local, uint32_t local_type,
                     const struct skep_btf *target, uint32_t target_type, uint64_t *steps)
{
    struct pair p = {local, target, steps};

    return match(&p, local_type, target_type, false, BTF_MAX_DEPTH);
}
