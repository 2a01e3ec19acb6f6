/* verify.c - programs are verified before they are live: what is refused and what is left of it, what the verifier takes
 * as constant, how it is told to stop, and what runs without it. */
#include <skep/verify.h>

#include "../object/make.h"
#include "base/reader.h"
#include "fixture.h"

enum { R_BPF_64_64 = 1, SHT_PROGBITS = 1, SHF_ALLOC = 2, RDONLY_PROG = 1u << 7 };

/* -- objects ----------------------------------------------------------------------------------- */

/* Open what was made, and free that. */
static struct skep_object *open_made(struct make *m)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *obj = NULL;
    uint8_t *bytes;
    size_t size;

    make_section(m, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
    size = make_bytes(m, &bytes);
    if (skep_object_open_mem(bytes, size, NULL, &obj, &err))
        fail_msg("%s: %s", err.subject, err.text);
    free(bytes);
    make_free(m);
    return obj;
}

/* "picky" reads past its constants unless the first one is 10; "plain" is always fine; "table" is a map of theirs. */
static struct skep_object *make_picky(uint32_t constant)
{
    static const uint32_t table[5] = {SKEP_MAP_TYPE_ARRAY, 4, 8, 4, 0};
    static const struct skep_insn picky[] = {
        WIDE(1, 0),            /* r1 = .rodata */
        WIDE(2, 0),            /* r2 = table */
        {0x61, 0x13, 0, 0},    /* r3 = *(u32 *)(r1 + 0) */
        {0x15, 3, 1, 10},      /* if r3 == 10 goto +1 */
        {0x61, 0x10, 4096, 0}, /* r0 = *(u32 *)(r1 + 4096) */
        MOV(0, 2),
        EXIT,
    };
    static const struct skep_insn plain[] = {MOV(0, 1), EXIT};
    struct make m = make_object(HOST_IS_BIG);
    uint32_t rodata = make_words(&m, ".rodata", &constant, 1),
             maps = make_words(&m, "maps", table, 5);
    uint32_t code = make_code(&m, "xdp", picky, ARRAY_SIZE(picky));
    uint32_t other = make_code(&m, "xdp/plain", plain, ARRAY_SIZE(plain));

    make_symbol(&m, "picky", code, 0, sizeof picky, FUNC | GLOBAL);
    make_symbol(&m, "plain", other, 0, sizeof plain, FUNC | GLOBAL);
    make_reloc(&m, code, 0, R_BPF_64_64, make_symbol(&m, "", rodata, 0, 0, SECTION), NULL);
    make_reloc(&m, code, 16, R_BPF_64_64, make_symbol(&m, "table", maps, 0, 20, OBJECT | GLOBAL),
               NULL);
    return open_made(&m);
}

static void assert_says(const struct skep_error *err, const char *text)
{
    if (!strstr(err->text, text))
        fail_msg("'%s', not '%s'", err->text, text);
}

/* -- a no -------------------------------------------------------------------------------------- */

static void test_rejected_load_leaves_nothing_live(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_object *obj = make_picky(11);
    struct skep_collection *all = NULL;
    struct skep_error err = {.size = sizeof err};
    uint64_t before = skep_runtime_memory(rt);
    struct skep_map *map;

    (void)state;
    assert_int_equal(skep_load(rt, obj, NULL, &all, &err), -SKEP_EVERIFY);
    assert_null(all);
    assert_int_equal(err.code, -SKEP_EVERIFY);
    assert_int_equal(err.insn, 6);
    assert_non_null(strstr(err.subject, "prog picky"));
    assert_says(&err, "[MAP_BOUNDS]");
    assert_int_equal(skep_runtime_memory(rt), before);
    map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    assert_int_equal(skep_map_id(map), 1); /* no other map or program ever was */
    skep_map_unref(map);
    skep_object_free(obj);
    skep_runtime_unref(rt);
}

