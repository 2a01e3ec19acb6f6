/* helper.c - calls of helpers: may the program make this call, here and now; what does the call do to what is known; what is
 * in r0 afterwards.
 *
 *     allowed? ──► arguments ──► map ──► bytes written ──► reference given back ──► what this helper
 *     (platform/)  (helper_arg)  (helper_map)                                      does besides ──► r0
 *
 * Facts about helpers are rows in platform/helper.def; the few that do more than a row can say are in `specials`.
 */
#include "verify/helper.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "platform/access.h"
#include "verify/btf_access.h"
#include "verify/kfunc.h"
#include "verify/log.h"

_Static_assert((int)PLATFORM_CAP_BPF == (int)CAP_BPF &&
                   (int)PLATFORM_CAP_PERFMON == (int)CAP_PERFMON &&
                   (int)PLATFORM_CAP_NET_ADMIN == (int)CAP_NET_ADMIN &&
                   (int)PLATFORM_CAP_SYS_ADMIN == (int)CAP_SYS_ADMIN,
               "the verifier's capabilities are platform's");

enum { MAX_ERRNO = 4095 };

/* -- may it be called ---------------------------------------------------------------------------------- */

static struct platform_caller caller_of(const struct verifier *v)
{
    struct platform_caller who = {v->type,     v->attach_type, v->is_sleepable,
                                  v->in->caps, v->target.name, NULL};

    if (v->type == SKEP_PROG_TYPE_STRUCT_OPS) {
        who.target = v->kernel_btf && v->target.ops_type
                         ? btf_name_of(v->kernel_btf, v->target.ops_type)
                         : NULL;
        who.member = v->target.name;
    }
    return who;
}

const struct platform_helper *helper_proto(const struct verifier *v, uint32_t id)
{
    struct platform_caller who = caller_of(v);

    return platform_helper_proto(&who, id);
}

static void help_who_may(struct verifier *v, uint32_t id)
{
    const struct platform_prog_type *type;
    char names[140] = "";
    size_t length = 0;

    for (size_t i = 0; (type = platform_prog_type_at(i)) && length < sizeof names; i++)
        if (type->number && type->number != SKEP_PROG_TYPE_EXT &&
            type->number != SKEP_PROG_TYPE_MEMORY && platform_helper_allowed(type->number, id))
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s",
                                       length ? ", " : "", type->name);
    reject_help(v, "programs of these types may: %s", names);
}

static int reject_denied(struct verifier *v, uint32_t id, const struct platform_helper *proto,
                         enum platform_denied why)
{
    int code;

    if (why == DENIED_UNKNOWN)
        return reject(v, CODE_CALL_UNKNOWN, "invalid func unknown#%u", id);
    if (why == DENIED_SLEEP)
        return reject(v, CODE_SLEEP, "helper call might sleep in a non-sleepable prog: %s#%u",
                      proto->name, id);
    code = reject(v, why == DENIED_CAP ? CODE_PRIVILEGE : CODE_CALL_FORBIDDEN,
                  "program of this type cannot use helper %s#%u", proto->name, id);
    switch (why) {
    case DENIED_TYPE:
        help_who_may(v, id);
        break;
    case DENIED_ATTACH:
        reject_help(v, "other %s programs may, but not with attach type %s",
                    skep_prog_type_name(v->type), skep_attach_type_name(v->attach_type));
        break;
    case DENIED_TARGET:
        reject_help(v, "other %s programs may, but not at %s", skep_prog_type_name(v->type),
                    v->target.name ? v->target.name : "this target");
        break;
    case DENIED_CAP:
        reject_help(v, "it needs %s",
                    proto->flags & HELPER_ADMIN     ? "CAP_SYS_ADMIN"
                    : proto->flags & HELPER_PERFMON ? "CAP_BPF and CAP_PERFMON"
                                                    : "CAP_BPF");
        break;
    case DENIED_OPTIONAL:
        reject_help(v, "Linux is commonly built, or locked down, without this helper");
        break;
    default:
        break;
    }
    return code;
}

/* Where nothing may sleep although the program may. */
static int check_sleep(struct verifier *v, const struct platform_helper *proto)
{
    const struct state *s = v->cur;
    const char *where = s->rcu_depth       ? "rcu_read_lock"
                        : s->preempt_depth ? "non-preemptible"
                        : s->irq_id        ? "IRQ-disabled"
                                           : NULL;

    if (!(proto->flags & HELPER_SLEEPS) || !where)
        return 0;
    return reject(v, CODE_SLEEP, "sleepable helper %s#%u in %s region", proto->name, proto->id,
                  where);
}

