/* verdict.c - skep_verify: the chosen programs of an object, one after the other; and the report as data. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/sized.h"
#include "verify/facts.h"
#include "verify/input.h"
#include "verify/report.h"

enum { INSN_TEXT = 128, MESSAGE = 512 };

/* -- rows -------------------------------------------------------------------------------------- */
/* Names and source lines come from the object: control characters could write to a terminal what nobody said, or make
 * commands of a workflow's log. */
static const char *keep(struct skep_report *report, const char *text)
{
    char *copy = arena_string(&report->arena, text ? text : "");

    for (char *c = copy; c && *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            *c = '?';
    return copy ? copy : "";
}

static const struct skep_image_line *line_of(const struct skep_image *image, uint32_t insn)
{
    const struct skep_image_line *line = NULL;

    for (uint32_t i = 0; i < image->line_count && image->lines[i].insn <= insn; i++)
        line = &image->lines[i];
    return line;
}

static const char *helper_name(void *user, int32_t id)
{
    (void)user;
    return skep_helper_name((uint32_t)id);
}

static const char *func_name(void *user, uint32_t insn)
{
    const struct skep_image *image = *(const struct skep_image *const *)user;

    for (uint32_t i = 0; i < image->func_count; i++)
        if (image->funcs[i].insn == insn)
            return image->funcs[i].name;
    return NULL;
}

static struct report_place place_of(struct skep_report *report, const struct skep_image *image,
                                    uint32_t insn)
{
    struct report_place place = {.insn = insn, .file = "", .source = "", .insn_text = ""};
    struct skep_disasm_names how = {
        .size = sizeof how, .user = &image, .helper = helper_name, .func = func_name};
    const struct skep_image_line *line = line_of(image, insn);
    char text[INSN_TEXT];

    if (insn < image->insn_count &&
        skep_disasm(image->insns, image->insn_count, insn, SKEP_DISASM_BPFTOOL, &how, text,
                    sizeof text, NULL) >= 0)
        place.insn_text = keep(report, text);
    if (line) {
        place.line = line->line;
        place.column = line->column;
        place.file = keep(report, line->file);
        place.source = keep(report, line->source);
    }
    return place;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The pointer that is dereferenced at a place of a source line: "rule" of "rule->hits++", "p" of "*p" and "p[3]". A
 * compiler's column is somewhere in the expression. False: the line does not show it. */
static bool pointer_name(const char *source, uint32_t column, bool arrow_only, char *name,
                         size_t room)
{
    size_t length = strlen(source), at = column && column <= length ? column : length, end, start;

    for (size_t i = at; i-- > 0;) {
        bool is_arrow = source[i] == '-' && source[i + 1] == '>', is_index = source[i] == '[';
        bool is_star = source[i] == '*' && is_name_char(source[i + 1]) &&
                       (i == 0 || strchr(" (!&\t=,", source[i - 1]));

        if (arrow_only ? !is_arrow : !is_arrow && !is_index && !is_star)
            continue;
        end = i;
        start = i;
        if (is_star) {
            for (start = end = i + 1; is_name_char(source[end]); end++)
                ;
        } else {
            while (end > 0 && source[end - 1] == ' ')
                end--;
            for (start = end; start > 0 && is_name_char(source[start - 1]); start--)
                ;
        }
        if (start == end || (source[start] >= '0' && source[start] <= '9'))
            return false;
        snprintf(name, room, "%.*s", (int)(end - start), source + start);
        return true;
    }
    return false;
}

/* What people read: the rule first, then the verifier's own words, which can be searched for. */
static const char *message_of(struct skep_report *report, const struct verify_result *r,
                              const struct report_place *place)
{
    const char *title = verify_code(r->code)->title;
    char text[MESSAGE], name[64];

    if (r->code == CODE_NULL_DEREF &&
        pointer_name(place->source, place->column, false, name, sizeof name))
        snprintf(text, sizeof text, "'%s' may be NULL here: %s", name, r->text);
    else if (r->text[0] && strcmp(r->text, title) != 0)
        snprintf(text, sizeof text, "%s: %s", title, r->text);
    else
        snprintf(text, sizeof text, "%s", title);
    for (size_t length = strlen(text); length && strchr("\n .", text[length - 1]); length--)
        text[length - 1] = '\0';
    return keep(report, text);
}

static bool add_notes(struct skep_report *report, const struct skep_image *image,
                      const struct verify_result *r, struct report_row *row)
{
    row->notes = arena_alloc(&report->arena, (r->note_count + 1) * sizeof *row->notes);
    if (!row->notes)
        return false;
    for (uint32_t i = 0; i < r->note_count && i < ARRAY_SIZE(r->notes); i++) {
        row->notes[i].text = keep(report, r->notes[i].text);
        row->notes[i].place = place_of(report, image, r->notes[i].insn);
        row->note_count = i + 1;
    }
    return true;
}

/* For a missing check the check itself, else what the verifier knows to say, else what the rule always says. */
static void add_help(struct skep_report *report, const struct skep_image *image,
                     const struct verify_result *r, struct report_row *row)
{
    bool is_null = r->code == CODE_NULL_DEREF, is_packet = r->code == CODE_PACKET_BOUNDS, is_main;
    char text[160], name[64];
    const char *value;

    row->help_place = row->place;
    row->help = r->help[0] ? keep(report, r->help) : verify_code(r->code)->help;
    if ((!is_null && !is_packet) || (is_null && (r->help[0] || !row->note_count)) ||
        !pointer_name(row->place.source, row->place.column, is_packet, name, sizeof name))
        return;
    is_main = image->func_count < 2 || r->insn < image->funcs[1].insn;
    value = skep_verdict_name(image->type, image->type == SKEP_PROG_TYPE_XDP ? 2 : 0);
    snprintf(text, sizeof text,
             is_null ? "if (!%s) return %s;" : "if ((void *)(%s + 1) > data_end) return %s;", name,
             !is_main ? ".."
             : value  ? value
                      : "0");
    row->help = keep(report, text);
    if (is_null)
        row->help_place = row->notes[0].place;
}

int report_add(struct skep_report *report, const char *object, const struct skep_prog_def *def,
               const struct skep_image *image, const struct verify_result *r,
               const struct skep_error *place)
{
    struct report_row *row = VEC_PUSH(&report->rows);

    if (!row)
        return -SKEP_ENOMEM;
    *row = (struct report_row){
        .object = keep(report, object),
        .prog = keep(report, def->name),
        .section = keep(report, def->section),
        .code = r->code,
        .text = "",
        .help = "",
        .place = {.insn = r->insn, .file = "", .source = "", .insn_text = ""},
        .help_place = {.insn = r->insn, .file = "", .source = "", .insn_text = ""},
        .insns = r->insns,
        .processed = r->processed,
        .states = r->states,
        .peak_states = r->peak_states,
        .stack = r->stack,
        .ns = r->ns,
        .peak_bytes = r->peak_bytes,
        .is_beyond_linux = r->is_beyond_linux,
    };
    if (r->code == CODE_OK)
        return 0;
    if (image) {
        row->is_placed = r->insn < image->insn_count;
        row->place = place_of(report, image, r->insn);
        if (!add_notes(report, image, r, row)) {
            report->rows.count--;
            return -SKEP_ENOMEM;
        }
    } else if (place && place->line) {
        row->place.line = place->line;
        row->place.column = place->column;
        row->place.file = keep(report, place->file);
    }
    row->text = message_of(report, r, &row->place);
    add_help(report, image, r, row);
    return 0;
}

/* -- skep_verify ------------------------------------------------------------------------------- */
struct verification {
    struct skep_object *obj;
    struct skep_verify_opts opts;
    struct skep_report *report;
    struct skep_error *err;
};

/* A program that never came to the verifier. */
static int add_unlinked(struct verification *v, const struct skep_prog_def *def,
                        const struct skep_error *why)
{
    struct verify_result r = {
        .code = CODE_PROGRAM, .insn = INSN_NONE, .reg = UINT8_MAX, .insns = def->insns};

    snprintf(r.text, sizeof r.text, "%s", why->text[0] ? why->text : skep_code_name(why->code));
    return report_add(v->report, skep_object_name(v->obj), def, NULL, &r, why);
}

static int add_untyped(struct verification *v, const struct skep_prog_def *def)
{
    struct skep_error why = {.size = sizeof why};

    error_set(&why, -SKEP_EINVAL, "SEC(\"%s\") does not say which type it has", def->section);
    return add_unlinked(v, def, &why);
}

static int judge(struct verification *v, size_t index, const struct skep_prog_def *def)
{
    struct skep_image image = {.size = sizeof image};
    struct skep_error why = {.size = sizeof why};
    struct verify_result r = {.code = CODE_OK};
    int rc;

    if (!def->is_type_known)
        return add_untyped(v, def);
    if (skep_object_image(v->obj, index, &image, &why))
        return add_unlinked(v, def, &why);
    rc = verify_image(v->obj, &image, &v->opts, NULL, &r, &why);
    if (rc) {
        error_set(v->err, rc, "%s", why.text[0] ? why.text : skep_code_name(rc));
        error_subject(v->err, "%s: prog %s", skep_object_name(v->obj), def->name);
        return rc;
    }
    rc = report_add(v->report, skep_object_name(v->obj), def, &image, &r, NULL);
    facts_free(r.facts);
    return rc;
}

/* How programs are named by opts.prog: a function if there is one, else all of a section. */
enum naming { NAMES_NOTHING, NAMES_FUNCTION, NAMES_SECTION };

static enum naming naming_of(const struct skep_object *obj, const char *name)
{
    struct skep_prog_def def = {.size = sizeof def};
    enum naming naming = NAMES_NOTHING;

    for (size_t i = 0; !skep_object_prog(obj, i, &def); i++) {
        if (!strcmp(def.name, name))
            return NAMES_FUNCTION;
        if (!strcmp(def.section, name))
            naming = NAMES_SECTION;
    }
    return naming;
}

static bool is_wanted(const struct verification *v, enum naming naming,
                      const struct skep_prog_def *def)
{
    if (!v->opts.prog)
        return v->opts.all || def->autoload;
    return !strcmp(naming == NAMES_FUNCTION ? def->name : def->section, v->opts.prog);
}

static int verify_all(struct verification *v)
{
    struct skep_link_opts link = {.size = sizeof link, .btf = v->opts.btf};
    struct skep_prog_def def = {.size = sizeof def};
    enum naming naming = v->opts.prog ? naming_of(v->obj, v->opts.prog) : NAMES_NOTHING;
    int rc;

    if (skep_object_is_big_endian(v->obj) != HOST_IS_BIG)
        return error_set(v->err, -SKEP_EINVAL, "the object is %s-endian, this machine is not",
                         HOST_IS_BIG ? "little" : "big");
    if (v->opts.prog && naming == NAMES_NOTHING)
        return error_set(v->err, -SKEP_ENOENT, "there is no program '%s'", v->opts.prog);
    rc = skep_object_link(v->obj, &link, v->err);
    for (size_t i = 0; !rc && !skep_object_prog(v->obj, i, &def); i++)
        if (is_wanted(v, naming, &def))
            rc = judge(v, i, &def);
    return rc;
}

int skep_verify(struct skep_object *obj, const struct skep_verify_opts *opts,
                struct skep_report **report, struct skep_error *err)
{
    struct verification v = {.obj = obj, .report = *report, .err = err};
    int rc;

    if (opts) {
        rc = sized_check(opts, sizeof v.opts, "skep_verify_opts", err);
        if (rc)
            return rc;
        sized_copy_in(&v.opts, sizeof v.opts, opts);
    }
    v.opts.size = sizeof v.opts;
    if (!v.report)
        v.report = calloc(1, sizeof *v.report);
    if (!v.report)
        return error_set(err, -SKEP_ENOMEM, "no memory for a report");
    rc = verify_all(&v);
    if (rc && err && err->size >= sizeof *err && !err->subject[0])
        error_subject(err, "%s", skep_object_name(obj));
    if (v.report->rows.count || !rc)
        *report = v.report;
    else if (!*report)
        skep_report_free(v.report);
    return rc;
}

void skep_report_free(struct skep_report *report)
{
    if (!report)
        return;
    arena_free(&report->arena);
    free(report->rows.items);
    free(report);
}

/* -- reading ----------------------------------------------------------------------------------- */
int skep_report_verdict(const struct skep_report *report, size_t index, struct skep_verdict *out)
{
    const struct report_row *row;
    const struct verify_code_row *rule;
    struct skep_verdict verdict;

    if (index >= report->rows.count)
        return -SKEP_ENOENT;
    row = &report->rows.items[index];
    rule = verify_code(row->code);
    verdict = (struct skep_verdict){
        .object = row->object,
        .prog = row->prog,
        .section = row->section,
        .code = row->code == CODE_OK ? NULL : rule->name,
        .title = row->code == CODE_OK ? "" : rule->title,
        .text = row->text,
        .help = row->help,
        .error = -rule->errno_,
        .insn = row->place.insn,
        .line = row->place.line,
        .column = row->place.column,
        .file = row->place.file,
        .source = row->place.source,
        .insn_text = row->place.insn_text,
        .note_count = row->note_count,
        .insns = row->insns,
        .processed = row->processed,
        .states = row->states,
        .peak_states = row->peak_states,
        .stack = row->stack,
        .beyond_linux = row->is_beyond_linux,
        .ns = row->ns,
        .peak_bytes = row->peak_bytes,
    };
    sized_copy_out(out, &verdict, sizeof verdict);
    return 0;
}

int skep_report_note(const struct skep_report *report, size_t verdict, size_t index,
                     struct skep_verdict_note *out)
{
    const struct report_note *note;
    struct skep_verdict_note copy;

    if (verdict >= report->rows.count || index >= report->rows.items[verdict].note_count)
        return -SKEP_ENOENT;
    note = &report->rows.items[verdict].notes[index];
    copy = (struct skep_verdict_note){
        .text = note->text,
        .insn = note->place.insn,
        .line = note->place.line,
        .column = note->place.column,
        .file = note->place.file,
        .source = note->place.source,
        .insn_text = note->place.insn_text,
    };
    sized_copy_out(out, &copy, sizeof copy);
    return 0;
}

int skep_report_set_folder(struct skep_report *report, const char *folder)
{
    report->folder = arena_string(&report->arena, folder);
    return folder && !report->folder ? -SKEP_ENOMEM : 0;
}

const char *report_file(const struct skep_report *report, const struct report_place *place)
{
    size_t length = report->folder ? strlen(report->folder) : 0;

    while (length && report->folder[length - 1] == '/')
        length--;
    if (!length || strncmp(place->file, report->folder, length) != 0 || place->file[length] != '/')
        return place->file;
    return place->file + length + 1;
}

size_t skep_report_rejected(const struct skep_report *report)
{
    size_t count = 0;

    for (size_t i = 0; i < report->rows.count; i++)
        count += report->rows.items[i].code != CODE_OK;
    return count;
}

int skep_verify_rule(size_t index, struct skep_verify_rule *out)
{
    const struct verify_code_row *row;
    struct skep_verify_rule rule;

    if (index >= CODE_COUNT - CODE_OK - 1)
        return -SKEP_ENOENT;
    row = verify_code((enum verify_code)(CODE_OK + 1 + index));
    rule = (struct skep_verify_rule){.code = row->name,
                                     .title = row->title,
                                     .help = row->help,
                                     .explain = row->explain,
                                     .error = -row->errno_};
    sized_copy_out(out, &rule, sizeof rule);
    return 0;
}

static bool is_same_code(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a >= 'a' && *a <= 'z' ? *a - 'a' + 'A' : *a) != *b)
            return false;
    return *a == *b;
}

int skep_verify_rule_find(const char *code, struct skep_verify_rule *out)
{
    struct skep_verify_rule rule = {.size = sizeof rule};

    for (size_t i = 0; !skep_verify_rule(i, &rule); i++)
        if (is_same_code(code, rule.code))
            return skep_verify_rule(i, out);
    return -SKEP_ENOENT;
}
