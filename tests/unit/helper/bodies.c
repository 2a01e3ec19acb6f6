/* bodies.c - what the bodies of helpers do where no kernel is needed to know: powers, the host's
 * clock, random numbers and printk, maps and callbacks, and that a helper never takes one kind of
 * context or map for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <skep.h>

#include "base/check.h"
#include "os/os.h"

enum { INSN_ROOM = 256 };
enum {
    MAP_MARK = 0x1111,
    FUNC_MARK = 0x2222
}; /* "r1 = 0x1111 ll" is the map, 0x2222 what follows the first exit */

struct world {
    struct skep_runtime *runtime;
    struct skep_map *map; /* what programs mean by 0x1111 */
    char lines[512];
    uint32_t random;
    uint64_t now;
};

static uint64_t frozen_clock(void *user, int id)
{
    return ((struct world *)user)->now + (uint64_t)id;
}

static uint32_t counted_random(void *user)
{
    return ++((struct world *)user)->random;
}

static void keep_line(void *user, const char *line, size_t length)
{
    struct world *world = user;
    size_t used = strlen(world->lines);

    snprintf(world->lines + used, sizeof world->lines - used, "%.*s\n", (int)length, line);
}

static void open_world(struct world *world, uint64_t allow)
{
    struct skep_host host = {.size = sizeof host,
                             .user = world,
                             .clock = frozen_clock,
                             .random = counted_random,
                             .printk = keep_line};
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .host = &host, .allow = allow | SKEP_ALLOW_SANDBOXED, .slots = 2};
    struct skep_error err = {.size = sizeof err};

    memset(world, 0, sizeof *world);
    world->now = UINT64_C(12345678901234);
    if (skep_runtime_create(&opts, &world->runtime, &err))
        fail_msg("%s", err.text);
}

static void close_world(struct world *world)
{
    skep_map_unref(world->map);
    skep_runtime_unref(world->runtime);
}

static void make_map(struct world *world, uint32_t type, uint32_t key_size, uint32_t value_size,
                     uint32_t entries, uint32_t flags)
{
    struct skep_map_def def = {.size = sizeof def,
                               .name = "m",
                               .type = type,
                               .key_size = key_size,
                               .value_size = value_size,
                               .max_entries = entries,
                               .flags = flags};
    struct skep_error err = {.size = sizeof err};

    skep_map_unref(world->map);
    world->map = NULL;
    if (skep_map_create(world->runtime, &def, &world->map, &err))
        fail_msg("%s", err.text);
}

static struct skep_prog *load(struct world *world, uint32_t type, uint64_t max_insns,
                              const char *text)
{
    struct skep_insn insns[INSN_ROOM];
    struct skep_prog_code code = {.size = sizeof code,
                                  .name = "t",
                                  .type = type,
                                  .insns = insns,
                                  .maps = &world->map,
                                  .map_count = world->map ? 1 : 0,
                                  .max_insns = max_insns,
                                  .sandboxed = 1}; /* what the bodies refuse is asked, too */
    struct skep_error err = {.size = sizeof err};
    struct skep_prog *prog = NULL;
    size_t count = 0, after_exit;

    if (skep_asm(text, strlen(text), insns, INSN_ROOM, &count, &err))
        fail_msg("%s", err.text);
    for (after_exit = 0; after_exit < count && insns[after_exit].code != 0x95; after_exit++)
        ;
    for (size_t i = 0; i < count; i++) {
        if (insns[i].code != 0x18)
            continue;
        if (insns[i].imm == MAP_MARK) {
            insns[i].regs |= 5 << 4;
            insns[i].imm = 0;
        } else if (insns[i].imm == FUNC_MARK) {
            insns[i].regs |= 4 << 4;
            insns[i].imm = (int32_t)(after_exit - i);
        }
    }
    code.insn_count = (uint32_t)count;
    if (skep_prog_load(world->runtime, &code, &prog, &err))
        fail_msg("%s", err.text);
    return prog;
}

/* Runs a program whose context is `ctx`, 64 bytes; its r0. */
static uint64_t run(struct world *world, void *ctx, const char *text)
{
    struct skep_prog *prog = load(world, SKEP_PROG_TYPE_MEMORY, 0, text);
    struct skep_error err = {.size = sizeof err};
    uint64_t ret = 0;
    uint8_t none[64] = {0};
    int rc = skep_prog_run(prog, NULL, ctx ? ctx : none, 64, &ret, &err);

    skep_prog_unref(prog);
    if (rc)
        fail_msg("%s", err.text);
    return ret;
}

