/* fixture.h - a verifier that stands at its first instruction, for tests of what reads types; and the types of special
 * members. */
#ifndef TEST_VERIFY_TYPES_FIXTURE_H
#define TEST_VERIFY_TYPES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "btf/builder.h"
#include "verify/btf_access.h"
#include "verify/program.h"
#include "verify/record.h"
#include "verify/signature.h"
#include "verify/target.h"
#include "verify/verifier.h"

enum { ALL_CAPS = CAP_BPF | CAP_PERFMON | CAP_NET_ADMIN | CAP_SYS_ADMIN };

struct bench {
    struct skep_image image;
    struct verify_map maps[4];
    struct verify_input in;
    struct verify_result result;
    struct verifier v;
    struct state state;
    struct frame frame;
};

/* As program_prepare derives it, for a program of this type without instructions. */
static inline void bench_open(struct bench *b, const struct skep_btf *prog,
                              const struct skep_btf *kernel, uint32_t type, uint32_t attach_type)
{
    *b = (struct bench){.image = {.size = sizeof b->image,
                                  .name = "prog",
                                  .section = "test",
                                  .license = "GPL",
                                  .type = type,
                                  .attach_type = attach_type,
                                  .btf = prog}};
    b->in = (struct verify_input){
        .image = &b->image, .maps = b->maps, .kernel_btf = kernel, .caps = ALL_CAPS};
    b->v = (struct verifier){.in = &b->in,
                             .image = &b->image,
                             .type = type,
                             .attach_type = attach_type,
                             .prog_type = platform_prog_type(type),
                             .kernel_btf = kernel,
                             .prog_btf = prog,
                             .can_bpf = true,
                             .can_leak = true,
                             .is_gpl = true,
                             .result = &b->result,
                             .cur = &b->state};
    b->state.frames[0] = &b->frame;
}

static inline void bench_close(struct bench *b)
{
    pool_free(&b->v);
    arena_free(&b->v.memory);
}

static inline struct skep_btf *build(struct builder *b)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;

    if (builder_open(b, &btf, &err))
        fail_msg("%s", err.text);
    builder_free(b);
    return btf;
}

/* The kernel's types, or NULL after the test was skipped. */
static inline struct skep_btf *host_types(void)
{
    struct skep_btf *btf = NULL;

    if (skep_btf_open_host(&btf, NULL))
        skip();
    return btf;
}

/* -- types of special members ------------------------------------------------------------------ */
struct types {
    struct builder b;
    uint32_t u32, s32, u64, lock, res_lock, timer, wq, task_work, head, node, root, rb, refcount;
};

static inline uint32_t opaque(struct types *t, const char *name, uint32_t size, uint32_t word)
{
    uint32_t array = builder_array(&t->b, word == 8 ? t->u64 : t->u32, t->u32, size / word);
    uint32_t id = builder_struct(&t->b, BTF_STRUCT, name, size);

    builder_member(&t->b, "__opaque", array, 0, 0);
    return id;
}

static inline void types_init(struct types *t)
{
    builder_init(&t->b);
    t->u32 = builder_int(&t->b, "unsigned int", 4, 0);
    t->s32 = builder_int(&t->b, "int", 4, SKEP_INT_SIGNED);
    t->u64 = builder_int(&t->b, "unsigned long", 8, 0);
    t->lock = opaque(t, "bpf_spin_lock", 4, 4);
    t->res_lock = opaque(t, "bpf_res_spin_lock", 4, 4);
    t->timer = opaque(t, "bpf_timer", 16, 8);
    t->wq = opaque(t, "bpf_wq", 16, 8);
    t->task_work = opaque(t, "bpf_task_work", 8, 8);
    t->head = opaque(t, "bpf_list_head", 16, 8);
    t->node = opaque(t, "bpf_list_node", 24, 8);
    t->root = opaque(t, "bpf_rb_root", 16, 8);
    t->rb = opaque(t, "bpf_rb_node", 32, 8);
    t->refcount = opaque(t, "bpf_refcount", 4, 4);
}

/* A pointer with a type tag to a struct of that name, which is made. */
static inline uint32_t tagged_pointer(struct types *t, const char *tag, const char *name)
{
    uint32_t target = builder_struct(&t->b, BTF_STRUCT, name, 8);

    builder_member(&t->b, "x", t->u64, 0, 0);
    return builder_ptr(&t->b, builder_type_tag(&t->b, tag, target));
}

#endif
