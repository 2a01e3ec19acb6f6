/* dump.c - skep dump: the instructions of linked programs, with their source lines.
 *
 * The text is the assembler's own language: an instruction's number stands in front as a label, source lines are comments.
 * What `skep asm` makes of a dump are the bytes that were dumped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/facts.h>

#include "args.h"
#include "json.h"

struct dump_options {
    const char *prog, *btf, *style;
    bool opcodes, linum, facts;
};

#define AT(member) offsetof(struct dump_options, member)

static const struct arg_option options[] = {
    {"prog", 0, ARG_TEXT, AT(prog), "NAME", "this program only: its function, or its section"},
    {"opcodes", 0, ARG_FLAG, AT(opcodes), NULL, "the bytes of each instruction, as a comment"},
    {"facts", 0, ARG_FLAG, AT(facts), NULL, "what is certain at each instruction, as a comment"},
    {"linum", 0, ARG_FLAG, AT(linum), NULL, "whole file names, lines and columns"},
    {"style", 0, ARG_TEXT, AT(style), "STYLE", "llvm (default) or bpftool"},
    {"btf", 0, ARG_TEXT, AT(btf), "FILE", "types for CO-RE relocations (default: this system's)"},
    {0},
};

enum { TEXT_ROOM = 256 };

struct dump {
    const struct cli *cli;
    const struct dump_options *options;
    struct skep_object *object;
    struct skep_prog_def def;
    struct skep_image image;
    struct json *json;
    uint32_t style;
    const struct skep_btf *btf;
    char **facts;  /* by instruction, NULL: nothing is known of it */
    uint32_t line; /* the next row of image.lines */
    const struct skep_image_line *shown;
};

static const char *name_of_func(void *user, uint32_t insn)
{
    const struct dump *dump = user;

    for (uint32_t i = 0; i < dump->image.func_count; i++)
        if (dump->image.funcs[i].insn == insn)
            return dump->image.funcs[i].name;
    return NULL;
}

static const char *name_of_helper(void *user, int32_t id)
{
    (void)user;
    return skep_helper_name((uint32_t)id);
}

static const char *name_of_map(void *user, int32_t index)
{
    const struct dump *dump = user;
    struct skep_map_def def = {.size = sizeof def};

    if (index < 0 || (uint32_t)index >= dump->image.map_count ||
        skep_object_map(dump->object, dump->image.maps[index], &def))
        return NULL;
    return def.name;
}

/* The row of line info that belongs to an instruction, if one begins there. */
static const struct skep_image_line *line_at(struct dump *dump, uint32_t insn)
{
    const struct skep_image_line *found = NULL;

    while (dump->line < dump->image.line_count && dump->image.lines[dump->line].insn <= insn) {
        if (dump->image.lines[dump->line].insn == insn)
            found = &dump->image.lines[dump->line];
        dump->line++;
    }
    return found;
}

/* Without columns, a second comment of the same line says nothing new. */
static bool is_shown(const struct dump *dump, const struct skep_image_line *line)
{
    return !dump->options->linum && dump->shown && dump->shown->line == line->line &&
           !strcmp(dump->shown->file, line->file);
}

/* "; file:line: source"; source text may hold anything, so nothing that ends a line goes out. */
static void comment(const struct dump *dump, const struct skep_image_line *line)
{
    const char *source = line->source ? line->source : "";

    source += strspn(source, " \t");
    if (dump->options->linum)
        printf("; %s:%u:%u: ", line->file, line->line, line->column);
    else
        printf("; %s:%u: ", cli_name(line->file), line->line);
    for (; *source; source++)
        putchar((unsigned char)*source < 0x20 ? ' ' : *source);
    putchar('\n');
}

static void opcodes_text(const struct dump *dump, uint32_t at, size_t used)
{
    uint8_t bytes[16];

    skep_insn_encode(dump->image.insns + at, used, skep_object_is_big_endian(dump->object), bytes);
    printf(" //");
    for (size_t i = 0; i < used * 8; i++)
        printf(" %02x", bytes[i]);
}

static const char *fact_at(const struct dump *dump, uint32_t at)
{
    return dump->facts ? dump->facts[at] : NULL;
}

