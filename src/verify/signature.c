/* signature.c - what global functions take and return, by the program's BTF.
 *
 * They are verified on their own, for all arguments that their prototype and tags on its parameters ("arg:ctx",
 * "arg:nonnull" ..) allow; calls are then checked against it. Rules: Linux 6.18's.
 */
#include "verify/signature.h"

#include <string.h>

#include "base/check.h"
#include "platform/typed.h"
#include "verify/btf_access.h"

enum tag {
    TAG_CTX = 1,
    TAG_NONNULL = 2,
    TAG_TRUSTED = 4,
    TAG_UNTRUSTED = 8,
    TAG_NULLABLE = 16,
    TAG_ARENA = 32
};
enum { MOST_ARGS = 5, FUNC_WORDS = 2, LINE_WORDS = 4 /* of a record of func_info, line_info */ };

/* One function while it is looked at. */
struct prototype {
    struct verifier *v;
    const struct skep_btf *btf;
    const char *name;
    uint32_t func;
    bool is_global;
};

/* -- linkage ----------------------------------------------------------------------------------- */

/* A function that is hidden outside of its object is static in the BTF that Linux gets, though not in the object's; the
 * records of both lie at the same places. */
bool signature_is_global(const struct verifier *v, uint32_t func)
{
    const struct skep_btf *btf = v->prog_btf;
    const uint8_t *bytes = v->image->btf_bytes;
    uint32_t header, types, size, at, info;
    uint64_t place;

    if (!btf || !btf_is(btf, func, BTF_MASK(BTF_FUNC)) || btf_linkage_of(btf, func) != BTF_GLOBAL)
        return false;
    if (!bytes || v->image->btf_size < BTF_HEADER_SIZE)
        return true;
    memcpy(&header, bytes + 4, 4);
    memcpy(&types, bytes + 8, 4);
    memcpy(&size, bytes + 12, 4);
    at = (btf->at[func] - 3) * 4;
    place = (uint64_t)header + types + at;
    if (at >= size || !check_range(place, 12, v->image->btf_size))
        return true;
    memcpy(&info, bytes + place + 4, 4);
    return (info >> 24 & 0x1f) != BTF_FUNC || (info & 0xffff) == BTF_GLOBAL;
}

/* -- contexts ---------------------------------------------------------------------------------- */

/* The struct behind bpf_user_pt_regs_t. */
static const char *user_regs(const struct verifier *v)
{
    uint32_t id = v->kernel_btf
                      ? btf_find_next(v->kernel_btf, "bpf_user_pt_regs_t", BTF_MASK(BTF_TYPEDEF), 0)
                      : 0;
    const char *name = id ? btf_name_of(v->kernel_btf, btf_resolve(v->kernel_btf, id)) : "";

    return *name ? name : "pt_regs";
}

static bool is_user_regs_typedef(const struct skep_btf *btf, uint32_t type)
{
    while (btf_is(btf, type, BTF_MODIFIERS & ~BTF_MASK(BTF_TYPEDEF)))
        type = btf_ref(btf, type);
    return btf_is(btf, type, BTF_MASK(BTF_TYPEDEF)) &&
           strcmp(btf_name_of(btf, type), "bpf_user_pt_regs_t") == 0;
}

/* The kernel's own type of a context is taken for the program's view of it. */
static bool is_projection(const char *view, const char *name)
{
    return (strcmp(view, "__sk_buff") == 0 && strcmp(name, "sk_buff") == 0) ||
           (strcmp(view, "xdp_md") == 0 && strcmp(name, "xdp_buff") == 0);
}

/* A pointer type (PTR, in the program's BTF) that points at what programs of this type have as their context. */
static bool is_context(const struct verifier *v, uint32_t pointer)
{
    const struct typed_context *context = typed_context(v->type);
    const struct skep_btf *btf = v->prog_btf;
    uint32_t type = btf_ref(btf, pointer);
    const char *name;

    if (!context)
        return false;
    if (v->type == SKEP_PROG_TYPE_KPROBE && is_user_regs_typedef(btf, type))
        return true;
    type = btf_resolve(btf, type);
    if (!btf_is(btf, type, BTF_COMPOSITES))
        return false;
    name = btf_name_of(btf, type);
    return strcmp(name, context->name) == 0 || is_projection(context->name, name) ||
           (v->type == SKEP_PROG_TYPE_KPROBE && strcmp(name, user_regs(v)) == 0);
}

