/* kfunc_types.c - BTF of kfuncs made from their prototypes as C text, for where there is no kernel to ask.
 *
 * The text is a table of this library, not input: "const struct bpf_dynptr *p" is a type's name, stars and a parameter's name.
 * `const` is dropped, as comparing prototypes drops it. struct bpf_ctx_convert says which type a program type's context has,
 * as the kernel's own BTF does.
 */
#include <string.h>

#include <skep/btf.h>

#include "base/check.h"
#include "btf/builder.h"
#include "platform/kfunc.h"

enum { PARAMS_MAX = 5, NAME_ROOM = 64 };

static const struct {
    const char *name;
    uint32_t size, flags;
} ints[] = {
#define TYPE(name, size, flags) {name, size, flags},
#include "platform/kfunc_types.def"
};

static const struct {
    const char *name;
    uint32_t size;
} structs[] = {
#define OPAQUE(name, size) {name, size},
#include "platform/kfunc_types.def"
};

static const struct {
    const char *name, *text;
} callbacks[] = {
#define CALLBACK(name, text) {name, text},
#include "platform/kfunc_types.def"
};

static const char *const prototypes[] = {
#define PROTOTYPE(text) text,
#include "platform/kfunc_types.def"
};

static const struct {
    const char *prog_type, *type;
} contexts[] = {{"BPF_PROG_TYPE_SOCKET_FILTER_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_SCHED_CLS_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_SCHED_ACT_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_CGROUP_SKB_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_LWT_IN_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_LWT_OUT_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_LWT_XMIT_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_LWT_SEG6LOCAL_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_SK_SKB_prog", "__sk_buff"},
                {"BPF_PROG_TYPE_XDP_prog", "xdp_md"}};

struct maker {
    struct builder b;
    uint32_t ints[ARRAY_SIZE(ints)], structs[ARRAY_SIZE(structs)], callbacks[ARRAY_SIZE(callbacks)];
};

static bool is_name(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

static bool skip_word(const char **at, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(*at, word, length) != 0 || (*at)[length] != ' ')
        return false;
    *at += length + 1;
    return true;
}

static uint32_t base_type(const struct maker *m, const char *text, size_t length, bool is_struct)
{
    for (size_t i = 0; i < ARRAY_SIZE(structs) && is_struct; i++)
        if (is_name(structs[i].name, text, length))
            return m->structs[i];
    for (size_t i = 0; i < ARRAY_SIZE(ints) && !is_struct; i++)
        if (is_name(ints[i].name, text, length))
            return m->ints[i];
    for (size_t i = 0; i < ARRAY_SIZE(callbacks) && !is_struct; i++)
        if (is_name(callbacks[i].name, text, length))
            return m->callbacks[i];
    return 0; /* void */
}

/* "const struct x *name" -> the type; *at then is behind the name, which is in `name`. */
static uint32_t declaration(struct maker *m, const char **at, char name[NAME_ROOM])
{
    bool is_struct;
    size_t length;
    uint32_t type;

    skip_word(at, "const");
    is_struct = skip_word(at, "struct");
    length = strcspn(*at, " ");
    type = base_type(m, *at, length, is_struct);
    for (*at += length; **at == ' ' || **at == '*'; ++*at)
        if (**at == '*')
            type = builder_ptr(&m->b, type);
    length = strcspn(*at, "(),");
    if (length >= NAME_ROOM)
        length = NAME_ROOM - 1;
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length;
    return type;
}

/* The whole prototype; the function's name goes to `name`. */
static uint32_t prototype(struct maker *m, const char *text, char name[NAME_ROOM])
{
    char params[PARAMS_MAX][NAME_ROOM];
    uint32_t types[PARAMS_MAX], count = 0, result = declaration(m, &text, name), proto;

    /* Parameters go to the type added last, so their types come first. */
    while (count < PARAMS_MAX && *++text != ')') {
        while (*text == ' ')
            text++;
        types[count] = declaration(m, &text, params[count]);
        count++;
        if (*text == ')')
            break;
    }
    proto = builder_func_proto(&m->b, result);
    for (uint32_t i = 0; i < count; i++)
        builder_param(&m->b, params[i], types[i]);
    return proto;
}

static void add_contexts(struct maker *m)
{
    builder_struct(&m->b, BTF_STRUCT, "bpf_ctx_convert", 8 * ARRAY_SIZE(contexts));
    for (size_t i = 0; i < ARRAY_SIZE(contexts); i++)
        builder_member(&m->b, contexts[i].prog_type,
                       base_type(m, contexts[i].type, strlen(contexts[i].type), true),
                       (uint32_t)i * 64, 0);
}

int platform_kfunc_types(struct skep_btf **out, struct skep_error *err)
{
    struct maker m;
    char name[NAME_ROOM];
    int code;

    builder_init(&m.b);
    for (size_t i = 0; i < ARRAY_SIZE(ints); i++)
        m.ints[i] = builder_int(&m.b, ints[i].name, ints[i].size, ints[i].flags);
    for (size_t i = 0; i < ARRAY_SIZE(structs); i++)
        m.structs[i] = builder_struct(&m.b, BTF_STRUCT, structs[i].name, structs[i].size);
    memset(m.callbacks, 0, sizeof m.callbacks);
    for (size_t i = 0; i < ARRAY_SIZE(callbacks); i++)
        m.callbacks[i] = prototype(&m, callbacks[i].text, name);
    for (size_t i = 0; i < ARRAY_SIZE(prototypes); i++) {
        uint32_t proto = prototype(&m, prototypes[i], name);
        uint32_t func = builder_func(&m.b, name, proto, BTF_GLOBAL);

        builder_decl_tag(&m.b, "bpf_kfunc", func, -1);
    }
    add_contexts(&m);
    code = builder_open(&m.b, out, err);
    builder_free(&m.b);
    return code;
}
