/* oracle.c - what the running kernel's verifier says of the programs of any object, in the words of `skep verify`.
 *
 *     oracle [OPTION].. OBJECT..
 *     --all              also programs of SEC("?...")       --prog NAME      this one only
 *     --type TYPE        whatever the sections say; PROG=TYPE: of that one
 *     --flags HEX        added to the load flags; PROG=HEX: to those of that one
 *     --as root|bpf|guest|all    with which capabilities (all: those of the caller)    --caps bpf,perfmon,..: just these
 *     --btf FILE         types for CO-RE relocations, if not the running kernel's
 *     --repeat N         the best time of N loads           --log-level N    print the verifier's log on stderr
 *     --format json|tsv
 *
 * An OBJECT may be a raw program file (raw.h). skep opens and links the objects, so that both verifiers are asked about
 * the same instructions; maps are made and filled once per object (ask.h). A rejected program is asked about again with maps of its own, since some maps bind themselves to the
 * first program. Verdicts: accept; reject; refused (it never came to the verifier: bpf(2) wants another capability, or this
 * kernel lacks a map type, a kfunc or a function to attach to).
 * Exit 0: every program was asked about; 1: an object could not be opened; 77: bpf(2) is not for us.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/object.h>
#include <skep/platform.h>

#include "ask.h"
#include "raw.h"

enum { MOST_CHOICES = 4096 };

struct choice { /* "PROG=VALUE", or "VALUE" for all */
    const char *prog;
    size_t prog_length;
    const char *value;
};

struct options {
    const char *prog;
    struct skep_btf *btf; /* target of CO-RE relocations; NULL: the running kernel's */
    struct choice types[MOST_CHOICES], flags[MOST_CHOICES];
    unsigned type_count, flag_count, repeat;
    int64_t caps;
    uint32_t log_level;
    bool is_all, is_tsv;
};

/* -- one program ------------------------------------------------------------------------------- */

static const char *choose(const struct choice *choices, unsigned count, const char *prog)
{
    const char *value = NULL;

    for (unsigned i = 0; i < count; i++)
        if (choices[i].prog && strlen(prog) == choices[i].prog_length &&
            strncmp(choices[i].prog, prog, choices[i].prog_length) == 0)
            return choices[i].value;
        else if (!choices[i].prog)
            value = choices[i].value;
    return value;
}

static int ask_once(struct ask_session *session, const struct options *options,
                    const struct skep_image *image, struct ask_answer *best, struct skep_error *err)
{
    const char *flags = choose(options->flags, options->flag_count, image->name);
    struct ask_query query;
    int code =
        ask_prepare(session, image, flags ? (uint32_t)strtoul(flags, NULL, 16) : 0, &query, err);

    for (unsigned i = 0; code == 0 && i < options->repeat; i++) {
        struct ask_answer answer;

        ask_submit(session, &query, &answer);
        if (!i || answer.usec < best->usec)
            *best = answer;
    }
    ask_release(&query);
    return code;
}

static void ask(struct ask_session *session, const struct options *options,
                const struct skep_image *image, struct ask_answer *answer)
{
    struct skep_error err = {.size = sizeof err};
    int code = ask_once(session, options, image, answer, &err);

    if (code == 0 && strcmp(answer->verdict, "reject") == 0) {
        ask_forget(session);
        code = ask_once(session, options, image, answer, &err);
    }
    answer->insns = image->insn_count;
    if (code < 0) {
        answer->verdict = "refused";
        answer->code = -code;
        snprintf(answer->reason, sizeof answer->reason, "%s", err.text);
    }
}

/* -- printing ---------------------------------------------------------------------------------- */

static void print_answer(const struct options *options, const char *object,
                         const struct skep_prog_def *def, const struct ask_answer *answer,
                         bool is_first)
{
    const char *type = skep_prog_type_name(def->type);
    char code[32];

    if (options->is_tsv) {
        printf("%s\t%s\t%s\t%s\t%u\t%s\t%d\t%ld\t%ld\t%s\n", object, def->name, def->section,
               type ? type : "?", answer->insns, answer->verdict, answer->code, answer->usec,
               answer->processed, answer->reason);
        return;
    }
    printf("%s\n {", is_first ? "" : ",");
    raw_print_string("object", object, ", ");
    raw_print_string("section", def->section, ", ");
    raw_print_string("program", def->name, ", ");
    raw_print_string("type", type ? type : "?", ", ");
    raw_print_string("verdict", answer->verdict, ", ");
    printf("\"insns\": %u, \"processed\": %ld, \"states\": %ld, \"peak_states\": %ld, "
           "\"stack\": %ld, \"time_ns\": %ld, \"beyond_linux\": false, \"error\": ",
           answer->insns, answer->processed, answer->states, answer->peak, answer->stack,
           answer->usec * 1000);
    if (strcmp(answer->verdict, "accept") == 0) {
        printf("null}");
        return;
    }
    snprintf(code, sizeof code, "%d", answer->code);
    putchar('{');
    raw_print_string("code", code, ", ");
    raw_print_string("text", answer->reason, "}}");
}

/* -- objects ----------------------------------------------------------------------------------- */

static void set_type(struct skep_object *object, const struct options *options,
                     struct skep_prog_def *def)
{
    const char *type = choose(options->types, options->type_count, def->name);
    int number = type ? skep_prog_type_number(type) : -1;

    if (number < 0)
        return;
    def->type = (uint32_t)number;
    def->attach_type = 0;
    def->autoload = 1;
    (void)skep_object_set_prog(object, def, NULL);
}