static void test_report_has_a_verdict_of_every_program_whether_yes_or_no(void **state)
{
    static const uint32_t constants[] = {11, 10};
    struct skep_runtime *rt = make_runtime();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
        struct skep_object *obj = make_picky(constants[i]);
        struct skep_collection *all = NULL;
        struct skep_report *report = NULL;
        struct skep_load_opts opts = {.size = sizeof opts, .report = &report};
        struct skep_verdict verdict = {.size = sizeof verdict};
        bool is_fine = constants[i] == 10;

        assert_int_equal(skep_load(rt, obj, &opts, &all, NULL), is_fine ? 0 : -SKEP_EVERIFY);
        skep_object_free(obj); /* the report is the caller's, and holds copies */
        assert_int_equal(skep_report_rejected(report), is_fine ? 0 : 1);
        assert_int_equal(skep_report_verdict(report, 0, &verdict), 0);
        assert_string_equal(verdict.prog, "picky");
        assert_string_equal(verdict.code ? verdict.code : "yes", is_fine ? "yes" : "MAP_BOUNDS");
        assert_int_equal(verdict.insns, 9);
        assert_int_equal(skep_report_verdict(report, 1, &verdict), 0);
        assert_string_equal(verdict.prog, "plain");
        assert_null(verdict.code);
        assert_int_equal(skep_report_verdict(report, 2, &verdict), -SKEP_ENOENT);
        skep_report_free(report);
        skep_collection_unref(all);
    }
    skep_runtime_unref(rt);
}

static void test_report_of_bare_instructions_grows(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_report *report = NULL;
    struct skep_prog_code code = {
        .size = sizeof code, .name = "p", .type = SKEP_PROG_TYPE_XDP, .report = &report};
    struct skep_error err = {.size = sizeof err};
    struct skep_verdict verdict = {.size = sizeof verdict};
    struct skep_prog *prog = NULL;

    (void)state;
    assert_int_equal(load_text(rt, "r0 = 2\nexit", &code, &prog, &err), 0);
    skep_prog_unref(prog);
    prog = NULL;
    assert_int_equal(load_text(rt, "r0 = r3\nexit", &code, &prog, &err), -SKEP_EVERIFY);
    assert_null(prog);
    assert_int_equal(err.insn, 0);
    assert_string_equal(err.subject, "prog p");
    assert_int_equal(skep_report_rejected(report), 1);
    assert_int_equal(skep_report_verdict(report, 1, &verdict), 0);
    assert_string_equal(verdict.code, "UNINIT_REG");
    assert_string_equal(verdict.insn_text, "(bf) r0 = r3");
    skep_report_free(report);
    skep_runtime_unref(rt);
}

static void test_program_knows_that_it_was_verified(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *yes = make_prog(rt, SKEP_PROG_TYPE_XDP, "r0 = 2\nexit", NULL, 0);
    struct skep_prog *no = make_unverified(rt, SKEP_PROG_TYPE_XDP, "r0 = 2\nexit", NULL, 0);
    struct skep_prog_info info = {.size = sizeof info};

    (void)state;
    assert_int_equal(skep_prog_get_info(yes, &info), 0);
    assert_true(info.verified && info.verify_ns > 0);
    assert_int_equal(skep_prog_get_info(no, &info), 0);
    assert_true(!info.verified && !info.verify_ns);
    skep_prog_unref(yes);
    skep_prog_unref(no);
    skep_runtime_unref(rt);
}

static void test_who_loads_it_decides_what_is_allowed(void **state)
{
    static const struct {
        uint32_t type, caps;
        int code;
    } cases[] = {
        {SKEP_PROG_TYPE_XDP, 0, 0},
        {SKEP_PROG_TYPE_XDP, SKEP_AS_BPF, -SKEP_EVERIFY},
        {SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_AS_BPF, 0},
        {SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_AS_GUEST, 0},
        {SKEP_PROG_TYPE_SCHED_CLS, SKEP_AS_GUEST, -SKEP_EVERIFY},
    };
    struct skep_runtime *rt = make_runtime();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct skep_verify_opts verify = {.size = sizeof verify, .caps = cases[i].caps};
        struct skep_prog_code code = {
            .size = sizeof code, .type = cases[i].type, .verify = &verify};
        struct skep_error err = {.size = sizeof err};
        struct skep_prog *prog = NULL;

        assert_int_equal(load_text(rt, "r0 = 0\nexit", &code, &prog, &err), cases[i].code);
        skep_prog_unref(prog);
    }
    skep_runtime_unref(rt);
}

/* -- where it will run ------------------------------------------------------------------------- */

