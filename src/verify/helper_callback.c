/* helper_callback.c - what the functions that helpers call back find in their registers.
 *
 * r1 .. r5 come from what the helper was given and what it passes on; other registers are as in every function. A callback
 * returns 0 (go on) or 1 (stop); one that runs later, on its own, returns 0.
 */
#include "verify/helper.h"

#include "base/check.h"
#include "verify/btf_access.h"

enum { MOST_ARGS = 5 };

static void set_rest(struct frame *callee, uint32_t first)
{
    for (uint32_t i = first; i <= MOST_ARGS; i++)
        reg_set_none(&callee->regs[i]);
}

static void set_returns(struct frame *callee, enum callback_kind kind, int32_t max)
{
    callee->callback = (uint8_t)kind;
    callee->has_ret_range = true;
    callee->ret_min = 0;
    callee->ret_max = max;
}

static void set_of_map(struct reg *reg, enum reg_kind kind, const struct reg *of)
{
    const struct verify_map *map = of->map;
    uint32_t uid = of->map_uid;

    reg_set_pointer(reg, kind, 0);
    reg->map = map;
    reg->map_uid = uid;
}

/* (map, key, value, context) */
static int set_for_each(struct verifier *v, struct frame *caller, struct frame *callee,
                        uint32_t insn)
{
    const struct reg *map = &caller->regs[1];

    (void)insn;
    if (!platform_map_has_for_each(map->map->def.type))
        return reject(v, CODE_MAP_TYPE, "callback function not allowed for map '%s' of type %s",
                      map->map->def.name ? map->map->def.name : "",
                      skep_map_type_name(map->map->def.type));
    callee->regs[1] = *map;
    set_of_map(&callee->regs[2], REG_MAP_KEY, map);
    set_of_map(&callee->regs[3], REG_MAP_VALUE, map);
    callee->regs[4] = caller->regs[3];
    set_rest(callee, 5);
    set_returns(callee, CALLBACK_SYNC, 1);
    return 0;
}

/* (index, context) */
static int set_loop(struct verifier *v, struct frame *caller, struct frame *callee, uint32_t insn)
{
    (void)v, (void)insn;
    reg_set_unknown(&callee->regs[1]);
    callee->regs[2] = caller->regs[3];
    set_rest(callee, 3);
    set_returns(callee, CALLBACK_SYNC, 1);
    return 0;
}

/* (map, key, value) of the timer in r1 */
static int set_timer(struct verifier *v, struct frame *caller, struct frame *callee, uint32_t insn)
{
    const struct reg *timer = &caller->regs[1];

    (void)v, (void)insn;
    set_of_map(&callee->regs[1], REG_MAP, timer);
    set_of_map(&callee->regs[2], REG_MAP_KEY, timer);
    set_of_map(&callee->regs[3], REG_MAP_VALUE, timer);
    set_rest(callee, 4);
    set_returns(callee, CALLBACK_ASYNC, 0);
    return 0;
}

/* (task, vm_area_struct, context) */
static int set_find_vma(struct verifier *v, struct frame *caller, struct frame *callee,
                        uint32_t insn)
{
    uint32_t vma = btf_kernel_struct(v, "vm_area_struct");

    (void)insn;
    if (!vma)
        return reject(v, CODE_NO_BTF, "the kernel's struct vm_area_struct is not known");
    callee->regs[1] = caller->regs[1];
    reg_set_pointer(&callee->regs[2], REG_BTF, 0);
    callee->regs[2].btf_id = vma;
    callee->regs[2].space = SPACE_KERNEL;
    callee->regs[3] = caller->regs[4];
    set_rest(callee, 4);
    set_returns(callee, CALLBACK_SYNC, 1);
    return 0;
}

/* (sample, context) */
static int set_drain(struct verifier *v, struct frame *caller, struct frame *callee, uint32_t insn)
{
    struct reg *sample = &callee->regs[1];

    (void)insn;
    reg_set_none(&callee->regs[0]);
    reg_set_pointer(sample, REG_DYNPTR, 0);
    sample->dynptr.kind = DYNPTR_LOCAL;
    sample->dynptr.is_first = true;
    sample->id = verifier_new_id(v);
    callee->regs[2] = caller->regs[3];
    set_rest(callee, 3);
    set_returns(callee, CALLBACK_SYNC, 1);
    return 0;
}

int helper_call_back(struct verifier *v, const struct call_meta *meta, uint32_t insn)
{
    static const struct {
        uint32_t id;
        callback_set_fn set;
    } rows[] = {{HELPER_FOR_EACH_MAP_ELEM, set_for_each},
                {HELPER_LOOP, set_loop},
                {HELPER_TIMER_SET_CALLBACK, set_timer},
                {HELPER_FIND_VMA, set_find_vma},
                {HELPER_USER_RINGBUF_DRAIN, set_drain}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].id == meta->id)
            return callback_push(v, insn, (uint32_t)meta->subprog, rows[i].set,
                                 meta->proto->flags & HELPER_CALLBACK_LATER);
    return reject_internal(v, "a helper that calls back is not known to do so");
}
