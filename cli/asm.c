/* asm.c - skep asm: text to instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "json.h"

struct asm_options {
    const char *out, *format;
    bool is_big_endian;
};

static const struct arg_option options[] = {
    {"output", 'o', ARG_TEXT, offsetof(struct asm_options, out), "FILE",
     "write there, not to standard output"},
    {"format", 0, ARG_TEXT, offsetof(struct asm_options, format), "FORMAT",
     "hex (default) or raw (with -o the default)"},
    {"big-endian", 0, ARG_FLAG, offsetof(struct asm_options, is_big_endian), NULL,
     "bytes of a big-endian target"},
    {0},
};

static int assemble(const char *path, struct skep_insn **insns, size_t *count)
{
    struct skep_error err = {.size = sizeof err};
    uint8_t *text = NULL;
    char about[192];
    size_t size;
    int code = cli_read(path, &text, &size), rc = 0;

    *insns = NULL;
    if (code)
        return code;
    rc = skep_asm((const char *)text, size, NULL, 0, count, &err);
    if (rc == -SKEP_E2BIG || !rc) {
        *insns = calloc(*count + 1, sizeof **insns);
        rc =
            *insns ? skep_asm((const char *)text, size, *insns, *count, count, &err) : -SKEP_ENOMEM;
    }
    free(text);
    if (!rc)
        return CLI_YES;
    if (err.line) {
        snprintf(about, sizeof about, "%.150s:%u:%u", cli_name(path), err.line, err.column);
        err.line = 0;
        err.subject[0] = '\0';
        err.insn = UINT32_MAX;
        cli_error(about, &err);
    } else {
        cli_error(cli_name(path), &err);
    }
    return CLI_USAGE;
}

/* One instruction a line, as the plugin and disasm read it. */
static char *hex_of(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size * 2 + size / 8 + 1);
    size_t used = 0;

    for (size_t i = 0; text && i < size; i++) {
        used += (size_t)sprintf(text + used, "%02x", bytes[i]);
        if (i % 8 == 7)
            text[used++] = '\n';
    }
    if (text)
        text[used] = '\0';
    return text;
}

static int output(const struct cli *cli, const struct asm_options *opts,
                  const struct skep_insn *insns, size_t count)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    bool is_raw = opts->format ? !strcmp(opts->format, "raw") : opts->out != NULL;
    uint8_t *bytes = malloc(count * 8 + 1);
    char *text = NULL;
    int code = CLI_REFUSED;

    if (!bytes)
        goto out;
    skep_insn_encode(insns, count, opts->is_big_endian, bytes);
    if (cli->is_json) {
        json_object(&json, NULL);
        json_string(&json, "schema", "skep.asm/1");
        json_u64(&json, "insns", count);
        json_hex(&json, "bytes", bytes, count * 8);
        json_end_object(&json);
        json_finish(&json);
        code = opts->out ? cli_write(opts->out, bytes, count * 8) : CLI_YES;
        goto out;
    }
    if (is_raw) {
        code = cli_write(opts->out ? opts->out : "-", bytes, count * 8);
        goto out;
    }
    text = hex_of(bytes, count * 8);
    if (text)
        code = cli_write(opts->out ? opts->out : "-", text, strlen(text));
out:
    if (!bytes || (code && !text && !is_raw && !cli->is_json))
        cli_complain("out of memory");
    free(bytes);
    free(text);
    return cli_finish(code);
}

static int asm_run(const struct verb *verb, int argc, char **argv)
{
    struct asm_options opts = {0};
    struct arg_list operands = {0};
    struct skep_insn *insns = NULL;
    struct cli cli = {0};
    size_t count = 0;
    int code = args_parse(verb, argc, argv, &cli, &opts, &operands);

    if (code == ARGS_GO_ON && opts.format && strcmp(opts.format, "hex") != 0 &&
        strcmp(opts.format, "raw") != 0)
        code = args_usage(verb, "--format %s: hex or raw", opts.format);
    if (code == ARGS_GO_ON) {
        code = assemble(operands.count ? operands.items[0] : "-", &insns, &count);
        if (!code)
            code = output(&cli, &opts, insns, count);
    }
    free(insns);
    args_free(&operands);
    return code;
}

const struct verb verb_asm = {
    .name = "asm",
    .operands = "[FILE]",
    .about = "text to instructions: LLVM's syntax or what bpftool prints",
    .options = options,
    .max_operands = 1,
    .run = asm_run,
};