/* The object says 10, so it is fine with its own constants; given another map, what that holds counts. */
static void test_content_of_a_given_map_is_its_own(void **state)
{
    static const struct {
        uint32_t value;
        bool is_frozen;
        int code;
    } cases[] = {{10, true, 0}, {11, true, -SKEP_EVERIFY}, {10, false, -SKEP_EVERIFY}};
    struct skep_runtime *rt = make_runtime();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct skep_object *obj = make_picky(10);
        struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 4, 1, RDONLY_PROG);
        struct skep_map_def def = {.size = sizeof def};
        struct skep_map_use use = {.map = map};
        struct skep_load_opts opts = {.size = sizeof opts, .maps = &use, .map_count = 1};
        struct skep_collection *all = NULL;
        struct skep_error err = {.size = sizeof err};
        uint32_t key = 0;

        for (size_t k = 0; !skep_object_map(obj, k, &def); k++)
            if (strstr(def.name, ".rodata"))
                use.name = def.name;
        assert_non_null(use.name);
        assert_int_equal(skep_map_update(map, &key, 4, &cases[i].value, 4, 0), 0);
        if (cases[i].is_frozen)
            assert_int_equal(skep_map_freeze(map), 0);
        if (skep_load(rt, obj, &opts, &all, &err) != cases[i].code)
            fail_msg("case %zu: %d %s", i, err.code, err.text);
        if (!cases[i].code)
            assert_ptr_equal(skep_collection_map(all, use.name), map);
        skep_collection_unref(all);
        skep_map_unref(map);
        skep_object_free(obj);
    }
    skep_runtime_unref(rt);
}

/* A key that the object's map would have is not one that the given map has. */
static void test_size_of_a_given_map_is_its_own(void **state)
{
    static const struct skep_insn insns[] = {
        {0x62, 10, -8, 3},  /* *(u32 *)(r10 - 8) = 3 */
        {0xbf, 0xa2, 0, 0}, /* r2 = r10 */
        {0x07, 2, 0, -8},   /* r2 += -8 */
        WIDE(1, 0),         CALL(1),
        {0x79, 0x00, 0, 0}, /* r0 = *(u64 *)(r0 + 0): never null for a key that is there */
        MOV(0, 2),          EXIT,
    };
    static const uint32_t table[5] = {SKEP_MAP_TYPE_ARRAY, 4, 8, 4, 0};
    static const uint32_t entries[] = {4, 3};
    struct skep_runtime *rt = make_runtime();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        struct make m = make_object(HOST_IS_BIG);
        uint32_t maps = make_words(&m, "maps", table, 5);
        uint32_t code = make_code(&m, "xdp", insns, ARRAY_SIZE(insns));
        struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, entries[i], 0);
        struct skep_map_use use = {.name = "table", .map = map};
        struct skep_load_opts opts = {.size = sizeof opts, .maps = &use, .map_count = 1};
        struct skep_collection *all = NULL;
        struct skep_error err = {.size = sizeof err};
        struct skep_object *obj;

        make_symbol(&m, "prog", code, 0, sizeof insns, FUNC | GLOBAL);
        make_reloc(&m, code, 24, R_BPF_64_64,
                   make_symbol(&m, "table", maps, 0, 20, OBJECT | GLOBAL), NULL);
        obj = open_made(&m);
        if (skep_load(rt, obj, &opts, &all, &err) != (entries[i] > 3 ? 0 : -SKEP_EVERIFY))
            fail_msg("%u entries: %s", entries[i], err.text);
        skep_collection_unref(all);
        skep_map_unref(map);
        skep_object_free(obj);
    }
    skep_runtime_unref(rt);
}

static void test_frozen_read_only_map_is_constant(void **state)
{
    static const char text[] = "r1 = map[0][0] + 0 ll\nr2 = *(u64 *)(r1 + 0)\nif r2 == 7 goto out\n"
                               "r0 = *(u64 *)(r1 + 8)\nout: r0 = 3\nexit";
    static const struct {
        uint32_t flags;
        bool is_frozen;
        int code;
    } cases[] = {
        {RDONLY_PROG, true, 0}, {RDONLY_PROG, false, -SKEP_EVERIFY}, {0, true, -SKEP_EVERIFY}};
    struct skep_runtime *rt = make_runtime();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, cases[i].flags);
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .maps = &map, .map_count = 1};
        struct skep_error err = {.size = sizeof err};
        struct skep_prog *prog = NULL;
        uint64_t value = 7;
        uint32_t key = 0;

        assert_int_equal(skep_map_update(map, &key, 4, &value, 8, 0), 0);
        if (cases[i].is_frozen)
            assert_int_equal(skep_map_freeze(map), 0);
        assert_int_equal(load_text(rt, text, &code, &prog, &err), cases[i].code);
        if (prog)
            run_yields(prog, 3);
        skep_prog_unref(prog);
        skep_map_unref(map);
    }
    skep_runtime_unref(rt);
}