/* Other types that a tagged context may have. */
static bool is_tagged_context(const struct verifier *v, uint32_t type)
{
    const struct skep_btf *btf = v->prog_btf;
    bool is_struct = btf_is(btf, type, BTF_MASK(BTF_STRUCT));
    bool is_word = btf_is(btf, type, BTF_MASK(BTF_INT)) && btf_size_field(btf, type) == 8;
    const char *name = btf_name_of(btf, type);

    switch (v->type) {
    case SKEP_PROG_TYPE_KPROBE:
        return is_struct && strcmp(name, "pt_regs") == 0;
    case SKEP_PROG_TYPE_PERF_EVENT:
        return is_struct && strcmp(name, user_regs(v)) == 0;
    case SKEP_PROG_TYPE_RAW_TRACEPOINT:
    case SKEP_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
    case SKEP_PROG_TYPE_LSM:
    case SKEP_PROG_TYPE_STRUCT_OPS:
        return is_word;
    case SKEP_PROG_TYPE_TRACING:
        if (v->attach_type == ATTACH_TRACE_ITER)
            return is_struct && strncmp(name, "bpf_iter__", 10) == 0;
        return is_word || (v->attach_type == ATTACH_TRACE_RAW_TP && is_struct &&
                           strcmp(name, "bpf_raw_tracepoint_args") == 0);
    case SKEP_PROG_TYPE_TRACEPOINT:
    case SKEP_PROG_TYPE_SYSCALL:
    case SKEP_PROG_TYPE_EXT:
    case SKEP_PROG_TYPE_MEMORY:
        return true;
    default:
        return false;
    }
}

static int check_tagged_context(const struct prototype *p, uint32_t pointer, uint32_t arg)
{
    const struct typed_context *context = typed_context(p->v->type);
    uint32_t type = btf_ref(p->btf, pointer);
    const char *wanted;

    if ((p->v->type == SKEP_PROG_TYPE_KPROBE || p->v->type == SKEP_PROG_TYPE_PERF_EVENT) &&
        is_user_regs_typedef(p->btf, type))
        return 0;
    type = btf_resolve(p->btf, type);
    if (!type)
        return 0; /* void */
    if (!btf_name_of(p->btf, type)[0])
        return reject(p->v, CODE_SIGNATURE, "arg#%u type doesn't have a name", arg);
    if (is_tagged_context(p->v, type))
        return 0;
    if (!context)
        return reject(p->v, CODE_SIGNATURE, "arg#%u should be void pointer", arg);
    wanted = p->v->type == SKEP_PROG_TYPE_KPROBE ? user_regs(p->v) : context->name;
    if (!btf_is(p->btf, type, BTF_MASK(BTF_STRUCT)) ||
        strcmp(btf_name_of(p->btf, type), wanted) != 0)
        return reject(p->v, CODE_SIGNATURE, "arg#%u should be `struct %s *`", arg, wanted);
    return 0;
}

/* -- arguments --------------------------------------------------------------------------------- */

/* What is wrong with a static function's prototype is no reason to refuse it. */
#define REFUSE(p, ...) ((p)->is_global ? reject((p)->v, CODE_SIGNATURE, __VA_ARGS__) : -SKEP_EINVAL)

