/* show.c - a report as text: for people, like a compiler's messages with a table behind them, and as GitHub's workflow
 * commands. What scripts read is in show_json.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "verify/report.h"
#include "verify/show.h"

enum paint { PAINT_ERROR, PAINT_NOTE, PAINT_HELP, PAINT_STRONG, PAINT_COUNT };

/* ECMA-48 SGR: red, cyan, green, all of them bold. */
static const char *const paints[PAINT_COUNT] = {"\033[1;31m", "\033[1;36m", "\033[1;32m",
                                                "\033[1m"};

struct page {
    const struct skep_report *report;
    struct text *text;
    bool has_colour;
    int name_width, insns_width, processed_width, states_width, peak_width, stack_width;
    bool names_objects; /* several objects: rows say which */
};

static void painted(const struct page *page, enum paint paint, const char *text)
{
    if (page->has_colour)
        text_printf(page->text, "%s%s\033[0m", paints[paint], text);
    else
        text_str(page->text, text);
}

/* The last part of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* -- messages ---------------------------------------------------------------------------------- */
/* "fw.bpf.c:57:10", else "xdp_fw+insn 7", else "fw.o: prog xdp_fw". */
static void place_text(const struct page *page, const struct report_row *row,
                       const struct report_place *place, bool has_column, char *text, size_t room)
{
    const char *file = report_file(page->report, place);

    if (place->line && has_column && place->column)
        snprintf(text, room, "%s:%u:%u", file, place->line, place->column);
    else if (place->line)
        snprintf(text, room, "%s:%u", file, place->line);
    else if (row->is_placed)
        snprintf(text, room, "%s+insn %u", row->prog, place->insn);
    else
        snprintf(text, room, "%s: prog %s", base_name(row->object), row->prog);
}

/* The line as it stands in the file, its place marked, and the instruction that it became. */
static void source_block(const struct page *page, const struct report_row *row)
{
    const struct report_place *place = &row->place;
    size_t length = strlen(place->source);

    if (place->line && length) {
        text_printf(page->text, "%5u | %s\n", place->line, place->source);
        if (place->column && place->column <= length) {
            text_str(page->text, "      | ");
            for (uint32_t i = 0; i + 1 < place->column; i++)
                text_str(page->text, place->source[i] == '\t' ? "\t" : " ");
            painted(page, PAINT_HELP, "^");
            text_str(page->text, "\n");
        }
    }
    if (row->is_placed && place->insn_text[0])
        text_printf(page->text, "%5s | insn %u: %s\n", "", place->insn, place->insn_text);
}

static void message(const struct page *page, const struct report_row *row)
{
    char place[384];

    place_text(page, row, &row->place, true, place, sizeof place);
    painted(page, PAINT_STRONG, place);
    text_str(page->text, ": ");
    painted(page, PAINT_ERROR, "error:");
    text_str(page->text, " ");
    painted(page, PAINT_STRONG, row->text);
    text_printf(page->text, " [%s]\n", verify_code(row->code)->name);
    source_block(page, row);
    for (uint32_t i = 0; i < row->note_count; i++) {
        place_text(page, row, &row->notes[i].place, true, place, sizeof place);
        painted(page, PAINT_STRONG, place);
        text_str(page->text, ": ");
        painted(page, PAINT_NOTE, "note:");
        text_printf(page->text, " %s\n", row->notes[i].text);
    }
    if (!row->help[0])
        return;
    place_text(page, row, &row->help_place, false, place, sizeof place);
    painted(page, PAINT_STRONG, place);
    text_str(page->text, ": ");
    painted(page, PAINT_HELP, "help:");
    text_printf(page->text, " %s\n", row->help);
}

/* -- the table --------------------------------------------------------------------------------- */
static void widen(int *width, int length)
{
    if (length > *width)
        *width = length;
}

static int row_name(const struct page *page, const struct report_row *row, char *text, size_t room)
{
    if (page->names_objects)
        return snprintf(text, room, "%s: %s", base_name(row->object), row->prog);
    return snprintf(text, room, "%s", row->prog);
}

static void measure(struct page *page)
{
    const struct skep_report *report = page->report;
    char name[256];

    for (size_t i = 1; i < report->rows.count; i++)
        page->names_objects |=
            strcmp(report->rows.items[i].object, report->rows.items[0].object) != 0;
    for (size_t i = 0; i < report->rows.count; i++) {
        const struct report_row *row = &report->rows.items[i];

        widen(&page->name_width, row_name(page, row, name, sizeof name));
        widen(&page->insns_width, snprintf(NULL, 0, "%u", row->insns));
        widen(&page->processed_width, snprintf(NULL, 0, "%u", row->processed));
        widen(&page->states_width, snprintf(NULL, 0, "%u", row->states));
        widen(&page->peak_width, snprintf(NULL, 0, "%u", row->peak_states));
        widen(&page->stack_width, snprintf(NULL, 0, "%u", row->stack));
    }
}

