/* image.c - one program as an engine gets it: the entry function and behind it every function that it reaches.
 *
 * Functions are appended the way libbpf does it, so that instruction streams are the same: going through a function's
 * code, each callee that is not there yet is appended at the end and gone through itself before the caller goes on. The
 * recursion is kept on a stack of our own, since its depth is the file's. What is referred to (maps, externs) gets an
 * index in the order of first use; a stamp on functions, maps and externs says whether it is in this image already.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"

enum {
    MOST_INSNS = 1000000,  /* of a program: Linux takes no more */
    MOST_LINKED = 32 << 20 /* of all images of an object: for memory's sake */
};

struct frame {
    uint32_t func, next, reloc; /* next instruction to look at; from which relocation on */
};
struct making {
    struct skep_object *obj;
    struct object_image *image;
    uint32_t prog;
    VEC(struct skep_insn) insns;
    VEC(uint32_t) placed; /* functions, in the order they were appended */
    VEC(uint32_t) maps;
    VEC(uint32_t) externs;
    VEC(struct skep_image_line) lines;
    VEC(uint32_t) line_info;
    VEC(struct frame) stack;
    struct skep_error *err;
};

static int no_memory(struct making *m)
{
    return error_set(m->err, -SKEP_ENOMEM, "no memory for a program of %zu instructions",
                     m->insns.count);
}

/* -- placing ----------------------------------------------------------------------------------- */

static bool is_placed(const struct making *m, uint32_t func)
{
    return m->obj->funcs.items[func].stamp == m->obj->stamp;
}

static int place(struct making *m, uint32_t func)
{
    struct object_func *f = m->obj->funcs.items + func;
    const struct object_section *section = m->obj->sections + f->section;
    struct skep_insn *insns;
    struct frame *frame;
    uint32_t *placed;

    if (f->fault) {
        if (m->err)
            *m->err = *f->fault;
        return f->fault->code;
    }
    if (m->insns.count + f->count > MOST_INSNS)
        return error_set(m->err, -SKEP_E2BIG,
                         "function %s: the program has more than %d instructions", f->name,
                         MOST_INSNS);
    f->stamp = m->obj->stamp;
    f->place = (uint32_t)m->insns.count;
    insns = VEC_GROW(&m->insns, f->count);
    placed = VEC_PUSH(&m->placed);
    frame = VEC_PUSH(&m->stack);
    if (!insns || !placed || !frame)
        return no_memory(m);
    memcpy(insns, section->linked + f->insn, f->count * sizeof *insns);
    *placed = func;
    *frame = (struct frame){func, 0, reloc_from(section, f->insn)};
    return 0;
}

static int add_map(struct making *m, uint32_t map, uint32_t *index)
{
    struct object_map *found = m->obj->maps.items + map;
    uint32_t *slot;

    if (found->stamp != m->obj->stamp) {
        found->stamp = m->obj->stamp;
        found->place = (uint32_t)m->maps.count;
        slot = VEC_PUSH(&m->maps);
        if (!slot)
            return no_memory(m);
        *slot = map;
    }
    *index = found->place;
    return 0;
}

static int add_extern(struct making *m, uint32_t ext, uint32_t *index)
{
    struct object_extern *found = m->obj->externs.items + ext;
    uint32_t *slot;

    if (found->stamp != m->obj->stamp) {
        found->stamp = m->obj->stamp;
        found->place = (uint32_t)m->externs.count;
        slot = VEC_PUSH(&m->externs);
        if (!slot)
            return no_memory(m);
        *slot = ext;
    }
    *index = found->place;
    return 0;
}

/* -- references -------------------------------------------------------------------------------- */

static void set_source(struct skep_insn *insn, uint32_t source)
{
    insn->regs = (uint8_t)((insn->regs & 0x0f) | source << 4);
}

static int refuse(struct making *m, uint32_t at, int code, const char *name, const char *why)
{
    error_set(m->err, code, "%s: %s", name, why);
    error_place(m->err, at, NULL, 0, 0);
    return code;
}

/* A wide load of the value of a map at some offset. */
static int set_value(struct making *m, uint32_t at, uint32_t map, uint32_t offset)
{
    uint32_t index = 0;
    int code = add_map(m, map, &index);

    if (code)
        return code;
    set_source(&m->insns.items[at], SKEP_PSEUDO_MAP_IDX_VALUE);
    m->insns.items[at].imm = (int32_t)index;
    m->insns.items[at + 1].imm = (int32_t)offset;
    return 0;
}