static int check_allowed(struct verifier *v, uint32_t id, const struct platform_helper *proto)
{
    struct platform_caller who = caller_of(v);
    enum platform_denied why;

    if (v->cur->lock_count && id != HELPER_SPIN_UNLOCK)
        return reject(v, CODE_LOCK, "function calls are not allowed while holding a lock");
    why = platform_helper_check(&who, id);
    if (why == DENIED_SLEEP && v->cur->may_sleep)
        why = DENIED_NOT;
    if (why != DENIED_NOT && why != DENIED_SLEEP)
        return reject_denied(v, id, proto, why);
    if (proto->flags & HELPER_GPL && !v->is_gpl)
        return reject(v, CODE_LICENSE,
                      "cannot call GPL-restricted function %s#%u from non-GPL compatible program",
                      proto->name, id);
    if (why == DENIED_SLEEP)
        return reject_denied(v, id, proto, why);
    return check_sleep(v, proto);
}

/* -- what calls do ----------------------------------------------------------------------------------------- */

struct call {
    struct call_meta meta;
    uint32_t insn;
    bool changes_packet;
    bool is_percpu_object; /* what r1 points at was made by bpf_percpu_obj_new */
};

/* Bytes that the helper fills, initialised or not before. */
static int write_bytes(struct verifier *v, const struct call_meta *meta)
{
    for (uint32_t i = 0; i < meta->access_size; i++) {
        int rc = memory_access(v, meta->raw_reg, (int32_t)i, 1, ACCESS_WRITE, -1, false, false);

        if (rc)
            return rc;
    }
    return 0;
}

/* What was put where kernel pointers are kept is no longer the program's; a per-CPU object may still be looked at until the
 * read section ends. */
static int give_away(struct verifier *v, uint32_t ref)
{
    bool in_rcu = reference_in_rcu(v);
    struct reg *reg;
    struct slot *slot;

    STATE_EACH_REG(v->cur, reg, slot)
    {
        if (in_rcu && reg->ref == ref && reg->mods & MOD_ALLOC && reg->mods & MOD_PERCPU) {
            STATE_OWN_REG(v, v->cur, reg, slot);
            reg->ref = 0;
            reg->mods = (uint16_t)((reg->mods & ~MOD_ALLOC) | MOD_RCU);
        }
    }
    return reference_release(v, ref);
}

static int release(struct verifier *v, const struct call_meta *meta)
{
    uint32_t regno = meta->release_reg;
    int rc = 0;

    if (!regno)
        return 0;
    if ((meta->proto->args[regno - 1] & ARG_KIND) == ARG_DYNPTR)
        return dynptr_release(v, regno);
    if (meta->ref && meta->id == HELPER_KPTR_XCHG)
        rc = give_away(v, meta->ref);
    else if (meta->ref)
        rc = reference_release(v, meta->ref);
    return rc;
}

/* -- helpers that do more than their row says ---------------------------------------------------------- */

static int do_tail_call(struct verifier *v, struct call *call)
{
    const struct reg *index = verifier_reg(v, 3);
    int rc = 0;

    /* A known index makes a direct jump, so paths with other indexes are not covered by this one. */
    if (reg_is_const(index) && range_value(&index->v) < call->meta.map->def.max_entries)
        rc = precision_mark(v, 3);
    return rc ? rc : exit_check_held(v, "tail_call");
}

static int do_get_local_storage(struct verifier *v, struct call *call)
{
    (void)call;
    if (!reg_is_null(verifier_reg(v, 2)))
        return reject_reg(v, CODE_CALL_ARG, 2,
                          "get_local_storage() doesn't support non-zero flags");
    return precision_mark(v, 2);
}

static int do_call_back(struct verifier *v, struct call *call)
{
    return helper_call_back(v, &call->meta, call->insn);
}

static int do_snprintf(struct verifier *v, struct call *call)
{
    const struct reg *size = verifier_reg(v, 5);
    uint64_t bytes = size->v.bits.value; /* what is known of it, as Linux takes it */
    const char *text = NULL, *wrong;
    uint32_t room = 0, at = 0;
    int code;

    (void)call;
    if (bytes % 8)
        return reject_reg(v, CODE_CALL_SIZE, 5, "bpf_snprintf takes its data in units of 8 bytes");
    code = string_of(v, 3, &text, &room);
    if (code)
        return code;
    wrong = helper_format_error(text, (uint32_t)(bytes / 8), &at);
    if (!wrong)
        return 0;
    code = reject_reg(v, CODE_CALL_ARG, 3, "Invalid format string: %s, at byte %u of \"%.80s\"",
                      wrong, at, text);
    reject_help(v, "conversions are %%d %%i %%u %%x, with l or ll, %%c %%s %%p %%pK %%pB %%ps %%px "
                   "%%pks %%pus %%pi4 %%pI6");
    return code;
}

