/* show_json.c - a report for scripts: JSON of our own, and SARIF 2.1.0 (OASIS standard, 27 March 2020) for code scanners. */
#include <inttypes.h>
#include <string.h>

#include "verify/report.h"
#include "verify/show.h"

enum { DEPTH = 16 };

/* One document. `key` is NULL in arrays and at the top. */
struct doc {
    struct text *text;
    bool is_pretty;
    unsigned depth;
    bool has_items[DEPTH];
};

static void line(struct doc *doc)
{
    if (doc->is_pretty)
        text_printf(doc->text, "\n%*s", (int)doc->depth * 2, "");
}

static void item(struct doc *doc, const char *key)
{
    if (doc->depth) {
        if (doc->has_items[doc->depth - 1])
            text_str(doc->text, ",");
        doc->has_items[doc->depth - 1] = true;
        line(doc);
    }
    if (key) {
        text_json(doc->text, key, strlen(key));
        text_str(doc->text, doc->is_pretty ? ": " : ":");
    }
}

static void begin(struct doc *doc, const char *key, const char *bracket)
{
    item(doc, key);
    text_str(doc->text, bracket);
    doc->has_items[doc->depth++] = false; /* documents below are seven deep */
}

static void end(struct doc *doc, const char *bracket)
{
    if (doc->has_items[--doc->depth])
        line(doc);
    text_str(doc->text, bracket);
}

static void number(struct doc *doc, const char *key, uint64_t n)
{
    item(doc, key);
    text_printf(doc->text, "%" PRIu64, n);
}

static void string(struct doc *doc, const char *key, const char *s) /* NULL: null */
{
    item(doc, key);
    if (s)
        text_json(doc->text, s, strlen(s));
    else
        text_str(doc->text, "null");
}

/* -- JSON -------------------------------------------------------------------------------------- */
static void place_members(struct doc *doc, const struct skep_report *report,
                          const struct report_place *place)
{
    if (place->insn == INSN_NONE)
        string(doc, "insn", NULL);
    else
        number(doc, "insn", place->insn);
    if (place->line) {
        string(doc, "file", report_file(report, place));
        number(doc, "line", place->line);
        number(doc, "column", place->column);
    } else {
        string(doc, "file", NULL);
        string(doc, "line", NULL);
        string(doc, "column", NULL);
    }
}

static void error_member(struct doc *doc, const struct skep_report *report,
                         const struct report_row *row)
{
    if (row->code == CODE_OK) {
        string(doc, "error", NULL);
        return;
    }
    begin(doc, "error", "{");
    string(doc, "code", verify_code(row->code)->name);
    place_members(doc, report, &row->place);
    string(doc, "text", row->text);
    begin(doc, "notes", "[");
    for (uint32_t i = 0; i < row->note_count; i++) {
        begin(doc, NULL, "{");
        place_members(doc, report, &row->notes[i].place);
        string(doc, "text", row->notes[i].text);
        end(doc, "}");
    }
    end(doc, "]");
    string(doc, "help", row->help);
    end(doc, "}");
}

void show_json(const struct skep_report *report, uint32_t flags, struct text *text)
{
    struct doc doc = {.text = text, .is_pretty = (flags & SKEP_REPORT_PRETTY) != 0};

    begin(&doc, NULL, "[");
    for (size_t i = 0; i < report->rows.count; i++) {
        const struct report_row *row = &report->rows.items[i];

        begin(&doc, NULL, "{");
        string(&doc, "object", row->object);
        string(&doc, "section", row->section);
        string(&doc, "program", row->prog);
        string(&doc, "verdict", row->code == CODE_OK ? "accept" : "reject");
        number(&doc, "insns", row->insns);
        number(&doc, "processed", row->processed);
        number(&doc, "states", row->states);
        number(&doc, "peak_states", row->peak_states);
        number(&doc, "stack", row->stack);
        number(&doc, "time_ns", row->ns);
        number(&doc, "peak_bytes", row->peak_bytes);
        item(&doc, "beyond_linux");
        text_str(text, row->is_beyond_linux ? "true" : "false");
        error_member(&doc, report, row);
        end(&doc, "}");
    }
    end(&doc, "]");
    text_str(text, "\n");
}

