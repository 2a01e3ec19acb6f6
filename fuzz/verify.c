/* verify.c - fuzz target: any bytes as a program with maps, kernel functions and types, given to the verifier. It must come
 * to a verdict without a crash, a leak or running away; and what it accepts must not violate anything when it runs.
 *
 * Input: byte 0 chooses the type of program, byte 1 capabilities and a checkpoint at every instruction, byte 2 how many
 * instructions stand in functions of their own (three functions at most), byte 3 bends instructions until they exist; then
 * two bytes of length, so many bytes of type information (none: a built-in one), and instructions of 8 bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>

#include "btf/builder.h"
#include "repair.h"
#include "verify/facts.h"
#include "verify/verifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HEADER = 6,
    MAX_INSNS = 2048,
    MAX_VISITS = 5000,
    MAX_BYTES = 16 << 20,
    BUDGET = 5000,
    MAPS = 5,
    KFUNCS = 8
};

static struct {
    struct skep_runtime *runtime; /* what lives as long as the fuzzer */
    struct skep_map *live[MAPS];
    struct verify_map maps[MAPS], inner;
    uint32_t map_numbers[MAPS];
    struct skep_btf *kernel, *types;
} world;

static void require(int holds)
{
    if (!holds)
        abort();
}

static const struct skep_map_def defs[MAPS] = {
    {.size = sizeof defs[0],
     .name = "array",
     .type = SKEP_MAP_TYPE_ARRAY,
     .key_size = 4,
     .value_size = 24,
     .max_entries = 3},
    {.size = sizeof defs[0],
     .name = "hash",
     .type = SKEP_MAP_TYPE_HASH,
     .key_size = 8,
     .value_size = 8,
     .max_entries = 4},
    {.size = sizeof defs[0],
     .name = "data",
     .type = SKEP_MAP_TYPE_ARRAY,
     .key_size = 4,
     .value_size = 40,
     .max_entries = 1},
    {.size = sizeof defs[0],
     .name = "progs",
     .type = SKEP_MAP_TYPE_PROG_ARRAY,
     .key_size = 4,
     .value_size = 4,
     .max_entries = 2},
    {.size = sizeof defs[0], .name = "ring", .type = SKEP_MAP_TYPE_RINGBUF, .max_entries = 4096},
};

static void start(void)
{
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = 1, .allow = SKEP_ALLOW_SANDBOXED};
    struct builder b;
    uint32_t u64, proto;

    if (world.runtime)
        return;
    require(skep_runtime_create(&opts, &world.runtime, NULL) == 0);
    for (uint32_t i = 0; i < MAPS; i++) {
        world.maps[i] = (struct verify_map){.def = defs[i], .index = i};
        world.map_numbers[i] = i;
        if (skep_map_create(world.runtime, &defs[i], &world.live[i], NULL) < 0)
            world.live[i] = NULL;
    }
    if (skep_btf_open_host(&world.kernel, NULL) < 0)
        world.kernel = NULL;
    builder_init(&b);
    u64 = builder_int(&b, "unsigned long", 8, 0);
    proto = builder_func_proto(&b, u64);
    builder_param(&b, "a", u64);
    builder_func(&b, "entry", proto, BTF_STATIC);
    builder_func(&b, "inside", proto, BTF_STATIC);
    builder_func(&b, "outside", proto, BTF_GLOBAL);
    require(builder_open(&b, &world.types, NULL) == 0);
    builder_free(&b);
}

/* Kernel functions have no body here, nor have some maps. */
static int is_runnable(const struct skep_image *image)
{
    if (image->type != SKEP_PROG_TYPE_XDP && image->type != SKEP_PROG_TYPE_SCHED_CLS &&
        image->type != SKEP_PROG_TYPE_SOCKET_FILTER)
        return 0;
    for (uint32_t i = 0; i < image->insn_count; i++) {
        const struct isa_op *op = isa_find(&image->insns[i]);

        if (!op || op->does == ISA_DO_CALL_KFUNC || op->does == ISA_DO_BTF_ID)
            return 0;
        if ((op->does == ISA_DO_MAP || op->does == ISA_DO_MAP_VALUE) &&
            ((uint32_t)image->insns[i].imm >= MAPS || !world.live[image->insns[i].imm]))
            return 0;
        i += isa_is_wide(op);
    }
    return 1;
}