static void insn_text(struct dump *dump, uint32_t at, size_t used, const char *text)
{
    const struct skep_image_line *line = line_at(dump, at);
    const char *func = name_of_func(dump, at);

    if (func) {
        printf("%s%s:\n", at ? "\n" : "", func);
        dump->shown = NULL;
    }
    if (line && line->file && line->line && !is_shown(dump, line)) {
        comment(dump, line);
        dump->shown = line;
    }
    printf(dump->options->opcodes || fact_at(dump, at) ? "%8u: %-44s" : "%8u: %s", at, text);
    if (dump->options->opcodes)
        opcodes_text(dump, at, used);
    if (fact_at(dump, at))
        printf(" // %s", fact_at(dump, at));
    putchar('\n');
}

static void insn_json(struct dump *dump, uint32_t at, size_t used, const char *text)
{
    const struct skep_image_line *line = line_at(dump, at);
    uint8_t bytes[16];

    json_object(dump->json, NULL);
    json_u64(dump->json, "index", at);
    json_string(dump->json, "text", text);
    if (dump->options->opcodes) {
        skep_insn_encode(dump->image.insns + at, used, skep_object_is_big_endian(dump->object),
                         bytes);
        json_bytes(dump->json, "opcodes", bytes, used * 8);
    }
    if (fact_at(dump, at))
        json_string(dump->json, "facts", fact_at(dump, at));
    if (name_of_func(dump, at))
        json_string(dump->json, "function", name_of_func(dump, at));
    if (line && line->line) {
        json_string(dump->json, "file", line->file);
        json_u64(dump->json, "line", line->line);
        json_u64(dump->json, "column", line->column);
        json_string(dump->json, "source", line->source);
    }
    json_end_object(dump->json);
}

static int dump_insns(struct dump *dump)
{
    const struct skep_disasm_names names = {.size = sizeof names,
                                            .user = dump,
                                            .helper = name_of_helper,
                                            .func = name_of_func,
                                            .map = name_of_map};
    char small[TEXT_ROOM];
    size_t used = 1;
    int length;

    dump->line = 0;
    dump->shown = NULL;
    for (uint32_t at = 0; at < dump->image.insn_count; at += (uint32_t)used) {
        char *text = small;

        length = skep_disasm(dump->image.insns, dump->image.insn_count, at, dump->style, &names,
                             small, sizeof small, &used);
        if (length >= (int)sizeof small) { /* a long name */
            text = malloc((size_t)length + 1);
            if (text)
                skep_disasm(dump->image.insns, dump->image.insn_count, at, dump->style, &names,
                            text, (size_t)length + 1, &used);
        }
        if (length < 0 || !text || !used) {
            cli_complain("%s: prog %s: insn %u: %s", cli_object(dump->object), dump->def.name, at,
                         length < 0 ? skep_code_name(length) : "out of memory");
            return CLI_NO;
        }
        if (dump->json)
            insn_json(dump, at, used, text);
        else
            insn_text(dump, at, used, text);
        if (text != small)
            free(text);
    }
    return CLI_YES;
}

static int keep_fact(void *user, uint32_t insn, const char *text)
{
    struct dump *dump = user;

    dump->facts[insn] = strdup(text);
    return dump->facts[insn] ? 0 : -SKEP_ENOMEM;
}

static int find_facts(struct dump *dump, size_t index, struct skep_error *err)
{
    struct skep_verify_opts opts = {.size = sizeof opts, .btf = dump->btf};

    dump->facts = calloc(dump->image.insn_count ? dump->image.insn_count : 1, sizeof *dump->facts);
    return dump->facts ? skep_facts(dump->object, index, &opts, keep_fact, dump, err)
                       : -SKEP_ENOMEM;
}

static void drop_facts(struct dump *dump)
{
    for (uint32_t i = 0; dump->facts && i < dump->image.insn_count; i++)
        free(dump->facts[i]);
    free(dump->facts);
    dump->facts = NULL;
}

