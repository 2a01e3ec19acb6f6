/* fixture.c - the program of fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static const char program[] = "r1 = *(u32 *)(r1 + 12)\n"
                              "*(u32 *)(r10 - 4) = r1\n"
                              "r2 = r10\n"
                              "r2 += -4\n"
                              "r1 = 0 ll\n"
                              "call 1\n"
                              "r1 = *(u64 *)(r0 + 8)\n"
                              "r1 += 1\n"
                              "*(u64 *)(r0 + 8) = r1\n"
                              "r0 = 2\n"
                              "exit\n";

static const struct skep_image_line lines[] = {
    {0, 18, 22, "/src/fw.bpf.c", "    u32 key = ctx->ingress_ifindex;"},
    {1, 18, 9, "/src/fw.bpf.c", "    u32 key = ctx->ingress_ifindex;"},
    {4, 19, 25, "/src/fw.bpf.c", "    struct rule *rule = bpf_map_lookup_elem(&rules, &key);"},
    {7, 20, 12, "/src/fw.bpf.c", "    rule->x++;"},
    {10, 21, 5, "/src/fw.bpf.c", "    return XDP_PASS;"},
};

static int gather(void *user, const char *text, size_t length)
{
    text_add(user, text, length);
    return 0;
}

void fixture_open(struct fixture *f, uint32_t level, bool has_lines)
{
    struct skep_error err = {.size = sizeof err};
    size_t count;

    memset(f, 0, sizeof *f);
    if (skep_asm(program, sizeof program - 1, f->insns, 16, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 12);
    f->insns[4].regs = (uint8_t)(f->insns[4].regs | SKEP_PSEUDO_MAP_IDX << 4);
    for (size_t i = 0; i < count; i++) {
        f->info[i].op = i == 5 ? NULL : isa_find(&f->insns[i]);
        assert_true(i == 5 || f->info[i].op);
    }
    f->map.def = (struct skep_map_def){.size = sizeof f->map.def,
                                       .name = "rules",
                                       .type = SKEP_MAP_TYPE_HASH,
                                       .key_size = 4,
                                       .value_size = 16};
    f->info[6].map = &f->map;
    f->image = (struct skep_image){.size = sizeof f->image,
                                   .name = "xdp_fw",
                                   .section = "xdp",
                                   .type = SKEP_PROG_TYPE_XDP,
                                   .insns = f->insns,
                                   .insn_count = (uint32_t)count,
                                   .lines = lines,
                                   .line_count = has_lines ? sizeof lines / sizeof *lines : 0};
    f->log = LOG_INIT(gather, &f->out);
    f->in = (struct verify_input){.image = &f->image, .log = {level, &f->log.text}};
    f->state.frames[0] = &f->frame;
    for (int i = 0; i < 4; i++) {
        f->slots[i].refs = 1;
        f->group.slots[i] = &f->slots[i];
    }
    f->group.refs = 1;
    f->frame.groups[0] = &f->group;
    f->frame.slot_count = 4;
    f->v.in = &f->in;
    f->v.image = &f->image;
    f->v.insns = f->insns;
    f->v.insn_count = (uint32_t)count;
    f->v.info = f->info;
    f->v.cur = &f->state;
    f->v.result = &f->result;
    f->result.reg = UINT8_MAX;
    f->result.insns = (uint32_t)count;
    reg_set_pointer(&f->frame.regs[1], REG_CTX, 0);
    reg_set_pointer(&f->frame.regs[10], REG_STACK, 0);
}

void fixture_looked_up(struct fixture *f)
{
    for (int i = 1; i < 6; i++)
        reg_set_none(&f->frame.regs[i]);
    reg_set_pointer(&f->frame.regs[0], REG_MAP_VALUE, MOD_MAYBE_NULL);
    f->frame.regs[0].map = &f->map;
    f->frame.regs[0].id = 1;
    f->frame.regs[0].origin = 6;
    f->v.insn = 7;
    f->v.prev_insn = 6;
}

const char *fixture_log(struct fixture *f)
{
    return f->out.count ? f->out.items : "";
}

char *fixture_print(struct fixture *f, uint32_t format)
{
    struct skep_prog_def def = {.size = sizeof def, .name = "xdp_fw", .section = "xdp"};
    struct skep_report report = {0};
    struct text text = {0};

    assert_int_equal(report_add(&report, "dir/fw.o", &def, &f->image, &f->result, NULL), 0);
    assert_int_equal(skep_report_set_folder(&report, "/src"), 0);
    assert_int_equal(skep_report_print(&report, format, gather, &text), 0);
    arena_free(&report.arena);
    free(report.rows.items);
    return text.items;
}

void fixture_close(struct fixture *f)
{
    text_free(&f->out);
}
