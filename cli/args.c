/* args.c - the command line of a verb, by a table of its options.
 *
 * --name value, --name=value, -x, -xvalue, several flag letters after one dash; "--" ends the options, "-" alone is an
 * operand. Names are not shortened: scripts would break when an option is added.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

enum { COMMON_HELP, COMMON_VERSION, COMMON_JSON, COMMON_PRETTY, COMMON_QUIET, COMMON_VERBOSE };

static const struct arg_option common[] = {
    [COMMON_HELP] = {"help", 'h', ARG_FLAG, 0, NULL, "show this text"},
    [COMMON_VERSION] = {"version", 'V', ARG_FLAG, 0, NULL, "show the version"},
    [COMMON_JSON] = {"json", 'j', ARG_FLAG, 0, NULL, "results as one JSON document"},
    [COMMON_PRETTY] = {"pretty", 'p', ARG_FLAG, 0, NULL, "the same, indented"},
    [COMMON_QUIET] = {"quiet", 'q', ARG_FLAG, 0, NULL, "no warnings, no progress"},
    [COMMON_VERBOSE] = {"verbose", 'v', ARG_FLAG, 0, NULL, "say what was decided on the way"},
};
enum { COMMON_COUNT = sizeof common / sizeof *common };

static void options_print(FILE *out, const struct arg_option *options, size_t count)
{
    char left[64];

    for (size_t i = 0; i < count && options[i].name; i++) {
        snprintf(left, sizeof left, "%s--%s%s%s",
                 options[i].letter ? (char[]){'-', options[i].letter, ',', ' ', '\0'} : "    ",
                 options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        fprintf(out, "  %-27s %s\n", left, options[i].help);
    }
}

static void usage_line(FILE *out, const struct verb *verb)
{
    fprintf(out, "usage: skep %s%s%s%s\n", verb->name, *verb->operands ? " " : "", verb->operands,
            verb->options ? " [options]" : "");
}

void args_help(const struct verb *verb)
{
    printf("skep %s: %s\n", verb->name, verb->about);
    usage_line(stdout, verb);
    if (verb->options)
        options_print(stdout, verb->options, SIZE_MAX);
    printf("every verb:\n");
    options_print(stdout, common, COMMON_COUNT);
    if (verb->notes)
        printf("%s", verb->notes);
}

int args_usage(const struct verb *verb, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "skep: %s: ", verb->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    usage_line(stderr, verb);
    if (verb->options)
        options_print(stderr, verb->options, SIZE_MAX);
    fprintf(stderr, "`skep help %s` says more\n", verb->name);
    return CLI_USAGE;
}

/* Which option `name` (of `length` bytes; or the single `letter`) is; *index of a common one, else -1. */
static const struct arg_option *option_find(const struct verb *verb, const char *name,
                                            size_t length, char letter, int *index)
{
    const struct arg_option *tables[] = {verb->options, common};
    size_t counts[] = {verb->options ? SIZE_MAX : 0, COMMON_COUNT};

    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < counts[t] && tables[t][i].name; i++) {
            if (letter ? tables[t][i].letter != letter
                       : strlen(tables[t][i].name) != length ||
                             memcmp(tables[t][i].name, name, length) != 0)
                continue;
            *index = t ? (int)i : -1;
            return &tables[t][i];
        }
    }
    return NULL;
}

static bool list_add(struct arg_list *list, const char *item)
{
    const char **grown = realloc(list->items, (list->count + 1) * sizeof *grown);

    if (!grown)
        return false;
    list->items = grown;
    list->items[list->count++] = item;
    return true;
}

static int common_set(const struct verb *verb, int index, struct cli *cli)
{
    switch (index) {
    case COMMON_HELP:
        args_help(verb);
        return cli_finish(CLI_YES);
    case COMMON_VERSION:
        return verb_version.run(&verb_version, 1, NULL);
    case COMMON_PRETTY:
        cli->is_pretty = true;
        cli->is_json = true;
        break;
    case COMMON_JSON:
        cli->is_json = true;
        break;
    case COMMON_QUIET:
        cli->is_quiet = true;
        break;
    default:
        cli->is_verbose = true;
    }
    return ARGS_GO_ON;
}

