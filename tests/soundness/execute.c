/* execute.c - accepted programs in the checked interpreter, on packets and map contents made up from the program's seed: none
 * may violate anything, and what Linux runs must return the same.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "generate.h"
#include "kernel/kernel.h"

enum {
    INPUTS = 6,
    PACKET_ROOM = 160,
    PACKET_LEAST = 14,
    BUDGET = 300000,
    CTX_BYTES = 64,
    CTX_ROOM = 0x10008 /* what a syscall program may address at most */
};

static bool has_body(int32_t id)
{
    static const int32_t ids[] = {
#define BODY(id, fn) id,
#include "helper/bodies.def"
#undef BODY
        12 /* bpf_tail_call */
    };

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static bool is_runnable(const struct world *w, const struct program *p)
{
    if (p->type != SKEP_PROG_TYPE_XDP && p->type != SKEP_PROG_TYPE_SCHED_CLS &&
        p->type != SKEP_PROG_TYPE_SOCKET_FILTER && p->type != SKEP_PROG_TYPE_SYSCALL)
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct skep_insn *insn = &p->insns[i];
        uint32_t src = SKEP_INSN_SRC(insn);

        if (insn->code == CALL && (src == 2 || (src == 0 && !has_body(insn->imm))))
            return false;
        if (insn->code == 0x18) {
            if (src == 3 || ((src == 5 || src == 6) && !w->live_maps[insn->imm]))
                return false;
            i++;
        }
    }
    return true;
}

struct input {
    uint8_t packet[PACKET_ROOM], ctx[CTX_BYTES], values[4][64], global[48];
    uint32_t size;
};

/* Bytes that often lie at an edge. */
static void fill_bytes(uint64_t *state, uint8_t *bytes, size_t size)
{
    static const uint8_t edges[] = {0, 1, 2, 7, 8, 0x7f, 0x80, 0xff};
    uint32_t style = random_next(state) % 4;

    for (size_t i = 0; i < size; i++)
        bytes[i] = style == 0   ? 0
                   : style == 1 ? edges[random_next(state) % 8]
                   : style == 2 ? (i % 8 == 0 ? (uint8_t)random_next(state) : 0)
                                : (uint8_t)random_next(state);
}

static void make_input(uint64_t *state, struct input *input)
{
    fill_bytes(state, input->packet, sizeof input->packet);
    fill_bytes(state, input->ctx, sizeof input->ctx);
    for (uint32_t i = 0; i < 4; i++)
        fill_bytes(state, input->values[i], sizeof input->values[i]);
    fill_bytes(state, input->global, sizeof input->global);
    input->size = PACKET_LEAST + random_next(state) % (PACKET_ROOM - PACKET_LEAST + 1);
}

/* Maps hold the same on both sides: known arrays, an empty hash. */
static void set_maps(const struct world *w, const struct input *input, bool with_kernel)
{
    uint64_t key;

    if (w->object)
        return;
    for (uint32_t i = 0; i < 4; i++) {
        (void)skep_map_update(w->live_maps[MAP_VALUES], &i, sizeof i, input->values[i], 64, 0);
        if (with_kernel)
            (void)kernel_map_update(w->kernel_maps[MAP_VALUES], &i, input->values[i], 0);
    }
    for (key = 0; key < 8; key++) {
        (void)skep_map_delete(w->live_maps[MAP_HASH], &key, sizeof key);
        if (key % 2)
            (void)skep_map_update(w->live_maps[MAP_HASH], &key, sizeof key, input->values[0], 16,
                                  0);
        if (!with_kernel)
            continue;
        (void)kernel_map_delete(w->kernel_maps[MAP_HASH], &key);
        if (key % 2)
            (void)kernel_map_update(w->kernel_maps[MAP_HASH], &key, input->values[0], 0);
    }
    key = 0;
    (void)skep_map_update(w->live_maps[MAP_GLOBAL], &key, 4, input->global, 48, 0);
    if (with_kernel)
        (void)kernel_map_update(w->kernel_maps[MAP_GLOBAL], &key, input->global, 0);
}

static bool kernel_run(int fd, const struct input *input, uint32_t *result)
{
    uint8_t out[4096];
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.test.prog_fd = (uint32_t)fd;
    attr.test.data_in = (uintptr_t)input->packet;
    attr.test.data_size_in = input->size;
    attr.test.data_out = (uintptr_t)out;
    attr.test.data_size_out = sizeof out;
    if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof attr) < 0)
        return false;
    *result = attr.test.retval;
    return true;
}

static int run(struct skep_prog *prog, const struct program *p, struct input *input,
               uint64_t *result, struct skep_error *err)
{
    uint8_t out[4096];
    struct skep_test_run test = {.size = sizeof test,
                                 .data_in = input->packet,
                                 .data_size_in = input->size,
                                 .data_out = out,
                                 .data_size_out = sizeof out};
    int code;

    if (p->type == SKEP_PROG_TYPE_SYSCALL) {
        static uint8_t ctx[CTX_ROOM];

        memcpy(ctx, input->ctx, sizeof input->ctx);
        return skep_prog_run(prog, NULL, ctx, sizeof ctx, result, err);
    }
    code = skep_prog_test_run(prog, &test, err);
    *result = test.retval;
    return code;
}

enum outcome execute(const struct world *w, const struct program *p, int kernel_fd, char *why,
                     size_t room)
{
    struct skep_map *maps[WORLD_MAPS];
    int fds[WORLD_MAPS];
    struct skep_prog_code code = {.size = sizeof code,
                                  .name = "made_up",
                                  .type = p->type,
                                  .attach_type = p->attach,
                                  .insns = p->insns,
                                  .insn_count = p->count,
                                  .map_count = w->map_count,
                                  .maps = maps,
                                  .max_insns = BUDGET,
                                  .sandboxed = 1};
    struct skep_error err = {.size = sizeof err};
    struct skep_prog *prog = NULL;
    enum outcome outcome = RUN_FINE;
    uint64_t state = p->seed ^ 0x5eed;
    bool with_kernel = kernel_fd >= 0 && p->is_pure && p->type != SKEP_PROG_TYPE_SYSCALL;

    if (!is_runnable(w, p))
        return RUN_SKIPPED;
    world_maps(w, p->type, fds, maps);
    if (skep_prog_load(w->runtime, &code, &prog, &err) < 0) {
        snprintf(why, room, "%.300s", err.text);
        return RUN_SKIPPED;
    }
    for (int i = 0; i < INPUTS && outcome == RUN_FINE; i++) {
        struct input input;
        uint64_t ours = 0;
        uint32_t theirs = 0;
        int result;

        make_input(&state, &input);
        set_maps(w, &input, with_kernel);
        result = run(prog, p, &input, &ours, &err);
        /* Linux lets root's programs read its struct bpf_map; ours has none. */
        if (result == -SKEP_EFAULTED && strstr(err.text, "through a pointer to a map"))
            outcome = RUN_SKIPPED;
        else if (result == -SKEP_EFAULTED) {
            snprintf(why, room, "input %d: insn %u: %.300s", i, err.insn, err.text);
            outcome = RUN_VIOLATED;
        } else if (with_kernel && result == 0 && kernel_run(kernel_fd, &input, &theirs) &&
                   theirs != (uint32_t)ours) {
            snprintf(why, room, "input %d: 0x%x here, 0x%x in the kernel", i, (uint32_t)ours,
                     theirs);
            outcome = RUN_DIFFERS;
        }
    }
    skep_prog_unref(prog);
    return outcome;
}
