/* raw.c - reading raw program files: see raw.h. */
#include "raw.h"

#include <stdlib.h>
#include <string.h>

/* What upstream's test_verifier stores: a number at 0, which programs use as an offset, and one at 28. */
const void *raw_value(void)
{
    static const uint32_t value[RAW_VALUE / 4] = {[0] = 28, [7] = 0xabcdef12};

    return value;
}

/* The bytes of a line of hexadecimal digits; NULL: it is none, or no memory. */
static void *read_hex(const char *text, size_t *size)
{
    size_t digits = strspn(text, "0123456789abcdef");
    unsigned char *bytes = malloc(digits / 2 + 1);

    for (size_t i = 0; bytes && i < digits / 2; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], 0};

        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    *size = digits / 2;
    return bytes;
}

static bool read_map(struct raw_prog *prog, const char *text)
{
    static const struct skep_map_def inner = {.size = sizeof inner,
                                              .type = 2 /* array */,
                                              .key_size = 4,
                                              .value_size = 4,
                                              .max_entries = 1};
    uint32_t at = prog->image.map_count;
    struct skep_map_def *def = &prog->maps[at % RAW_MOST];
    int has_inner, has_value;

    if (at == RAW_MOST)
        return false;
    *def = (struct skep_map_def){.size = sizeof *def, .name = "map"};
    if (sscanf(text, "%u %u %u %u %u %u %u %d %d", &def->type, &def->key_size, &def->value_size,
               &def->max_entries, &def->flags, &def->key_type, &def->value_type, &has_inner,
               &has_value) != 9)
        return false;
    def->inner = has_inner ? &inner : NULL;
    prog->has_value[at] = has_value != 0;
    prog->map_numbers[at] = at;
    prog->image.map_count++;
    return true;
}

static bool read_kfunc(struct raw_prog *prog, const char *text)
{
    uint32_t at = prog->image.extern_count;

    if (at == RAW_MOST)
        return false;
    snprintf(prog->kfuncs[at], sizeof prog->kfuncs[at], "%s", text);
    prog->externs[at] = (struct skep_image_extern){.name = prog->kfuncs[at], .is_func = 1};
    prog->image.extern_count++;
    return true;
}

static bool read_line(struct raw_prog *prog, const char *word, const char *rest)
{
    struct skep_image *image = &prog->image;
    size_t size = 0;

    if (strcmp(word, "program") == 0)
        snprintf(prog->name, sizeof prog->name, "%s", rest);
    else if (strcmp(word, "target") == 0)
        snprintf(prog->target, sizeof prog->target, "%s", rest);
    else if (strcmp(word, "type") == 0)
        image->type = (uint32_t)strtoul(rest, NULL, 10);
    else if (strcmp(word, "attach") == 0)
        image->attach_type = (uint32_t)strtoul(rest, NULL, 10);
    else if (strcmp(word, "flags") == 0)
        image->flags = (uint32_t)strtoul(rest, NULL, 16);
    else if (strcmp(word, "expect") == 0)
        prog->is_accepted = strcmp(rest, "accept") == 0;
    else if (strcmp(word, "guest") == 0)
        prog->is_accepted_for_guest = strcmp(rest, "accept") == 0;
    else if (strcmp(word, "map") == 0)
        return read_map(prog, rest);
    else if (strcmp(word, "kfunc") == 0)
        return read_kfunc(prog, rest);
    else if (strcmp(word, "insns") == 0 && !prog->insns) {
        prog->insns = read_hex(rest, &size);
        image->insn_count = (uint32_t)(size / sizeof *image->insns);
    } else if (strcmp(word, "btf") == 0 && !prog->btf_bytes) {
        prog->btf_bytes = read_hex(rest, &size);
        image->btf_size = (uint32_t)size;
    } else if (strcmp(word, "funcs") == 0 && !prog->func_info) {
        prog->func_info = read_hex(rest, &size);
        image->func_info_count = (uint32_t)(size / 8);
    } else
        return false;
    return true;
}

/* Pointers into the record, once it does not move any more. */
static void finish(struct raw_prog *prog)
{
    struct skep_image *image = &prog->image;

    image->size = sizeof *image;
    image->name = prog->name;
    image->section = "raw";
    image->license = "GPL";
    image->target = prog->target[0] ? prog->target : NULL;
    image->insns = prog->insns;
    image->maps = prog->map_numbers;
    image->externs = prog->externs;
    image->btf_bytes = prog->btf_bytes;
    if (prog->btf_bytes &&
        skep_btf_open_mem(prog->btf_bytes, image->btf_size, &prog->btf, NULL) < 0)
        prog->btf = NULL;
    image->btf = prog->btf;
    image->func_info = prog->func_info;
    prog->funcs[0] = (struct skep_image_func){.name = prog->name};
    image->funcs = prog->funcs;
    image->func_count = 1;
    for (uint32_t i = 0; i < image->func_info_count && i < RAW_MOST; i++) {
        uint32_t record[2]; /* instruction, type */

        memcpy(record, (const char *)prog->func_info + 8 * i, sizeof record);
        prog->funcs[i] = (struct skep_image_func){
            .name = i ? "function" : prog->name, .insn = record[0], .type = record[1]};
        image->func_count = i + 1;
    }
}

int raw_next(FILE *file, struct raw_prog *prog)
{
    char *line = NULL;
    size_t room = 0;
    int result = 0;

    memset(prog, 0, sizeof *prog);
    while (getline(&line, &room, file) > 0) {
        char *rest = line + strcspn(line, " \n");

        if (*rest)
            *rest++ = 0;
        rest[strcspn(rest, "\n")] = 0;
        if (strcmp(line, "end") == 0) {
            result = prog->insns ? 1 : -1;
            break;
        }
        result = -1; /* until its end is seen */
        if (!read_line(prog, line, rest))
            break;
    }
    free(line);
    if (result == 1)
        finish(prog);
    return result;
}

void raw_free(struct raw_prog *prog)
{
    free(prog->insns);
    free(prog->btf_bytes);
    free(prog->func_info);
    skep_btf_free(prog->btf);
    memset(prog, 0, sizeof *prog);
}

void raw_print_string(const char *name, const char *text, const char *end)
{
    printf("\"%s\": \"", name);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20 || *at >= 0x7f)
            printf("\\u%04x", *at);
        else
            putchar(*at);
    printf("\"%s", end);
}
