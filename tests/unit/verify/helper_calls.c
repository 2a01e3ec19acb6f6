/* helper_calls.c - calls of helpers, judged by the verifier and by the running kernel: every helper that
 * a kind of program may call, with good arguments and with each argument replaced by each of some
 * thirty others; and what may be done with the result. */
#include "../platform/helper_calls.h"

#undef BTF_MAGIC /* of linux/btf.h; btf/btf.h has its own */
#include <skep/verify.h>

#include "verify/facts.h"
#include "verify/verifier.h"

/* -- the verifier's side ------------------------------------------------------------------------- */

enum { OTHERS = 3, KNOWN = MAPS + OTHERS, USED = 8, ROOM = 64 };
static struct skep_btf *types;
static struct verify_map known[KNOWN], inner; /* by type; then the three with flags */

static int map_fd(uint32_t i)
{
    const int others[OTHERS] = {read_only_map, write_only_map, text_map};

    return i < MAPS ? maps[i] : others[i - MAPS];
}

static void describe_maps(void)
{
    static const uint8_t zeros[64];

    for (uint32_t i = 0; i < KNOWN; i++) {
        struct bpf_map_info info = {0};
        uint32_t length = sizeof info;
        struct skep_map_def *def = &known[i].def;

        if (map_fd(i) < 0)
            continue;
        assert_int_equal(bpf_obj_get_info_by_fd(map_fd(i), &info, &length), 0);
        *def = (struct skep_map_def){.size = sizeof *def,
                                     .name = "m",
                                     .type = info.type,
                                     .key_size = info.key_size,
                                     .value_size = info.value_size,
                                     .max_entries = info.max_entries,
                                     .flags = info.map_flags};
    }
    inner.def = known[SKEP_MAP_TYPE_ARRAY].def;
    known[SKEP_MAP_TYPE_ARRAY_OF_MAPS].inner = known[SKEP_MAP_TYPE_HASH_OF_MAPS].inner = &inner;
    known[KNOWN - 1].is_frozen = true;
    known[KNOWN - 1].data = zeros;
}

/* The program with maps by index in `used`; their number. False: it names none that is known. */
static bool translate(const struct code *code, struct skep_insn *insns, struct verify_map *used,
                      uint32_t *count)
{
    *count = 0;
    memcpy(insns, code->insns, code->count * sizeof *insns);
    for (size_t i = 0; i + 1 < code->count; i++) {
        uint32_t map = 0, src = insns[i].regs >> 4;

        if (insns[i].code != 0x18)
            continue;
        while (map < KNOWN && (known[map].def.size == 0 || map_fd(map) != insns[i].imm))
            map++;
        if (map == KNOWN || *count == USED)
            return false;
        used[*count] = known[map];
        used[*count].index = *count;
        /* The same map twice is one map. */
        for (uint32_t k = 0; k < *count; k++)
            if (used[k].def.type == known[map].def.type && used[k].data == known[map].data &&
                used[k].def.flags == known[map].def.flags &&
                used[k].def.value_size == known[map].def.value_size)
                map = KNOWN + k;
        insns[i].imm = (int32_t)(map < KNOWN ? (*count)++ : map - KNOWN);
        insns[i].regs =
            (uint8_t)((insns[i].regs & 0xf) |
                      (src == BPF_PSEUDO_MAP_FD ? BPF_PSEUDO_MAP_IDX : BPF_PSEUDO_MAP_IDX_VALUE)
                          << 4);
    }
    return true;
}

/* As sections name targets: without what the kernel puts in front. */
static const char *bare(const char *target)
{
    static const char *const prefixes[] = {"bpf_iter_", "bpf_lsm_"};

    for (size_t i = 0; target && i < ARRAY_SIZE(prefixes); i++)
        if (!strncmp(target, prefixes[i], strlen(prefixes[i])))
            return target + strlen(prefixes[i]);
    return target;
}