static int option_set(const struct verb *verb, const struct arg_option *option, const char *value,
                      void *options)
{
    void *at = (char *)options + option->offset;

    switch (option->kind) {
    case ARG_FLAG:
        *(bool *)at = true;
        break;
    case ARG_TEXT:
        if (*(const char **)at)
            return args_usage(verb, "--%s is given twice", option->name);
        *(const char **)at = value;
        break;
    case ARG_U64:
        if (!cli_number(value, at))
            return args_usage(verb, "--%s %s: not a whole number of 0 to 2^64-1", option->name,
                              value);
        break;
    case ARG_LIST:
        if (!list_add(at, value)) {
            cli_complain("out of memory");
            return CLI_REFUSED;
        }
        break;
    }
    return ARGS_GO_ON;
}

/* One "--name" or "--name=value" argument. *step: how many arguments it took. */
static int long_option(const struct verb *verb, int argc, char **argv, int at, struct cli *cli,
                       void *options, int *step)
{
    const char *name = argv[at] + 2, *equals = strchr(name, '='), *value = NULL;
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct arg_option *option;
    int index;

    *step = 1;
    option = option_find(verb, name, length, 0, &index);
    if (!option)
        return args_usage(verb, "unknown option --%.*s", (int)length, name);
    if (option->kind == ARG_FLAG) {
        if (equals)
            return args_usage(verb, "--%s takes no value", option->name);
    } else if (equals) {
        value = equals + 1;
    } else if (at + 1 < argc) {
        value = argv[at + 1];
        *step = 2;
    } else {
        return args_usage(verb, "--%s needs a value: %s", option->name, option->value);
    }
    if (index >= 0)
        return common_set(verb, index, cli);
    return option_set(verb, option, value, options);
}

/* One "-x", "-xvalue" or "-abc" argument. */
static int short_options(const struct verb *verb, int argc, char **argv, int at, struct cli *cli,
                         void *options, int *step)
{
    int rc = ARGS_GO_ON, index;

    *step = 1;
    for (const char *letter = argv[at] + 1; *letter && rc == ARGS_GO_ON; letter++) {
        const struct arg_option *option = option_find(verb, NULL, 0, *letter, &index);
        const char *value = NULL;

        if (!option)
            return args_usage(verb, "unknown option -%c", *letter);
        if (index >= 0) {
            rc = common_set(verb, index, cli);
            continue;
        }
        if (option->kind != ARG_FLAG) {
            if (letter[1])
                value = letter + 1;
            else if (at + 1 < argc) {
                value = argv[at + 1];
                *step = 2;
            } else
                return args_usage(verb, "-%c needs a value: %s", *letter, option->value);
        }
        rc = option_set(verb, option, value, options);
        if (value)
            break;
    }
    return rc;
}

int args_parse(const struct verb *verb, int argc, char **argv, struct cli *cli, void *options,
               struct arg_list *operands)
{
    bool is_over = false;
    int rc = ARGS_GO_ON, step;

    for (int i = 1; i < argc && rc == ARGS_GO_ON; i += step) {
        const char *arg = argv[i];

        step = 1;
        if (is_over || arg[0] != '-' || !arg[1]) {
            if (!list_add(operands, arg)) {
                cli_complain("out of memory");
                return CLI_REFUSED;
            }
        } else if (!strcmp(arg, "--")) {
            is_over = true;
        } else if (arg[1] == '-') {
            rc = long_option(verb, argc, argv, i, cli, options, &step);
        } else {
            rc = short_options(verb, argc, argv, i, cli, options, &step);
        }
    }
    if (rc != ARGS_GO_ON)
        return rc;
    if (operands->count < verb->min_operands)
        return args_usage(verb, "missing operand: %s", verb->operands);
    if (operands->count > verb->max_operands)
        return args_usage(verb, "one operand too many: %s", operands->items[verb->max_operands]);
    return ARGS_GO_ON;
}

void args_free(struct arg_list *list)
{
    free(list->items);
    *list = (struct arg_list){0};
}
