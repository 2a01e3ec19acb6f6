/* cases.h - types with special members, sound and malformed: what record.c says of them, and the kernel too (kernel.c). */
#ifndef TEST_VERIFY_TYPES_CASES_H
#define TEST_VERIFY_TYPES_CASES_H

#include "fixture.h"

struct type_case {
    const char *name;
    void (*make)(struct types *);
    bool is_sound;
};

/* struct A { node n; head h; lock l; } that contains `what`. */
static inline uint32_t container(struct types *t, const char *name, const char *contains,
                                 bool is_node)
{
    uint32_t id = builder_struct(&t->b, BTF_STRUCT, name, 48);

    builder_member(&t->b, "n", is_node ? t->node : t->timer, 0, 0);
    builder_member(&t->b, "h", t->head, 192, 0);
    builder_member(&t->b, "l", t->lock, 320, 0);
    builder_decl_tag(&t->b, contains, id, 1);
    return id;
}
static inline void leaf(struct types *t, const char *name)
{
    builder_struct(&t->b, BTF_STRUCT, name, 24);
    builder_member(&t->b, "n", t->node, 0, 0);
}
static inline void make_list(struct types *t)
{
    leaf(t, "B");
    container(t, "A", "contains:B:n", false);
}
static inline void make_chain_of_three(struct types *t)
{
    leaf(t, "C");
    container(t, "B", "contains:C:n", true);
    container(t, "A", "contains:B:n", false);
}
static inline void make_chain_of_nodes(struct types *t)
{
    leaf(t, "C");
    container(t, "B", "contains:C:n", true);
    container(t, "A", "contains:B:n", true);
}
static inline void make_self(struct types *t)
{
    container(t, "A", "contains:A:n", true);
}
static inline void make_no_tag(struct types *t)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 24);
    builder_member(&t->b, "h", t->head, 0, 0);
    builder_member(&t->b, "l", t->lock, 128, 0);
}
static inline void make_two_tags(struct types *t)
{
    leaf(t, "B");
    builder_decl_tag(&t->b, "contains:B:n", container(t, "A", "contains:B:n", false), 1);
}
static inline void make_wrong_member(struct types *t)
{
    leaf(t, "B");
    container(t, "A", "contains:B:m", false);
}
static inline void make_wrong_type(struct types *t)
{
    leaf(t, "B");
    container(t, "A", "contains:C:n", false);
}
static inline void make_no_lock(struct types *t)
{
    uint32_t id;

    leaf(t, "B");
    id = builder_struct(&t->b, BTF_STRUCT, "A", 16);
    builder_member(&t->b, "h", t->head, 0, 0);
    builder_decl_tag(&t->b, "contains:B:n", id, 0);
}
static inline void pair(struct types *t, uint32_t first, uint32_t second)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 40);
    builder_member(&t->b, "n", t->node, 0, 0);
    builder_member(&t->b, "a", first, 192, 0);
    builder_member(&t->b, "b", second, 256, 0);
}
static inline void make_two_locks(struct types *t)
{
    pair(t, t->lock, t->lock);
}
static inline void make_two_refcounts(struct types *t)
{
    pair(t, t->refcount, t->refcount);
}
static inline void make_both_locks(struct types *t)
{
    pair(t, t->lock, t->res_lock);
}
static inline uint32_t box(struct types *t, const char *name)
{
    uint32_t id = builder_struct(&t->b, BTF_STRUCT, name, 8);

    builder_member(&t->b, "l", t->lock, 0, 0);
    return id;
}
static inline void make_two_nested_locks(struct types *t)
{
    uint32_t id = box(t, "box");

    pair(t, id, id);
}
static inline void make_array_of_locks(struct types *t)
{
    uint32_t array = builder_array(&t->b, t->lock, t->u32, 2);

    pair(t, array, t->u64);
}
static inline void make_misaligned_lock(struct types *t)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 8);
    builder_member(&t->b, "l", t->lock, 16, 0);
}
static inline void make_bit_field(struct types *t)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 16);
    builder_member(&t->b, "l", t->lock, 0, 0);
    builder_member(&t->b, "x", t->u32, 35, 3);
}
static inline void make_both_nodes(struct types *t)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 56);
    builder_member(&t->b, "n", t->node, 0, 0);
    builder_member(&t->b, "r", t->rb, 192, 0);
}
static inline void make_counted_nodes(struct types *t)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 64);
    builder_member(&t->b, "n", t->node, 0, 0);
    builder_member(&t->b, "r", t->rb, 192, 0);
    builder_member(&t->b, "c", t->refcount, 448, 0);
}
static inline void kptrs(struct types *t, uint32_t count)
{
    uint32_t pointer = tagged_pointer(t, "kptr_untrusted", "task_struct");
    char name[16];

    builder_struct(&t->b, BTF_STRUCT, "A", count * 8);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "k%u", i);
        builder_member(&t->b, name, pointer, i * 64, 0);
    }
}
static inline void make_eleven(struct types *t)
{
    kptrs(t, 11);
}
static inline void make_twelve(struct types *t)
{
    kptrs(t, 12);
}
static inline void beside_lock(struct types *t, uint32_t pointer)
{
    builder_struct(&t->b, BTF_STRUCT, "A", 16);
    builder_member(&t->b, "l", t->lock, 0, 0);
    builder_member(&t->b, "k", pointer, 64, 0);
}
static inline void make_owned_file(struct types *t)
{
    beside_lock(t, tagged_pointer(t, "kptr", "file"));
}
static inline void make_owned_task(struct types *t)
{
    beside_lock(t, tagged_pointer(t, "kptr", "task_struct"));
}
static inline void make_own_percpu(struct types *t)
{
    beside_lock(t, tagged_pointer(t, "percpu_kptr", "only_of_this_test"));
}
static inline void make_rcu_tag(struct types *t)
{
    beside_lock(t, tagged_pointer(t, "rcu", "file"));
}
static inline void make_uptr(struct types *t)
{
    beside_lock(t, tagged_pointer(t, "uptr", "only_of_this_test"));
}
static inline void make_pointer_to_number(struct types *t)
{
    beside_lock(t, builder_ptr(&t->b, builder_type_tag(&t->b, "kptr", t->u32)));
}

