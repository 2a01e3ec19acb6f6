/* oracle.c - facts of made-up programs against what their runs do: every value that an instruction reads lies within its range,
 * nothing dead is reached, no dead edge is taken, and addresses are where facts say.
 *
 *     verify_facts_oracle            some thousand programs
 *     SKEP_ORACLE=N ..               N programs, from the seed SKEP_SEED
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep/insn.h>

#include "btf/builder.h"
#include "verify/facts.h"
#include "verify/verifier.h"
#include "world.h"

enum { PROGRAMS = 1500, RUNS = 6, FUNCTIONS_MAX = 4, CAPS = CAP_BPF | CAP_PERFMON | CAP_NET_ADMIN };

struct trial {
    const struct facts *facts;
    struct skep_insn insns[WORLD_INSNS];
    uint32_t count;
    uint32_t last; /* instruction before, INSN_NONE: none, or one that may lead anywhere */
    uint64_t checks, narrow, runs, ended;
    char wrong[300];
};

static void complain(struct trial *t, uint32_t insn, const char *what)
{
    if (!t->wrong[0])
        snprintf(t->wrong, sizeof t->wrong, "insn %u: %s", insn, what);
}

static void check_value(struct trial *t, uint32_t insn, uint32_t regno, uint64_t value)
{
    struct range range, one;

    facts_range(t->facts, insn, regno, &range);
    range_set_const(&one, value);
    t->checks++;
    t->narrow += !range_is_unknown(&range);
    if (!range_contains(&range, &one) && !t->wrong[0])
        snprintf(t->wrong, sizeof t->wrong,
                 "insn %u: r%u is 0x%" PRIx64 ", not in u[0x%" PRIx64 ",0x%" PRIx64 "] s[%" PRId64
                 ",%" PRId64 "] bits 0x%" PRIx64 "/0x%" PRIx64 " u32[0x%x,0x%x] s32[%d,%d]",
                 insn, regno, value, range.umin, range.umax, range.smin, range.smax,
                 range.bits.value, range.bits.mask, range.umin32, range.umax32, range.smin32,
                 range.smax32);
}

static void check_place(struct trial *t, uint32_t insn, uint32_t regno, const uint64_t *regs)
{
    struct fact_address address;

    facts_address(t->facts, insn, regno, &address);
    if (address.where == FACT_STACK && regs[regno] != regs[10] + (uint64_t)(int64_t)address.offset)
        complain(t, insn, "not there on the stack");
    if (address.where == FACT_MAP_VALUE &&
        regs[regno] != world_map_address(address.map) + (uint64_t)(int64_t)address.offset)
        complain(t, insn, "not there in the map");
}

static void check_edge(struct trial *t, uint32_t insn)
{
    const struct isa_op *op = isa_find(&t->insns[t->last]);
    bool falls = insn == t->last + 1,
         jumps = insn == (uint32_t)isa_target(op, &t->insns[t->last], t->last);

    if (falls != jumps && facts_edge_is_dead(t->facts, t->last, jumps ? FACTS_JUMPS : FACTS_FALLS))
        complain(t, t->last, jumps ? "the jump was taken" : "the jump was not taken");
}

static void check_step(void *user, uint32_t insn, const uint64_t regs[11])
{
    struct trial *t = user;
    const struct isa_op *op = isa_find(&t->insns[insn]);
    uint16_t reads = isa_reads(op, &t->insns[insn]);

    if (facts_is_dead(t->facts, insn))
        complain(t, insn, "dead, and reached");
    if (t->last != INSN_NONE)
        check_edge(t, insn);
    for (uint32_t i = 0; i < 11; i++) {
        if (!(reads >> i & 1))
            continue;
        check_value(t, insn, i, regs[i]);
        check_place(t, insn, i, regs);
    }
    t->last = op->kind == ISA_KIND_BRANCH ? insn : INSN_NONE;
}

/* Callbacks need the types of all functions. */
struct functions {
    struct builder types;
    struct skep_btf *btf;
    struct skep_image_func items[FUNCTIONS_MAX];
    uint32_t info[FUNCTIONS_MAX][2]; /* struct bpf_func_info */
    uint32_t count;
};

static void add_function(struct functions *functions, uint32_t insn)
{
    static const char *const names[FUNCTIONS_MAX] = {"made", "first", "second", "third"};
    uint32_t at = functions->count;

    for (uint32_t i = 0; i < functions->count; i++)
        if (functions->items[i].insn == insn)
            return;
    assert_true(functions->count < FUNCTIONS_MAX);
    for (; at && functions->items[at - 1].insn > insn; at--)
        functions->items[at] = functions->items[at - 1];
    functions->items[at] = (struct skep_image_func){.insn = insn};
    functions->count++;
    for (uint32_t i = 0; i < functions->count; i++)
        functions->items[i].name = names[i];
}

