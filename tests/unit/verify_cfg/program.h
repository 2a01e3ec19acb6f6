/* program.h - a program from text, in a verifier that is set up for its structure only. */
#ifndef TESTS_VERIFY_CFG_PROGRAM_H
#define TESTS_VERIFY_CFG_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "btf/builder.h"
#include "verify/cfg.h"

enum { ROOM = 256, FUNCTIONS = 16 };

struct program {
    struct skep_insn *insns;
    size_t count;
    struct skep_image image;
    struct skep_image_func funcs[FUNCTIONS];
    struct verify_map maps[4];
    struct verify_input in;
    struct verify_result result;
    struct verifier v;
    struct builder types;
    struct skep_btf *btf;
};

static inline void program_clear(struct program *p)
{
    arena_free(&p->v.memory);
    skep_btf_free(p->btf);
    builder_free(&p->types);
    free(p->insns);
    memset(p, 0, sizeof *p);
}

/* Takes over insns (malloc'ed). */
static inline void program_of(struct program *p, struct skep_insn *insns, size_t count)
{
    memset(p, 0, sizeof *p);
    builder_init(&p->types);
    p->insns = insns;
    p->count = count;
    p->image.type = SKEP_PROG_TYPE_XDP;
    p->image.insns = insns;
    p->image.insn_count = (uint32_t)count;
    p->image.funcs = p->funcs;
    p->in.image = &p->image;
    p->in.maps = p->maps;
    p->v.in = &p->in;
    p->v.image = &p->image;
    p->v.insns = insns;
    p->v.insn_count = (uint32_t)count;
    p->v.type = p->image.type;
    p->v.can_bpf = true;
    p->v.result = &p->result;
}

static inline void program_make(struct program *p, const char *text)
{
    struct skep_insn *insns = calloc(ROOM, sizeof *insns);
    struct skep_error err = {.size = sizeof err};
    size_t count = 0;

    assert_non_null(insns);
    if (skep_asm(text, strlen(text), insns, ROOM, &count, &err))
        fail_msg("'%s': %u:%u: %s", text, err.line, err.column, err.text);
    program_of(p, insns, count);
}

/* Says that a function with that name and linkage begins at `insn`; in order. */
static inline uint32_t program_function(struct program *p, uint32_t insn, const char *name,
                                        enum btf_linkage linkage, bool is_void)
{
    uint32_t proto, type;

    if (!p->image.func_count)
        builder_int(&p->types, "int", 4, SKEP_INT_SIGNED); /* id 1 */
    proto = builder_func_proto(&p->types, is_void ? 0 : 1);
    type = builder_func(&p->types, name, proto, linkage);
    p->funcs[p->image.func_count++] = (struct skep_image_func){name, insn, type};
    p->image.func_info_count = p->image.func_count;
    return type;
}

static inline void program_types(struct program *p)
{
    struct skep_error err = {.size = sizeof err};

    if (builder_open(&p->types, &p->btf, &err))
        fail_msg("%s", err.text);
    p->v.prog_btf = p->image.btf = p->btf;
}

/* The refusal is of that kind, at that instruction, and says that. */
static inline void expect(const struct program *p, int code, enum verify_code want, uint32_t insn,
                          const char *part)
{
    assert_true(code < 0);
    if (!strstr(p->result.text, part))
        fail_msg("'%s' says nothing of '%s'", p->result.text, part);
    assert_int_equal(p->result.code, want);
    assert_int_equal(p->result.insn, insn);
}

static inline void accepted(const struct program *p, int code)
{
    if (code)
        fail_msg("refused at insn %u: %s", p->result.insn, p->result.text);
}

/* The same numbers on every host and every run. */
static inline uint32_t next_random(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 33) % below);
}

#endif