static int ask_object(struct ask_session *session, const struct options *options, const char *path,
                      bool *is_first)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_link_opts link = {.size = sizeof link, .btf = options->btf};
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object;
    int code = skep_object_open(path, &object, &err);

    if (code < 0) {
        fprintf(stderr, "oracle: %s: %s\n", path, err.text);
        return code;
    }
    session->object = object;
    for (size_t i = 0; skep_object_prog(object, i, &def) == 0; i++)
        set_type(object, options, &def);
    code = skep_object_link(object, &link, &err);
    if (code < 0)
        fprintf(stderr, "oracle: %s: %s\n", path, err.text);
    for (size_t i = 0; skep_object_prog(object, i, &def) == 0; i++) {
        struct ask_answer answer;

        if (def.type == SKEP_PROG_TYPE_UNSPEC)
            continue;
        if (options->prog ? strcmp(options->prog, def.name) != 0
                          : !options->is_all && !def.autoload)
            continue;
        answer = (struct ask_answer){.verdict = "refused"};
        code = skep_object_image(object, i, &image, &err);
        if (code == 0)
            ask(session, options, &image, &answer);
        else
            snprintf(answer.reason, sizeof answer.reason, "%s", err.text);
        print_answer(options, path, &def, &answer, *is_first);
        fflush(stdout);
        *is_first = false;
    }
    ask_forget(session);
    skep_object_free(object);
    return 0;
}

static int ask_raw(struct ask_session *session, const struct options *options, const char *path,
                   bool *is_first)
{
    FILE *file = fopen(path, "r");
    struct raw_prog prog;
    int code;

    if (!file) {
        fprintf(stderr, "oracle: %s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((code = raw_next(file, &prog)) > 0) {
        const struct skep_prog_def def = {
            .name = prog.name, .section = prog.image.section, .type = prog.image.type};
        struct ask_answer answer = {.verdict = "refused"};

        if (!options->prog || strcmp(options->prog, prog.name) == 0) {
            session->raw = &prog;
            ask(session, options, &prog.image, &answer);
            ask_forget(session);
            print_answer(options, path, &def, &answer, *is_first);
            *is_first = false;
        }
        raw_free(&prog);
    }
    if (code < 0)
        fprintf(stderr, "oracle: %s: not a raw program file\n", path);
    raw_free(&prog);
    session->raw = NULL;
    fclose(file);
    return code;
}

static bool is_raw(const char *path)
{
    size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".raw") == 0;
}

/* -- the command ------------------------------------------------------------------------------- */

static void add_choice(struct choice *choices, unsigned *count, const char *text)
{
    const char *equals = strchr(text, '=');

    if (*count == MOST_CHOICES) {
        fprintf(stderr, "oracle: more than %d options of a kind\n", MOST_CHOICES);
        exit(2);
    }
    choices[(*count)++] = equals ? (struct choice){text, (size_t)(equals - text), equals + 1}
                                 : (struct choice){NULL, 0, text};
}

static struct skep_btf *open_types(const char *path)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;

    if (skep_btf_open(path, &btf, &err) < 0) {
        fprintf(stderr, "oracle: %s: %s\n", path, err.text);
        exit(2);
    }
    return btf;
}

static bool read_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--prog") == 0)
        options->prog = value;
    else if (strcmp(name, "--type") == 0)
        add_choice(options->types, &options->type_count, value);
    else if (strcmp(name, "--flags") == 0)
        add_choice(options->flags, &options->flag_count, value);
    else if (strcmp(name, "--as") == 0)
        options->caps = ask_caps_of_level(value);
    else if (strcmp(name, "--caps") == 0)
        options->caps = ask_caps_of_list(value);
    else if (strcmp(name, "--repeat") == 0)
        options->repeat = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--log-level") == 0)
        options->log_level = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--btf") == 0)
        options->btf = open_types(value);
    else if (strcmp(name, "--format") == 0)
        options->is_tsv = strcmp(value, "tsv") == 0;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct options options = {.repeat = 1};
    static struct ask_session session;
    struct skep_error err = {.size = sizeof err};
    bool is_first = true;
    int at = 1, result = 0;

    options.caps = ask_caps_of_level("root");
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++)
        if (strcmp(argv[at], "--all") == 0) {
            options.is_all = true;
        } else if (at + 1 < argc && read_option(&options, argv[at], argv[at + 1])) {
            at++;
        } else {
            fprintf(stderr, "oracle: %s: unknown, or without its value\n", argv[at]);
            return 2;
        }
    if (at == argc || !options.repeat) {
        fprintf(stderr,
                "usage: oracle [OPTION].. OBJECT..   (what there is stands on top of oracle.c)\n");
        return 2;
    }
    if (ask_open(&session, options.caps, &err) < 0) {
        fprintf(stderr, "oracle: %s: skipped\n", err.text);
        return 77;
    }
    session.log_level = options.log_level;
    if (options.is_tsv)
        puts("object\tprogram\tsection\tprog_type\tinsns\tverdict\terrno\tusec\tprocessed\treason");
    else
        putchar('[');
    for (; at < argc; at++)
        result |=
            (is_raw(argv[at]) ? ask_raw : ask_object)(&session, &options, argv[at], &is_first) < 0;
    if (!options.is_tsv)
        puts("\n]");
    ask_close(&session);
    skep_btf_free(options.btf);
    return result;
}
