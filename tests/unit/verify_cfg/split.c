/* split.c - functions and jumps: what is refused before anything is explored, and what is known of each function. */
#include "program.h"

#include "verify/facts.h"

static const struct {
    const char *text;
    enum verify_code code;
    uint32_t insn;
    const char *part;
} refused[] = {
    {"r0 = 0", CODE_JUMP, 0, "last insn is not an exit or jmp"},
    {"r0 = 0\n call 1", CODE_JUMP, 1, "last insn is not an exit or jmp"},
    {"r0 = 0 ll", CODE_JUMP, 1, "last insn is not an exit or jmp"},
    {"if r1 == 0 goto +1\n exit", CODE_JUMP, 0, "jump out of range from insn 0 to 2"},
    {"goto -2\n exit", CODE_JUMP, 0, "jump out of range from insn 0 to -1"},
    {"gotol +7\n exit", CODE_JUMP, 0, "jump out of range from insn 0 to 8"},
    {"if r1 == 0 goto +1\n r2 = 5 ll\n exit", CODE_JUMP, 0,
     "jump into the middle of ldimm64 insn 1"},
    {"call f\n if r0 == 0 goto f\n exit\n f:\n r0 = 0\n exit", CODE_JUMP, 1,
     "jump out of range from insn 1 to 3"},
    {"call f\n r0 = 0\n f:\n exit", CODE_JUMP, 1, "last insn is not an exit or jmp"},
    {"call -3\n exit", CODE_JUMP, 0, "call to invalid destination"},
    {"r1 = f ll\n exit\n r2 = 1 ll\n f: exit", CODE_JUMP, 4, "last insn is not an exit or jmp"},
    {".insn 0x0000000000000000\n exit", CODE_INSN, 0, "opcode 0x00"},
    {"callx r1\n exit", CODE_INSN, 0, "unknown opcode 8d"},
    {"call f\n exit\n f: call 12\n r0 = 0\n exit", CODE_TAIL_CALL, 2,
     "tail_call is not allowed in subprogs without BTF"},
    {"call f\n exit\n f: r6 = r1\n r0 = *(u8 *)skb[0]\n exit", CODE_PROGRAM, 2,
     "LD_ABS is not allowed in subprogs without BTF"},
};

static void test_malformed_structure_is_refused_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct program p;

        program_make(&p, refused[i].text);
        expect(&p, cfg_split(&p.v), refused[i].code, refused[i].insn, refused[i].part);
        program_clear(&p);
    }
}

/* Fields of loads are judged at once, those of others where a path leads: nowhere in the second program. */
static void test_reserved_fields_and_registers_are_judged(void **state)
{
    static const struct {
        struct skep_insn insn;
        bool is_load;
    } bad[] = {
        {{0xb7, 0x10, 0, 1}, false},    /* a source register beside an immediate */
        {{0x0f, 0x10, 1, 0}, false},    /* off in an addition */
        {{0x0f, 0xb0, 0, 0}, false},    /* r11 */
        {{0x61, 0x10, 0, 1}, true},     /* imm in a load */
        {{0x85, 0x70, 0, 1}, false},    /* no such kind of call */
        {{0x95, 0x00, 0, 1}, false},    /* imm in an exit */
        {{0xdb, 0x10, 0, 0x77}, false}, /* no such atomic */
    };
    static const char *const texts[] = {"r0 = 0\n if r1 == 0 goto +1\n r0 = 0\n exit",
                                        "r0 = 0\n if r0 != 0 goto +1\n goto +1\n exit\n exit"};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof bad / sizeof *bad; i++) {
        bool is_reached = i % 2 == 0;
        uint32_t at = is_reached ? 2 : 3;
        struct skep_error err = {.size = sizeof err};
        struct verify_result whole = {0};
        struct program p;

        program_make(&p, texts[i % 2]);
        p.insns[at] = bad[i / 2].insn;
        p.in.caps = CAP_BPF | CAP_PERFMON | CAP_NET_ADMIN | CAP_SYS_ADMIN;
        assert_int_equal(verify_program(&p.in, &whole, &err), 0);
        if (bad[i / 2].is_load)
            expect(&p, cfg_split(&p.v), CODE_INSN, at, "opcode");
        else
            accepted(&p, cfg_split(&p.v));
        if (bad[i / 2].is_load || is_reached) {
            if (whole.code != CODE_INSN || whole.insn != at || !strstr(whole.text, "opcode"))
                fail_msg("row %zu: insn %u: '%s'", i / 2, whole.insn, whole.text);
        } else {
            assert_int_equal(whole.code, CODE_OK);
        }
        facts_free(whole.facts);
        program_clear(&p);
    }
}