static int set_kconfig(struct making *m, uint32_t at, const struct object_extern *ext,
                       uint32_t offset)
{
    if (!ext->is_set && !ext->is_found && !ext->is_weak)
        return refuse(m, at, -SKEP_EUNRESOLVED, ext->name,
                      "the host's configuration does not say its value, or cannot be read: set it");
    return set_value(m, at, m->obj->kconfig_map, ext->offset + offset);
}

static int set_extern(struct making *m, uint32_t at, const struct object_reloc *reloc)
{
    const struct object_extern *ext = m->obj->externs.items + reloc->index;
    bool is_call = m->insns.items[at].code == INSN_CALL;
    struct skep_insn *insn;
    uint32_t index = 0;
    int code;

    if (ext->kind == EXTERN_KCONFIG) {
        if (is_call)
            return refuse(m, at, -SKEP_EFORMAT, ext->name, "a variable of .kconfig is called");
        return set_kconfig(m, at, ext, reloc->offset);
    }
    if (ext->kind == EXTERN_NOBODY && !ext->is_weak)
        return refuse(
            m, at, -SKEP_EUNRESOLVED, ext->name,
            "extern that nobody provides: it is neither in this object nor declared a kernel "
            "symbol (.ksyms) or configuration (.kconfig)");
    if (is_call && ext->kind == EXTERN_KSYM)
        return refuse(m, at, -SKEP_EFORMAT, ext->name, "a kernel variable is called");
    code = add_extern(m, reloc->index, &index);
    if (code)
        return code;
    insn = m->insns.items + at;
    if (ext->kind == EXTERN_NOBODY && is_call) {
        *insn = (struct skep_insn){.code = INSN_CALL, .imm = (int32_t)(SKEP_POISON + 1 + index)};
    } else if (ext->kind == EXTERN_NOBODY) { /* the address of what is not there */
        set_source(insn, 0);
        insn[0].imm = insn[1].imm = 0;
    } else if (is_call) {
        set_source(insn, SKEP_PSEUDO_KFUNC_CALL);
        insn->imm = (int32_t)index;
        insn->off = 0;
    } else {
        set_source(insn, SKEP_PSEUDO_BTF_ID);
        insn[0].imm = (int32_t)index;
        insn[1].imm = 0;
    }
    return 0;
}

/* A call or wide load of a function that has its place: the distance. */
static void set_target(struct making *m, uint32_t at, uint32_t func)
{
    struct skep_insn *insn = m->insns.items + at;

    insn->imm = (int32_t)(m->obj->funcs.items[func].place - at - 1);
    set_source(insn, insn->code == INSN_CALL ? SKEP_PSEUDO_CALL : SKEP_PSEUDO_FUNC);
}

static int set_map(struct making *m, uint32_t at, uint32_t map)
{
    uint32_t index = 0;
    int code = add_map(m, map, &index);

    if (code)
        return code;
    set_source(&m->insns.items[at], SKEP_PSEUDO_MAP_IDX);
    m->insns.items[at].imm = (int32_t)index;
    m->insns.items[at + 1].imm = 0;
    return 0;
}

static int apply(struct making *m, uint32_t func, uint32_t at, const struct object_reloc *reloc)
{
    uint32_t map;
    int code;

    switch (reloc->kind) {
    case RELOC_MAP:
        return set_map(m, at, reloc->index);
    case RELOC_DATA:
        return set_value(m, at, reloc->index, reloc->offset);
    case RELOC_EXTERN:
        return set_extern(m, at, reloc);
    case RELOC_JUMPTABLE:
        code = jumptable_map(m->obj, m->prog, func, reloc->index, &map, m->err);
        return code ? code : set_value(m, at, map, reloc->offset);
    default:
        return refuse(m, at, -SKEP_EFORMAT, m->obj->elf.symbols[reloc->index].name,
                      "lies in a section that programs have no access to");
    }
}