static void run(const struct skep_image *image)
{
    struct skep_map *maps[MAPS];
    struct skep_prog_code code = {.size = sizeof code,
                                  .type = image->type,
                                  .attach_type = image->attach_type,
                                  .insns = image->insns,
                                  .insn_count = image->insn_count,
                                  .maps = maps,
                                  .map_count = MAPS,
                                  .max_insns = BUDGET,
                                  .sandboxed = 1};
    uint8_t packet[64], out[512];
    struct skep_test_run test = {.size = sizeof test,
                                 .data_in = packet,
                                 .data_size_in = sizeof packet,
                                 .data_out = out,
                                 .data_size_out = sizeof out};
    struct skep_error err = {.size = sizeof err};
    struct skep_prog *prog = NULL;
    int code_;

    if (!is_runnable(image))
        return;
    for (uint32_t i = 0; i < MAPS; i++)
        maps[i] = world.live[i] ? world.live[i] : world.live[0];
    for (size_t i = 0; i < sizeof packet; i++)
        packet[i] = (uint8_t)(i * 37);
    if (skep_prog_load(world.runtime, &code, &prog, &err) < 0)
        return;
    code_ = skep_prog_test_run(prog, &test, &err);
    /* Linux lets root's programs read its struct bpf_map; ours has none. */
    require(code_ != -SKEP_EFAULTED || strstr(err.text, "pointer to a map"));
    skep_prog_unref(prog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct reach reach = {
        .maps = MAPS, .kfuncs = KFUNCS, .jump = 12, .value_mask = 31, .high_mask = 31};
    static const uint8_t types[] = {
        SKEP_PROG_TYPE_XDP,     SKEP_PROG_TYPE_SCHED_CLS,      SKEP_PROG_TYPE_SOCKET_FILTER,
        SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_CGROUP_SKB,
        SKEP_PROG_TYPE_KPROBE,  SKEP_PROG_TYPE_SK_SKB};
    static const uint32_t caps[] = {SKEP_AS_ROOT, SKEP_AS_ROOT, SKEP_AS_BPF | SKEP_CAP_NET_ADMIN,
                                    0};
    static const char *const names[KFUNCS] = {
        "bpf_iter_num_new",    "bpf_iter_num_next",   "bpf_iter_num_destroy", "bpf_rcu_read_lock",
        "bpf_rcu_read_unlock", "bpf_dynptr_from_skb", "bpf_preempt_disable",  "bpf_preempt_enable"};
    struct skep_image_extern externs[KFUNCS];
    struct skep_image_func funcs[4] = {{.name = "entry", .type = 3}};
    uint32_t info[4][2] = {{0, 3}}, func_count = 1;
    struct skep_image image = {
        .size = sizeof image, .name = "fuzzed", .section = "fuzzed", .license = "GPL"};
    struct verify_input input = {
        .image = &image, .maps = world.maps, .max_processed = MAX_VISITS, .max_bytes = MAX_BYTES};
    static struct verify_result result;
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *types_ = NULL;
    struct skep_insn *insns;
    size_t type_size, count;

    start();
    if (size < HEADER + 8)
        return 0;
    type_size = (size_t)(data[4] | data[5] << 8);
    if (type_size > size - HEADER - 8)
        type_size = 0;
    count = (size - HEADER - type_size) / 8;
    count = count < MAX_INSNS ? count : MAX_INSNS;
    insns = malloc(count * sizeof *insns);
    require(insns != NULL);
    require(skep_insn_decode(data + HEADER + type_size, count * 8, 0, insns) == 0);
    if (data[3] & 1)
        repair(insns, count, &reach);
    if (type_size && skep_btf_open_mem(data + HEADER, type_size, &types_, NULL) < 0)
        types_ = NULL;
    for (uint32_t i = 0; i < KFUNCS; i++)
        externs[i] = (struct skep_image_extern){.name = names[i], .is_func = 1};
    for (uint32_t i = 1; i < 4 && data[2] && i * data[2] < count; i++, func_count++) {
        funcs[i] = (struct skep_image_func){.name = "function", .insn = i * data[2], .type = 3 + i};
        info[i][0] = i * data[2];
        info[i][1] = 3 + i;
    }
    image.type = types[data[0] % sizeof types];
    image.flags = (data[1] & 4 ? FLAG_TEST_STATE_FREQ : 0) |
                  (data[1] & 8 ? FLAG_STRICT_ALIGNMENT : 0) |
                  (data[0] & 0x40 || image.type == SKEP_PROG_TYPE_SYSCALL ? FLAG_SLEEPABLE : 0);
    image.insns = insns;
    image.insn_count = (uint32_t)count;
    image.func_count = func_count;
    image.funcs = funcs;
    image.maps = world.map_numbers;
    image.map_count = MAPS;
    image.externs = externs;
    image.extern_count = KFUNCS;
    image.btf = types_ ? types_ : world.types;
    image.func_info = info;
    image.func_info_count = data[1] & 16 ? 0 : func_count;
    input.flags = image.flags;
    input.kernel_btf = world.kernel;
    input.caps = caps[data[1] & 3];
    int code = verify_program(&input, &result, &err);

    facts_free(result.facts);
    if (code == 0) {
        require(result.code == CODE_OK || result.text[0]);
        require(result.processed <= MAX_VISITS + 1);
        if (result.code == CODE_OK && input.caps == SKEP_AS_ROOT)
            run(&image);
    } else {
        require(err.code < 0 && err.text[0]);
    }
    skep_btf_free(types_);
    free(insns);
    return 0;
}
