/* kernel_memory.c - programs on plain memory (r1 = bytes, r2 = their number, r0 64 bits wide),
 * which Linux has no type for.
 *
 * They run inside a syscall program, made anew for every length, since the verifier must know how
 * many bytes there are; the last ones are kept. The bytes are the value of an array map (unlike a
 * context it may be addressed by a variable, unaligned, atomically), mapped into this process; r0
 * goes to a second map, because a test run yields 32 bits of it.
 *
 *   once:   r1 = bytes; r2 = length; goto body; end: result = r0; exit; body: <the program, exit is
 * "goto end"> often:  main: t = now(); bpf_loop(n, turn); result[1] = now() - t; exit turn: r1 =
 * bytes; r2 = length; call body; result[0] = r0; exit;   body: <the program>
 *
 * The first keeps the program's own frame, so that it has all 512 bytes of stack and all its
 * registers; the second times many runs without a system call between them, and falls back to the
 * first where the verifier wants it smaller.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"

enum {
    VARIANTS = 4,
    LENGTH_MAX = 1 << 28,
    TURNS_MAX = 1 << 23, /* of one bpf_loop */
    RESULT_BYTES = 16,   /* r0; nanoseconds of all turns */
    HELPER_KTIME = 5,
    HELPER_LOOP = 181
};

struct area { /* a map with one value, and where it is mapped */
    int fd;
    void *bytes;
    size_t mapped;
};

struct variant {
    int fd; /* 0: free place (a descriptor of ours is never 0, see area_open) */
    uint32_t length, id;
    bool is_loop;
    uint64_t used;
    struct area area, result;
};

struct kernel_memory {
    struct kernel_state *state;
    struct arena arena;
    struct skep_image image; /* a copy */
    struct bpf_insn *insns;  /* resolved */
    struct kernel_map *maps; /* copies with descriptors of their own */
    struct kernel_modules modules;
    uint32_t first_sub; /* where the entry function ends */
    uint32_t *starts;   /* of all functions, in order */
    uint32_t start_count;
    struct os_mutex lock;
    uint64_t clock;
    struct variant variants[VARIANTS];
    struct variant *last;
};

/* -- memory that a program and this process share ---------------------------------------------- */

static void area_close(struct area *area)
{
    if (area->bytes)
        munmap(area->bytes, area->mapped);
    if (area->fd > 0)
        close(area->fd);
    *area = (struct area){0};
}

static int area_open(struct area *area, const char *name, uint32_t size, struct skep_error *err)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, size, 1, &opts);

    if (fd < 0)
        return kernel_open_error(err, -fd, "memory of %u bytes for a program", size);
    area->fd = fd;
    area->mapped = (size_t)round_up(size, page);
    area->bytes = mmap(NULL, area->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (area->bytes == MAP_FAILED) {
        int sys = errno;

        area->bytes = NULL;
        return kernel_open_error(err, sys, "memory of %u bytes for a program: mmap", size);
    }
    return 0;
}

/* -- wrapping ---------------------------------------------------------------------------------- */

enum { ONCE_SHIFT = 9, ONCE_END = 4, LOOP_SHIFT = 25, LOOP_TURN = 16 };

static struct bpf_insn make(uint8_t code, uint8_t dst, uint8_t src, int32_t off, uint32_t imm)
{
    return (struct bpf_insn){.code = code,
                             .dst_reg = dst & 15u,
                             .src_reg = src & 15u,
                             .off = (int16_t)off,
                             .imm = (int32_t)imm};
}

static void wide(struct bpf_insn *at, uint8_t dst, uint8_t src, uint32_t imm)
{
    at[0] = make(BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, imm);
    at[1] = make(0, 0, 0, 0, 0);
}

/* Three instructions: r1 = bytes (NULL if there are none), r2 = length. */
static void arguments(struct bpf_insn *at, const struct variant *variant)
{
    if (variant->length)
        wide(at, 1, BPF_PSEUDO_MAP_VALUE, (uint32_t)variant->area.fd);
    else
        wide(at, 1, 0, 0);
    at[2] = make(BPF_ALU | BPF_MOV | BPF_K, 2, 0, 0, variant->length);
}