/* The function that an instruction refers to, OBJECT_NONE if it refers to none; an error where it cannot. */
static int callee_of(struct making *m, const struct object_func *f, uint32_t insn,
                     const struct object_reloc *reloc, uint32_t *func)
{
    const struct skep_insn *code = m->obj->sections[f->section].linked + insn;
    int64_t target;

    *func = OBJECT_NONE;
    if (reloc) {
        if (reloc->kind == RELOC_CALL || reloc->kind == RELOC_FUNC)
            *func = func_at(m->obj, reloc->index, reloc->offset);
        return 0;
    }
    if (code->code != INSN_CALL || SKEP_INSN_SRC(code) != SKEP_PSEUDO_CALL)
        return 0;
    target = (int64_t)insn + 1 + code->imm;
    if (target >= 0 && target < m->obj->sections[f->section].insn_count)
        *func = func_at(m->obj, f->section, (uint32_t)target);
    if (*func == OBJECT_NONE || m->obj->funcs.items[*func].insn != target)
        return refuse(m, insn - f->insn + f->place, -SKEP_EFORMAT, f->name,
                      "calls a place where no function begins");
    return 0;
}

/* Go on with the function on top of the stack until it needs another one, or ends. */
static int walk(struct making *m)
{
    struct frame *frame = m->stack.items + m->stack.count - 1;
    const struct object_func *f = m->obj->funcs.items + frame->func;
    const struct object_section *section = m->obj->sections + f->section;

    while (frame->next < f->count) {
        uint32_t insn = f->insn + frame->next, at = f->place + frame->next, callee;
        bool is_wide = section->linked[insn].code == INSN_WIDE_LOAD;
        const struct object_reloc *reloc = NULL;
        int code;

        while (frame->reloc < section->reloc_count && section->relocs[frame->reloc].insn < insn)
            frame->reloc++;
        if (frame->reloc < section->reloc_count && section->relocs[frame->reloc].insn == insn &&
            section->linked[insn].code == section->insns[insn].code)
            reloc = section->relocs + frame->reloc;
        if (is_wide && frame->next + 1 >= f->count)
            return refuse(m, at, -SKEP_EFORMAT, f->name, "ends in the middle of a wide load");
        code = callee_of(m, f, insn, reloc, &callee);
        if (code)
            return code;
        if (callee != OBJECT_NONE) {
            if (!is_placed(m, callee))
                return place(m, callee); /* and come back to this instruction */
            set_target(m, at, callee);
        } else if (reloc) {
            code = apply(m, frame->func, at, reloc);
            if (code)
                return code;
        }
        frame->next += is_wide ? 2 : 1;
    }
    m->stack.count--;
    return 0;
}

static int append_all(struct making *m)
{
    uint32_t entry = m->obj->progs.items[m->prog].func;
    uint32_t handler = m->obj->funcs.items[entry].handler;
    int code = place(m, entry);

    while (!code && m->stack.count)
        code = walk(m);
    if (!code && handler != OBJECT_NONE && !is_placed(m, handler))
        code = place(m, handler);
    while (!code && m->stack.count)
        code = walk(m);
    return code;
}

/* -- functions and lines ----------------------------------------------------------------------- */

