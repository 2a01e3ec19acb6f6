/* gen.c - skep gen skeleton: a C header that carries an object and names what is in it. */
#include <stdio.h>
#include <string.h>

#include "args.h"

struct gen_options {
    const char *name;
};

static const struct arg_option options[] = {
    {"name", 0, ARG_TEXT, offsetof(struct gen_options, name), "NAME",
     "prefix of the names (default: from the file's name)"},
    {0},
};

/* "examples/fw.bpf.o" as "fw": up to the first dot, with what C does not allow in a name replaced. */
static void name_from(const char *path, char *name, size_t room)
{
    const char *from = strcmp(path, "-") ? cli_name(path) : "object";
    size_t used = 0;

    if (*from >= '0' && *from <= '9')
        name[used++] = '_';
    for (; *from && *from != '.' && used + 1 < room; from++) {
        bool is_plain = (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
                        (*from >= '0' && *from <= '9');

        name[used++] = is_plain ? *from : '_';
    }
    name[used] = '\0';
    if (!used)
        snprintf(name, room, "object");
}

static bool is_c_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    return *name && (*name < '0' || *name > '9') && name[strspn(name, letters)] == '\0';
}

static int skeleton(const char *path, const char *name)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object = NULL;
    int rc = skep_object_open(path, &object, &err);
    char made[64];

    if (rc) {
        cli_error(cli_name(path), &err);
        return cli_input_exit(rc);
    }
    if (!name) {
        name_from(path, made, sizeof made);
        name = made;
    }
    rc = skep_object_skeleton(object, name, cli_print, stdout);
    skep_object_free(object);
    if (rc && !ferror(stdout)) {
        cli_complain("%s: %s", cli_name(path), skep_code_name(rc));
        return cli_load_exit(rc);
    }
    return cli_finish(CLI_YES);
}

static int gen_run(const struct verb *verb, int argc, char **argv)
{
    struct gen_options opts = {0};
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, &opts, &operands);

    if (code == ARGS_GO_ON && strcmp(operands.items[0], "skeleton") != 0)
        code = args_usage(verb, "'%s' is not known: skeleton", operands.items[0]);
    if (code == ARGS_GO_ON && opts.name && !is_c_name(opts.name))
        code = args_usage(verb, "--name %s: not a name in C", opts.name);
    if (code == ARGS_GO_ON)
        code = skeleton(operands.items[1], opts.name);
    args_free(&operands);
    return code;
}

const struct verb verb_gen = {
    .name = "gen",
    .operands = "skeleton OBJ",
    .about = "a C header that carries the object",
    .options = options,
    .min_operands = 2,
    .max_operands = 2,
    .run = gen_run,
};