/* The number of turns is a bound for exploring the callback. */
static int do_loop(struct verifier *v, struct call *call)
{
    const struct reg *turns = verifier_reg(v, 1);
    struct frame *frame = state_frame(v->cur);
    int rc;

    if (turns->kind != REG_SCALAR)
        return reject_reg(v, CODE_CALL_ARG, 1, "R1 type=%s expected=scalar", reg_kind_name(turns));
    if (reg_is_null(verifier_reg(v, 4))) { /* without flags the loop may be made inline */
        rc = precision_mark(v, 4);
        if (rc)
            return rc;
    }
    rc = precision_mark(v, 1);
    if (rc)
        return rc;
    if (frame->callback_depth < verifier_reg(v, 1)->v.umax)
        return helper_call_back(v, &call->meta, call->insn);
    frame->callback_depth = 0;
    log_text(v, LOG_MORE, "frame%u bpf_loop iteration limit reached\n", v->cur->depth);
    return 0;
}

static int do_dynptr_from_mem(struct verifier *v, struct call *call)
{
    const struct reg *reg = verifier_reg(v, 1);
    char have[96];

    (void)call;
    if (reg->kind == REG_MAP_VALUE && !reg->mods)
        return 0;
    return reject_reg(v, CODE_DYNPTR, 1, "Unsupported reg type %s for bpf_dynptr_from_mem data",
                      log_reg_type(v, reg, have, sizeof have));
}

static int do_dynptr_data(struct verifier *v, struct call *call)
{
    const struct reg *dynptr = dynptr_of(v, verifier_reg(v, 1));

    if (!dynptr)
        return reject_internal(v, "a dynptr argument without a dynptr");
    call->meta.dynptr_id = dynptr->id;
    call->meta.ref = dynptr->ref;
    return 0;
}

static int do_dynptr_write(struct verifier *v, struct call *call)
{
    (void)v;
    if (call->meta.dynptr_kind == DYNPTR_SKB || call->meta.dynptr_kind == DYNPTR_SKB_META)
        call->changes_packet = true;
    return 0;
}

static int do_cpu_ptr(struct verifier *v, struct call *call)
{
    const struct reg *reg = verifier_reg(v, 1);

    if (!(reg->mods & MOD_RCU))
        return 0;
    if (!btf_is(verifier_btf(v, reg->space), reg->btf_id, BTF_MASK(BTF_STRUCT)))
        return reject_reg(v, CODE_CALL_ARG, 1, "Helper has invalid btf/btf_id in R1");
    call->is_percpu_object = true;
    return 0;
}

static int do_set_retval(struct verifier *v, struct call *call)
{
    const struct platform_lsm_hook *hook;

    (void)call;
    if (v->type != SKEP_PROG_TYPE_LSM || v->attach_type != ATTACH_LSM_CGROUP || !v->target.name)
        return 0;
    hook = platform_lsm_hook(v->target.name);
    if (hook && hook->returns == LSM_VOID)
        return reject(v, CODE_RETURN_VALUE,
                      "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!");
    return 0;
}

static int do_get_func_ip(struct verifier *v, struct call *call)
{
    (void)call;
    if (v->type == SKEP_PROG_TYPE_KPROBE)
        return 0;
    if (v->type != SKEP_PROG_TYPE_TRACING)
        return reject(v, CODE_CALL_FORBIDDEN, "func %s#%u not supported for program type %u",
                      call->meta.proto->name, call->meta.id, v->type);
    if (v->attach_type == ATTACH_TRACE_FENTRY || v->attach_type == ATTACH_TRACE_FEXIT ||
        v->attach_type == ATTACH_MODIFY_RETURN)
        return 0;
    return reject(v, CODE_CALL_FORBIDDEN,
                  "func %s#%u supported only for fentry/fexit/fmod_ret programs",
                  call->meta.proto->name, call->meta.id);
}

