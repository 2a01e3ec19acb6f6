/* fixture.h - live things for tests: a runtime, maps, programs from text; runs that must yield or fault. */
#ifndef TESTS_RUNTIME_FIXTURE_H
#define TESTS_RUNTIME_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep.h>

#include "base/check.h"

static inline struct skep_runtime *make_runtime(void)
{
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = 3, .allow = SKEP_ALLOW_SANDBOXED};
    struct skep_runtime *rt = NULL;
    struct skep_error err = {.size = sizeof err};

    if (skep_runtime_create(&opts, &rt, &err))
        fail_msg("%s", err.text);
    return rt;
}

static inline struct skep_map *make_map(struct skep_runtime *rt, uint32_t type, uint32_t key_size,
                                        uint32_t value_size, uint32_t entries, uint32_t flags)
{
    struct skep_map_def def = {.size = sizeof def,
                               .name = "m",
                               .type = type,
                               .key_size = key_size,
                               .value_size = value_size,
                               .max_entries = entries,
                               .flags = flags};
    struct skep_error err = {.size = sizeof err};
    struct skep_map *map = NULL;

    if (skep_map_create(rt, &def, &map, &err))
        fail_msg("%s: %s", err.subject, err.text);
    return map;
}

/* `code` has everything but the instructions. */
static inline int load_text(struct skep_runtime *rt, const char *text, struct skep_prog_code *code,
                            struct skep_prog **out, struct skep_error *err)
{
    static struct skep_insn insns[1024];
    size_t count = 0;

    if (skep_asm(text, strlen(text), insns, ARRAY_SIZE(insns), &count, err))
        fail_msg("%u:%u: %s", err->line, err->column, err->text);
    code->insns = insns;
    code->insn_count = (uint32_t)count;
    return skep_prog_load(rt, code, out, err);
}

static inline struct skep_prog *make(struct skep_runtime *rt, uint32_t type, const char *text,
                                     struct skep_map *const *maps, uint32_t map_count,
                                     bool is_sandboxed)
{
    struct skep_prog_code code = {.size = sizeof code,
                                  .name = "p",
                                  .type = type,
                                  .maps = maps,
                                  .map_count = map_count,
                                  .max_insns = 100000000,
                                  .sandboxed = is_sandboxed};
    struct skep_error err = {.size = sizeof err};
    struct skep_prog *prog = NULL;

    if (load_text(rt, text, &code, &prog, &err))
        fail_msg("%s: %s", err.subject, err.text);
    return prog;
}

static inline struct skep_prog *make_prog(struct skep_runtime *rt, uint32_t type, const char *text,
                                          struct skep_map *const *maps, uint32_t map_count)
{
    return make(rt, type, text, maps, map_count, false);
}

/* One that the verifier would refuse: what the run itself does about it. */
static inline struct skep_prog *make_unverified(struct skep_runtime *rt, uint32_t type,
                                                const char *text, struct skep_map *const *maps,
                                                uint32_t map_count)
{
    return make(rt, type, text, maps, map_count, true);
}

/* Run a MEMORY program without memory. */
static inline int run(struct skep_prog *prog, uint64_t *ret, struct skep_error *err)
{
    *err = (struct skep_error){.size = sizeof *err};
    return skep_prog_run(prog, NULL, NULL, 0, ret, err);
}

static inline void run_yields(struct skep_prog *prog, uint64_t want)
{
    struct skep_error err;
    uint64_t ret = 0;

    if (run(prog, &ret, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ret, want);
}

static inline void run_faults(struct skep_prog *prog, const char *message)
{
    struct skep_error err;
    uint64_t ret = 0;
    int rc = run(prog, &ret, &err);

    if (rc != -SKEP_EFAULTED || !strstr(err.text, message))
        fail_msg("%d '%s', not '%s'", rc, rc ? err.text : "", message);
}

#endif
