/* compare.c - `skep verify --compare BASE.json`: verdicts and costs side by side, as `veristat -C` shows them.
 *
 * A program is the same one if object file (its last part), section and name agree. Documents without the member
 * "object" are compared by section and name alone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "compare.h"

struct compare {
    cJSON *rows;
    const char *path;
};

/* A number before and now. */
struct change {
    double before, now;
    bool is_known; /* before */
};

void compare_free(struct compare *compare)
{
    if (!compare)
        return;
    cJSON_Delete(compare->rows);
    free(compare);
}

int compare_read(const char *path, struct compare **out)
{
    struct compare *compare = calloc(1, sizeof *compare);
    uint8_t *bytes = NULL;
    size_t size;
    int code = compare ? cli_read(path, &bytes, &size) : CLI_REFUSED;

    if (code)
        goto out;
    code = CLI_USAGE;
    compare->path = path;
    compare->rows = cJSON_ParseWithLength((const char *)bytes, size);
    if (!cJSON_IsArray(compare->rows)) {
        cli_complain("--compare %s: not an array as `skep verify --format json` prints it",
                     cli_name(path));
        goto out;
    }
    *out = compare;
    compare = NULL;
    code = CLI_YES;
out:
    free(bytes);
    compare_free(compare);
    return code;
}

static const char *member(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));

    return text ? text : "";
}

static bool is_same(const cJSON *row, const struct skep_verdict *verdict)
{
    const char *object = member(row, "object");

    return !strcmp(member(row, "program"), verdict->prog) &&
           !strcmp(member(row, "section"), verdict->section) &&
           (!*object || !strcmp(cli_name(object), cli_name(verdict->object)));
}

static const cJSON *find(const struct compare *compare, const struct skep_verdict *verdict)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, compare->rows)
    {
        if (is_same(row, verdict))
            return row;
    }
    return NULL;
}

static struct change change_of(const cJSON *row, const char *name, uint64_t now)
{
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(row, name);
    bool is_known = cJSON_IsNumber(before);

    return (struct change){is_known ? cJSON_GetNumberValue(before) : 0, (double)now, is_known};
}

/* "31 -> 40 (+29.0%)"; one number where nothing changed. */
static void change_text(const struct change *c, int digits, double unit, char *text, size_t room)
{
    if (!c->is_known || c->before == c->now) /* whole numbers, exact */
        snprintf(text, room, "%.*f", digits, c->now / unit);
    else if (c->before > 0)
        snprintf(text, room, "%.*f -> %.*f (%+.1f%%)", digits, c->before / unit, digits,
                 c->now / unit, (c->now - c->before) * 100 / c->before);
    else
        snprintf(text, room, "%.*f -> %.*f", digits, c->before / unit, digits, c->now / unit);
}

static const char *verdict_text(const cJSON *before, bool is_accepted)
{
    bool was_accepted = !strcmp(member(before, "verdict"), "accept");

    if (!before)
        return is_accepted ? "new: accept" : "new: REJECT";
    if (was_accepted == is_accepted)
        return is_accepted ? "accept" : "REJECT";
    return is_accepted ? "REJECT -> accept" : "accept -> REJECT";
}

static int name_width(const struct skep_report *report)
{
    struct skep_verdict verdict = {.size = sizeof verdict};
    size_t width = 7;

    for (size_t i = 0; !skep_report_verdict(report, i, &verdict); i++)
        if (strlen(verdict.prog) > width)
            width = strlen(verdict.prog);
    return width < 64 ? (int)width : 64;
}

size_t compare_show(const struct compare *compare, const struct skep_report *report, FILE *out)
{
    struct skep_verdict verdict = {.size = sizeof verdict};
    int width = name_width(report);
    size_t flips = 0;
    const cJSON *row;

    fprintf(out, "%-*s  %-16s  %-28s  %-20s  %s\n", width, "program", "verdict", "processed",
            "stack", "ms");
    for (size_t i = 0; !skep_report_verdict(report, i, &verdict); i++) {
        const cJSON *before = find(compare, &verdict);
        const struct change processed = change_of(before, "processed", verdict.processed),
                            stack = change_of(before, "stack", verdict.stack),
                            ns = change_of(before, "time_ns", verdict.ns);
        char text[3][64];

        change_text(&processed, 0, 1, text[0], sizeof text[0]);
        change_text(&stack, 0, 1, text[1], sizeof text[1]);
        change_text(&ns, 3, 1e6, text[2], sizeof text[2]);
        fprintf(out, "%-*s  %-16s  %-28s  %-20s  %s\n", width, verdict.prog,
                verdict_text(before, !verdict.code), text[0], text[1], text[2]);
        flips += verdict.code && (!before || !strcmp(member(before, "verdict"), "accept"));
    }
    cJSON_ArrayForEach(row, compare->rows)
    {
        bool is_there = false;

        for (size_t i = 0; !is_there && !skep_report_verdict(report, i, &verdict); i++)
            is_there = is_same(row, &verdict);
        if (!is_there)
            fprintf(out, "%-*s  gone\n", width, member(row, "program"));
    }
    return flips;
}
