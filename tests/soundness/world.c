/* world.c - the fixed world, the world of an object, and their live halves: see world.h. */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skep/kernel.h>
#include <skep/platform.h>

#include "btf/builder.h"
#include "kernel/kernel.h"

enum { MAP_RDONLY_PROG = 1 << 7 /* BPF_F_RDONLY_PROG */, SLOTS = 1 };

static int complain(const char *what, const struct skep_error *err)
{
    fprintf(stderr, "soundness: %s: %s\n", what, err->text);
    return -1;
}

/* -- types ------------------------------------------------------------------------------------- */

static uint32_t add_func(struct builder *b, const char *name, uint32_t result, uint32_t first,
                         uint32_t second, enum btf_linkage linkage)
{
    uint32_t proto = builder_func_proto(b, result);

    if (first)
        builder_param(b, "a", first);
    if (second)
        builder_param(b, "b", second);
    return builder_func(b, name, proto, linkage);
}

static int make_types(struct world *w, struct skep_error *err)
{
    struct builder b;
    uint32_t u32, u64, void_ptr, u64_ptr, lock, element;
    uint8_t *bytes = NULL;
    size_t size = 0;
    int code;

    builder_init(&b);
    u32 = builder_int(&b, "unsigned int", 4, 0);
    u64 = builder_int(&b, "unsigned long", 8, 0);
    void_ptr = builder_ptr(&b, 0);
    u64_ptr = builder_ptr(&b, u64);
    lock = builder_struct(&b, BTF_STRUCT, "bpf_spin_lock", 4);
    builder_member(&b, "val", u32, 0, 0);
    element = builder_struct(&b, BTF_STRUCT, "element", 24);
    builder_member(&b, "first", u64, 0, 0);
    builder_member(&b, "lock", lock, 64, 0);
    builder_member(&b, "second", u32, 96, 0);
    builder_member(&b, "third", u64, 128, 0);
    w->func_types[FUNC_MAIN] = add_func(&b, "entry", u32, void_ptr, 0, BTF_STATIC);
    w->func_types[FUNC_STATIC] = add_func(&b, "inside", u64, u64, u64, BTF_STATIC);
    w->func_types[FUNC_NUMBERS] = add_func(&b, "numbers", u64, u64, u64, BTF_GLOBAL);
    w->func_types[FUNC_POINTER] = add_func(&b, "pointer", u64, u64_ptr, 0, BTF_GLOBAL);
    w->func_types[FUNC_CALLBACK] = add_func(&b, "callback", u64, u64, void_ptr, BTF_STATIC);
    w->maps[MAP_LOCKED].key_type = u32;
    w->maps[MAP_LOCKED].value_type = element;
    code = builder_encode(&b, false, &bytes, &size, err);
    if (code == 0)
        code = skep_btf_open_mem(bytes, size, &w->types, err);
    builder_free(&b);
    w->type_bytes = bytes;
    w->type_size = (uint32_t)size;
    return code;
}

/* -- maps -------------------------------------------------------------------------------------- */

static const uint8_t constant_content[16] = {3,    0,    0,    0,    9, 0, 0, 0,
                                             0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4};