/* Runs a program that has to fault; the message. */
static const char *fault(struct world *world, uint32_t type, const char *text, int expected)
{
    static struct skep_error err;
    struct skep_prog *prog = load(world, type, 1000000, text);
    uint8_t packet[64] = {0};
    struct skep_test_run test = {
        .size = sizeof test, .data_in = packet, .data_size_in = sizeof packet};
    uint64_t ret;
    int rc;

    err.size = sizeof err;
    rc = type == SKEP_PROG_TYPE_SYSCALL
             ? skep_prog_run(prog, NULL, packet, sizeof packet, &ret, &err)
             : skep_prog_test_run(prog, &test, &err);
    skep_prog_unref(prog);
    assert_int_equal(rc, expected);
    return err.text;
}

/* -- the host ---------------------------------------------------------------------------------- */

static void test_time_and_random_numbers_are_the_hosts(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, 0);
    assert_int_equal(run(&world, NULL, "call 5\nexit\n"), world.now + SKEP_CLOCK_MONOTONIC);
    assert_int_equal(run(&world, NULL, "call 125\nexit\n"), world.now + SKEP_CLOCK_BOOTTIME);
    assert_int_equal(run(&world, NULL, "call 160\nexit\n"), world.now + SKEP_CLOCK_COARSE);
    assert_int_equal(run(&world, NULL, "call 208\nexit\n"), world.now + SKEP_CLOCK_TAI);
    assert_int_equal(run(&world, NULL, "call 118\nexit\n"),
                     UINT64_C(4294892296) + world.now / 4000000);
    assert_int_equal(run(&world, NULL, "call 7\nexit\n"), 1);
    assert_int_equal(run(&world, NULL, "call 7\nr6 = r0\ncall 7\nr0 += r6\nexit\n"), 5);
    assert_int_equal(run(&world, NULL, "call 42\nexit\n"), 0);
    assert_true(run(&world, NULL, "call 8\nexit\n") < 2);
    close_world(&world);
}

static void test_the_task_is_the_hosts_thread(void **state)
{
    struct world world;
    char comm[16], name[64] = {0};

    (void)state;
    open_world(&world, 0);
    assert_int_equal(run(&world, NULL, "call 14\nexit\n") >> 32, os_pid());
    assert_int_equal(run(&world, NULL, "call 15\nexit\n"), os_uid_gid());
    os_comm(comm, sizeof comm);
    assert_int_equal(run(&world, name, "r2 = 16\ncall 16\nexit\n"), 0);
    assert_memory_equal(name, comm, sizeof comm);
    memset(name, 0x5a, sizeof name);
    assert_int_equal(run(&world, name, "r2 = 3\ncall 16\nexit\n"), 0);
    assert_int_equal(name[2], 0);
    assert_int_equal(name[3], 0x5a);
    assert_int_equal((int64_t)run(&world, name, "r2 = 0\ncall 16\nexit\n"), -SKEP_EINVAL);
    close_world(&world);
}

static void test_printk_gives_the_host_a_line_as_trace_pipe_shows_it(void **state)
{
    struct world world;
    char format[64] = "n %d x %llx\n";

    (void)state;
    open_world(&world, 0);
    assert_int_equal(run(&world, format, "r2 = 13\nr3 = -5\nr4 = 255\nr5 = 0\ncall 6\nexit\n"), 10);
    assert_non_null(strstr(world.lines, "12345.678901: bpf_trace_printk: n -5 x ff\n"));
    assert_null(strstr(world.lines, "\n\n"));
    assert_non_null(strstr(world.lines, "[00"));
    world.lines[0] = '\0';
    assert_int_equal((int64_t)run(&world, format, "r2 = 12\ncall 6\nexit\n"),
                     -SKEP_EINVAL); /* no NUL */
    assert_string_equal(world.lines, "");
    close_world(&world);
}