static const struct type_case type_cases[] = {
    {"a list", make_list, true},
    {"a list of lists", make_chain_of_three, true},
    {"a node that holds what holds", make_chain_of_nodes, false},
    {"what holds itself", make_self, false},
    {"a list without a tag", make_no_tag, false},
    {"a list with two tags", make_two_tags, false},
    {"a tag with another member", make_wrong_member, false},
    {"a tag with another type", make_wrong_type, false},
    {"a list without a lock", make_no_lock, false},
    {"two locks", make_two_locks, false},
    {"two refcounts", make_two_refcounts, true},
    {"locks of both kinds", make_both_locks, false},
    {"locks in two nested structs", make_two_nested_locks, true},
    {"an array of locks", make_array_of_locks, false},
    {"a misaligned lock", make_misaligned_lock, false},
    {"a bit-field beside a lock", make_bit_field, false},
    {"nodes of both kinds", make_both_nodes, false},
    {"counted nodes of both kinds", make_counted_nodes, true},
    {"11 kptrs", make_eleven, true},
    {"12 kptrs", make_twelve, false},
    {"a kptr to what maps cannot own", make_owned_file, false},
    {"a kptr to a task", make_owned_task, true},
    {"a per-CPU kptr to an own type", make_own_percpu, true},
    {"another pointer tag", make_rcu_tag, false},
    {"a uptr", make_uptr, true},
    {"a kptr to a number", make_pointer_to_number, false},
};

/* -- map values -------------------------------------------------------------------------------- */
struct map_case {
    const char *name;
    enum special what;
};
static const struct map_case map_cases[] = {
    {"bpf_spin_lock", SPECIAL_SPIN_LOCK},
    {"bpf_res_spin_lock", SPECIAL_RES_SPIN_LOCK},
    {"bpf_timer", SPECIAL_TIMER},
    {"bpf_wq", SPECIAL_WORKQUEUE},
    {"bpf_task_work", SPECIAL_TASK_WORK},
    {"kptr_untrusted", SPECIAL_KPTR_UNREF},
    {"kptr", SPECIAL_KPTR},
    {"percpu_kptr", SPECIAL_PERCPU_KPTR},
    {"uptr", SPECIAL_UPTR},
    {"bpf_list_head", SPECIAL_LIST_HEAD},
    {"bpf_rb_root", SPECIAL_RB_ROOT},
    {"bpf_refcount", SPECIAL_REFCOUNT},
};
enum { VALUE_SIZE = 64 };

/* struct val { SPECIAL f; ...; lock l (for lists and trees); } of 64 bytes. */
static inline uint32_t make_value(struct types *t, const struct map_case *c)
{
    bool is_root = c->what == SPECIAL_LIST_HEAD || c->what == SPECIAL_RB_ROOT;
    uint32_t ids[] = {[SPECIAL_SPIN_LOCK] = t->lock,      [SPECIAL_RES_SPIN_LOCK] = t->res_lock,
                      [SPECIAL_TIMER] = t->timer,         [SPECIAL_WORKQUEUE] = t->wq,
                      [SPECIAL_TASK_WORK] = t->task_work, [SPECIAL_LIST_HEAD] = t->head,
                      [SPECIAL_RB_ROOT] = t->root,        [SPECIAL_REFCOUNT] = t->refcount};
    uint32_t id = ids[c->what], value;

    if (!id)
        id = tagged_pointer(t, c->name,
                            c->what == SPECIAL_KPTR ? "task_struct" : "only_of_this_test");
    if (is_root) {
        builder_struct(&t->b, BTF_STRUCT, "M", 32);
        builder_member(&t->b, "n", c->what == SPECIAL_LIST_HEAD ? t->node : t->rb, 0, 0);
    }
    value = builder_struct(&t->b, BTF_STRUCT, "val", VALUE_SIZE);
    builder_member(&t->b, "f", id, 0, 0);
    if (is_root) {
        builder_member(&t->b, "l", t->lock, 320, 0);
        builder_decl_tag(&t->b, "contains:M:n", value, 0);
    }
    return value;
}

#endif
