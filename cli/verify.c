/* verify.c - skep verify: are these programs safe? Offline: nothing is loaded, no map is made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skep/verify.h>

#include "args.h"
#include "caps.h"
#include "compare.h"
#include "load.h"
#include "system.h"

struct verify_options {
    const char *prog, *type, *btf, *as, *caps, *log_level, *format, *compare;
    struct arg_list flags;
    uint64_t max_insns, max_bytes, max_ns;
    bool all, linux_only;
};

/* What the options mean. */
struct verify {
    const struct cli *cli;
    const struct verb *verb;
    const struct verify_options *options;
    struct skep_verify_opts opts;
    uint32_t format;
    struct skep_btf *btf;
    struct skep_report *report;
    struct compare *base;
    bool is_prog_found;
    bool *flags_used; /* by --flags PROG=HEX */
};

enum { LOG_DEFAULT = SKEP_VERIFY_LOG_STEPS | SKEP_VERIFY_LOG_STATS, LOG_LEVELS = 7 };

#define AT(member) offsetof(struct verify_options, member)

static const struct arg_option options[] = {
    {"prog", 0, ARG_TEXT, AT(prog), "NAME",
     "this program only: its function, or all of that section"},
    {"all", 0, ARG_FLAG, AT(all), NULL,
     "also programs that do not load by themselves: SEC(\"?..\")"},
    {"type", 0, ARG_TEXT, AT(type), "TYPE", "the type of programs whose section does not say it"},
    {"btf", 0, ARG_TEXT, AT(btf), "FILE", "the kernel's types (default: this system's)"},
    {"as", 0, ARG_TEXT, AT(as), "WHO", "who loads it: root (default), bpf (CAP_BPF alone), guest"},
    {"caps", 0, ARG_TEXT, AT(caps), "LIST", "the same in detail: bpf,perfmon,net_admin,sys_admin"},
    {"flags", 0, ARG_LIST, AT(flags), "[PROG=]HEX",
     "load flags: 1 strict alignment, 10 sleepable .."},
    {"linux-only", 0, ARG_FLAG, AT(linux_only), NULL, "refuse what is too complex for Linux"},
    {"max-insns", 0, ARG_U64, AT(max_insns), "N", "instructions to look at per program"},
    {"max-bytes", 0, ARG_U64, AT(max_bytes), "N", "memory per program (default: 64 MiB)"},
    {"max-ns", 0, ARG_U64, AT(max_ns), "N", "time per program"},
    {"log-level", 0, ARG_TEXT, AT(log_level), "N",
     "a kernel-style log: 1 steps, 2 more, 4 statistics, or sums of them; -v: 5"},
    {"format", 0, ARG_TEXT, AT(format), "FORMAT", "human (default), json, sarif or github"},
    {"compare", 0, ARG_TEXT, AT(compare), "FILE", "show what changed since that --format json"},
    {0},
};

/* -- options ----------------------------------------------------------------------------------- */
struct choice {
    const char *name;
    uint32_t value;
};

static bool choose(const struct choice *choices, const char *name, size_t length, uint32_t *value)
{
    for (; choices->name; choices++) {
        if (strlen(choices->name) == length && !strncmp(choices->name, name, length)) {
            *value = choices->value;
            return true;
        }
    }
    return false;
}

/* The number of a --flags item; false: it is none. */
static bool flags_number(const char *item, uint32_t *flags)
{
    const char *equals = strrchr(item, '='), *digits = equals ? equals + 1 : item;
    char text[24];
    uint64_t number;

    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
        digits += 2;
    if (strlen(digits) > 8)
        return false;
    snprintf(text, sizeof text, "0x%s", digits);
    if (!cli_number(text, &number))
        return false;
    *flags = (uint32_t)number;
    return true;
}

static int flags_set(struct verify *v)
{
    const struct arg_list *items = &v->options->flags;
    uint32_t flags;

    v->flags_used = calloc(items->count + 1, sizeof *v->flags_used);
    for (size_t i = 0; v->flags_used && i < items->count; i++) {
        if (!flags_number(items->items[i], &flags))
            return args_usage(v->verb, "--flags %s: [PROG=]HEX is needed", items->items[i]);
        if (!strchr(items->items[i], '=')) {
            v->opts.flags |= flags;
            v->flags_used[i] = true;
        }
    }
    if (!v->flags_used)
        cli_complain("out of memory");
    return v->flags_used ? CLI_YES : CLI_REFUSED;
}