static void test_number_of_the_cpu_is_below_the_slots(void **state)
{
    static const char text[] =
        "call 8\nr1 = map[0][0] + 0 ll\nr0 <<= 3\nr1 += r0\n*(u64 *)(r1 + 0) = 1\n"
        "r0 = 0\nexit";
    struct skep_runtime *rt = make_runtime(); /* three of them */

    (void)state;
    for (uint32_t values = 2; values <= 3; values++) {
        struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, values * 8, 1, 0);
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .maps = &map, .map_count = 1};
        struct skep_error err = {.size = sizeof err};
        struct skep_prog *prog = NULL;

        assert_int_equal(load_text(rt, text, &code, &prog, &err), values < 3 ? -SKEP_EVERIFY : 0);
        skep_prog_unref(prog);
        skep_map_unref(map);
    }
    skep_runtime_unref(rt);
}

/* -- code that no run reaches ------------------------------------------------------------------ */

static void test_code_that_no_run_reaches_may_be_anything(void **state)
{
    static const char *const dead[] = {
        "r10 = 5",             /* nobody writes it */
        "call 195896080",      /* CO-RE's mark of what the target does not have */
        "call 26",             /* a helper that the type does not have */
        "r1 = 0x1122334455 ll" /* two slots */
    };
    struct skep_runtime *rt = make_runtime();
    char text[160];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(dead); i++) {
        struct skep_prog *prog;

        snprintf(text, sizeof text,
                 "r0 = 4\nr2 = 0\nagain: r2 += 1\nif r2 < 3 goto again\nif r0 == 4 goto "
                 "out\n%s\nout: exit",
                 dead[i]);
        prog = make_prog(rt, SKEP_PROG_TYPE_MEMORY, text, NULL, 0);
        run_yields(prog, 4);
        skep_prog_unref(prog);
    }
    skep_runtime_unref(rt);
}

static void test_unverified_code_is_never_taken_for_dead(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog_code code = {
        .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .sandboxed = 1};
    struct skep_error err = {.size = sizeof err};
    struct skep_prog *prog = NULL;

    (void)state;
    assert_int_equal(
        load_text(rt, "r0 = 4\nif r0 == 4 goto out\nr10 = 5\nout: exit", &code, &prog, &err),
        -SKEP_EINVAL);
    assert_says(&err, "r10 may only be read");
    skep_runtime_unref(rt);
}

/* -- stopping ---------------------------------------------------------------------------------- */

#define ENDLESS "r1 = 0\nagain: r1 += 1\nif r1 < 100000000 goto again\nr0 = 0\nexit"

static void test_verification_is_bounded_and_can_be_cancelled(void **state)
{
    static const uint32_t one = 1;
    static const struct {
        struct skep_verify_opts verify;
        int code;
        const char *text;
    } cases[] = {
        {{.max_insns = 1000}, -SKEP_EVERIFY, "[COMPLEXITY]"},
        {{.max_ns = 1000}, -SKEP_EVERIFY, "[COMPLEXITY]"},
        {{.max_bytes = 4096}, -SKEP_EVERIFY, "[COMPLEXITY]"},
        {{.cancel = &one}, -SKEP_ECANCELED, "stopped"},
    };
    struct skep_runtime *rt = make_runtime();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct skep_verify_opts verify = cases[i].verify;
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .verify = &verify};
        struct skep_error err = {.size = sizeof err};
        struct skep_prog *prog = NULL;

        verify.size = sizeof verify;
        if (load_text(rt, ENDLESS, &code, &prog, &err) != cases[i].code)
            fail_msg("case %zu: %d %s", i, err.code, err.text);
        assert_says(&err, cases[i].text);
        assert_null(prog);
    }
    skep_runtime_unref(rt);
}

