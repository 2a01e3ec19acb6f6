/* elf.c - arbitrary bytes as an object: open, edit, link against the built-in types, image, skeleton. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <skep/object.h>

enum { MOST_BSS = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int swallow(void *user, const char *text, size_t length)
{
    size_t *sum = user;

    *sum += length + (size_t)(unsigned char)text[0];
    return *sum > 1 << 20 ? 1 : 0; /* a refusal half-way is part of the contract too */
}

/* Read all that an image says it has: sanitizers find what is not there. */
static uint64_t touch(const struct skep_image *image)
{
    uint64_t sum = strlen(image->name) + strlen(image->section) + strlen(image->license);

    for (uint32_t i = 0; i < image->insn_count; i++)
        sum += image->insns[i].code + (uint64_t)(uint32_t)image->insns[i].imm;
    for (uint32_t i = 0; i < image->func_count; i++) {
        sum += strlen(image->funcs[i].name);
        if (image->funcs[i].insn >= image->insn_count)
            abort();
    }
    for (uint32_t i = 0; i < image->line_count; i++) {
        sum += strlen(image->lines[i].file) + strlen(image->lines[i].source);
        if (image->lines[i].insn >= image->insn_count)
            abort();
    }
    for (uint32_t i = 0; i < image->map_count; i++)
        sum += image->maps[i];
    for (uint32_t i = 0; i < image->extern_count; i++)
        sum += strlen(image->externs[i].name);
    for (uint32_t i = 0; i < image->func_info_count * 2; i++)
        sum += ((const uint32_t *)image->func_info)[i];
    for (uint32_t i = 0; i < image->line_info_count * 4; i++)
        sum += ((const uint32_t *)image->line_info)[i];
    for (uint32_t i = 0; i < image->btf_size; i++)
        sum += ((const uint8_t *)image->btf_bytes)[i];
    return sum | 1; /* never 0, which only the compiler does not know */
}

static void edit(struct skep_object *obj)
{
    struct skep_global global = {.size = sizeof global};
    struct skep_map_def map = {.size = sizeof map};
    struct skep_prog_def prog = {.size = sizeof prog};

    if (!skep_object_prog(obj, 0, &prog)) {
        prog.type = 6;
        (void)skep_object_set_prog(obj, &prog, NULL);
    }
    if (!skep_object_map(obj, 0, &map)) {
        map.max_entries++;
        (void)skep_object_set_map(obj, &map, NULL);
    }
    for (size_t i = 0; i < 8 && !skep_object_global(obj, i, &global); i++) {
        uint8_t *value;

        /* Who sets a variable of a .bss of a gigabyte asks for a gigabyte: not a finding. */
        map.size = sizeof map;
        if (skep_object_map(obj, global.map, &map) || map.value_size > MOST_BSS ||
            global.offset > MOST_BSS)
            continue;
        value = malloc(global.bytes ? global.bytes : 1);
        (void)skep_object_set_global_text(obj, global.name, "1", NULL);
        (void)skep_object_set_global_text(obj, global.name, "[1, 2]", NULL);
        (void)skep_object_set_global_text(obj, global.name, "\"text\"", NULL);
        if (value && !skep_object_get_global(obj, global.name, value, global.bytes))
            (void)skep_object_set_global(obj, global.name, value, global.bytes, NULL);
        free(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t empty[25] = {0x9f, 0xeb,     1,
                                      0,    [4] = 24, [20] = 1}; /* BTF without a type */
    struct skep_error err = {.size = sizeof err};
    struct skep_link_opts opts = {.size = sizeof opts};
    struct skep_btf *target = NULL;
    struct skep_object *obj;
    size_t printed = 0;

    if (skep_object_open_mem(bytes, size, "fuzz.o", &obj, &err))
        return 0;
    edit(obj);
    /* The object's own types half of the time, none otherwise: the host's would make runs depend on the machine. */
    if (size & 1)
        opts.btf = skep_object_btf(obj);
    if (!opts.btf) {
        if (skep_btf_open_mem(empty, sizeof empty, &target, NULL))
            abort();
        opts.btf = target;
    }
    if (!skep_object_link(obj, &opts, &err)) {
        struct skep_image image = {.size = sizeof image};

        for (size_t i = 0; i < 64; i++) {
            int code = skep_object_image(obj, i, &image, &err);

            if (code == -SKEP_ENOENT)
                break;
            if (!code && !touch(&image))
                abort();
        }
    }
    (void)skep_object_skeleton(obj, NULL, swallow, &printed);
    skep_object_free(obj);
    skep_btf_free(target);
    return 0;
}