static void find_functions(struct functions *functions, const struct trial *t)
{
    struct skep_error err = {.size = sizeof err};
    uint32_t proto;

    builder_init(&functions->types);
    builder_int(&functions->types, "int", 4, SKEP_INT_SIGNED);
    proto = builder_func_proto(&functions->types, 1);
    add_function(functions, 0);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct skep_insn *insn = &t->insns[i];

        if ((insn->code == 0x85 && SKEP_INSN_SRC(insn) == 1) ||
            (insn->code == 0x18 && SKEP_INSN_SRC(insn) == 4))
            add_function(functions, (uint32_t)((int64_t)i + 1 + insn->imm));
        i += insn->code == 0x18;
    }
    for (uint32_t i = 0; i < functions->count; i++) {
        struct skep_image_func *func = &functions->items[i];

        func->type =
            builder_func(&functions->types, func->name, proto, i ? BTF_STATIC : BTF_GLOBAL);
        functions->info[i][0] = func->insn;
        functions->info[i][1] = func->type;
    }
    if (builder_open(&functions->types, &functions->btf, &err))
        fail_msg("%s", err.text);
}

static int judge(const struct trial *t, const uint8_t *constant, struct verify_result *result)
{
    struct verify_map maps[] = {
        [MAP_VALUES] = {.def = {.size = sizeof maps[0].def,
                                .name = "values",
                                .type = SKEP_MAP_TYPE_ARRAY,
                                .key_size = 4,
                                .value_size = WORLD_VALUE,
                                .max_entries = 1}},
        [MAP_CONSTANT] = {.def = {.size = sizeof maps[0].def,
                                  .name = "constant",
                                  .type = SKEP_MAP_TYPE_ARRAY,
                                  .key_size = 4,
                                  .value_size = WORLD_VALUE,
                                  .max_entries = 1,
                                  .flags = 1 << 7 /* BPF_F_RDONLY_PROG */},
                          .data = constant,
                          .is_frozen = true,
                          .index = MAP_CONSTANT},
    };
    uint32_t numbers[] = {0, 1};
    struct functions functions = {.count = 0};
    struct skep_image image = {.size = sizeof image,
                               .name = "made",
                               .section = "xdp",
                               .license = "GPL",
                               .type = SKEP_PROG_TYPE_XDP,
                               .insns = t->insns,
                               .insn_count = t->count,
                               .maps = numbers,
                               .map_count = 2};
    struct verify_input input = {
        .image = &image, .maps = maps, .caps = CAPS, .max_bytes = 64 << 20, .max_processed = 60000};
    struct skep_error err = {.size = sizeof err};

    int rc;

    *result = (struct verify_result){.reg = UINT8_MAX};
    find_functions(&functions, t);
    image.btf = functions.btf;
    image.funcs = functions.items;
    image.func_info = functions.info;
    image.func_count = image.func_info_count = functions.count;
    rc = verify_program(&input, result, &err);
    skep_btf_free(functions.btf);
    builder_free(&functions.types);
    return rc;
}

static void print_program(const struct trial *t)
{
    char text[128];
    size_t used;

    for (uint32_t i = 0; i < t->count; i += (uint32_t)used) {
        used = 1;
        if (skep_disasm(t->insns, t->count, i, SKEP_DISASM_BPFTOOL, NULL, text, sizeof text,
                        &used) >= 0)
            fprintf(stderr, "%4u: %s\n", i, text);
        used = used ? used : 1;
    }
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text ? strtoul(text, NULL, 0) : otherwise;
}

static void test_values_of_runs_lie_within_facts(void **unused)
{
    unsigned long programs = number_of("SKEP_ORACLE", PROGRAMS), seed = number_of("SKEP_SEED", 1),
                  accepted = 0;
    struct trial *t = calloc(1, sizeof *t);
    uint8_t constant[WORLD_VALUE];
    struct verify_result result;

    (void)unused;
    assert_non_null(t);
    for (unsigned long i = 0; i < programs; i++) {
        uint64_t state = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;

        t->count = world_make(&state, t->insns);
        for (size_t k = 0; k < sizeof constant; k++)
            constant[k] = (uint8_t)(world_random(&state) % 3 ? world_random(&state) : k % 4);
        if (!t->count || judge(t, constant, &result))
            continue;
        if (result.code != CODE_OK && getenv("SKEP_WHY"))
            fprintf(stderr, "program %lu: insn %u: %s\n", seed + i, result.insn, result.text);
        accepted += result.code == CODE_OK;
        t->facts = result.facts;
        for (int run = 0; t->facts && run < RUNS && !t->wrong[0]; run++) {
            struct world_run world = {t->insns, t->count, constant, &state, check_step, t};

            t->last = INSN_NONE;
            t->runs++;
            t->ended += world_run(&world);
        }
        facts_free(result.facts);
        if (t->wrong[0]) {
            print_program(t);
            fail_msg("program %lu: %s", seed + i, t->wrong);
        }
    }
    printf("# %lu programs, %lu accepted, %" PRIu64 " of %" PRIu64 " runs ended, %" PRIu64
           " values checked, %" PRIu64 " with a range\n",
           programs, accepted, t->ended, t->runs, t->checks, t->narrow);
    /* The oracle must not become blind. */
    assert_true(accepted * 2 > programs);
    assert_true(t->ended * 10 > t->runs * 9); /* the others are long */
    assert_true(t->narrow * 3 > t->checks);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_runs_lie_within_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
