/* show.c - the forms of a report: people, scripts, code scanners, GitHub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "fixture.h"

static void refused(struct fixture *f, bool has_lines)
{
    fixture_open(f, 0, has_lines);
    fixture_looked_up(f);
    reject_reg(&f->v, CODE_NULL_DEREF, 0, "R0 invalid mem access 'map_value_or_null'");
    f->result.processed = 31;
    f->result.states = 3;
    f->result.peak_states = 2;
    f->result.stack = 16;
    f->result.ns = 21499;
    f->result.peak_bytes = 4096;
}

static void test_people_read_a_compilers_message(void **state)
{
    struct fixture f;
    char *text;

    (void)state;
    refused(&f, true);
    text = fixture_print(&f, SKEP_REPORT_HUMAN);
    assert_string_equal(
        text,
        "fw.bpf.c:20:12: error: 'rule' may be NULL here: R0 invalid mem access 'map_value_or_null' "
        "[NULL_DEREF]\n"
        "   20 |     rule->x++;\n"
        "      |            ^\n"
        "      | insn 7: (79) r1 = *(u64 *)(r0 +8)\n"
        "fw.bpf.c:19:25: note: R0 came from bpf_map_lookup_elem(&rules, ..), which returns NULL "
        "when "
        "the key is absent\n"
        "fw.bpf.c:19: help: if (!rule) return XDP_PASS;\n"
        "xdp_fw  REJECT  insns 12  processed 31  states 3  peak 2  stack 16  0.021 ms   (skep "
        "explain "
        "NULL_DEREF)\n");
    free(text);
    fixture_close(&f);
}

static void test_without_lines_instructions_are_the_places(void **state)
{
    struct fixture f;
    char *text;

    (void)state;
    refused(&f, false);
    text = fixture_print(&f, SKEP_REPORT_HUMAN | SKEP_REPORT_NO_ROWS);
    assert_string_equal(
        text,
        "xdp_fw+insn 7: error: pointer may be null: R0 invalid mem access 'map_value_or_null' "
        "[NULL_DEREF]\n"
        "      | insn 7: (79) r1 = *(u64 *)(r0 +8)\n"
        "xdp_fw+insn 6: note: R0 came from bpf_map_lookup_elem(&rules, ..), which returns NULL "
        "when "
        "the key is absent\n"
        "xdp_fw+insn 7: help: compare the pointer with NULL before using it\n");
    free(text);
    fixture_close(&f);
}

static void test_a_packet_check_is_written_with_the_pointer_of_the_line(void **state)
{
    struct fixture f;
    char *text;

    (void)state;
    fixture_open(&f, 0, true);
    f.result.code = CODE_PACKET_BOUNDS;
    f.result.insn = 7;
    text = fixture_print(&f, SKEP_REPORT_HUMAN);
    assert_non_null(
        strstr(text, "fw.bpf.c:20: help: if ((void *)(rule + 1) > data_end) return XDP_PASS;\n"));
    free(text);
    f.result.insn = 1; /* a line without an arrow before its place */
    text = fixture_print(&f, SKEP_REPORT_HUMAN);
    assert_non_null(strstr(text, "help: compare the end of the access with data_end first\n"));
    free(text);
    fixture_close(&f);
}