static void wrap_once(const struct kernel_memory *memory, const struct variant *variant,
                      struct bpf_insn *out)
{
    arguments(out, variant);
    out[3] = make(BPF_JMP | BPF_JA, 0, 0, ONCE_SHIFT - ONCE_END, 0);
    wide(out + ONCE_END, 1, BPF_PSEUDO_MAP_VALUE, (uint32_t)variant->result.fd);
    out[6] = make(BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0);
    out[7] = make(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
    out[8] = make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    for (uint32_t i = 0; i < memory->first_sub; i++) {
        struct bpf_insn *insn = &out[ONCE_SHIFT + i];
        int32_t back = ONCE_END - (int32_t)(ONCE_SHIFT + i) - 1;

        if (insn->code == (BPF_JMP | BPF_EXIT))
            /* A jump over more than 32768 instructions is gotol, of cpu v4. */
            *insn = back >= INT16_MIN ? make(BPF_JMP | BPF_JA, 0, 0, back, 0)
                                      : make(BPF_JMP32 | BPF_JA, 0, 0, 0, (uint32_t)back);
    }
}

static void wrap_loop(const struct variant *variant, struct bpf_insn *out)
{
    struct bpf_insn *turn = out + LOOP_TURN;

    out[0] = make(BPF_LDX | BPF_MEM | BPF_W, 6, 1, 0, 0);
    out[1] = make(BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_KTIME);
    out[2] = make(BPF_ALU64 | BPF_MOV | BPF_X, 7, 0, 0, 0);
    out[3] = make(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
    wide(out + 4, 2, BPF_PSEUDO_FUNC, LOOP_TURN - 4 - 1);
    out[6] = make(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0);
    out[7] = make(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0);
    out[8] = make(BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_LOOP);
    out[9] = make(BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_KTIME);
    out[10] = make(BPF_ALU64 | BPF_SUB | BPF_X, 0, 7, 0, 0);
    wide(out + 11, 1, BPF_PSEUDO_MAP_VALUE, (uint32_t)variant->result.fd);
    out[13] = make(BPF_STX | BPF_MEM | BPF_DW, 1, 0, 8, 0);
    out[14] = make(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
    out[15] = make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    arguments(turn, variant);
    turn[3] = make(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, LOOP_SHIFT - (LOOP_TURN + 3) - 1);
    wide(turn + 4, 1, BPF_PSEUDO_MAP_VALUE, (uint32_t)variant->result.fd);
    turn[6] = make(BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0);
    turn[7] = make(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
    turn[8] = make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* A callback needs types: these say no more than "main is global, the others are static". */
static int loop_types(void)
{
    static const char strings[] = "\0main\0part";
    struct {
        struct btf_header header;
        struct btf_type types[3];
        char strings[sizeof strings];
    } btf = {
        .header = {.magic = BTF_MAGIC,
                   .version = BTF_VERSION,
                   .hdr_len = sizeof btf.header,
                   .type_len = sizeof btf.types,
                   .str_off = sizeof btf.types,
                   .str_len = sizeof strings},
        .types = {{.info = BTF_KIND_FUNC_PROTO << 24},
                  {.name_off = 1, .info = BTF_KIND_FUNC << 24 | BTF_FUNC_GLOBAL, .type = 1},
                  {.name_off = 6, .info = BTF_KIND_FUNC << 24 | BTF_FUNC_STATIC, .type = 1}},
    };

    memcpy(btf.strings, strings, sizeof strings);
    return bpf_btf_load(&btf, offsetof(__typeof__(btf), strings) + sizeof strings, NULL);
}

static int submit_loop(struct kernel_memory *memory, const struct kernel_insns *insns,
                       struct bpf_prog_load_opts *opts, int *fd, struct skep_error *err)
{
    struct bpf_func_info *info = calloc(memory->start_count + 2, sizeof *info);
    int types = loop_types(), code;

    if (!info || types < 0) {
        code = !info ? error_set(err, -SKEP_ENOMEM, "no memory")
                     : kernel_open_error(err, -types, "types of a loop");
        goto out;
    }
    info[0] = (struct bpf_func_info){0, 2};
    info[1] = (struct bpf_func_info){LOOP_TURN, 3};
    for (uint32_t i = 0; i < memory->start_count; i++)
        info[i + 2] = (struct bpf_func_info){memory->starts[i] + LOOP_SHIFT, 3};
    opts->prog_btf_fd = (uint32_t)types;
    opts->func_info = info;
    opts->func_info_cnt = memory->start_count + 2;
    opts->func_info_rec_size = sizeof *info;
    code = kernel_prog_submit(memory->state, &memory->image, insns, opts, BPF_PROG_TYPE_SYSCALL, fd,
                              err);
out:
    if (types >= 0)
        close(types);
    free(info);
    return code;
}

/* -- variants ---------------------------------------------------------------------------------- */

static void variant_close(struct kernel_memory *memory, struct variant *variant)
{
    if (memory->last == variant)
        memory->last = NULL;
    area_close(&variant->area);
    area_close(&variant->result);
    if (variant->fd > 0)
        close(variant->fd);
    *variant = (struct variant){0};
}

static int variant_open(struct kernel_memory *memory, struct variant *variant, uint32_t length,
                        bool is_loop, struct skep_error *err)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = memory->image.flags | BPF_F_SLEEPABLE);
    struct kernel_insns insns = {.shift = is_loop ? LOOP_SHIFT : ONCE_SHIFT};
    int code;

    variant->length = length;
    variant->is_loop = is_loop;
    code = area_open(&variant->result, "skep_result", RESULT_BYTES, err);
    if (code == 0 && length)
        code = area_open(&variant->area, "skep_bytes", length, err);
    if (code < 0)
        goto out;
    insns.count = memory->image.insn_count + insns.shift;
    insns.items = calloc(insns.count, sizeof *insns.items);
    if (!insns.items) {
        code = error_set(err, -SKEP_ENOMEM, "no memory");
        goto out;
    }
    memcpy(insns.items + insns.shift, memory->insns,
           memory->image.insn_count * sizeof *insns.items);
    opts.fd_array = memory->modules.count ? memory->modules.fds : NULL;
    if (is_loop) {
        wrap_loop(variant, insns.items);
        code = submit_loop(memory, &insns, &opts, &variant->fd, err);
    } else {
        wrap_once(memory, variant, insns.items);
        code = kernel_prog_submit(memory->state, &memory->image, &insns, &opts,
                                  BPF_PROG_TYPE_SYSCALL, &variant->fd, err);
    }
out:
    free(insns.items);
    if (code < 0)
        variant_close(memory, variant);
    return code;
}

static int variant_find(struct kernel_memory *memory, uint32_t length, bool is_loop,
                        struct variant **out, struct skep_error *err)
{
    struct variant *oldest = &memory->variants[0];
    int code;

    for (size_t i = 0; i < VARIANTS; i++) {
        struct variant *variant = &memory->variants[i];

        if (variant->fd > 0 && variant->length == length && variant->is_loop == is_loop) {
            oldest = variant;
            goto found;
        }
        if (variant->used < oldest->used)
            oldest = variant;
    }
    variant_close(memory, oldest);
    code = variant_open(memory, oldest, length, is_loop, err);
    if (code < 0)
        return code;
found:
    oldest->used = ++memory->clock;
    memory->last = oldest;
    *out = oldest;
    return 0;
}

/* -- the program ------------------------------------------------------------------------------- */

/* Where functions start: 0, and wherever a call or a function's address points. */
static bool find_functions(struct kernel_memory *memory)
{
    uint32_t count = memory->image.insn_count;
    uint8_t *is_start = arena_alloc(&memory->arena, count ? count : 1);

    if (!is_start)
        return false;
    is_start[0] = 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct bpf_insn *insn = &memory->insns[i];
        bool is_call = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
        bool is_wide = insn->code == (BPF_LD | BPF_IMM | BPF_DW);
        int64_t target = (int64_t)i + insn->imm + 1;

        if ((is_call || (is_wide && insn->src_reg == BPF_PSEUDO_FUNC)) && target >= 0 &&
            target < count)
            is_start[target] = 1;
        i += is_wide;
    }
    for (uint32_t i = 0; i < count; i++)
        memory->start_count += is_start[i];
    memory->starts = arena_alloc(&memory->arena, memory->start_count * sizeof *memory->starts);
    if (!memory->starts)
        return false;
    memory->start_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_start[i])
            memory->starts[memory->start_count++] = i;
    memory->first_sub = memory->start_count > 1 ? memory->starts[1] : count;
    return true;
}

/* What errors and loading need of the image, which is the caller's only for now. */
static bool copy_image(struct kernel_memory *memory, const struct skep_image *from)
{
    struct skep_image *to = &memory->image;
    struct skep_image_line *lines;

    *to = *from;
    to->insns = NULL;
    to->btf = NULL;
    to->funcs = NULL;
    to->externs = NULL; /* resolved already */
    to->extern_count = to->func_count = 0;
    to->name = arena_string(&memory->arena, from->name ? from->name : "memory");
    to->license = arena_string(&memory->arena, from->license ? from->license : "GPL");
    to->btf_bytes = arena_copy(&memory->arena, from->btf_bytes, from->btf_size);
    to->func_info = arena_copy(&memory->arena, from->func_info, (size_t)from->func_info_count * 8);
    to->line_info = arena_copy(&memory->arena, from->line_info, (size_t)from->line_info_count * 16);
    lines = arena_alloc(&memory->arena, (size_t)from->line_count * sizeof *lines);
    if (!to->name || !to->license || (from->line_count && !lines))
        return false;
    for (uint32_t i = 0; i < from->line_count; i++) {
        lines[i] = from->lines[i];
        lines[i].file = i && from->lines[i].file == from->lines[i - 1].file
                            ? lines[i - 1].file
                            : arena_string(&memory->arena, from->lines[i].file);
        lines[i].source = NULL;
    }
    to->lines = lines;
    return true;
}

/* The program may be loaded again long after this: it keeps descriptors of its maps. */
static bool copy_maps(struct kernel_memory *memory, uint32_t count, void *const *maps,
                      void **copies)
{
    memory->maps = arena_alloc(&memory->arena, (count + 1) * sizeof *memory->maps);
    if (!memory->maps)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct kernel_map *map = maps[i];

        memory->maps[i] = *map;
        memory->maps[i].fd = fcntl(map->fd, F_DUPFD_CLOEXEC, 3);
        copies[i] = &memory->maps[i];
        if (memory->maps[i].fd < 0)
            return false;
    }
    return true;
}