static void table_row(const struct page *page, const struct report_row *row)
{
    char name[256];

    row_name(page, row, name, sizeof name);
    text_printf(page->text, "%-*s  ", page->name_width, name);
    painted(page, row->code == CODE_OK ? PAINT_HELP : PAINT_ERROR,
            row->code == CODE_OK ? "accept" : "REJECT");
    text_printf(page->text,
                "  insns %-*u  processed %-*u  states %-*u  peak %-*u  stack %-*u  "
                "%" PRIu64 ".%03" PRIu64 " ms",
                page->insns_width, row->insns, page->processed_width, row->processed,
                page->states_width, row->states, page->peak_width, row->peak_states,
                page->stack_width, row->stack, row->ns / 1000000, row->ns / 1000 % 1000);
    if (row->code != CODE_OK)
        text_printf(page->text, "   (skep explain %s)", verify_code(row->code)->name);
    else if (row->is_beyond_linux)
        text_str(page->text, "   beyond Linux: too complex for it");
    text_str(page->text, "\n");
}

/* What `explain` says of each rejected program, then the table of all. */
static void page_print(struct page *page, uint32_t flags,
                       void (*explain)(const struct page *, const struct report_row *))
{
    const struct report_row *rows = page->report->rows.items;
    size_t count = page->report->rows.count;

    for (size_t i = 0; i < count; i++)
        if (rows[i].code != CODE_OK)
            explain(page, &rows[i]);
    if (flags & SKEP_REPORT_NO_ROWS)
        return;
    measure(page);
    for (size_t i = 0; i < count; i++)
        table_row(page, &rows[i]);
}

void show_human(const struct skep_report *report, uint32_t flags, struct text *text)
{
    struct page page = {
        .report = report, .text = text, .has_colour = (flags & SKEP_REPORT_COLOUR) != 0};

    page_print(&page, flags, message);
}

/* -- GitHub ------------------------------------------------------------------------------------ */
/* "Workflow commands for GitHub Actions": percent and line ends are escaped, in properties colons and commas too. */
static void escaped(struct text *text, const char *part, bool is_property)
{
    for (; *part; part++) {
        if (*part == '%' || *part == '\r' || *part == '\n' ||
            (is_property && (*part == ':' || *part == ',')))
            text_printf(text, "%%%02X", (unsigned char)*part);
        else
            text_add(text, part, 1);
    }
}

static void annotation(const struct page *page, const struct report_row *row)
{
    struct text *text = page->text;
    char place[384];

    text_str(text, "::error ");
    if (row->place.line) {
        text_str(text, "file=");
        escaped(text, report_file(page->report, &row->place), true);
        text_printf(text, ",line=%u", row->place.line);
        if (row->place.column)
            text_printf(text, ",col=%u", row->place.column);
        text_str(text, ",");
    }
    text_str(text, "title=");
    escaped(text, row->prog, true);
    text_printf(text, " [%s]::", verify_code(row->code)->name);
    if (!row->place.line) {
        place_text(page, row, &row->place, false, place, sizeof place);
        escaped(text, place, false);
        text_str(text, ": ");
    }
    escaped(text, row->text, false);
    for (uint32_t i = 0; i < row->note_count; i++) {
        place_text(page, row, &row->notes[i].place, true, place, sizeof place);
        text_str(text, "%0A");
        escaped(text, place, false);
        text_str(text, ": note: ");
        escaped(text, row->notes[i].text, false);
    }
    if (row->help[0]) {
        text_str(text, "%0Ahelp: ");
        escaped(text, row->help, false);
    }
    text_str(text, "\n");
}

void show_github(const struct skep_report *report, uint32_t flags, struct text *text)
{
    struct page page = {.report = report, .text = text};

    page_print(&page, flags, annotation);
}

int skep_report_print(const struct skep_report *report, uint32_t format, skep_print_fn print,
                      void *user)
{
    static void (*const shows[])(const struct skep_report *, uint32_t, struct text *) = {
        [SKEP_REPORT_HUMAN] = show_human,
        [SKEP_REPORT_JSON] = show_json,
        [SKEP_REPORT_SARIF] = show_sarif,
        [SKEP_REPORT_GITHUB] = show_github,
    };
    struct text text = {.print = print, .user = user};

    if ((format & 0xff) >= ARRAY_SIZE(shows))
        return -SKEP_EINVAL;
    shows[format & 0xff](report, format, &text);
    return text.code;
}