/* 1 or 0: accepted or not; negative: not judged. */
static int judge(const struct program *who, const struct code *code, struct verify_result *result)
{
    struct skep_insn insns[ROOM];
    struct verify_map used[USED];
    uint32_t numbers[USED] = {0, 1, 2, 3, 4, 5, 6, 7}, count;
    struct skep_error err = {.size = sizeof err};
    struct skep_image image = {.size = sizeof image,
                               .name = "p",
                               .section = "x",
                               .target = bare(who->target),
                               .license = "GPL",
                               .type = who->type,
                               .attach_type = who->attach_type,
                               .flags = who->flags,
                               .insns = insns,
                               .insn_count = (uint32_t)code->count,
                               .maps = numbers};
    struct verify_input input = {.image = &image,
                                 .maps = used,
                                 .kernel_btf = types,
                                 .caps = CAPS_ROOT,
                                 .flags = who->flags,
                                 .max_bytes = 64 << 20};

    *result = (struct verify_result){.reg = UINT8_MAX};
    if (!translate(code, insns, used, &count))
        return -1;
    image.map_count = count;
    if (verify_program(&input, result, &err) < 0) {
        complain("not judged: %s", err.text);
        return -1;
    }
    facts_free(result->facts);
    return result->code == CODE_OK;
}

/* -- arguments that may be wrong ------------------------------------------------------------------- */

/* r9: any number. */
static void begin_call(struct code *code, const struct program *who)
{
    begin(code, who);
    put(code, insn(0x85, 0, 0, 0, 7));
    put(code, insn(0xbf, 9, 0, 0, 0));
}

static void put_copy(struct code *code, uint8_t reg, uint8_t from, int32_t plus)
{
    put(code, insn(0xbf, reg, from, 0, 0));
    if (plus)
        put(code, insn(0x07, reg, 0, 0, plus));
}

/* Plus a number up to 7. */
static void put_variable(struct code *code, uint8_t reg)
{
    put(code, insn(0xbf, 0, 9, 0, 0));
    put(code, insn(0x57, 0, 0, 0, 7));
    put(code, insn(0x0f, reg, 0, 0, 0));
}

static void put_number(struct code *code, uint8_t reg, int32_t value)
{
    put(code, insn(0xb7, reg, 0, 0, value));
}

static void put_value(struct code *code, uint8_t reg, int fd, int32_t at)
{
    put_map(code, reg, BPF_PSEUDO_MAP_VALUE, fd);
    if (at)
        put(code, insn(0x07, reg, 0, 0, at));
}

/* False: there is no such argument for this program, or in this place. */
static bool put_other(struct code *code, const struct program *who, uint32_t which, uint8_t reg)
{
    static const int32_t numbers[] = {0, 7, 8, 65, 200, -1};
    static const int32_t stack[] = {0, -4, -60, -64, -128, -200, -520};
    int array = maps[SKEP_MAP_TYPE_ARRAY];

    if (which < ARRAY_SIZE(numbers))
        return put_number(code, reg, numbers[which]), true;
    which -= (uint32_t)ARRAY_SIZE(numbers);
    if (which < ARRAY_SIZE(stack))
        return put_stack(code, reg, stack[which]), true;
    switch (which - ARRAY_SIZE(stack)) {
    case 0: /* nothing: r1 is still what it was before */
        return reg > 1;
    case 1:
        return put_copy(code, reg, 6, 0), true;
    case 2:
        return put_copy(code, reg, 6, 8), true;
    case 3:
        return put_copy(code, reg, 7, 0), true;
    case 4:
        return put_copy(code, reg, 7, 8), true;
    case 5: /* a socket */
        return put_copy(code, reg, 8, 0), who->type == SKEP_PROG_TYPE_SCHED_CLS;
    case 6:
        return put_copy(code, reg, 9, 0), true;
    case 7: /* 0 to 7 */
        put_copy(code, reg, 9, 0);
        return put(code, insn(0x57, reg, 0, 0, 7)), true;
    case 8: /* 1 to 8 */
        put_copy(code, reg, 9, 0);
        put(code, insn(0x57, reg, 0, 0, 7));
        return put(code, insn(0x07, reg, 0, 0, 1)), true;
    case 9:
        return put_map(code, reg, BPF_PSEUDO_MAP_FD, array), true;
    case 10:
        return put_value(code, reg, array, 0), true;
    case 11:
        return put_value(code, reg, read_only_map, 0), true;
    case 12:
        return put_value(code, reg, read_only_map, 60), true;
    case 13:
        return put_value(code, reg, write_only_map, 0), true;
    case 14:
        return put_value(code, reg, text_map, 0), true;
    case 15:
        put_value(code, reg, array, 0);
        return put_variable(code, reg), true;
    case 16:
        put_stack(code, reg, -64);
        return put_variable(code, reg), true;
    default:
        return false;
    }
}
enum { OTHER_ARGUMENTS = 30 };