static int format_set(struct verify *v)
{
    static const struct choice formats[] = {{"human", SKEP_REPORT_HUMAN},
                                            {"json", SKEP_REPORT_JSON},
                                            {"sarif", SKEP_REPORT_SARIF},
                                            {"github", SKEP_REPORT_GITHUB},
                                            {0}};
    const char *format = v->options->format;

    if (format && !choose(formats, format, strlen(format), &v->format))
        return args_usage(v->verb, "--format %s: human, json, sarif or github", format);
    if (v->cli->is_json && !format)
        v->format = SKEP_REPORT_JSON;
    if (v->cli->is_json && v->format != SKEP_REPORT_JSON && v->format != SKEP_REPORT_SARIF)
        return args_usage(v->verb, "-j and --format %s exclude each other", format);
    if (v->format == SKEP_REPORT_HUMAN && system_is_terminal(stdout) && !getenv("NO_COLOR"))
        v->format |= SKEP_REPORT_COLOUR;
    if (v->cli->is_pretty)
        v->format |= SKEP_REPORT_PRETTY;
    return CLI_YES;
}

static int options_set(struct verify *v, const struct arg_list *objects)
{
    const struct verify_options *o = v->options;
    uint64_t level = v->cli->is_verbose ? LOG_DEFAULT : 0;
    int streams = (o->btf && !strcmp(o->btf, "-")) + (o->compare && !strcmp(o->compare, "-"));
    int code;

    for (size_t i = 0; i < objects->count; i++)
        streams += !strcmp(objects->items[i], "-");
    if (streams > 1)
        return args_usage(v->verb, "standard input (-) can be read once only");
    if (o->log_level && (!cli_number(o->log_level, &level) || level > LOG_LEVELS))
        return args_usage(v->verb, "--log-level %s: 0 to 7", o->log_level);
    if (o->max_insns > UINT32_MAX)
        return args_usage(v->verb, "--max-insns: at most 4294967295");
    if (o->prog && o->all)
        return args_usage(v->verb, "--prog and --all exclude each other");
    code = caps_parse(v->verb, o->as, o->caps, &v->opts.caps);
    if (!code)
        code = flags_set(v);
    if (!code)
        code = format_set(v);
    v->opts.prog = o->prog;
    v->opts.all = o->all;
    v->opts.linux_only = o->linux_only;
    v->opts.max_insns = (uint32_t)o->max_insns;
    v->opts.max_bytes = o->max_bytes;
    v->opts.max_ns = o->max_ns;
    v->opts.log_level = (uint32_t)level;
    v->opts.print = level ? cli_print : NULL;
    v->opts.user = (v->format & 0xff) == SKEP_REPORT_HUMAN ? stdout : stderr;
    return code;
}

/* -- one object -------------------------------------------------------------------------------- */
static bool is_chosen(const struct verify *v, const struct skep_prog_def *def)
{
    return v->options->prog &&
           (!strcmp(v->options->prog, def->name) || !strcmp(v->options->prog, def->section));
}

static void flags_add(struct verify *v, struct skep_prog_def *def)
{
    const struct arg_list *items = &v->options->flags;
    uint32_t flags;

    for (size_t i = 0; i < items->count; i++) {
        const char *equals = strrchr(items->items[i], '=');
        size_t length = equals ? (size_t)(equals - items->items[i]) : 0;

        if (!equals || strlen(def->name) != length || strncmp(def->name, items->items[i], length))
            continue;
        if (flags_number(items->items[i], &flags))
            def->flags |= flags;
        v->flags_used[i] = true;
    }
}

static int programs_set(struct verify *v, struct skep_object *object)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err = {.size = sizeof err};
    int code;

    for (size_t i = 0; !skep_object_prog(object, i, &def); i++) {
        v->is_prog_found |= is_chosen(v, &def);
        /* Whatever its section says. */
        code = v->options->type ? load_type(v->options->type, &def) : CLI_YES;
        if (code)
            return code;
        flags_add(v, &def);
        if (skep_object_set_prog(object, &def, &err)) {
            cli_error(cli_object(object), &err);
            return CLI_USAGE;
        }
    }
    return CLI_YES;
}

static bool has_prog(const struct verify *v, const struct skep_object *object)
{
    struct skep_prog_def def = {.size = sizeof def};

    for (size_t i = 0; !skep_object_prog(object, i, &def); i++)
        if (!v->options->prog || is_chosen(v, &def))
            return true;
    return !v->options->prog;
}

