/* log.c - the kernel-style log, in Linux 6.18's format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fixture.h"

static void step(struct fixture *f, uint32_t insn)
{
    f->v.prev_insn = f->v.insn;
    f->v.insn = insn;
    log_insn(&f->v, insn);
}

static void test_steps_are_printed_as_linux_does(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, LOG_STEPS, true);
    step(&f, 0);
    reg_set_unknown(&f.frame.regs[1]);
    range_set_unsigned(&f.frame.regs[1].v, 0, UINT32_MAX);
    f.frame.regs[1].v.smin32 = INT32_MIN;
    step(&f, 1);
    for (int i = 4; i < 8; i++)
        f.slots[0].bytes[i] = BYTE_MISC;
    step(&f, 2);
    f.frame.regs[2] = f.frame.regs[10];
    step(&f, 3);
    f.frame.regs[2].off = -4;
    step(&f, 4);
    assert_string_equal(
        fixture_log(&f),
        "0: R1=ctx() R10=fp0\n"
        "; u32 key = ctx->ingress_ifindex; @ fw.bpf.c:18\n"
        "0: (61) r1 = *(u32 *)(r1 +12)         ; "
        "R1=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))\n"
        "1: (63) *(u32 *)(r10 -4) = r1         ; "
        "R1=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R10=fp0 fp-8=mmmm????\n"
        "2: (bf) r2 = r10                      ; R2=fp0 R10=fp0\n"
        "3: (07) r2 += -4                      ; R2=fp-4\n"
        "; struct rule *rule = bpf_map_lookup_elem(&rules, &key); @ fw.bpf.c:19\n"
        "4: (18) r1 = map[idx:0]");
    fixture_close(&f);
}

static void test_another_path_begins_with_its_whole_state(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, LOG_MORE, false);
    f.v.insn = 9;
    step(&f, 10);
    fixture_looked_up(&f);
    f.v.insn = 7;
    f.v.prev_insn = 6;
    log_insn(&f.v, 7);
    assert_string_equal(fixture_log(&f), "10: R1=ctx() R10=fp0\n"
                                         "10: (b7) r0 = 2\n"
                                         "\n"
                                         "from 6 to 7: "
                                         "R0=map_value_or_null(id=1,map=rules,ks=4,vs=16) R10=fp0\n"
                                         "7: (79) r1 = *(u64 *)(r0 +8)");
    fixture_close(&f);
}

static void test_what_a_value_may_be(void **state)
{
    static const struct {
        uint64_t min, max;
        const char *text;
    } unsigneds[] = {
        {5, 5, " R0=5\n"},
        {70000, 70000, " R0=0x11170\n"},
        {(uint64_t)-1, (uint64_t)-1, " R0=-1\n"},
        {0, 255, " R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))\n"},
    };
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof unsigneds / sizeof *unsigneds; i++) {
        fixture_open(&f, LOG_STEPS, false);
        reg_set_none(&f.frame.regs[1]);
        reg_set_none(&f.frame.regs[10]);
        reg_set_unknown(&f.frame.regs[0]);
        range_set_unsigned(&f.frame.regs[0].v, unsigneds[i].min, unsigneds[i].max);
        log_state(&f.v, &f.state);
        assert_string_equal(fixture_log(&f), unsigneds[i].text);
        fixture_close(&f);
    }
}

static void test_kinds_of_pointers_and_slots(void **state)
{
    struct fixture f;
    struct reg *r;

    (void)state;
    fixture_open(&f, LOG_STEPS, false);
    r = f.frame.regs;
    reg_set_pointer(&r[2], REG_PACKET, 0);
    r[2].id = 3;
    r[2].off = 14;
    r[2].span = 22;
    range_set_unsigned(&r[2].v, 0, 60);
    reg_set_pointer(&r[3], REG_MEM, MOD_RDONLY | MOD_MAYBE_NULL);
    r[3].mem_size = 32;
    reg_set_pointer(&r[4], REG_MEM, MOD_RINGBUF);
    r[4].mem_size = 70000;
    r[4].ref = 7;
    reg_set_unknown(&r[5]);
    r[5].id = 4;
    r[5].has_delta = true;
    r[5].off = -3;
    r[5].is_precise = true;
    memset(f.slots[0].bytes, BYTE_SPILL, 8);
    f.slots[0].reg = r[1];
    memset(f.slots[1].bytes, BYTE_ZERO, 8);
    memset(f.slots[2].bytes, BYTE_DYNPTR, 8);
    memset(f.slots[3].bytes, BYTE_DYNPTR, 8);
    reg_set_pointer(&f.slots[3].reg, REG_DYNPTR, 0);
    f.slots[3].reg.dynptr.kind = DYNPTR_XDP;
    f.slots[3].reg.dynptr.is_first = true;
    f.slots[3].reg.id = 9;
    log_state(&f.v, &f.state);
    assert_string_equal(
        fixture_log(&f),
        " R1=ctx()"
        " R2=pkt(id=3,off=14,r=22,smin=smin32=0,smax=umax=smax32=umax32=60,var_off=(0x0; 0x3f))"
        " R3=rdonly_mem_or_null(sz=32)"
        " R4=ringbuf_mem(ref_obj_id=7,sz=0x11170)"
        " R5=Pscalar(id=4-3)"
        " R10=fp0 fp-8=ctx() fp-16=00000000 fp-32=dynptr_xdp(id=9)\n");
    fixture_close(&f);
}

static void test_levels_choose(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, LOG_STATS, true);
    step(&f, 0);
    log_state(&f.v, &f.state);
    log_text(&f.v, LOG_STEPS, "no");
    log_text(&f.v, LOG_MORE, "no");
    assert_string_equal(fixture_log(&f), "");
    f.result = (struct verify_result){
        .ns = 21000, .stack = 16, .processed = 31, .states = 3, .peak_states = 2};
    log_finish(&f.log, LOG_STATS, 1000000, &f.result);
    assert_string_equal(fixture_log(&f),
                        "verification time 21 usec\nstack depth 16\n"
                        "processed 31 insns (limit 1000000) total_states 3 peak_states 2\n");
    fixture_close(&f);

    fixture_open(&f, LOG_STEPS, false);
    log_text(&f.v, LOG_STEPS, "from here:");
    log_state(&f.v, &f.state);
    step(&f, 11);
    log_text(&f.v, LOG_MORE, "no\n");
    reject(&f.v, CODE_UNINIT_REG, "R0 !read_ok");
    log_finish(&f.log, LOG_STEPS, 5, &f.result);
    assert_string_equal(fixture_log(&f),
                        "from here: R1=ctx() R10=fp0\n11: (95) exit\nR0 !read_ok\n"
                        "processed 0 insns (limit 5) total_states 0 peak_states 0\n");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_printed_as_linux_does),
        cmocka_unit_test(test_another_path_begins_with_its_whole_state),
        cmocka_unit_test(test_what_a_value_may_be),
        cmocka_unit_test(test_kinds_of_pointers_and_slots),
        cmocka_unit_test(test_levels_choose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