int kernel_memory_load(struct kernel_state *state, const struct skep_image *image,
                       void *const *maps, struct kernel_memory **out, struct skep_error *err)
{
    struct kernel_memory *memory = calloc(1, sizeof *memory);
    void **copies = calloc((size_t)image->map_count + 1, sizeof *copies);
    int code = error_set(err, -SKEP_ENOMEM, "no memory");

    if (!memory || !copies)
        goto out;
    os_mutex_init(&memory->lock);
    memory->state = state;
    memory->insns =
        arena_alloc(&memory->arena, ((size_t)image->insn_count + 1) * sizeof *memory->insns);
    if (!memory->insns || !copy_image(memory, image) ||
        !copy_maps(memory, image->map_count, maps, copies))
        goto out;
    code = kernel_prog_resolve(state, image, copies, memory->insns, &memory->modules, err);
    if (code == 0 && !find_functions(memory))
        code = -SKEP_ENOMEM;
out:
    free(copies);
    if (code < 0) {
        kernel_memory_free(memory);
        return code;
    }
    *out = memory;
    return 0;
}

void kernel_memory_free(struct kernel_memory *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < VARIANTS; i++)
        variant_close(memory, &memory->variants[i]);
    for (uint32_t i = 0; memory->maps && i < memory->image.map_count; i++)
        if (memory->maps[i].fd > 0)
            close(memory->maps[i].fd);
    kernel_modules_close(&memory->modules);
    os_mutex_destroy(&memory->lock);
    arena_free(&memory->arena);
    free(memory);
}