/* -- SARIF ------------------------------------------------------------------------------------- */
static void message_member(struct doc *doc, const char *key, const char *text)
{
    begin(doc, key, "{");
    string(doc, "text", text);
    end(doc, "}");
}

/* Where the source is unknown, the object is what is wrong. */
static void location_members(struct doc *doc, const struct skep_report *report,
                             const struct report_row *row, const struct report_place *place)
{
    begin(doc, "physicalLocation", "{");
    begin(doc, "artifactLocation", "{");
    string(doc, "uri", place->line ? report_file(report, place) : row->object);
    end(doc, "}");
    if (place->line) {
        begin(doc, "region", "{");
        number(doc, "startLine", place->line);
        if (place->column)
            number(doc, "startColumn", place->column);
        if (place->source[0])
            message_member(doc, "snippet", place->source);
        end(doc, "}");
    }
    end(doc, "}");
    begin(doc, "logicalLocations", "[");
    begin(doc, NULL, "{");
    string(doc, "name", row->prog);
    string(doc, "kind", "function");
    end(doc, "}");
    end(doc, "]");
}

static void result(struct doc *doc, const struct skep_report *report, const struct report_row *row,
                   uint32_t rule)
{
    begin(doc, NULL, "{");
    string(doc, "ruleId", verify_code(row->code)->name);
    number(doc, "ruleIndex", rule);
    string(doc, "level", "error");
    message_member(doc, "message", row->text);
    begin(doc, "locations", "[");
    begin(doc, NULL, "{");
    location_members(doc, report, row, &row->place);
    end(doc, "}");
    end(doc, "]");
    if (row->note_count) {
        begin(doc, "relatedLocations", "[");
        for (uint32_t i = 0; i < row->note_count; i++) {
            begin(doc, NULL, "{");
            number(doc, "id", i);
            location_members(doc, report, row, &row->notes[i].place);
            message_member(doc, "message", row->notes[i].text);
            end(doc, "}");
        }
        end(doc, "]");
    }
    begin(doc, "properties", "{");
    string(doc, "object", row->object);
    string(doc, "section", row->section);
    if (row->is_placed)
        number(doc, "insn", row->place.insn);
    string(doc, "help", row->help);
    end(doc, "}");
    end(doc, "}");
}

/* The rules that this report refers to, in the order of code.def; *index: where each of them is. */
static void rules(struct doc *doc, const struct skep_report *report, uint32_t index[CODE_COUNT])
{
    bool is_used[CODE_COUNT] = {false};
    uint32_t count = 0;

    for (size_t i = 0; i < report->rows.count; i++)
        is_used[report->rows.items[i].code] = true;
    begin(doc, "rules", "[");
    for (uint32_t code = CODE_OK + 1; code < CODE_COUNT; code++) {
        const struct verify_code_row *row = verify_code((enum verify_code)code);

        if (!is_used[code])
            continue;
        index[code] = count++;
        begin(doc, NULL, "{");
        string(doc, "id", row->name);
        message_member(doc, "shortDescription", row->title);
        message_member(doc, "help", row->explain);
        end(doc, "}");
    }
    end(doc, "]");
}

void show_sarif(const struct skep_report *report, uint32_t flags, struct text *text)
{
    struct doc doc = {.text = text, .is_pretty = (flags & SKEP_REPORT_PRETTY) != 0};
    uint32_t index[CODE_COUNT] = {0}, version = skep_version();

    begin(&doc, NULL, "{");
    string(&doc, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    string(&doc, "version", "2.1.0");
    begin(&doc, "runs", "[");
    begin(&doc, NULL, "{");
    begin(&doc, "tool", "{");
    begin(&doc, "driver", "{");
    string(&doc, "name", "skep");
    item(&doc, "version");
    text_printf(text, "\"%u.%u.%u\"", version >> 16, version >> 8 & 0xff, version & 0xff);
    rules(&doc, report, index);
    end(&doc, "}");
    end(&doc, "}");
    begin(&doc, "results", "[");
    for (size_t i = 0; i < report->rows.count; i++)
        if (report->rows.items[i].code != CODE_OK)
            result(&doc, report, &report->rows.items[i], index[report->rows.items[i].code]);
    end(&doc, "]");
    end(&doc, "}");
    end(&doc, "]");
    end(&doc, "}");
    text_str(text, "\n");
}