static int verify_object(struct verify *v, const char *path)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object = NULL;
    int rc = skep_object_open(path, &object, &err), code;

    if (rc) {
        cli_error(cli_name(path), &err);
        return cli_input_exit(rc);
    }
    code = programs_set(v, object);
    if (!code && has_prog(v, object)) {
        rc = skep_verify(object, &v->opts, &v->report, &err);
        if (rc) {
            cli_error(cli_name(path), &err);
            code = cli_input_exit(rc);
        }
    }
    skep_object_free(object);
    return code;
}

/* -- all --------------------------------------------------------------------------------------- */
/* Several objects share one copy of the host's types. */
static int types_open(struct verify *v, size_t objects)
{
    struct skep_error err = {.size = sizeof err};
    int rc;

    if (!v->options->btf) {
        if (objects > 1)
            (void)skep_btf_open_host(&v->btf,
                                     NULL); /* where there are none, skep_verify does without */
    } else {
        rc = skep_btf_open(v->options->btf, &v->btf, &err);
        if (rc) {
            cli_error(cli_name(v->options->btf), &err);
            return cli_input_exit(rc);
        }
    }
    v->opts.btf = v->btf;
    return CLI_YES;
}

/* Names on the command line that no object has. */
static int check_names(const struct verify *v)
{
    struct skep_verdict verdict = {.size = sizeof verdict};

    if (v->options->prog && !v->is_prog_found) {
        cli_complain("--prog %s: there is no such program", v->options->prog);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < v->options->flags.count; i++) {
        if (!v->flags_used[i]) {
            cli_complain("--flags %s: there is no such program", v->options->flags.items[i]);
            return CLI_USAGE;
        }
    }
    if (!v->report || skep_report_verdict(v->report, 0, &verdict)) {
        cli_complain("no program to verify%s", v->options->all ? ""
                                                               : " (--all or --prog takes "
                                                                 "those of SEC(\"?..\") too)");
        return CLI_USAGE;
    }
    return CLI_YES;
}

static int show(struct verify *v)
{
    bool has_document =
        (v->format & 0xff) == SKEP_REPORT_JSON || (v->format & 0xff) == SKEP_REPORT_SARIF;
    char folder[4096];
    size_t bad = skep_report_rejected(v->report);

    if (getcwd(folder, sizeof folder) && skep_report_set_folder(v->report, folder)) {
        cli_complain("out of memory");
        return CLI_REFUSED;
    }
    (void)skep_report_print(v->report, v->format | (v->base ? SKEP_REPORT_NO_ROWS : 0), cli_print,
                            stdout); /* cli_finish looks at the stream */
    if (v->base)
        bad = compare_show(v->base, v->report, has_document ? stderr : stdout);
    return bad ? CLI_NO : CLI_YES;
}

static int verify_all(struct verify *v, const struct arg_list *objects)
{
    int code = options_set(v, objects), one;

    if (!code && v->options->compare)
        code = compare_read(v->options->compare, &v->base);
    if (!code)
        code = types_open(v, objects->count);
    if (code)
        return code;
    for (size_t i = 0; i < objects->count; i++) { /* an unreadable one does not hide the others */
        one = verify_object(v, objects->items[i]);
        code = one > code ? one : code;
    }
    if (!code)
        code = check_names(v);
    if (v->report) {
        one = show(v);
        code = code ? code : one;
    }
    return cli_finish(code);
}

static int verify_run(const struct verb *verb, int argc, char **argv)
{
    struct verify_options o = {0};
    struct arg_list operands = {0};
    struct cli cli = {0};
    struct verify v = {.cli = &cli, .verb = verb, .options = &o, .opts = {.size = sizeof v.opts}};
    int code = args_parse(verb, argc, argv, &cli, &o, &operands);

    if (code == ARGS_GO_ON)
        code = verify_all(&v, &operands);
    skep_report_free(v.report);
    skep_btf_free(v.btf);
    compare_free(v.base);
    free(v.flags_used);
    args_free(&o.flags);
    args_free(&operands);
    return code;
}

const struct verb verb_verify = {
    .name = "verify",
    .operands = "OBJ..",
    .about = "are programs safe? and if not, why",
    .options = options,
    .notes = "exit: 0 every program is accepted; with --compare: none is rejected that was not "
             "before | 1 not so\n",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = verify_run,
};
