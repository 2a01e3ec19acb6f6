/* disasm.c - skep disasm: instructions, as bytes or as hex digits, to text that `skep asm` reads back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "json.h"

struct disasm_options {
    const char *format, *style;
    bool is_big_endian;
};

static const struct arg_option options[] = {
    {"format", 0, ARG_TEXT, offsetof(struct disasm_options, format), "FORMAT",
     "hex or raw (default: what it looks like)"},
    {"style", 0, ARG_TEXT, offsetof(struct disasm_options, style), "STYLE",
     "llvm (default) or bpftool"},
    {"big-endian", 0, ARG_FLAG, offsetof(struct disasm_options, is_big_endian), NULL,
     "bytes of a big-endian target"},
    {0},
};

static const char *name_of_helper(void *user, int32_t id)
{
    (void)user;
    return skep_helper_name((uint32_t)id);
}

/* Hex digits are text; nearly no program is made of these bytes only (their opcodes would be ASCII digits). */
static bool looks_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!bytes[i] || !strchr("0123456789abcdefABCDEFxX, \t\r\n", bytes[i]))
            return false;
    return true;
}

static int read_bytes(const struct disasm_options *opts, const char *path, uint8_t **bytes,
                      size_t *size)
{
    uint8_t *file = NULL;
    int code = cli_read(path, &file, size);
    bool is_hex;

    if (code)
        return code;
    if (*size >= 4 && !memcmp(file, "\177ELF", 4)) {
        cli_complain("%s: this is an object file: `skep dump` shows its programs", cli_name(path));
        free(file);
        return CLI_USAGE;
    }
    is_hex = opts->format ? !strcmp(opts->format, "hex") : looks_hex(file, *size);
    if (!is_hex) {
        *bytes = file;
    } else {
        code = cli_hex((const char *)file, *size, bytes, size) ? CLI_YES : CLI_USAGE;
        if (code)
            cli_complain("%s: not pairs of hexadecimal digits", cli_name(path));
        free(file);
    }
    if (!code && *size % 8) {
        cli_complain("%s: %zu bytes: instructions are 8 bytes each", cli_name(path), *size);
        code = CLI_USAGE;
    }
    return code;
}

static int print_insns(const struct cli *cli, const struct disasm_options *opts,
                       const struct skep_insn *insns, size_t count)
{
    const struct skep_disasm_names names = {.size = sizeof names, .helper = name_of_helper};
    uint32_t style =
        opts->style && !strcmp(opts->style, "bpftool") ? SKEP_DISASM_BPFTOOL : SKEP_DISASM_LLVM;
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    size_t used = 1;
    char text[256];

    if (cli->is_json) {
        json_object(&json, NULL);
        json_string(&json, "schema", "skep.disasm/1");
        json_array(&json, "insns");
    }
    for (size_t at = 0; at < count; at += used ? used : 1) {
        if (skep_disasm(insns, count, at, style, &names, text, sizeof text, &used) < 0)
            snprintf(text, sizeof text, "?");
        if (!cli->is_json) {
            printf("%8zu: %s\n", at, text);
            continue;
        }
        json_object(&json, NULL);
        json_u64(&json, "index", at);
        json_string(&json, "text", text);
        json_end_object(&json);
    }
    if (cli->is_json) {
        json_end_array(&json);
        json_end_object(&json);
        json_finish(&json);
    }
    return cli_finish(CLI_YES);
}

static int disasm_file(const struct cli *cli, const struct disasm_options *opts, const char *path)
{
    struct skep_insn *insns = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    int code = read_bytes(opts, path, &bytes, &size);

    if (!code) {
        insns = calloc(size / 8 + 1, sizeof *insns);
        if (insns) {
            skep_insn_decode(bytes, size, opts->is_big_endian, insns);
            code = print_insns(cli, opts, insns, size / 8);
        } else {
            cli_complain("out of memory");
            code = CLI_REFUSED;
        }
    }
    free(insns);
    free(bytes);
    return code;
}

static int disasm_run(const struct verb *verb, int argc, char **argv)
{
    struct disasm_options opts = {0};
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, &opts, &operands);

    if (code == ARGS_GO_ON && opts.format && strcmp(opts.format, "hex") != 0 &&
        strcmp(opts.format, "raw") != 0)
        code = args_usage(verb, "--format %s: hex or raw", opts.format);
    if (code == ARGS_GO_ON && opts.style && strcmp(opts.style, "llvm") != 0 &&
        strcmp(opts.style, "bpftool") != 0)
        code = args_usage(verb, "--style %s: llvm or bpftool", opts.style);
    if (code == ARGS_GO_ON)
        code = disasm_file(&cli, &opts, operands.count ? operands.items[0] : "-");
    args_free(&operands);
    return code;
}

const struct verb verb_disasm = {
    .name = "disasm",
    .operands = "[FILE]",
    .about = "instructions, raw or in hex, to text",
    .options = options,
    .max_operands = 1,
    .run = disasm_run,
};