static int read_tags(const struct prototype *p, uint32_t arg, uint32_t *tags)
{
    static const struct {
        const char *text;
        uint32_t tag;
    } known[] = {{"ctx", TAG_CTX},           {"nonnull", TAG_NONNULL},
                 {"trusted", TAG_TRUSTED},   {"untrusted", TAG_UNTRUSTED},
                 {"nullable", TAG_NULLABLE}, {"arena", TAG_ARENA}};

    *tags = 0;
    for (uint32_t id = 0; (id = btf_next_tag(p->btf, p->func, id)) != 0;) {
        const char *text = btf_name_of(p->btf, id);
        size_t i = 0;

        if (btf_component_of(p->btf, id) != (int32_t)arg || strncmp(text, "arg:", 4) != 0)
            continue;
        if (!p->is_global)
            return -SKEP_EOPNOTSUPP;
        while (i < ARRAY_SIZE(known) && strcmp(known[i].text, text + 4) != 0)
            i++;
        if (i == ARRAY_SIZE(known))
            return REFUSE(p, "arg#%u has unsupported set of tags", arg);
        *tags |= known[i].tag;
    }
    return 0;
}

static bool is_dynptr(const struct skep_btf *btf, uint32_t pointer)
{
    uint32_t type = btf_resolve(btf, btf_ref(btf, pointer));

    return (btf_is(btf, type, BTF_COMPOSITES) ||
            (btf_is(btf, type, BTF_MASK(BTF_FWD)) && !btf_flag(btf, type))) &&
           strcmp(btf_name_of(btf, type), "bpf_dynptr") == 0;
}

static const char *kind_of(const struct skep_btf *btf, uint32_t type)
{
    return btf_kind_title(btf_kind_of(btf, type));
}

/* The kernel's type that the program means: of the same kind, and the only one of that name (flavors apart). */
static int find_kernel_type(const struct prototype *p, uint32_t pointer, uint32_t arg,
                            uint32_t *out)
{
    const struct skep_btf *kernel = p->v->kernel_btf;
    uint32_t type = btf_resolve(p->btf, btf_ref(p->btf, pointer)), found, more;
    uint32_t kind = BTF_MASK(btf_kind_of(p->btf, type));
    const char *name = btf_name_of(p->btf, type);
    size_t length = btf_essential_length(name);

    if (!kernel)
        return reject(
            p->v, CODE_NO_BTF,
            "arg#%u reference type('%s %s') is one of the kernel, whose types are unknown", arg,
            kind_of(p->btf, type), name);
    found = btf_find_essential(kernel, name, length, kind, 0);
    more = found ? btf_find_essential(kernel, name, length, kind, found) : 0;
    if (!found || more)
        return reject(p->v, CODE_SIGNATURE, "arg#%u reference type('%s %s') %s", arg,
                      kind_of(p->btf, type), name, found ? "is ambiguous" : "has no matches");
    *out = found;
    return 0;
}

static int set_trusted(const struct prototype *p, uint32_t pointer, uint32_t arg, uint32_t tags,
                       struct subprog_arg *out)
{
    if (tags & TAG_NONNULL)
        return REFUSE(p, "arg#%u has invalid combination of tags", arg);
    *out = (struct subprog_arg){.kind = SUBARG_BTF,
                                .mods = MOD_TRUSTED,
                                .may_be_null = tags & TAG_NULLABLE,
                                .space = SPACE_KERNEL};
    return find_kernel_type(p, pointer, arg, &out->btf_id);
}

static int set_untrusted(const struct prototype *p, uint32_t pointer, uint32_t arg, uint32_t tags,
                         struct subprog_arg *out)
{
    uint32_t type = btf_resolve(p->btf, btf_ref(p->btf, pointer));
    int code;

    if (tags != TAG_UNTRUSTED)
        return REFUSE(p, "arg#%u untrusted cannot be combined with any other tags", arg);
    if (!type || btf_is(p->btf, type, BTF_MASK(BTF_INT) | BTF_ENUMS)) {
        *out = (struct subprog_arg){.kind = SUBARG_MEM, .mods = MOD_RDONLY | MOD_UNTRUSTED};
        return 0;
    }
    *out = (struct subprog_arg){.kind = SUBARG_BTF, .mods = MOD_UNTRUSTED, .space = SPACE_KERNEL};
    code = find_kernel_type(p, pointer, arg, &out->btf_id);
    if (!code && !btf_is(p->v->kernel_btf, out->btf_id, BTF_COMPOSITES))
        return REFUSE(p, "arg#%u has type %s '%s', but only struct or primitive types are allowed",
                      arg, kind_of(p->v->kernel_btf, out->btf_id),
                      btf_name_of(p->v->kernel_btf, out->btf_id));
    return code;
}