static void test_cancelled_load_leaves_nothing_live(void **state)
{
    static const struct skep_insn endless[] = {
        MOV(1, 0), {0x07, 1, 0, 1}, {0xa5, 1, -2, 100000000}, MOV(0, 2), EXIT,
    };
    static const uint32_t one = 1;
    const struct skep_verify_opts verify = {.size = sizeof verify, .cancel = &one};
    struct skep_load_opts opts = {.size = sizeof opts, .verify = &verify};
    struct skep_runtime *rt = make_runtime();
    struct make m = make_object(HOST_IS_BIG);
    struct skep_collection *all = NULL;
    uint64_t before = skep_runtime_memory(rt);
    struct skep_object *obj;

    (void)state;
    make_symbol(&m, "prog", make_code(&m, "xdp", endless, ARRAY_SIZE(endless)), 0, sizeof endless,
                FUNC | GLOBAL);
    obj = open_made(&m);
    assert_int_equal(skep_load(rt, obj, &opts, &all, NULL), -SKEP_ECANCELED);
    assert_null(all);
    assert_int_equal(skep_runtime_memory(rt), before);
    skep_object_free(obj);
    skep_runtime_unref(rt);
}

/* -- without it -------------------------------------------------------------------------------- */

static void test_unverified_programs_need_a_power(void **state)
{
    for (int is_allowed = 0; is_allowed < 2; is_allowed++) {
        struct skep_runtime_opts powers = {
            .size = sizeof powers, .slots = 1, .allow = is_allowed ? SKEP_ALLOW_SANDBOXED : 0};
        struct skep_object *obj = make_picky(11);
        struct skep_load_opts opts = {.size = sizeof opts, .sandboxed = 1};
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .sandboxed = 1};
        struct skep_error err = {.size = sizeof err};
        struct skep_test_run test = {
            .size = sizeof test, .data_in = "12345678901234", .data_size_in = 14};
        struct skep_collection *all = NULL;
        struct skep_runtime *rt = NULL;
        struct skep_prog *prog = NULL;
        int want = is_allowed ? 0 : -SKEP_EPERM;

        (void)state;
        assert_int_equal(skep_runtime_create(&powers, &rt, &err), 0);
        assert_int_equal(load_text(rt, "r0 = *(u64 *)(r10 - 8)\nexit", &code, &prog, &err), want);
        assert_int_equal(skep_load(rt, obj, &opts, &all, &err), want);
        if (is_allowed) { /* and each access is judged */
            run_yields(prog, 0);
            assert_int_equal(skep_prog_test_run(skep_collection_prog(all, "picky"), &test, &err),
                             -SKEP_EFAULTED);
            assert_int_equal(err.insn, 6);
        } else {
            assert_says(&err, "SKEP_ALLOW_SANDBOXED");
        }
        skep_prog_unref(prog);
        skep_collection_unref(all);
        skep_object_free(obj);
        skep_runtime_unref(rt);
    }
}

static void test_power_alone_does_not_switch_verification_off(void **state)
{
    struct skep_runtime *rt = make_runtime(); /* has it */
    struct skep_object *obj = make_picky(11);
    struct skep_collection *all = NULL;

    (void)state;
    assert_int_equal(skep_load(rt, obj, NULL, &all, NULL), -SKEP_EVERIFY);
    skep_object_free(obj);
    skep_runtime_unref(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rejected_load_leaves_nothing_live),
        cmocka_unit_test(test_report_has_a_verdict_of_every_program_whether_yes_or_no),
        cmocka_unit_test(test_report_of_bare_instructions_grows),
        cmocka_unit_test(test_program_knows_that_it_was_verified),
        cmocka_unit_test(test_who_loads_it_decides_what_is_allowed),
        cmocka_unit_test(test_content_of_a_given_map_is_its_own),
        cmocka_unit_test(test_size_of_a_given_map_is_its_own),
        cmocka_unit_test(test_frozen_read_only_map_is_constant),
        cmocka_unit_test(test_number_of_the_cpu_is_below_the_slots),
        cmocka_unit_test(test_code_that_no_run_reaches_may_be_anything),
        cmocka_unit_test(test_unverified_code_is_never_taken_for_dead),
        cmocka_unit_test(test_verification_is_bounded_and_can_be_cancelled),
        cmocka_unit_test(test_cancelled_load_leaves_nothing_live),
        cmocka_unit_test(test_unverified_programs_need_a_power),
        cmocka_unit_test(test_power_alone_does_not_switch_verification_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