static void test_the_second_half_of_a_wide_instruction_is_judged(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "r0 = 5 ll\n exit");
    p.insns[1].off = 1;
    expect(&p, cfg_split(&p.v), CODE_INSN, 0, "invalid bpf_ld_imm64 insn");
    program_clear(&p);
}

static void test_instructions_and_functions_are_known_after_the_split(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "r1 = 5 ll\n call a\n r2 = b ll\n exit\n"
                     "b: r0 = 0\n exit\n"
                     "a: call b\n exit");
    accepted(&p, cfg_split(&p.v));
    assert_int_equal(p.v.subprog_count, 3);
    assert_int_equal(p.v.subprogs[0].start, 0);
    assert_int_equal(p.v.subprogs[0].end, 6);
    assert_int_equal(p.v.subprogs[1].start, 6);
    assert_int_equal(p.v.subprogs[1].end, 8);
    assert_int_equal(p.v.subprogs[2].end, 10);
    assert_true(p.v.subprogs[1].is_callback);
    assert_false(p.v.subprogs[2].is_callback);
    assert_string_equal(p.v.subprogs[2].name, "func2");
    assert_false(p.v.subprogs[2].is_global);
    assert_null(p.v.info[1].op);
    assert_int_equal(p.v.info[0].op->id, ISA_LD_IMM64);
    assert_int_equal(p.v.info[7].subprog, 1);
    assert_int_equal(cfg_subprog_at(&p.v, 8), 2);
    assert_int_equal(cfg_subprog_at(&p.v, 7), INSN_NONE);
    assert_int_equal(cfg_subprog_at(&p.v, 10), INSN_NONE);
    program_clear(&p);
}

static void test_types_say_which_functions_are_global(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "call a\n call b\n exit\n a: call 12\n r0 = 0\n exit\n b: r0 = 0\n exit");
    program_function(&p, 0, "entry", BTF_GLOBAL, false);
    program_function(&p, 3, "a", BTF_STATIC, false);
    program_function(&p, 6, "b", BTF_GLOBAL, true);
    program_types(&p);
    accepted(&p, cfg_split(&p.v));
    assert_string_equal(p.v.subprogs[1].name, "a");
    assert_false(p.v.subprogs[1].is_global);
    assert_true(p.v.subprogs[2].is_global);
    assert_int_equal(p.v.subprogs[2].btf_func, p.funcs[2].type);
    assert_true(p.v.subprogs[1].has_tail_call);
    program_clear(&p);
}

static void test_tail_calls_need_a_function_that_returns_a_number(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "call a\n exit\n a: call 12\n exit");
    program_function(&p, 0, "entry", BTF_GLOBAL, false);
    program_function(&p, 2, "a", BTF_STATIC, true);
    program_types(&p);
    expect(&p, cfg_split(&p.v), CODE_TAIL_CALL, 2,
           "tail_call is only allowed in functions that return 'int'");
    program_clear(&p);
}

static void test_a_tag_names_the_exception_callback(void **state)
{
    struct program p;
    uint32_t entry;

    (void)state;
    program_make(&p, "r0 = 0\n exit\n r0 = 1\n exit");
    entry = program_function(&p, 0, "entry", BTF_GLOBAL, false);
    program_function(&p, 2, "handler", BTF_GLOBAL, false);
    builder_decl_tag(&p.types, "exception_callback:handler", entry, -1);
    program_types(&p);
    accepted(&p, cfg_split(&p.v));
    assert_int_equal(p.v.exception_callback, 1);
    assert_true(p.v.subprogs[1].is_exception_callback);
    assert_true(p.v.subprogs[1].is_async_callback);
    accepted(&p, cfg_check(&p.v)); /* nobody calls it, and still it is reached */
    program_clear(&p);
}