static void test_printk_reads_strings_of_the_program_and_of_nobody_else(void **state)
{
    static const char secret[] = "not yours";
    struct world world;
    char memory[64] = "%s|", scratch[sizeof secret];
    uint64_t address = (uint64_t)(uintptr_t)secret;

    (void)state;
    open_world(&world, 0);
    memcpy(memory + 16, "hello", 6);
    assert_int_equal(run(&world, memory, "r3 = r1\nr3 += 16\nr2 = 4\ncall 6\nexit\n"), 6);
    assert_non_null(strstr(world.lines, "hello|"));
    memcpy(memory + 32, &address, 8);
    assert_int_equal(run(&world, memory, "r3 = *(u64 *)(r1 + 32)\nr2 = 4\ncall 6\nexit\n"), 1);
    assert_null(strstr(world.lines, "yours"));
    close_world(&world);
    open_world(&world, SKEP_ALLOW_PROBE_READ);
    if (os_memory_read(scratch, address, sizeof secret)) {
        assert_int_equal(run(&world, memory, "r3 = *(u64 *)(r1 + 32)\nr2 = 4\ncall 6\nexit\n"), 10);
        assert_non_null(strstr(world.lines, "not yours|"));
    }
    close_world(&world);
}

/* -- reading by address ------------------------------------------------------------------------ */

static const char read_word[] = "r6 = r1\nr2 = 8\nr3 = *(u64 *)(r1 + 32)\ncall 113\nexit\n";
static const char read_text[] = "r6 = r1\nr2 = 16\nr3 = *(u64 *)(r1 + 32)\ncall 115\nexit\n";

static void test_probe_read_takes_the_programs_own_memory_without_a_power(void **state)
{
    struct world world;
    uint64_t memory[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    (void)state;
    open_world(&world, 0);
    assert_int_equal(run(&world, memory, "r3 = r1\nr3 += 56\nr2 = 8\ncall 113\nexit\n"), 0);
    assert_int_equal(memory[0], 8);
    assert_int_equal(
        run(&world, memory,
            "r6 = r1\n*(u64 *)(r10 - 8) = 77\nr3 = r10\nr3 += -8\nr2 = 8\ncall 4\nexit\n"),
        0);
    assert_int_equal(memory[0], 77);
    close_world(&world);
}

static void test_probe_read_of_the_hosts_memory_is_a_power(void **state)
{
    static const uint64_t secret = UINT64_C(0x5ec2e75ec2e7);
    struct world world;
    uint64_t memory[8] = {1, 0, 0, 0, (uint64_t)(uintptr_t)&secret}, scratch;

    (void)state;
    open_world(&world, 0);
    assert_int_equal((int64_t)run(&world, memory, read_word), -SKEP_EPERM);
    assert_int_equal(memory[0], 0);
    close_world(&world);
    if (!os_memory_read(&scratch, (uint64_t)(uintptr_t)&secret, sizeof scratch)) {
        print_message("this system does not let a process read its own memory by address\n");
        skip();
    }
    open_world(&world, SKEP_ALLOW_PROBE_READ);
    assert_int_equal(run(&world, memory, read_word), 0);
    assert_int_equal(memory[0], secret);
    close_world(&world);
}

static void test_probe_read_of_nothing_gives_efault_and_zeros(void **state)
{
    static const uint64_t nowhere[] = {
        0, 8, 0xffff000000000000, UINT64_MAX, UINT64_C(0x800000000000), 0xff43000000000000};
    struct world world;

    (void)state;
    open_world(&world, SKEP_ALLOW_PROBE_READ);
    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
        uint64_t memory[8] = {1, 1, 1, 1, nowhere[i]};
        assert_int_equal((int64_t)run(&world, memory, read_word), -SKEP_EFAULT);
        assert_int_equal(memory[0], 0);
        assert_int_equal(memory[1], 1);
        memory[0] = 1;
        assert_int_equal((int64_t)run(&world, memory, read_text), -SKEP_EFAULT);
        assert_int_equal(memory[0], 0);
        assert_int_equal(memory[1], 0);
        assert_int_equal(memory[2], 1);
    }
    close_world(&world);
}

