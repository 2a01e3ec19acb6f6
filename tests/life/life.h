/* life.h - what the tests of library life share: an allocator that counts and fails on command, and one of everything. */
#ifndef TEST_LIFE_H
#define TEST_LIFE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep.h>

/* Where life.bpf.c was compiled to; NULL: no compiler for it here, only programs from text are tested. */
extern const char *life_object;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIFE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIFE_SANITIZED 1
#endif
#endif

/* -- an allocator of the host ----------------------------------------------------------------- */
struct life_memory {
    uint64_t calls, fail_at; /* the call with this number fails; 0: none */
    int fails_for_good;      /* and all after it */
    uint64_t blocks, bytes;  /* not given back */
};

static inline void *life_alloc(void *user, void *ptr, size_t old_size, size_t new_size,
                               size_t align)
{
    struct life_memory *memory = user;
    uint8_t *block, *out;

    if (!new_size) {
        memory->blocks--;
        memory->bytes -= old_size;
        memcpy(&block, (uint8_t *)ptr - sizeof block, sizeof block);
        free(block);
        return NULL;
    }
    memory->calls++;
    if (memory->fail_at && (memory->calls == memory->fail_at ||
                            (memory->fails_for_good && memory->calls > memory->fail_at)))
        return NULL;
    block = malloc(new_size + align + sizeof block);
    if (!block)
        return NULL;
    out = (uint8_t *)(((uintptr_t)block + sizeof block + align - 1) & ~(uintptr_t)(align - 1));
    memcpy(out - sizeof block, &block, sizeof block);
    memset(out, 0xa5, new_size); /* the library must not count on zeros */
    memory->blocks++;
    memory->bytes += new_size;
    return out;
}

static inline int life_runtime(struct life_memory *memory, struct skep_runtime **rt,
                               struct skep_error *err)
{
    struct skep_host host = {.size = sizeof host, .user = memory, .alloc = life_alloc};
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = 2, .host = memory ? &host : NULL};

    return skep_runtime_create(&opts, rt, err);
}

/* -- one of everything ------------------------------------------------------------------------- */
struct life {
    struct skep_runtime *rt;
    struct skep_object *obj;
    struct skep_collection *all;
    struct skep_prog *prog;               /* calls itself and another program by tail calls */
    struct skep_map *map, *outer, *inner; /* a hash; an array of maps, and what was put into it */
    struct skep_map *jumps;               /* from text: its prog array; given back with the map */
};

/* Without a compiled object: the same from text. */
static const char life_text[] = "r6 = r1\n"
                                "r2 = 0\n"
                                "*(u32 *)(r10 - 4) = r2\n"
                                "r2 = 1\n"
                                "*(u64 *)(r10 - 16) = r2\n"
                                "r1 = map[0] ll\n"
                                "r2 = r10\n"
                                "r2 += -4\n"
                                "r3 = r10\n"
                                "r3 += -16\n"
                                "r4 = 0\n"
                                "call 2\n"
                                "r1 = r6\n"
                                "r2 = map[1] ll\n"
                                "r3 = 0\n"
                                "call 12\n"
                                "r0 = 2\n"
                                "exit\n";

static inline int life_make_map(struct skep_runtime *rt, uint32_t type, uint32_t flags,
                                const struct skep_map_def *inner, struct skep_map **out,
                                struct skep_error *err)
{
    int holds = type == SKEP_MAP_TYPE_PROG_ARRAY || type == SKEP_MAP_TYPE_ARRAY_OF_MAPS;
    struct skep_map_def def = {.size = sizeof def,
                               .name = "life",
                               .type = type,
                               .key_size = 4,
                               .value_size = holds ? 4 : 8,
                               .max_entries = 4,
                               .flags = flags,
                               .inner = inner};

    return skep_map_create(rt, &def, out, err);
}