int kernel_memory_fd(struct kernel_memory *memory)
{
    int fd;

    os_mutex_lock(&memory->lock);
    fd = memory->last ? memory->last->fd : -1;
    os_mutex_unlock(&memory->lock);
    return fd;
}

/* -- running ----------------------------------------------------------------------------------- */

static int run_variant(const struct variant *variant, uint32_t repeat, uint64_t *duration)
{
    uint64_t spent = 0, start;

    for (uint32_t done = 0, turns; done < repeat; done += turns) {
        LIBBPF_OPTS(bpf_test_run_opts, opts);
        int code;

        turns = variant->is_loop ? (repeat - done < TURNS_MAX ? repeat - done : TURNS_MAX) : 1;
        if (variant->is_loop) {
            opts.ctx_in = &turns;
            opts.ctx_size_in = sizeof turns;
        }
        start = os_clock(SKEP_CLOCK_MONOTONIC);
        code = bpf_prog_test_run_opts(variant->fd, &opts);
        if (code < 0)
            return code;
        spent += variant->is_loop ? ((const uint64_t *)variant->result.bytes)[1]
                                  : os_clock(SKEP_CLOCK_MONOTONIC) - start;
    }
    *duration = spent / repeat;
    return 0;
}

static int deliver(const struct variant *variant, void *out, size_t *size, struct skep_error *err)
{
    size_t room = *size;

    *size = variant->length;
    if (!out || !variant->length)
        return 0;
    memcpy(out, variant->area.bytes, room < variant->length ? room : variant->length);
    if (room < variant->length)
        return error_set(err, -SKEP_ENOSPC, "test run: %u bytes do not fit into %zu",
                         variant->length, room);
    return 0;
}

