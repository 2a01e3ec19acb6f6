/* insn.c - fuzz target: any instruction stream in the checked interpreter, by the public API, first unverified, then as the
 * verifier lets it. It may be refused or fault, never more; what it writes stays within the memory that it was given; and
 * what is verified never comes where verification says that no run comes.
 *
 * Input: byte 0 chooses (bit 0: bend instructions until they exist, bit 1: a packet program), byte 1 is the size of the
 * memory, byte 2 seeds its content; then instructions of 8 bytes, which may use two maps.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>

#include "repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 3, GUARD = 64, MAX_INSNS = 4096, BUDGET = 20000 };
enum { REPAIR = 1, PACKET = 2 };

static struct skep_runtime *runtime; /* lives as long as the fuzzer */
static struct skep_map *maps[2];

static void require(int holds)
{
    if (!holds)
        abort();
}

static void start(void)
{
    static const struct skep_map_def defs[2] = {
        {.size = sizeof defs[0],
         .name = "array",
         .type = SKEP_MAP_TYPE_ARRAY,
         .key_size = 4,
         .value_size = 24,
         .max_entries = 3},
        {.size = sizeof defs[1],
         .name = "hash",
         .type = SKEP_MAP_TYPE_HASH,
         .key_size = 8,
         .value_size = 8,
         .max_entries = 4},
    };
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = 1, .allow = SKEP_ALLOW_SANDBOXED};

    if (runtime)
        return;
    require(skep_runtime_create(&opts, &runtime, NULL) == 0);
    for (size_t i = 0; i < 2; i++)
        require(skep_map_create(runtime, &defs[i], &maps[i], NULL) == 0);
}

static void run(struct skep_prog *prog, uint8_t flags, uint8_t *mem, size_t mem_size)
{
    struct skep_error err = {.size = sizeof err};
    uint64_t r0 = 0;
    int result;

    if (flags & PACKET) {
        uint8_t out[512];
        struct skep_test_run test = {.size = sizeof test,
                                     .data_in = mem,
                                     .data_size_in = mem_size,
                                     .data_out = out,
                                     .data_size_out = sizeof out};

        result = skep_prog_test_run(prog, &test, &err);
    } else {
        result = skep_prog_run(prog, NULL, mem_size ? mem : NULL, mem_size, &r0, &err);
    }
    require(result <= 0 && (result == 0 || (err.code == result && err.text[0])));
    require(result == 0 || !strstr(err.text, "a bug of skep"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct reach reach = {.maps = 2, .value_mask = 15};
    static const struct skep_verify_opts limits = {.size = sizeof limits, .max_insns = BUDGET};
    struct skep_prog_code code = {
        .size = sizeof code, .maps = maps, .map_count = 2, .max_insns = BUDGET};
    struct skep_error err = {.size = sizeof err};
    struct skep_insn *insns;
    struct skep_prog *prog = NULL;
    uint8_t *mem;
    size_t count, mem_size;

    start();
    if (size < HEADER + 8)
        return 0;
    count = (size - HEADER) / 8 < MAX_INSNS ? (size - HEADER) / 8 : MAX_INSNS;
    mem_size = data[1];
    mem = malloc(mem_size + 2 * GUARD);
    insns = malloc(count * sizeof *insns);
    require(mem && insns);
    memset(mem, 0xa5, mem_size + 2 * GUARD);
    for (size_t i = 0; i < mem_size; i++)
        mem[GUARD + i] = (uint8_t)(data[2] + i);
    require(skep_insn_decode(data + HEADER, count * 8, 0, insns) == 0);
    if (data[0] & REPAIR)
        repair(insns, count, &reach);

    code.type = data[0] & PACKET ? SKEP_PROG_TYPE_SCHED_CLS : SKEP_PROG_TYPE_MEMORY;
    code.insns = insns;
    code.insn_count = (uint32_t)count;
    code.verify = &limits;
    for (code.sandboxed = 1;; code.sandboxed = 0) {
        if (skep_prog_load(runtime, &code, &prog, &err) == 0) {
            run(prog, data[0], mem + GUARD, mem_size);
            skep_prog_unref(prog);
        } else {
            require(err.code < 0 && err.text[0]);
        }
        if (!code.sandboxed)
            break;
    }
    for (size_t i = 0; i < GUARD; i++)
        require(mem[i] == 0xa5 && mem[GUARD + mem_size + i] == 0xa5);
    free(insns);
    free(mem);
    return 0;
}
