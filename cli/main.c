/* main.c - the skep command: finds the verb and hands over. Also the two verbs that are about the command itself. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "json.h"
#include "system.h"

const struct verb *const verbs[] = {
    &verb_run, &verb_verify, &verb_explain,  &verb_inspect, &verb_dump, &verb_asm, &verb_disasm,
    &verb_btf, &verb_gen,    &verb_features, &verb_version, &verb_help, NULL,
};

static const char exit_codes[] = "exit: 0 yes | 1 no: rejected, faulted, differs | 2 usage or "
                                 "unreadable input | 3 the system refused\n";

static int version_run(const struct verb *verb, int argc, char **argv)
{
    struct json json = {.out = stdout};
    struct arg_list operands = {0};
    struct cli cli = {0};
    uint32_t version = skep_version();
    char text[32];
    int code = args_parse(verb, argc, argv, &cli, NULL, &operands);

    args_free(&operands);
    if (code != ARGS_GO_ON)
        return code;
    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
    if (cli.is_json) {
        json.is_pretty = cli.is_pretty;
        json_object(&json, NULL);
        json_string(&json, "schema", "skep.version/1");
        json_string(&json, "version", text);
        json_end_object(&json);
        json_finish(&json);
    } else {
        printf("skep %s\n", text);
    }
    return cli_finish(CLI_YES);
}

static void overview(FILE *out)
{
    fputs("skep runs, shows and makes eBPF programs in user space\nusage: skep VERB ...\n", out);
    for (size_t i = 0; verbs[i]; i++)
        fprintf(out, "  %-10s %-22s %s\n", verbs[i]->name, verbs[i]->operands, verbs[i]->about);
    fputs("`skep help VERB` or `skep VERB -h` says more; a file `-` is standard input\n", out);
    fputs(exit_codes, out);
}

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; verbs[i]; i++)
        if (!strcmp(verbs[i]->name, name))
            return verbs[i];
    return NULL;
}

static int unknown(const char *name)
{
    cli_complain("there is no verb '%s'", name);
    overview(stderr);
    return CLI_USAGE;
}

static int help_run(const struct verb *verb, int argc, char **argv)
{
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, NULL, &operands);
    const struct verb *topic;

    if (code == ARGS_GO_ON) {
        topic = operands.count ? verb_find(operands.items[0]) : NULL;
        if (topic)
            args_help(topic);
        else if (!operands.count)
            overview(stdout);
        code = operands.count && !topic ? unknown(operands.items[0]) : cli_finish(CLI_YES);
    }
    args_free(&operands);
    return code;
}

const struct verb verb_version = {
    .name = "version",
    .operands = "",
    .about = "show the version of the library that runs",
    .run = version_run,
};

const struct verb verb_help = {
    .name = "help",
    .operands = "[VERB]",
    .about = "show this text, or that of a verb",
    .max_operands = 1,
    .run = help_run,
};

int main(int argc, char **argv)
{
    const struct verb *verb;
    int at = 1;

    system_binary(stdout); /* the same bytes on every system */
    /* `skep -j inspect x` is `skep inspect -j x`: options that every verb takes may stand in front. */
    while (at < argc && argv[at][0] == '-' && strlen(argv[at]) == 2 && strchr("jpqv", argv[at][1]))
        at++;
    if (at >= argc) {
        overview(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[at], "-h") || !strcmp(argv[at], "--help")) {
        overview(stdout);
        return cli_finish(CLI_YES);
    }
    if (!strcmp(argv[at], "-V") || !strcmp(argv[at], "--version"))
        return version_run(&verb_version, at, argv);
    verb = verb_find(argv[at]);
    if (!verb)
        return unknown(argv[at]);
    /* The options in front move one place on and the verb's name takes the first one. */
    for (int i = at; i > 1; i--)
        argv[i] = argv[i - 1];
    argv[1] = (char *)(uintptr_t)verb->name;
    return verb->run(verb, argc - 1, argv + 1);
}