static void test_probe_read_str_counts_the_nul_and_cuts(void **state)
{
    struct world world;
    char memory[64];

    (void)state;
    open_world(&world, 0);
    memset(memory, 'x', sizeof memory);
    memcpy(memory + 32, "abc", 4);
    assert_int_equal(run(&world, memory, "r3 = r1\nr3 += 32\nr2 = 16\ncall 45\nexit\n"), 4);
    assert_memory_equal(memory, "abc\0xxxx", 8);
    assert_int_equal(run(&world, memory, "r3 = r1\nr3 += 32\nr2 = 2\ncall 115\nexit\n"), 2);
    assert_memory_equal(memory, "a\0", 2);
    assert_int_equal(run(&world, memory, "r3 = r1\nr3 += 32\nr2 = 0\ncall 115\nexit\n"), 0);
    /* the last bytes of the memory, and no NUL before its end */
    assert_int_equal((int64_t)run(&world, memory, "r3 = r1\nr3 += 60\nr2 = 16\ncall 115\nexit\n"),
                     -SKEP_EPERM);
    assert_int_equal(run(&world, memory, "r3 = r1\nr3 += 60\nr2 = 4\ncall 115\nexit\n"), 4);
    assert_memory_equal(memory, "xxx\0", 4);
    close_world(&world);
}

/* -- maps and callbacks ------------------------------------------------------------------------ */

static const char update_two[] =
    "r6 = r1\n*(u32 *)(r10 - 4) = 1\n*(u64 *)(r10 - 16) = 41\n"
    "r1 = 0x1111 ll\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\nr7 = r0\n"
    "r1 = 0x1111 ll\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto +3\n"
    "r1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r7\nexit\n";

static void test_maps_are_looked_up_updated_and_deleted(void **state)
{
    static const uint32_t types[] = {SKEP_MAP_TYPE_HASH, SKEP_MAP_TYPE_ARRAY,
                                     SKEP_MAP_TYPE_PERCPU_ARRAY};
    struct world world;

    (void)state;
    open_world(&world, 0);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        uint32_t key = 1;
        uint64_t values[2] = {0}, deleted;
        make_map(&world, types[i], 4, 8, 4, 0);
        assert_int_equal(run(&world, NULL, update_two), 0);
        assert_int_equal(skep_map_lookup(world.map, &key, sizeof key, values,
                                         skep_map_value_bytes(world.map), 0),
                         0);
        assert_int_equal(values[0] + values[1], 42);
        deleted = run(&world, NULL,
                      "*(u32 *)(r10 - 4) = 1\nr1 = 0x1111 ll\nr2 = r10\nr2 += -4\ncall 3\nexit\n");
        assert_int_equal((int64_t)deleted, types[i] == SKEP_MAP_TYPE_HASH ? 0 : -SKEP_EINVAL);
    }
    close_world(&world);
}