int kernel_memory_run(struct kernel_memory *memory, struct skep_test_run *run,
                      struct skep_error *err)
{
    bool is_data = run->data_in && run->data_size_in;
    const void *in = is_data ? run->data_in : run->ctx_in;
    size_t length = is_data ? run->data_size_in : run->ctx_in ? run->ctx_size_in : 0;
    uint32_t repeat = run->repeat ? run->repeat : 1;
    struct variant *variant = NULL;
    int code;

    if (length > LENGTH_MAX)
        return error_set(err, -SKEP_E2BIG,
                         "test run: %zu bytes of memory; Linux is given %d at most", length,
                         LENGTH_MAX);
    os_mutex_lock(&memory->lock);
    code = repeat > 1 ? variant_find(memory, (uint32_t)length, true, &variant, err) : -SKEP_ENOENT;
    if (code < 0)
        code = variant_find(memory, (uint32_t)length, false, &variant, err);
    if (code < 0)
        goto out;
    if (length)
        memcpy(variant->area.bytes, in, length);
    code = run_variant(variant, repeat, &run->duration_ns);
    if (code < 0) {
        code = kernel_open_error(err, -code, "test run of memory with %zu bytes", length);
        goto out;
    }
    run->retval = *(const uint64_t *)variant->result.bytes;
    if (is_data)
        code = deliver(variant, run->data_out, &run->data_size_out, err);
    else
        code = deliver(variant, run->ctx_out, &run->ctx_size_out, err);
out:
    os_mutex_unlock(&memory->lock);
    return code;
}