static int dump_prog(struct dump *dump, size_t index, bool is_first)
{
    struct skep_error err = {.size = sizeof err};
    int code, rc = skep_object_image(dump->object, index, &dump->image, &err);
    char count[28], about[256];

    if (!rc && dump->options->facts)
        rc = find_facts(dump, index, &err);
    if (rc) {
        drop_facts(dump);
        snprintf(about, sizeof about, "%s: prog %s", cli_object(dump->object), dump->def.name);
        cli_error(about, &err);
        return cli_load_exit(rc);
    }
    if (!dump->json) {
        printf("%s// prog %s: %s, SEC(\"%s\"), %s insns\n", is_first ? "" : "\n", dump->def.name,
               dump->def.is_type_known ? cli_type_name(dump->def.type) : "type unknown",
               dump->def.section, cli_count(dump->image.insn_count, count));
        code = dump_insns(dump);
        drop_facts(dump);
        return code;
    }
    json_object(dump->json, NULL);
    json_string(dump->json, "name", dump->def.name);
    json_string(dump->json, "section", dump->def.section);
    json_string(dump->json, "type",
                dump->def.is_type_known ? cli_type_name(dump->def.type) : "unspec");
    json_array(dump->json, "insns");
    code = dump_insns(dump);
    json_end_array(dump->json);
    json_end_object(dump->json);
    drop_facts(dump);
    return code;
}

/* Every program, or those that --prog names; the worst exit code. */
static int dump_programs(struct dump *dump)
{
    const char *wanted = dump->options->prog;
    int code = CLI_YES, one;
    size_t count = 0;
    bool has_name = false;

    for (size_t i = 0; wanted && !skep_object_prog(dump->object, i, &dump->def); i++)
        has_name |= !strcmp(dump->def.name, wanted);
    for (size_t i = 0; !skep_object_prog(dump->object, i, &dump->def); i++) {
        if (wanted && strcmp(has_name ? dump->def.name : dump->def.section, wanted) != 0)
            continue;
        one = dump_prog(dump, i, !count++);
        code = one > code ? one : code;
    }
    if (wanted && !count) {
        cli_complain("%s: there is no program '%s'", cli_object(dump->object), wanted);
        return CLI_USAGE;
    }
    return code;
}

static int link_with(struct skep_object *object, const char *path, struct skep_btf **btf)
{
    struct skep_link_opts link = {.size = sizeof link};
    struct skep_error err = {.size = sizeof err};
    int rc = path ? skep_btf_open(path, btf, &err) : 0;

    if (rc) {
        cli_error(cli_name(path), &err);
        return cli_input_exit(rc);
    }
    link.btf = *btf;
    rc = skep_object_link(object, &link, &err);
    if (rc) {
        cli_error(cli_object(object), &err);
        return cli_load_exit(rc);
    }
    return CLI_YES;
}

static int dump_object(const struct cli *cli, const struct dump_options *opts, const char *path)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    struct dump dump = {.cli = cli,
                        .options = opts,
                        .def = {.size = sizeof dump.def},
                        .image = {.size = sizeof dump.image}};
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;
    int rc = skep_object_open(path, &dump.object, &err), code;

    if (rc) {
        cli_error(cli_name(path), &err);
        return cli_input_exit(rc);
    }
    if (opts->style && !strcmp(opts->style, "bpftool"))
        dump.style = SKEP_DISASM_BPFTOOL;
    code = link_with(dump.object, opts->btf, &btf);
    dump.btf = btf;
    if (!code && cli->is_json) {
        dump.json = &json;
        json_object(&json, NULL);
        json_string(&json, "schema", "skep.dump/1");
        json_array(&json, "programs");
    }
    if (!code) {
        code = dump_programs(&dump);
        if (dump.json) {
            json_end_array(&json);
            json_end_object(&json);
            json_finish(&json);
        }
    }
    skep_object_free(dump.object);
    skep_btf_free(btf);
    return cli_finish(code);
}

static int dump_run(const struct verb *verb, int argc, char **argv)
{
    struct dump_options opts = {0};
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, &opts, &operands);

    if (code == ARGS_GO_ON && opts.style && strcmp(opts.style, "llvm") != 0 &&
        strcmp(opts.style, "bpftool") != 0)
        code = args_usage(verb, "--style %s: llvm or bpftool", opts.style);
    if (code == ARGS_GO_ON)
        code = dump_object(&cli, &opts, operands.items[0]);
    args_free(&operands);
    return code;
}

const struct verb verb_dump = {
    .name = "dump",
    .operands = "OBJ",
    .about = "the instructions of linked programs, with their source",
    .options = options,
    .notes = "The text is what `skep asm` reads.\n",
    .min_operands = 1,
    .max_operands = 1,
    .run = dump_run,
};