static void describe(struct world *w)
{
    static const struct {
        const char *name;
        uint32_t type, key, value, entries, flags;
    } rows[MAP_COUNT] = {
        [MAP_VALUES] = {"values", SKEP_MAP_TYPE_ARRAY, 4, 64, 4, 0},
        [MAP_HASH] = {"hash", SKEP_MAP_TYPE_HASH, 8, 16, 8, 0},
        [MAP_PERCPU] = {"percpu", SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 8, 2, 0},
        [MAP_PROGS] = {"progs", SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0},
        [MAP_INNER] = {"inner", SKEP_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0},
        [MAP_RING] = {"ring", SKEP_MAP_TYPE_RINGBUF, 0, 0, 4096, 0},
        [MAP_LOCKED] = {"locked", SKEP_MAP_TYPE_ARRAY, 4, 24, 1, 0},
        [MAP_GLOBAL] = {"global", SKEP_MAP_TYPE_ARRAY, 4, 48, 1, 0},
        [MAP_READONLY] = {"constant", SKEP_MAP_TYPE_ARRAY, 4, 16, 1, MAP_RDONLY_PROG},
    };

    for (uint32_t i = 0; i < MAP_COUNT; i++) {
        w->maps[i] = (struct skep_map_def){.size = sizeof w->maps[i],
                                           .name = rows[i].name,
                                           .type = rows[i].type,
                                           .key_size = rows[i].key,
                                           .value_size = rows[i].value,
                                           .max_entries = rows[i].entries,
                                           .flags = rows[i].flags};
        w->map_numbers[i] = i;
    }
    w->inner[MAP_INNER] = (struct skep_map_def){.size = sizeof w->inner[0],
                                                .name = "inside",
                                                .type = SKEP_MAP_TYPE_ARRAY,
                                                .key_size = 4,
                                                .value_size = 4,
                                                .max_entries = 1};
    w->maps[MAP_INNER].inner = &w->inner[MAP_INNER];
    w->data[MAP_READONLY] = constant_content;
    w->map_count = MAP_COUNT;
}

/* For the verifier: what is frozen is known. */
static void fill_verify_maps(struct world *w)
{
    for (uint32_t i = 0; i < w->map_count; i++) {
        w->verify_maps[i] = (struct verify_map){.def = w->maps[i], .index = i};
        if (w->maps[i].inner) {
            w->verify_inner[i] = (struct verify_map){.def = *w->maps[i].inner, .index = i};
            w->verify_maps[i].inner = &w->verify_inner[i];
        }
        if (w->data[i] && w->maps[i].flags & MAP_RDONLY_PROG) {
            w->verify_maps[i].data = w->data[i];
            w->verify_maps[i].is_frozen = true;
        }
    }
}

/* -- live halves ------------------------------------------------------------------------------- */

static int open_kernel_map(struct world *w, uint32_t i, struct skep_error *err)
{
    const struct skep_map_def *def = &w->maps[i];
    uint32_t key = 0;
    void *inner = NULL;
    int code = 0;

    if (def->inner)
        code = kernel_map_create(w->kernel, def->inner, NULL, w->type_bytes, w->type_size, &inner,
                                 err);
    if (code == 0)
        code = kernel_map_create(w->kernel, def, inner, w->type_bytes, w->type_size,
                                 &w->kernel_maps[i], err);
    if (inner)
        kernel_map_free(inner);
    if (code < 0)
        return code;
    w->kernel_fds[i] = ((const struct kernel_map *)w->kernel_maps[i])->fd;
    if (w->data[i] && def->type == SKEP_MAP_TYPE_ARRAY) {
        code = kernel_map_update(w->kernel_maps[i], &key, w->data[i], 0);
        if (code == 0 && def->flags & MAP_RDONLY_PROG)
            code = kernel_map_freeze(w->kernel_maps[i]);
    }
    return code;
}

static int open_kernel(struct world *w, struct skep_error *err)
{
    struct kernel_modules modules = {.count = 0};
    int code = skep_kernel_backend()->open(skep_kernel_backend()->user, NULL, &w->kernel, err);

    if (code < 0) {
        w->kernel = NULL;
        return 0; /* not for us: asked for nothing further */
    }
    w->kernel_btf = w->type_bytes ? kernel_open_types(w->kernel, w->type_bytes, w->type_size) : -1;
    for (uint32_t i = 0; i < w->map_count; i++) {
        code = open_kernel_map(w, i, err);
        if (code < 0)
            return code;
    }
    for (uint32_t i = 0; i < w->kfunc_count; i++) {
        uint32_t index = 0;

        code = kernel_types_find(w->kernel, "func", w->kfuncs[i].name, &modules,
                                 &w->kernel_kfuncs[i], &index);
        if (code < 0 || index) {
            w->kernel_kfuncs[i] = 0;
            error_set(err, -SKEP_ENOENT, "no such function: %s", w->kfuncs[i].name);
            kernel_modules_close(&modules);
            return -SKEP_ENOENT;
        }
    }
    kernel_modules_close(&modules);
    return 0;
}