static const struct {
    uint32_t id;
    int (*act)(struct verifier *, struct call *);
} specials[] = {
    {HELPER_TAIL_CALL, do_tail_call},          {HELPER_GET_LOCAL_STORAGE, do_get_local_storage},
    {HELPER_PER_CPU_PTR, do_cpu_ptr},          {HELPER_THIS_CPU_PTR, do_cpu_ptr},
    {HELPER_FOR_EACH_MAP_ELEM, do_call_back},  {HELPER_SNPRINTF, do_snprintf},
    {HELPER_TIMER_SET_CALLBACK, do_call_back}, {HELPER_GET_FUNC_IP, do_get_func_ip},
    {HELPER_FIND_VMA, do_call_back},           {HELPER_LOOP, do_loop},
    {HELPER_SET_RETVAL, do_set_retval},        {HELPER_DYNPTR_FROM_MEM, do_dynptr_from_mem},
    {HELPER_DYNPTR_WRITE, do_dynptr_write},    {HELPER_DYNPTR_DATA, do_dynptr_data},
    {HELPER_USER_RINGBUF_DRAIN, do_call_back}};

static int act(struct verifier *v, struct call *call)
{
    for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
        if (specials[i].id == call->meta.id)
            return specials[i].act(v, call);
    return 0;
}

/* -- r0 -------------------------------------------------------------------------------------------------- */

static bool has_lock(const struct record *record)
{
    return record && record->mask & (1u << SPECIAL_SPIN_LOCK | 1u << SPECIAL_RES_SPIN_LOCK);
}

static int return_number(struct verifier *v, const struct call_meta *meta, struct reg *r0)
{
    (void)v;
    reg_set_unknown(r0);
    if (meta->proto->flags & HELPER_RET_SIZED) {
        r0->v.smin = -MAX_ERRNO;
        r0->v.smin32 = -MAX_ERRNO;
        r0->v.smax = meta->max_size;
        r0->v.smax32 = (int32_t)meta->max_size;
        range_sync(&r0->v);
    } else if (meta->id == HELPER_GET_SMP_PROCESSOR_ID) {
        range_set_unsigned(&r0->v, 0, v->cpus - 1);
    }
    return 0;
}

static int return_map_value(struct verifier *v, const struct call_meta *meta, struct reg *r0,
                            uint16_t mods)
{
    if (!meta->map)
        return reject_internal(v, "a map value without a map");
    if (helper_has_element(meta))
        mods &= (uint16_t)~MOD_MAYBE_NULL;
    reg_set_pointer(r0, REG_MAP_VALUE, mods);
    r0->map = meta->map;
    r0->map_uid = meta->map_uid;
    /* Locks tell values apart by id; those that may be null get theirs with that. */
    if (!(mods & MOD_MAYBE_NULL) && has_lock(meta->map->record))
        r0->id = verifier_new_id(v);
    return 0;
}

/* Of a per-CPU variable or object: that of one CPU. */
static int return_percpu(struct verifier *v, const struct call *call, struct reg *r0, uint16_t mods)
{
    const struct call_meta *meta = &call->meta;
    const struct skep_btf *btf = verifier_btf(v, meta->ret_space);
    uint32_t type = btf_resolve(btf, meta->ret_btf_id);

    if (!btf_is(btf, type, BTF_COMPOSITES)) {
        int64_t size = skep_btf_size(btf, type);

        if (size < 0 || size > UINT32_MAX)
            return reject(v, CODE_CALL_ARG, "unable to resolve the size of type '%s'",
                          btf_name_of(btf, type));
        reg_set_pointer(r0, REG_MEM, mods);
        r0->mem_size = (uint32_t)size;
        return 0;
    }
    if (call->is_percpu_object)
        mods = MOD_ALLOC | MOD_RCU;
    reg_set_pointer(r0, REG_BTF, mods & (uint16_t)~MOD_RDONLY);
    r0->space = meta->ret_space;
    r0->btf_id = meta->ret_btf_id;
    return 0;
}

static int return_object(struct verifier *v, const struct call_meta *meta, struct reg *r0,
                         uint16_t mods)
{
    const struct special_field *field = meta->field;
    uint32_t id;

    if (meta->id == HELPER_KPTR_XCHG) {
        if (field->space == SPACE_PROGRAM)
            mods |= MOD_ALLOC;
        if (field->space == SPACE_PROGRAM && field->what == SPECIAL_PERCPU_KPTR)
            mods |= MOD_PERCPU;
        reg_set_pointer(r0, REG_BTF, mods);
        r0->space = field->space;
        r0->btf_id = field->btf_id;
        return 0;
    }
    id = btf_kernel_struct(v, meta->proto->ret_btf);
    if (!id)
        return reject(v, CODE_NO_BTF, "the kernel's struct %s is not known", meta->proto->ret_btf);
    reg_set_pointer(r0, REG_BTF, mods);
    r0->space = SPACE_KERNEL;
    r0->btf_id = id;
    return 0;
}