static const struct ext_line *first_line(const struct ext_section *ext, uint32_t offset)
{
    uint32_t low = 0, high = ext->line_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ext->lines[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return ext->lines + low;
}

/* The lines of one function, re-based; *is_complete: it has one for its first instruction. */
static int add_lines(struct making *m, const struct object_func *f, bool *is_complete)
{
    const struct object_section *section = m->obj->sections + f->section;
    const struct ext_line *line, *end;
    size_t first = m->lines.count;

    *is_complete = false;
    if (!section->ext || !section->ext->line_count)
        return 0;
    end = section->ext->lines + section->ext->line_count;
    for (line = first_line(section->ext, f->insn * 8); line < end; line++) {
        uint32_t insn = line->offset / 8;
        struct skep_image_line *out;
        uint32_t *info;

        if (insn - f->insn >= f->count)
            break;
        insn = insn - f->insn + f->place;
        /* Linux wants them ascending, and none on the second half of a wide load. */
        if ((m->lines.count > first && m->lines.items[m->lines.count - 1].insn == insn) ||
            !m->insns.items[insn].code)
            continue;
        out = VEC_PUSH(&m->lines);
        info = VEC_GROW(&m->line_info, 4);
        if (!out || !info)
            return no_memory(m);
        *out = (struct skep_image_line){insn, line->line, line->column,
                                        btf_string(m->obj->btf, line->file),
                                        btf_string(m->obj->btf, line->source)};
        info[0] = insn;
        info[1] = line->file;
        info[2] = line->source;
        info[3] = line->line << 10 | line->column;
        *is_complete = *is_complete || insn == f->place;
    }
    return 0;
}

static int describe_funcs(struct making *m)
{
    struct object_image *image = m->image;
    bool is_typed = true, has_lines = true;

    image->funcs = calloc(m->placed.count, sizeof *image->funcs);
    image->func_info = calloc(m->placed.count, 2 * sizeof *image->func_info);
    if (!image->funcs || !image->func_info)
        return no_memory(m);
    for (size_t i = 0; i < m->placed.count; i++) {
        const struct object_func *f = m->obj->funcs.items + m->placed.items[i];
        bool is_complete;
        int code = add_lines(m, f, &is_complete);

        if (code)
            return code;
        image->funcs[i] = (struct skep_image_func){f->name, f->place, f->type};
        image->func_info[i * 2] = f->place;
        image->func_info[i * 2 + 1] = f->type;
        is_typed = is_typed && f->type;
        has_lines = has_lines && is_complete;
    }
    image->out.funcs = image->funcs;
    image->out.func_count = (uint32_t)m->placed.count;
    /* Linux takes types of all functions or of none, and lines only with types. */
    if (is_typed) {
        image->out.func_info = image->func_info;
        image->out.func_info_count = (uint32_t)m->placed.count;
    }
    if (is_typed && has_lines) {
        image->out.line_info_count = (uint32_t)(m->line_info.count / 4);
        image->out.line_info = m->line_info.items;
    }
    return 0;
}

static int describe_externs(struct making *m)
{
    struct object_image *image = m->image;

    if (!m->externs.count)
        return 0;
    image->externs = calloc(m->externs.count, sizeof *image->externs);
    if (!image->externs)
        return no_memory(m);
    for (size_t i = 0; i < m->externs.count; i++) {
        const struct object_extern *ext = m->obj->externs.items + m->externs.items[i];

        image->externs[i] =
            (struct skep_image_extern){ext->name, ext->type, ext->is_weak, ext->is_func};
    }
    image->out.externs = image->externs;
    image->out.extern_count = (uint32_t)m->externs.count;
    return 0;
}

static int make(struct making *m)
{
    const struct skep_prog_def *def = &m->obj->progs.items[m->prog].def;
    struct skep_image *out = &m->image->out;
    int code = append_all(m);

    if (code)
        return code;
    if (m->obj->image_insns + m->insns.count > MOST_LINKED)
        return error_set(m->err, -SKEP_E2BIG,
                         "the object's programs have more than %d instructions", MOST_LINKED);
    m->obj->image_insns += m->insns.count;
    code = describe_funcs(m);
    if (!code)
        code = describe_externs(m);
    if (code)
        return code;
    out->size = sizeof *out;
    out->name = def->name;
    out->section = def->section;
    out->target = def->target;
    out->license = m->obj->license;
    out->type = def->type;
    out->attach_type = def->attach_type;
    out->flags = def->flags;
    out->kernel_version = m->obj->version;
    out->insns = m->insns.items;
    out->insn_count = (uint32_t)m->insns.count;
    out->lines = m->lines.items;
    out->line_count = (uint32_t)m->lines.count;
    out->maps = m->maps.items;
    out->map_count = (uint32_t)m->maps.count;
    out->btf = m->obj->btf;
    out->btf_bytes = m->obj->btf_bytes;
    out->btf_size = (uint32_t)m->obj->btf_size;
    return 0;
}

int link_image(struct skep_object *obj, uint32_t prog, struct skep_error *err)
{
    struct object_image *image = &obj->progs.items[prog].image;
    struct making m = {.obj = obj, .image = image, .prog = prog, .err = &image->err};

    if (!image->is_made) {
        image->is_made = true;
        image->err.size = sizeof image->err;
        obj->stamp++;
        image->code = make(&m);
        image->insns = m.insns.items;
        image->lines = m.lines.items;
        image->maps = m.maps.items;
        image->line_info = m.line_info.items;
        free(m.placed.items);
        free(m.externs.items);
        free(m.stack.items);
        if (image->code)
            error_subject(&image->err, "%s: prog %s", obj->name, obj->progs.items[prog].def.name);
    }
    if (image->code) {
        error_set(err, image->code, "%s", image->err.text);
        error_subject(err, "%s", image->err.subject);
        error_place(err, image->err.insn, image->err.file, image->err.line, image->err.column);
    }
    return image->code;
}
