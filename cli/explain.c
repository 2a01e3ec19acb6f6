/* explain.c - skep explain: the rules that `skep verify` refuses programs by. */
#include <stdio.h>

#include <skep/verify.h>

#include "args.h"
#include "json.h"

static void rule_json(struct json *json, const struct skep_verify_rule *rule)
{
    json_object(json, NULL);
    json_string(json, "code", rule->code);
    json_string(json, "title", rule->title);
    json_string(json, "errno", skep_code_name(rule->error));
    json_string(json, "help", rule->help);
    json_string(json, "explain", rule->explain);
    json_end_object(json);
}

static void list_json(const struct cli *cli)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    struct skep_verify_rule rule = {.size = sizeof rule};

    json_object(&json, NULL);
    json_string(&json, "schema", "skep.explain/1");
    json_array(&json, "codes");
    for (size_t i = 0; !skep_verify_rule(i, &rule); i++)
        rule_json(&json, &rule);
    json_end_array(&json);
    json_end_object(&json);
    json_finish(&json);
}

static void list_text(void)
{
    struct skep_verify_rule rule = {.size = sizeof rule};

    for (size_t i = 0; !skep_verify_rule(i, &rule); i++)
        printf("%-16s %s\n", rule.code, rule.title);
}

static int one(const struct cli *cli, const char *code)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    struct skep_verify_rule rule = {.size = sizeof rule};

    if (skep_verify_rule_find(code, &rule)) {
        cli_complain("there is no code '%s' (`skep explain` lists them)", code);
        return CLI_USAGE;
    }
    if (cli->is_json) {
        rule_json(&json, &rule);
        json_finish(&json);
    } else {
        printf("%s: %s\n\n%s\n\nhelp: %s\nLinux says: %s\n", rule.code, rule.title, rule.explain,
               rule.help, skep_code_name(rule.error) + sizeof "SKEP_" - 1);
    }
    return CLI_YES;
}

static int explain_run(const struct verb *verb, int argc, char **argv)
{
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, NULL, &operands);

    if (code == ARGS_GO_ON) {
        code = CLI_YES;
        if (operands.count)
            code = one(&cli, operands.items[0]);
        else
            cli.is_json ? list_json(&cli) : list_text();
        code = cli_finish(code);
    }
    args_free(&operands);
    return code;
}

const struct verb verb_explain = {
    .name = "explain",
    .operands = "[CODE]",
    .about = "what a code of `skep verify` means; without CODE: all of them",
    .max_operands = 1,
    .run = explain_run,
};