static inline int life_from_text(struct life *life, struct skep_error *err)
{
    struct skep_insn insns[64];
    struct skep_map *maps[2] = {NULL, NULL};
    struct skep_prog_code code = {.size = sizeof code,
                                  .name = "life",
                                  .type = SKEP_PROG_TYPE_XDP,
                                  .insns = insns,
                                  .maps = maps,
                                  .map_count = 2,
                                  .max_insns = 100000};
    struct skep_map_def inner = {.size = sizeof inner,
                                 .type = SKEP_MAP_TYPE_ARRAY,
                                 .key_size = 4,
                                 .value_size = 8,
                                 .max_entries = 4};
    size_t count = 0;
    int rc = skep_asm(life_text, sizeof life_text - 1, insns, 64, &count, err);

    code.insn_count = (uint32_t)count;
    if (!rc)
        rc = life_make_map(life->rt, SKEP_MAP_TYPE_HASH, 1, NULL, &maps[0], err);
    if (!rc)
        rc = life_make_map(life->rt, SKEP_MAP_TYPE_PROG_ARRAY, 0, NULL, &maps[1], err);
    if (!rc)
        rc = life_make_map(life->rt, SKEP_MAP_TYPE_ARRAY_OF_MAPS, 0, &inner, &life->outer, err);
    if (!rc)
        rc = skep_prog_load(life->rt, &code, &life->prog, err);
    if (!rc)
        rc = skep_map_set_prog(maps[1], 0, life->prog);
    life->map = maps[0];
    life->jumps = maps[1];
    return rc;
}

static inline int life_from_object(struct life *life, struct skep_error *err)
{
    struct skep_load_opts opts = {.size = sizeof opts, .max_insns = 100000};
    int rc = skep_object_open(life_object, &life->obj, err);

    if (!rc)
        rc = skep_load(life->rt, life->obj, &opts, &life->all, err);
    if (rc)
        return rc;
    life->prog = skep_prog_ref(skep_collection_prog(life->all, "life_entry"));
    life->map = skep_map_ref(skep_collection_map(life->all, "seen"));
    life->outer = skep_map_ref(skep_collection_map(life->all, "outer"));
    return 0;
}

/* Everything, or a code and what there is of it. */
static inline int life_begin(struct life *life, struct life_memory *memory, struct skep_error *err)
{
    uint32_t one = 1;
    int rc;

    memset(life, 0, sizeof *life);
    rc = life_runtime(memory, &life->rt, err);
    if (!rc)
        rc = life_object ? life_from_object(life, err) : life_from_text(life, err);
    if (!rc)
        rc = life_make_map(life->rt, SKEP_MAP_TYPE_ARRAY, 0, NULL, &life->inner, err);
    if (!rc)
        rc = skep_map_set_map(life->outer, &one, sizeof one, life->inner);
    return rc;
}

static inline int life_run(struct skep_prog *prog, uint64_t *retval, struct skep_error *err)
{
    uint8_t packet[64] = {0};
    struct skep_test_run run = {
        .size = sizeof run, .data_in = packet, .data_size_in = sizeof packet};
    int rc = skep_prog_test_run(prog, &run, err);

    *retval = run.retval;
    return rc;
}

enum {
    LIFE_RUNTIME,
    LIFE_OBJECT,
    LIFE_COLLECTION,
    LIFE_PROG,
    LIFE_MAP,
    LIFE_OUTER,
    LIFE_INNER,
    LIFE_THINGS
};

/* Give back one of them. */
static inline void life_drop(struct life *life, int thing)
{
    switch (thing) {
    case LIFE_RUNTIME:
        skep_runtime_unref(life->rt);
        life->rt = NULL;
        break;
    case LIFE_OBJECT:
        skep_object_free(life->obj);
        life->obj = NULL;
        break;
    case LIFE_COLLECTION:
        skep_collection_unref(life->all);
        life->all = NULL;
        break;
    case LIFE_PROG:
        skep_prog_unref(life->prog);
        life->prog = NULL;
        break;
    case LIFE_MAP:
        skep_map_unref(life->map);
        skep_map_unref(life->jumps);
        life->map = life->jumps = NULL;
        break;
    case LIFE_OUTER:
        skep_map_unref(life->outer);
        life->outer = NULL;
        break;
    default:
        skep_map_unref(life->inner);
        life->inner = NULL;
        break;
    }
}

static inline void life_end(struct life *life)
{
    for (int thing = 0; thing < LIFE_THINGS; thing++)
        life_drop(life, thing);
}

#endif