static int set_kind(struct verifier *v, const struct call *call, struct reg *r0)
{
    static const struct {
        uint8_t flag;
        uint16_t mod;
    } flags[] = {{RET_OR_NULL, MOD_MAYBE_NULL},
                 {RET_RDONLY, MOD_RDONLY},
                 {RET_RINGBUF, MOD_RINGBUF},
                 {RET_TRUSTED, MOD_TRUSTED}};
    const struct call_meta *meta = &call->meta;
    uint8_t ret = meta->proto->ret;
    uint16_t mods = 0;

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (ret & flags[i].flag)
            mods |= flags[i].mod;
    switch (ret & RET_KIND) {
    case RET_INTEGER:
        return return_number(v, meta, r0);
    case RET_MAP_VALUE:
        return return_map_value(v, meta, r0, mods);
    case RET_SOCKET:
        reg_set_pointer(r0, REG_SOCKET, mods);
        return 0;
    case RET_SOCK_COMMON:
        reg_set_pointer(r0, REG_SOCK_COMMON, mods);
        return 0;
    case RET_TCP_SOCK:
        reg_set_pointer(r0, REG_TCP_SOCK, mods);
        return 0;
    case RET_MEM:
        reg_set_pointer(r0, REG_MEM, mods);
        r0->mem_size = (uint32_t)meta->mem_size;
        return 0;
    case RET_MEM_OR_BTF:
        return return_percpu(v, call, r0, mods);
    case RET_BTF:
        return return_object(v, meta, r0, mods);
    default: /* RET_VOID: there is nothing to read */
        reg_set_none(r0);
        return 0;
    }
}

/* A lookup in a map of sockets takes a reference too. */
static bool acquires(const struct call_meta *meta)
{
    return meta->proto->flags & HELPER_ACQUIRES ||
           (meta->id == HELPER_MAP_LOOKUP_ELEM && meta->map &&
            (meta->map->def.type == SKEP_MAP_TYPE_SOCKMAP ||
             meta->map->def.type == SKEP_MAP_TYPE_SOCKHASH));
}

static int set_return(struct verifier *v, const struct call *call)
{
    const struct call_meta *meta = &call->meta;
    struct reg *regs = state_regs(v->cur), *r0 = &regs[0];
    int rc;

    for (uint32_t i = 0; i <= 5; i++)
        reg_set_none(&regs[i]);
    rc = set_kind(v, call, r0);
    if (rc)
        return rc;
    r0->origin = call->insn;
    if (r0->kind != REG_SCALAR && reg_may_be_null(r0))
        r0->id = verifier_new_id(v);
    if (meta->id == HELPER_DYNPTR_DATA) {
        r0->mods |= MOD_DYNPTR_DATA;
        r0->dynptr_id = meta->dynptr_id;
        r0->ref = meta->ref;
    } else if (meta->proto->flags & HELPER_CASTS) {
        r0->ref = meta->ref;
    } else if (acquires(meta)) {
        r0->id = r0->ref = reference_acquire(v, call->insn);
        if (!r0->ref)
            return reject_memory(v);
    }
    return 0;
}

/* -- a call -------------------------------------------------------------------------------------------------- */

int helper_call(struct verifier *v, const struct skep_insn *code, uint32_t insn)
{
    uint32_t id = (uint32_t)code->imm;
    const struct platform_helper *proto = helper_proto(v, id);
    struct call call = {.meta = {.id = id, .proto = proto, .subprog = -1}, .insn = insn};
    int rc;

    if (!proto)
        return reject_denied(v, id, NULL, DENIED_UNKNOWN);
    call.changes_packet = proto->flags & HELPER_CHANGES_PACKET;
    rc = check_allowed(v, id, proto);
    if (!rc)
        rc = helper_check_args(v, &call.meta, insn);
    if (!rc)
        rc = helper_check_map(v, &call.meta, insn);
    if (!rc)
        rc = write_bytes(v, &call.meta);
    if (!rc)
        rc = release(v, &call.meta);
    if (!rc)
        rc = act(v, &call);
    if (!rc)
        rc = set_return(v, &call);
    if (!rc && call.changes_packet)
        reference_invalidate_packets(v);
    return rc;
}