/* What the program does with r0. */
enum { USES = 5 };
static void put_use(struct code *code, const struct program *who, uint32_t id, int use)
{
    put(code, insn(0x85, 0, 0, 0, (int32_t)id));
    switch (use) {
    case 1:
        put(code, insn(0x71, 1, 0, 0, 0));
        break;
    case 2:
        put(code, insn(0x15, 0, 0, 1, 0));
        put(code, insn(0x71, 1, 0, 0, 0));
        break;
    case 3:
        put(code, insn(0x15, 0, 0, 1, 0));
        put(code, insn(0x73, 0, 9, 7, 0));
        break;
    case 4:
        put(code, insn(0xbf, 1, 10, 0, 0));
        put(code, insn(0x0f, 1, 0, 0, 0));
        break;
    default:
        break;
    }
    put_number(code, 0, who->type == SKEP_PROG_TYPE_CGROUP_SOCK_ADDR);
    put(code, insn(0x95, 0, 0, 0, 0));
}

/* -- both sides ------------------------------------------------------------------------------------- */

static uint32_t accepted;

static void compare(const struct program *who, const struct platform_helper *helper,
                    const struct code *code, const char *what, uint32_t number)
{
    struct verify_result result;
    int ours = judge(who, code, &result), theirs;

    if (ours < 0)
        return;
    theirs = load(who, "GPL", 0, code->insns, code->count) == 0;
    asked++;
    accepted += (uint32_t)theirs;
    if (ours == theirs)
        return;
    load(who, "GPL", 1, code->insns, code->count);
    complain("%s in %s, %s %u: the kernel says %d (%s), the verifier %d (%s)", helper->name,
             name_of(who), what, number, theirs, verdict(), ours, result.text);
}

static void compare_calls(const struct program *who, const struct platform_helper *helper)
{
    struct code code;
    uint8_t count = 0;

    while (count < 5 && helper->args[count] != ARG_NONE)
        count++;
    for (int use = 0; use < USES; use++) {
        begin_call(&code, who);
        for (int n = 0; n < count; n++)
            put_good(&code, who, helper, n);
        put_use(&code, who, helper->id, use);
        compare(who, helper, &code, "use", (uint32_t)use);
    }
    for (uint8_t wrong = 0; wrong < count; wrong++)
        for (uint32_t which = 0; which < OTHER_ARGUMENTS; which++) {
            bool is_possible = true;

            begin_call(&code, who);
            for (uint8_t n = 0; n < count; n++)
                if (n == wrong)
                    is_possible = put_other(&code, who, which, (uint8_t)(n + 1));
                else
                    put_good(&code, who, helper, n);
            put_use(&code, who, helper->id, 0);
            if (is_possible)
                compare(who, helper, &code, "argument", wrong * 100u + which);
        }
}

/* The first of each type is enough, and those where prototypes differ. */
static bool is_worth_asking(size_t i)
{
    const struct program *who = &programs[i];

    return i == 0 || who->type != programs[i - 1].type || who->flags != programs[i - 1].flags ||
           who->attach_type == ATTACH_TRACE_KPROBE_MULTI ||
           who->attach_type == ATTACH_CGROUP_SETSOCKOPT ||
           who->attach_type == ATTACH_CGROUP_INET4_CONNECT;
}

static void test_calls_are_judged_as_the_kernel_judges_them(void **state)
{
    enum { TAIL_CALL = 12 }; /* a prog array belongs to the type that uses it first */

    (void)state;
    complaints = asked = accepted = 0;
    need_kernel();
    make_maps();
    describe_maps();
    assert_int_equal(skep_btf_open_host(&types, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        if (!is_worth_asking(i) || !is_verified(&programs[i]))
            continue;
        for (uint32_t id = 1; id < platform_helper_count(); id++)
            if (id != TAIL_CALL && platform_helper_check(&who, id) == DENIED_NOT)
                compare_calls(&programs[i], platform_helper_proto(&who, id));
    }
    skep_btf_free(types);
    close_maps();
    print_message("%u programs, %u accepted\n", asked, accepted);
    assert_true(asked > 100000 && accepted > 10000);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_are_judged_as_the_kernel_judges_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