static int set_memory(const struct prototype *p, uint32_t pointer, uint32_t arg, uint32_t tags,
                      struct subprog_arg *out)
{
    uint32_t type = btf_resolve(p->btf, btf_ref(p->btf, pointer));
    int64_t size = skep_btf_size(p->btf, type);

    if (tags & TAG_NULLABLE)
        return REFUSE(p, "arg#%u has invalid combination of tags", arg);
    if (size < 0)
        return REFUSE(p, "arg#%u reference type('%s %s') size cannot be determined: %d", arg,
                      kind_of(p->btf, type), btf_name_of(p->btf, type), -SKEP_EINVAL);
    *out = (struct subprog_arg){
        .kind = SUBARG_MEM, .may_be_null = !(tags & TAG_NONNULL), .mem_size = (uint32_t)size};
    return 0;
}

static int set_pointer(const struct prototype *p, uint32_t type, uint32_t arg, uint32_t tags,
                       struct subprog_arg *out)
{
    if (tags & TAG_CTX || is_context(p->v, type)) {
        if (tags & ~(uint32_t)TAG_CTX)
            return REFUSE(p, "arg#%u has invalid combination of tags", arg);
        *out = (struct subprog_arg){.kind = SUBARG_CTX};
        return tags ? check_tagged_context(p, type, arg) : 0;
    }
    if (is_dynptr(p->btf, type)) {
        if (tags)
            return REFUSE(p, "arg#%u has invalid combination of tags", arg);
        *out = (struct subprog_arg){.kind = SUBARG_DYNPTR, .mods = MOD_RDONLY};
        return 0;
    }
    if (tags & TAG_TRUSTED)
        return set_trusted(p, type, arg, tags, out);
    if (tags & TAG_UNTRUSTED)
        return set_untrusted(p, type, arg, tags, out);
    if (tags & TAG_ARENA) {
        *out = (struct subprog_arg){.kind = SUBARG_ARENA};
        return tags == TAG_ARENA
                   ? 0
                   : REFUSE(p, "arg#%u arena cannot be combined with any other tags", arg);
    }
    return p->is_global ? set_memory(p, type, arg, tags, out) : -SKEP_EINVAL;
}

static int set_argument(const struct prototype *p, uint32_t type, uint32_t arg,
                        struct subprog_arg *out)
{
    uint32_t tags;
    int code = read_tags(p, arg, &tags);

    if (code)
        return code;
    type = btf_resolve(p->btf, type);
    if (btf_is(p->btf, type, BTF_MASK(BTF_PTR)))
        return set_pointer(p, type, arg, tags, out);
    if (tags)
        return REFUSE(p, "arg#%u has pointer tag, but is not a pointer type", arg);
    if (!btf_is(p->btf, type, BTF_MASK(BTF_INT) | BTF_ENUMS))
        return REFUSE(p, "Arg#%u type %s in %s() cannot be verified", arg, kind_of(p->btf, type),
                      p->name);
    *out = (struct subprog_arg){.kind = SUBARG_SCALAR};
    return 0;
}

static int read_prototype(const struct prototype *p, struct subprog *subprog)
{
    uint32_t proto = btf_ref(p->btf, p->func), count = btf_length(p->btf, proto);
    int code = 0;

    if (count > MOST_ARGS)
        return REFUSE(p, "Global function %s() with %u > %d args. Buggy compiler.", p->name, count,
                      MOST_ARGS);
    if (!btf_is(p->btf, btf_resolve(p->btf, btf_ref(p->btf, proto)), BTF_MASK(BTF_INT) | BTF_ENUMS))
        return REFUSE(p, "Global function %s() doesn't return scalar. Only those are supported.",
                      p->name);
    for (uint32_t i = 0; i < count && !code; i++)
        code = set_argument(p, btf_parameter_at(p->btf, proto, i).type, i, &subprog->args[i]);
    if (!code)
        subprog->arg_count = (uint8_t)count;
    return code;
}