static void test_exception_callbacks_must_exist_and_be_global(void **state)
{
    static const struct {
        const char *tag, *part;
        enum btf_linkage linkage;
    } rows[] = {
        {"exception_callback:nobody", "could not be found in BTF", BTF_GLOBAL},
        {"exception_callback:handler", "must have global linkage", BTF_STATIC},
        {"exception_callback:entry", "is the program itself", BTF_GLOBAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program p;
        uint32_t entry;

        program_make(&p, "call f\n exit\n f: r0 = 1\n exit");
        entry = program_function(&p, 0, "entry", BTF_GLOBAL, false);
        program_function(&p, 2, "handler", rows[i].linkage, false);
        builder_decl_tag(&p.types, rows[i].tag, entry, -1);
        program_types(&p);
        expect(&p, cfg_split(&p.v), CODE_CALLBACK, 0, rows[i].part);
        program_clear(&p);
    }
}

static void test_functions_need_cap_bpf(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "r0 = 0\n call f\n exit\n f: exit");
    p.v.can_bpf = false;
    expect(&p, cfg_split(&p.v), CODE_PRIVILEGE, 1, "allowed for CAP_BPF and CAP_SYS_ADMIN");
    program_clear(&p);
}

static void test_there_are_at_most_256_functions(void **state)
{
    (void)state;
    for (uint32_t functions = 256; functions <= 257; functions++) {
        uint32_t calls = functions - 1, count = calls + 1 + calls;
        struct skep_insn *insns = calloc(count, sizeof *insns);
        struct program p;

        assert_non_null(insns);
        for (uint32_t i = 0; i < calls; i++)
            insns[i] = (struct skep_insn){0x85, 0x10, 0, (int32_t)(calls + 1 + i - i - 1)};
        for (uint32_t i = calls; i < count; i++)
            insns[i] = (struct skep_insn){0x95, 0, 0, 0};
        program_of(&p, insns, count);
        if (functions == 256)
            accepted(&p, cfg_split(&p.v));
        else
            expect(&p, cfg_split(&p.v), CODE_COMPLEXITY, count - 1, "too many subprograms");
        program_clear(&p);
    }
}

static void test_without_cap_bpf_programs_are_short(void **state)
{
    (void)state;
    for (int more = 0; more <= 1; more++) {
        uint32_t count = 4096 + (uint32_t)more;
        struct skep_insn *insns = calloc(count, sizeof *insns);
        struct program p;

        assert_non_null(insns);
        for (uint32_t i = 0; i < count; i++)
            insns[i] = (struct skep_insn){i + 1 == count ? 0x95 : 0xb7, 0, 0, 0};
        program_of(&p, insns, count);
        p.v.can_bpf = false;
        if (more)
            expect(&p, cfg_split(&p.v), CODE_COMPLEXITY, 0, "4097 instructions");
        else
            accepted(&p, cfg_split(&p.v));
        program_clear(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_structure_is_refused_where_it_is),
        cmocka_unit_test(test_reserved_fields_and_registers_are_judged),
        cmocka_unit_test(test_the_second_half_of_a_wide_instruction_is_judged),
        cmocka_unit_test(test_instructions_and_functions_are_known_after_the_split),
        cmocka_unit_test(test_types_say_which_functions_are_global),
        cmocka_unit_test(test_tail_calls_need_a_function_that_returns_a_number),
        cmocka_unit_test(test_a_tag_names_the_exception_callback),
        cmocka_unit_test(test_exception_callbacks_must_exist_and_be_global),
        cmocka_unit_test(test_functions_need_cap_bpf),
        cmocka_unit_test(test_there_are_at_most_256_functions),
        cmocka_unit_test(test_without_cap_bpf_programs_are_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