static void test_every_cpus_value_is_found_by_its_number(void **state)
{
    static const char text[] = "r6 = r1\n*(u32 *)(r10 - 4) = 0\nr1 = 0x1111 ll\nr2 = r10\nr2 += "
                               "-4\nr3 = *(u64 *)(r6 + 0)\ncall 195\n"
                               "if r0 == 0 goto +1\nr0 = *(u64 *)(r0 + 0)\nexit\n";
    struct world world;
    uint64_t values[2] = {7, 9}, ctx[8] = {0};
    uint32_t key = 0;

    (void)state;
    open_world(&world, 0);
    make_map(&world, SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0);
    assert_int_equal(skep_map_update(world.map, &key, 4, values, sizeof values, 0), 0);
    assert_int_equal(run(&world, ctx, text), 7);
    ctx[0] = 1;
    assert_int_equal(run(&world, ctx, text), 9);
    ctx[0] = 2;
    assert_int_equal(run(&world, ctx, text), 0);
    ctx[0] = UINT64_C(0x100000001); /* a CPU's number has 32 bits */
    assert_int_equal(run(&world, ctx, text), 9);
    make_map(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    assert_non_null(
        strstr(fault(&world, SKEP_PROG_TYPE_SYSCALL, text, -SKEP_EFAULTED), "not per CPU"));
    close_world(&world);
}

/* Adds key and value of every element to *ctx; ends after the element with key 2. */
static const char for_each[] =
    "r6 = r1\nr1 = 0x1111 ll\nr2 = 0x2222 ll\nr3 = r6\nr4 = *(u64 *)(r6 + 8)\ncall 164\nexit\n"
    "r5 = *(u64 *)(r4 + 0)\nr0 = *(u32 *)(r2 + 0)\nr5 += r0\nr3 = *(u64 *)(r3 + 0)\nr5 += r3\n"
    "*(u64 *)(r4 + 0) = r5\nif r0 == 2 goto +2\nr0 = 0\nexit\nr0 = 1\nexit\n";

static void test_for_each_visits_elements_until_the_callback_says_stop(void **state)
{
    struct world world;
    uint64_t value = 100, ctx[8] = {0};

    (void)state;
    open_world(&world, 0);
    make_map(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 5, 0);
    for (uint32_t key = 0; key < 5; key++)
        assert_int_equal(skep_map_update(world.map, &key, 4, &value, 8, 0), 0);
    assert_int_equal(run(&world, ctx, for_each), 3);
    assert_int_equal(ctx[0], 0 + 1 + 2 + 300);
    ctx[1] = 1; /* flags */
    assert_int_equal((int64_t)run(&world, ctx, for_each), -SKEP_EINVAL);
    make_map(&world, SKEP_MAP_TYPE_HASH, 4, 8, 5, 0);
    ctx[0] = ctx[1] = 0;
    assert_int_equal(run(&world, ctx, for_each), 0);
    for (uint32_t key = 10; key < 14; key++)
        assert_int_equal(skep_map_update(world.map, &key, 4, &value, 8, 0), 0);
    assert_int_equal(run(&world, ctx, for_each), 4);
    assert_int_equal(ctx[0], 10 + 11 + 12 + 13 + 400);
    close_world(&world);
}

static void test_a_callback_may_look_the_map_up_but_not_write_to_its_key(void **state)
{
    static const char looks[] =
        "r6 = r1\nr1 = 0x1111 ll\nr2 = 0x2222 ll\nr3 = 0\nr4 = 0\ncall 164\nexit\n"
        "call 1\nif r0 == 0 goto +2\nr0 = 0\nexit\nr0 = 1\nexit\n";
    static const char writes[] =
        "r6 = r1\nr1 = 0x1111 ll\nr2 = 0x2222 ll\nr3 = 0\nr4 = 0\ncall 164\nexit\n"
        "r0 = 0\n*(u32 *)(r2 + 0) = r0\nexit\n";
    struct world world;
    uint64_t value = 1;
    uint32_t key = 3;

    (void)state;
    open_world(&world, 0);
    make_map(&world, SKEP_MAP_TYPE_HASH, 4, 8, 5, 0);
    assert_int_equal(skep_map_update(world.map, &key, 4, &value, 8, 0), 0);
    assert_int_equal(run(&world, NULL, looks), 1);
    fault(&world, SKEP_PROG_TYPE_SYSCALL, writes, -SKEP_EFAULTED);
    close_world(&world);
}

static const char loop[] = "r6 = r1\nr1 = *(u64 *)(r6 + 8)\nr2 = 0x2222 ll\nr3 = r6\nr4 = *(u64 "
                           "*)(r6 + 16)\ncall 181\nexit\n"
                           "r3 = *(u64 *)(r2 + 0)\nr3 += r1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nif r1 "
                           "!= 9 goto +1\nr0 = 1\nexit\n";

static void test_loop_counts_its_turns(void **state)
{
    struct world world;
    uint64_t ctx[8] = {0, 5, 0};

    (void)state;
    open_world(&world, 0);
    assert_int_equal(run(&world, ctx, loop), 5);
    assert_int_equal(ctx[0], 10);
    ctx[1] = 1000;
    assert_int_equal(run(&world, ctx, loop), 10); /* the tenth turn said stop */
    ctx[1] = 0;
    assert_int_equal(run(&world, ctx, loop), 0);
    ctx[2] = 1;
    assert_int_equal((int64_t)run(&world, ctx, loop), -SKEP_EINVAL);
    ctx[1] = (1 << 23) + 1;
    ctx[2] = 0;
    assert_int_equal((int32_t)run(&world, ctx, loop), -SKEP_E2BIG);
    close_world(&world);
}

static void test_a_loop_ends_when_the_budget_does(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, 0);
    fault(&world, SKEP_PROG_TYPE_SYSCALL,
          "r1 = 8000000\nr2 = 0x2222 ll\nr3 = 0\nr4 = 0\ncall 181\nexit\nr0 = 0\nexit\n",
          -SKEP_EFUEL);
    close_world(&world);
}

