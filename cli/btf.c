/* btf.c - skep btf dump: types of an object or of raw BTF, one a line, as C, or as JSON. */
#include <stdio.h>
#include <string.h>

#include "args.h"

struct btf_options {
    const char *format;
    bool is_builtin;
};

static const struct arg_option options[] = {
    {"format", 0, ARG_TEXT, offsetof(struct btf_options, format), "FORMAT", "raw (default) or c"},
    {"builtin", 0, ARG_FLAG, offsetof(struct btf_options, is_builtin), NULL,
     "the context types that skep brings, instead of a file's"},
    {0},
};

static int dump(const struct cli *cli, const struct btf_options *opts, const char *path)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;
    uint32_t format = SKEP_BTF_RAW;
    int rc = path ? skep_btf_open(path, &btf, &err) : skep_btf_open_builtin(&btf, &err);

    if (rc) {
        cli_error(path ? cli_name(path) : "builtin types", &err);
        return cli_input_exit(rc);
    }
    if (opts->format && !strcmp(opts->format, "c"))
        format = SKEP_BTF_C;
    else if (cli->is_json)
        format = SKEP_BTF_JSON;
    rc = skep_btf_dump(btf, format, cli_print, stdout);
    if (format == SKEP_BTF_JSON)
        putchar('\n');
    skep_btf_free(btf);
    if (rc && !ferror(stdout)) {
        cli_complain("%s: %s", path ? cli_name(path) : "builtin types", skep_code_name(rc));
        return cli_load_exit(rc);
    }
    return cli_finish(CLI_YES);
}

static int btf_run(const struct verb *verb, int argc, char **argv)
{
    struct btf_options opts = {0};
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, &opts, &operands);

    if (code == ARGS_GO_ON && strcmp(operands.items[0], "dump") != 0)
        code = args_usage(verb, "'%s' is not known: dump", operands.items[0]);
    if (code == ARGS_GO_ON && (operands.count == 2) == opts.is_builtin)
        code = args_usage(verb, "a file or --builtin is needed, not both");
    if (code == ARGS_GO_ON && opts.format && strcmp(opts.format, "raw") != 0 &&
        strcmp(opts.format, "c") != 0)
        code = args_usage(verb, "--format %s: raw or c", opts.format);
    if (code == ARGS_GO_ON && cli.is_json && opts.format && !strcmp(opts.format, "c"))
        code = args_usage(verb, "-j and --format c exclude each other");
    if (code == ARGS_GO_ON)
        code = dump(&cli, &opts, operands.count == 2 ? operands.items[1] : NULL);
    args_free(&operands);
    return code;
}

const struct verb verb_btf = {
    .name = "btf",
    .operands = "dump FILE",
    .about = "the types of an object file or of raw BTF",
    .options = options,
    .min_operands = 1,
    .max_operands = 2,
    .run = btf_run,
};
