/* features.c - skep features: every program type, map type, helper and kfunc: yes, or why not. From the library's tables. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "json.h"

struct features_options {
    const char *kind;
};

static const struct arg_option options[] = {
    {"kind", 0, ARG_TEXT, offsetof(struct features_options, kind), "KIND",
     "\"program type\", \"map type\", helper or kfunc only"},
    {0},
};

static void show_json(const struct cli *cli, const char *kind)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    struct skep_feature feature = {.size = sizeof feature};

    json_object(&json, NULL);
    json_string(&json, "schema", "skep.features/1");
    json_array(&json, "features");
    for (size_t i = 0; !skep_feature(i, &feature); i++) {
        if (kind && strcmp(kind, feature.kind) != 0)
            continue;
        json_object(&json, NULL);
        json_string(&json, "kind", feature.kind);
        json_string(&json, "name", feature.name);
        if (strcmp(feature.kind, "kfunc") != 0)
            json_u64(&json, "number", feature.number);
        json_bool(&json, "available", feature.is_available != 0);
        if (feature.why)
            json_string(&json, "why", feature.why);
        if (feature.since)
            json_string(&json, "since", feature.since);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    json_finish(&json);
}

/* The table is in groups of one kind; each ends with its sum. */
static void show_text(const char *kind)
{
    struct skep_feature feature = {.size = sizeof feature};
    unsigned yes = 0, all = 0;
    char last[32] = "";

    for (size_t i = 0; !skep_feature(i, &feature); i++) {
        if (kind && strcmp(kind, feature.kind) != 0)
            continue;
        if (*last && strcmp(last, feature.kind) != 0) {
            printf("%u of %u %ss\n\n", yes, all, last);
            yes = all = 0;
        }
        snprintf(last, sizeof last, "%s", feature.kind);
        all++;
        yes += feature.is_available != 0;
        printf("%-12s  %-36s %s%s%s\n", feature.kind, feature.name,
               feature.is_available ? "yes" : "no", feature.why ? ": " : "",
               feature.why ? feature.why : "");
    }
    if (*last)
        printf("%u of %u %ss\n", yes, all, last);
}

static int features_run(const struct verb *verb, int argc, char **argv)
{
    static const char *const kinds[] = {"program type", "map type", "helper", "kfunc"};
    struct features_options opts = {0};
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, &opts, &operands);
    bool is_known = !opts.kind;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        is_known |= opts.kind && !strcmp(opts.kind, kinds[i]);
    if (code == ARGS_GO_ON && !is_known)
        code = args_usage(verb, "--kind %s: \"program type\", \"map type\", helper or kfunc",
                          opts.kind);
    if (code == ARGS_GO_ON) {
        cli.is_json ? show_json(&cli, opts.kind) : show_text(opts.kind);
        code = cli_finish(CLI_YES);
    }
    args_free(&operands);
    return code;
}

const struct verb verb_features = {
    .name = "features",
    .operands = "",
    .about = "what this build runs: yes, or why not",
    .options = options,
    .run = features_run,
};