static void test_colour_only_when_asked_for(void **state)
{
    struct fixture f;
    char *plain, *coloured;

    (void)state;
    refused(&f, true);
    plain = fixture_print(&f, SKEP_REPORT_HUMAN);
    coloured = fixture_print(&f, SKEP_REPORT_HUMAN | SKEP_REPORT_COLOUR);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[1;31merror:\033[0m"));
    free(plain);
    free(coloured);
    fixture_close(&f);
}

static cJSON *item(cJSON *from, const char *name)
{
    cJSON *found = cJSON_GetObjectItemCaseSensitive(from, name);

    if (!found)
        fail_msg("no member %s", name);
    return found;
}

static void assert_number(cJSON *from, const char *name, double expected)
{
    assert_true(cJSON_IsNumber(item(from, name)));
    assert_true(cJSON_GetNumberValue(item(from, name)) == expected);
}

static void assert_string(cJSON *from, const char *name, const char *expected)
{
    assert_string_equal(cJSON_GetStringValue(item(from, name)), expected);
}

static void test_json_has_the_members_of_its_contract(void **state)
{
    uint32_t formats[] = {SKEP_REPORT_JSON, SKEP_REPORT_JSON | SKEP_REPORT_PRETTY};
    struct fixture f;

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *text;
        cJSON *d, *row, *error, *note;

        refused(&f, true);
        text = fixture_print(&f, formats[i]);
        d = cJSON_Parse(text);
        assert_true(cJSON_IsArray(d));
        assert_int_equal(cJSON_GetArraySize(d), 1);
        row = cJSON_GetArrayItem(d, 0);
        assert_string(row, "object", "dir/fw.o");
        assert_string(row, "section", "xdp");
        assert_string(row, "program", "xdp_fw");
        assert_string(row, "verdict", "reject");
        assert_number(row, "insns", 12);
        assert_number(row, "processed", 31);
        assert_number(row, "states", 3);
        assert_number(row, "peak_states", 2);
        assert_number(row, "stack", 16);
        assert_number(row, "time_ns", 21499);
        assert_number(row, "peak_bytes", 4096);
        assert_true(cJSON_IsFalse(item(row, "beyond_linux")));
        error = item(row, "error");
        assert_string(error, "code", "NULL_DEREF");
        assert_number(error, "insn", 7);
        assert_string(error, "file", "fw.bpf.c");
        assert_number(error, "line", 20);
        assert_number(error, "column", 12);
        assert_non_null(strstr(cJSON_GetStringValue(item(error, "text")), "R0 invalid mem access"));
        assert_string(error, "help", "if (!rule) return XDP_PASS;");
        assert_int_equal(cJSON_GetArraySize(item(error, "notes")), 1);
        note = cJSON_GetArrayItem(item(error, "notes"), 0);
        assert_number(note, "insn", 6);
        assert_number(note, "line", 19);
        cJSON_Delete(d);
        free(text);
        fixture_close(&f);
    }
}

static void test_json_of_an_accepted_program_has_no_error(void **state)
{
    struct fixture f;
    cJSON *d, *row;
    char *text;

    (void)state;
    fixture_open(&f, 0, true);
    f.result.is_beyond_linux = true;
    text = fixture_print(&f, SKEP_REPORT_JSON);
    d = cJSON_Parse(text);
    row = cJSON_GetArrayItem(d, 0);
    assert_string(row, "verdict", "accept");
    assert_true(cJSON_IsNull(item(row, "error")));
    assert_true(cJSON_IsTrue(item(row, "beyond_linux")));
    cJSON_Delete(d);
    free(text);
    text = fixture_print(&f, SKEP_REPORT_HUMAN);
    assert_string_equal(text,
                        "xdp_fw  accept  insns 12  processed 0  states 0  peak 0  stack 0  0.000 "
                        "ms   beyond Linux: too complex for it\n");
    free(text);
    fixture_close(&f);
}

static void test_sarif_refers_to_its_rules(void **state)
{
    struct fixture f;
    cJSON *d, *run, *rule, *result, *place, *region;
    char *text;

    (void)state;
    refused(&f, true);
    text = fixture_print(&f, SKEP_REPORT_SARIF);
    d = cJSON_Parse(text);
    assert_string(d, "version", "2.1.0");
    run = cJSON_GetArrayItem(item(d, "runs"), 0);
    rule = cJSON_GetArrayItem(item(item(item(run, "tool"), "driver"), "rules"), 0);
    assert_string(rule, "id", "NULL_DEREF");
    result = cJSON_GetArrayItem(item(run, "results"), 0);
    assert_string(result, "ruleId", "NULL_DEREF");
    assert_number(result, "ruleIndex", 0);
    assert_string(result, "level", "error");
    place = item(cJSON_GetArrayItem(item(result, "locations"), 0), "physicalLocation");
    assert_string(item(place, "artifactLocation"), "uri", "fw.bpf.c");
    region = item(place, "region");
    assert_number(region, "startLine", 20);
    assert_number(region, "startColumn", 12);
    assert_int_equal(cJSON_GetArraySize(item(result, "relatedLocations")), 1);
    cJSON_Delete(d);
    free(text);
    fixture_close(&f);
}

static void test_control_characters_of_an_object_do_not_reach_a_terminal(void **state)
{
    struct skep_prog_def def = {
        .size = sizeof def, .name = "p\n::error::x\033[2J", .section = "xdp"};
    struct verify_result r = {.code = CODE_PROGRAM, .insn = INSN_NONE};
    struct skep_verdict verdict = {.size = sizeof verdict};
    struct skep_report *report = calloc(1, sizeof *report);

    (void)state;
    assert_int_equal(report_add(report, "b.o", &def, NULL, &r, NULL), 0);
    assert_int_equal(skep_report_verdict(report, 0, &verdict), 0);
    assert_string_equal(verdict.prog, "p?::error::x?[2J");
    skep_report_free(report);
}

static void test_github_annotations_are_escaped(void **state)
{
    struct fixture f;
    char *text;

    (void)state;
    refused(&f, true);
    snprintf(f.result.text, sizeof f.result.text, "100%% of it, and more");
    text = fixture_print(&f, SKEP_REPORT_GITHUB | SKEP_REPORT_NO_ROWS);
    assert_non_null(strstr(text,
                           "::error file=fw.bpf.c,line=20,col=12,title=xdp_fw [NULL_DEREF]::'rule' "
                           "may be NULL here: 100%25 of it, and more%0Afw.bpf.c:19:25: note: "));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
    fixture_close(&f);
}

static void test_a_program_that_was_never_linked_has_no_place(void **state)
{
    struct skep_prog_def def = {.size = sizeof def, .name = "odd", .section = "mystery"};
    struct verify_result r = {.code = CODE_PROGRAM, .insn = INSN_NONE, .text = "no type"};
    struct skep_verdict verdict = {.size = sizeof verdict};
    struct skep_report *report = calloc(1, sizeof *report);

    (void)state;
    assert_int_equal(report_add(report, "a/b.o", &def, NULL, &r, NULL), 0);
    assert_int_equal(skep_report_verdict(report, 0, &verdict), 0);
    assert_string_equal(verdict.code, "PROGRAM");
    assert_string_equal(verdict.text, "program cannot be loaded: no type");
    assert_int_equal(verdict.error, -SKEP_EINVAL);
    assert_int_equal(verdict.line, 0);
    assert_int_equal(skep_report_verdict(report, 1, &verdict), -SKEP_ENOENT);
    assert_int_equal(skep_report_rejected(report), 1);
    skep_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_read_a_compilers_message),
        cmocka_unit_test(test_without_lines_instructions_are_the_places),
        cmocka_unit_test(test_a_packet_check_is_written_with_the_pointer_of_the_line),
        cmocka_unit_test(test_colour_only_when_asked_for),
        cmocka_unit_test(test_json_has_the_members_of_its_contract),
        cmocka_unit_test(test_json_of_an_accepted_program_has_no_error),
        cmocka_unit_test(test_sarif_refers_to_its_rules),
        cmocka_unit_test(test_control_characters_of_an_object_do_not_reach_a_terminal),
        cmocka_unit_test(test_github_annotations_are_escaped),
        cmocka_unit_test(test_a_program_that_was_never_linked_has_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