int signature_prepare(struct verifier *v, uint32_t index)
{
    struct subprog *subprog = &v->subprogs[index];
    struct prototype p = {.v = v,
                          .btf = v->prog_btf,
                          .name = subprog->name ? subprog->name : "",
                          .func = subprog->btf_func,
                          .is_global = subprog->is_global};
    int code;

    /* One that is wrong is read, and refused, anew: the first call may have been a wrong guess, which only ends its path. */
    if (subprog->sig == 1 || (subprog->sig && !p.is_global))
        return 0;
    if (!p.btf || !p.func) {
        if (p.is_global)
            return reject(v, CODE_SIGNATURE, "Global functions need valid BTF");
        subprog->sig = 2;
        return 0;
    }
    code = read_prototype(&p, subprog);
    subprog->sig = code ? 2 : 1;
    return p.is_global ? code : 0;
}

/* -- func_info, line_info ---------------------------------------------------------------------- */

static uint32_t word_at(const void *records, size_t index)
{
    uint32_t word;

    memcpy(&word, (const uint8_t *)records + index * 4, 4);
    return word;
}

static int check_functions(struct verifier *v)
{
    const void *records = v->image->func_info;
    uint32_t count = v->image->func_info_count;

    if (count != v->subprog_count)
        return reject(v, CODE_PROGRAM,
                      "number of funcs in func_info doesn't match number of subprogs");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t insn = word_at(records, (size_t)i * FUNC_WORDS);
        uint32_t type = word_at(records, (size_t)i * FUNC_WORDS + 1);

        if (i && insn <= word_at(records, (size_t)(i - 1) * FUNC_WORDS))
            return reject(v, CODE_PROGRAM,
                          "same or smaller insn offset (%u) than previous func info record", insn);
        if (!btf_is(v->prog_btf, type, BTF_MASK(BTF_FUNC)) ||
            !btf_is(v->prog_btf, btf_ref(v->prog_btf, type), BTF_MASK(BTF_FUNC_PROTO)))
            return reject(v, CODE_PROGRAM, "invalid type id %u in func info", type);
        if (insn != v->subprogs[i].start)
            return reject(v, CODE_PROGRAM,
                          "func_info BTF section doesn't match subprog layout in BPF program");
    }
    return 0;
}

static int check_lines(struct verifier *v)
{
    const void *records = v->image->line_info;
    uint32_t count = v->image->line_info_count, found = 0, previous = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t insn = word_at(records, (size_t)i * LINE_WORDS);

        if ((i && insn <= previous) || insn >= v->insn_count)
            return reject(v, CODE_PROGRAM,
                          "Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)", i,
                          insn, previous, v->insn_count);
        if (!v->insns[insn].code)
            return reject(v, CODE_PROGRAM, "Invalid insn code at line_info[%u].insn_off", i);
        if (!btf_string(v->prog_btf, word_at(records, (size_t)i * LINE_WORDS + 1)) ||
            !btf_string(v->prog_btf, word_at(records, (size_t)i * LINE_WORDS + 2)))
            return reject(v, CODE_PROGRAM, "Invalid line_info[%u].line_off or .file_name_off", i);
        if (found < v->subprog_count && v->subprogs[found].start == insn)
            found++;
        else if (found < v->subprog_count && v->subprogs[found].start < insn)
            return reject(v, CODE_PROGRAM, "missing bpf_line_info for func#%u", found);
        previous = insn;
    }
    if (found < v->subprog_count)
        return reject(v, CODE_PROGRAM, "missing bpf_line_info for %u funcs starting from func#%u",
                      v->subprog_count - found, found);
    return 0;
}

int signature_check_info(struct verifier *v)
{
    int code = 0;

    if (!v->prog_btf)
        return 0;
    if (v->image->func_info_count)
        code = check_functions(v);
    if (!code && v->image->line_info_count)
        code = check_lines(v);
    return code;
}
