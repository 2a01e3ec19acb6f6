/* rules.c - every code has its texts, and docs/verifier.md lists them all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/verify.h>

static void test_every_rule_says_what_and_why(void **state)
{
    struct skep_verify_rule rule = {.size = sizeof rule}, same = {.size = sizeof same};
    size_t count = 0;

    (void)state;
    for (; !skep_verify_rule(count, &rule); count++) {
        assert_true(rule.title[0] && rule.help[0]);
        assert_true(strlen(rule.explain) > 80);
        assert_true(rule.error < 0);
        assert_int_equal(skep_verify_rule_find(rule.code, &same), 0);
        assert_ptr_equal(same.code, rule.code);
        for (const char *line = rule.explain; line; line = strchr(line, '\n')) {
            line += *line == '\n';
            if (strcspn(line, "\n") > 120)
                fail_msg("%s: a line of %zu characters", rule.code, strcspn(line, "\n"));
        }
    }
    assert_true(count > 50);
    assert_int_equal(skep_verify_rule_find("null_deref", &same), 0);
    assert_string_equal(same.code, "NULL_DEREF");
    assert_int_equal(skep_verify_rule_find("NULL", &same), -SKEP_ENOENT);
    assert_int_equal(skep_verify_rule_find("", &same), -SKEP_ENOENT);
    assert_int_equal(skep_verify_rule_find("OK", &same), -SKEP_ENOENT);
}

static void test_the_documentation_has_a_row_for_every_code(void **state)
{
    struct skep_verify_rule rule = {.size = sizeof rule};
    char *text = calloc(1, 1 << 20), row[256];
    FILE *file = fopen("docs/verifier.md", "rb");

    (void)state;
    assert_non_null(text);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    for (size_t i = 0; !skep_verify_rule(i, &rule); i++) {
        snprintf(row, sizeof row, "| `%s` | %s | %s |", rule.code, rule.title,
                 skep_code_name(rule.error) + strlen("SKEP_"));
        if (!strstr(text, row))
            fail_msg("docs/verifier.md has no row: %s", row);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_says_what_and_why),
        cmocka_unit_test(test_the_documentation_has_a_row_for_every_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