/* Maps that our own engine has no body for stay out: programs that use them do not run. */
static int open_runtime(struct world *w, struct skep_error *err)
{
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = SLOTS, .allow = SKEP_ALLOW_SANDBOXED | SKEP_ALLOW_PROBE_READ};
    int code = skep_runtime_create(&opts, &w->runtime, err);

    for (uint32_t i = 0; code == 0 && i < w->map_count; i++) {
        struct skep_error ignored = {.size = sizeof ignored};
        struct skep_map_def def = w->maps[i];
        uint32_t key = 0;

        def.key_type = def.value_type = 0;
        def.flags &= ~(uint32_t)MAP_RDONLY_PROG;
        if (skep_map_create(w->runtime, &def, &w->live_maps[i], &ignored) < 0) {
            w->live_maps[i] = NULL;
            continue;
        }
        if (w->data[i] && def.type == SKEP_MAP_TYPE_ARRAY)
            code =
                skep_map_update(w->live_maps[i], &key, sizeof key, w->data[i], def.value_size, 0);
    }
    return code;
}

static int open_prog_arrays(struct world *w, struct skep_error *err)
{
    static const uint32_t types[PROG_ARRAYS] = {
        SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_PROG_TYPE_SCHED_CLS,      SKEP_PROG_TYPE_CGROUP_SKB,
        SKEP_PROG_TYPE_XDP,           SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL};
    int code = 0;

    for (uint32_t i = 0; code == 0 && i < PROG_ARRAYS; i++) {
        w->progs[i].type = types[i];
        if (w->kernel)
            code = kernel_map_create(w->kernel, &w->maps[MAP_PROGS], NULL, NULL, 0,
                                     &w->progs[i].kernel_map, err);
        if (code == 0)
            code = skep_map_create(w->runtime, &w->maps[MAP_PROGS], &w->progs[i].live, err);
    }
    return code;
}

void world_maps(const struct world *w, uint32_t type, int fds[WORLD_MAPS],
                struct skep_map *live[WORLD_MAPS])
{
    memcpy(fds, w->kernel_fds, sizeof w->kernel_fds);
    for (uint32_t i = 0; i < w->map_count; i++)
        live[i] = w->live_maps[i] ? w->live_maps[i] : w->live_maps[0];
    for (uint32_t i = 0; i < PROG_ARRAYS; i++)
        if (w->progs[i].type == type && w->progs[i].live) {
            live[MAP_PROGS] = w->progs[i].live;
            if (w->kernel)
                fds[MAP_PROGS] = ((const struct kernel_map *)w->progs[i].kernel_map)->fd;
        }
}

void world_adopt(const struct world *w, struct program *p)
{
    for (uint32_t i = 0; i < p->func_count; i++)
        p->funcs[i].type = w->func_types[p->funcs[i].type];
}

int world_open(struct world *w, bool with_kernel)
{
    static const char *const names[] = {
#define WORLD_KFUNC(name) #name,
#include "kfuncs.def"
#undef WORLD_KFUNC
    };
    struct skep_error err = {.size = sizeof err};

    memset(w, 0, sizeof *w);
    w->kernel_btf = -1;
    describe(w);
    for (uint32_t i = 0; i < KFUNC_COUNT; i++)
        w->kfuncs[i] = (struct skep_image_extern){.name = names[i], .is_func = 1};
    w->kfunc_count = KFUNC_COUNT;
    if (make_types(w, &err) < 0)
        return complain("types", &err);
    fill_verify_maps(w);
    if (skep_btf_open_host(&w->kernel_types, NULL) < 0)
        w->kernel_types = NULL;
    if (with_kernel && open_kernel(w, &err) < 0)
        return complain("kernel", &err);
    if (open_runtime(w, &err) < 0 || open_prog_arrays(w, &err) < 0)
        return complain("runtime", &err);
    return 0;
}