/* -- what is not what it seems ----------------------------------------------------------------- */

static void test_helpers_refuse_contexts_of_other_types(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, 0);
    fault(&world, SKEP_PROG_TYPE_XDP, "r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall 26\nexit\n",
          -SKEP_ENOHELPER);
    fault(&world, SKEP_PROG_TYPE_XDP, "call 19\nexit\n", -SKEP_ENOHELPER);
    fault(&world, SKEP_PROG_TYPE_SCHED_CLS, "r2 = 0\ncall 44\nexit\n", -SKEP_ENOHELPER);
    fault(&world, SKEP_PROG_TYPE_SYSCALL, "r2 = 0\ncall 44\nexit\n", -SKEP_ENOHELPER);
    fault(&world, SKEP_PROG_TYPE_SYSCALL, "r2 = 0\nr3 = 0\nr4 = 0\ncall 50\nexit\n",
          -SKEP_ENOHELPER);
    close_world(&world);
}

static void test_programs_see_no_pointers_that_maps_hold(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, 0);
    make_map(&world, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
    fault(&world, SKEP_PROG_TYPE_SYSCALL,
          "*(u32 *)(r10 - 4) = 0\nr1 = 0x1111 ll\nr2 = r10\nr2 += -4\ncall 1\nexit\n",
          -SKEP_EFAULTED);
    fault(&world, SKEP_PROG_TYPE_SYSCALL, update_two, -SKEP_EFAULTED);
    fault(&world, SKEP_PROG_TYPE_SYSCALL, for_each, -SKEP_EFAULTED);
    make_map(&world, SKEP_MAP_TYPE_INSN_ARRAY, 4, 16, 2, 0);
    assert_int_equal(
        run(&world, NULL,
            "*(u32 *)(r10 - 4) = 1\nr1 = 0x1111 ll\nr2 = r10\nr2 += -4\ncall 1\nexit\n"),
        0);
    close_world(&world);
}

static void test_read_only_maps_are_not_written_by_helpers(void **state)
{
    enum { RDONLY_PROG = 1 << 7 };
    struct world world;

    (void)state;
    open_world(&world, 0);
    make_map(&world, SKEP_MAP_TYPE_HASH, 4, 8, 4, RDONLY_PROG);
    assert_non_null(
        strstr(fault(&world, SKEP_PROG_TYPE_SYSCALL, update_two, -SKEP_EFAULTED), "may not write"));
    close_world(&world);
}

static void test_bytes_at_null_with_a_size_end_the_run(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, 0);
    fault(&world, SKEP_PROG_TYPE_SCHED_CLS,
          "r1 = 0\nr2 = 4\nr3 = 0\nr4 = 0\nr5 = 0\ncall 28\nexit\n", -SKEP_EFAULTED);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_and_random_numbers_are_the_hosts),
        cmocka_unit_test(test_the_task_is_the_hosts_thread),
        cmocka_unit_test(test_printk_gives_the_host_a_line_as_trace_pipe_shows_it),
        cmocka_unit_test(test_printk_reads_strings_of_the_program_and_of_nobody_else),
        cmocka_unit_test(test_probe_read_takes_the_programs_own_memory_without_a_power),
        cmocka_unit_test(test_probe_read_of_the_hosts_memory_is_a_power),
        cmocka_unit_test(test_probe_read_of_nothing_gives_efault_and_zeros),
        cmocka_unit_test(test_probe_read_str_counts_the_nul_and_cuts),
        cmocka_unit_test(test_maps_are_looked_up_updated_and_deleted),
        cmocka_unit_test(test_every_cpus_value_is_found_by_its_number),
        cmocka_unit_test(test_for_each_visits_elements_until_the_callback_says_stop),
        cmocka_unit_test(test_a_callback_may_look_the_map_up_but_not_write_to_its_key),
        cmocka_unit_test(test_loop_counts_its_turns),
        cmocka_unit_test(test_a_loop_ends_when_the_budget_does),
        cmocka_unit_test(test_helpers_refuse_contexts_of_other_types),
        cmocka_unit_test(test_programs_see_no_pointers_that_maps_hold),
        cmocka_unit_test(test_read_only_maps_are_not_written_by_helpers),
        cmocka_unit_test(test_bytes_at_null_with_a_size_end_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