/* -- objects ----------------------------------------------------------------------------------- */

static bool take_image(struct world *w, const struct skep_image *image, struct program *p)
{
    const uint32_t *records = image->func_info;

    if (image->insn_count > PROGRAM_INSNS || image->map_count > WORLD_MAPS ||
        image->extern_count > WORLD_KFUNCS || image->func_info_count > PROGRAM_FUNCS ||
        image->target)
        return false;
    *p = (struct program){.type = image->type, .attach = image->attach_type, .flags = image->flags};
    memcpy(p->insns, image->insns, image->insn_count * sizeof *image->insns);
    p->count = image->insn_count;
    p->func_count = image->func_info_count;
    for (uint32_t i = 0; i < p->func_count; i++) {
        p->funcs[i].insn = records[2 * i];
        p->funcs[i].type = records[2 * i + 1];
    }
    for (w->kfunc_count = 0; w->kfunc_count < image->extern_count; w->kfunc_count++)
        w->kfuncs[w->kfunc_count] = image->externs[w->kfunc_count];
    w->map_count = image->map_count;
    return true;
}

int world_open_object(struct world *w, struct skep_object *object, size_t index, bool with_kernel,
                      struct program *p)
{
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err};

    memset(w, 0, sizeof *w);
    w->kernel_btf = -1;
    if (skep_object_image(object, index, &image, &err) < 0 || !take_image(w, &image, p))
        return -1;
    for (uint32_t i = 0; i < w->kfunc_count; i++)
        if (!w->kfuncs[i].is_func || w->kfuncs[i].is_weak)
            return -1;
    for (uint32_t i = 0; i < w->map_count; i++) {
        w->maps[i].size = sizeof w->maps[i];
        if (skep_object_map(object, image.maps[i], &w->maps[i]) < 0)
            return -1;
        if (w->maps[i].type == SKEP_MAP_TYPE_ARENA || w->maps[i].type == SKEP_MAP_TYPE_STRUCT_OPS)
            return -1;
        if (w->maps[i].max_entries > 4096)
            w->maps[i].max_entries = 4096;
        if (w->maps[i].initial_size == w->maps[i].value_size)
            w->data[i] = skep_object_map_data(object, image.maps[i]);
        w->map_numbers[i] = i;
    }
    w->object = object;
    w->types = (struct skep_btf *)(uintptr_t)image.btf;
    w->type_size = image.btf_size;
    w->type_bytes = (uint8_t *)(uintptr_t)image.btf_bytes;
    fill_verify_maps(w);
    if (skep_btf_open_host(&w->kernel_types, NULL) < 0)
        w->kernel_types = NULL;
    if ((with_kernel && open_kernel(w, &err) < 0) || open_runtime(w, &err) < 0) {
        world_close(w);
        return -1;
    }
    return 0;
}

void world_close(struct world *w)
{
    for (uint32_t i = 0; i < w->map_count; i++) {
        skep_map_unref(w->live_maps[i]);
        if (w->kernel_maps[i])
            kernel_map_free(w->kernel_maps[i]);
    }
    for (uint32_t i = 0; i < PROG_ARRAYS; i++) {
        skep_map_unref(w->progs[i].live);
        if (w->progs[i].kernel_map)
            kernel_map_free(w->progs[i].kernel_map);
    }
    skep_runtime_unref(w->runtime);
    if (w->kernel)
        skep_kernel_backend()->close(w->kernel);
    if (!w->object) {
        skep_btf_free(w->types);
        free(w->type_bytes);
    }
    skep_btf_free(w->kernel_types);
    memset(w, 0, sizeof *w);
}
