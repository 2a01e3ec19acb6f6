/* dynptr.c - dynptrs on the stack of a state that is made by hand. */
#include "program.h"

struct fixture {
    struct program p;
    struct state state;
    struct frame frame;
};

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    program_make(&f->p, "call 197\n exit");
    accepted(&f->p, cfg_split(&f->p.v));
    f->p.v.can_leak = f->p.v.can_read_uninit_stack = true;
    f->p.v.cur = &f->state;
    f->state.frames[0] = &f->frame;
    for (uint32_t i = 0; i < 11; i++)
        reg_set_none(&f->frame.regs[i]);
    return f;
}

static void end(struct fixture *f)
{
    pool_free(&f->p.v);
    program_clear(&f->p);
    free(f);
}

/* r1 = r10 + off */
static void point(struct fixture *f, int32_t off)
{
    reg_set_pointer(&f->frame.regs[1], REG_STACK, 0);
    f->frame.regs[1].off = off;
}

static int make(struct fixture *f, int32_t off, enum dynptr_kind kind, uint32_t clone_ref)
{
    point(f, off);
    return dynptr_arg(&f->p.v, 1, 0, DYNPTR_ARG_UNINIT | (uint32_t)kind << DYNPTR_ARG_KIND_SHIFT,
                      clone_ref, NULL);
}

static int use(struct fixture *f, int32_t off, struct call_meta *meta)
{
    point(f, off);
    return dynptr_arg(&f->p.v, 1, 0, DYNPTR_ARG_CONST, 0, meta);
}

static void test_a_dynptr_takes_two_slots_and_is_found_by_its_lower_half(void **state)
{
    struct fixture *f = begin();
    struct call_meta meta = {0};
    const struct reg *dynptr;

    (void)state;
    accepted(&f->p, make(f, -32, DYNPTR_LOCAL, 0));
    dynptr = dynptr_of(&f->p.v, &f->frame.regs[1]);
    assert_ptr_equal(dynptr, &frame_slot(&f->frame, 3)->reg);
    assert_true(dynptr->dynptr.is_first);
    assert_false(frame_slot(&f->frame, 2)->reg.dynptr.is_first);
    assert_int_equal(frame_slot(&f->frame, 2)->bytes[7], BYTE_DYNPTR);
    assert_int_equal(f->state.ref_count, 0);
    assert_int_equal(f->frame.written & 0xc, 0xc);
    accepted(&f->p, use(f, -32, &meta));
    assert_int_equal(meta.dynptr_kind, DYNPTR_LOCAL);
    assert_int_equal(meta.dynptr_id, dynptr->id);
    end(f);
}

static void test_only_the_start_of_a_dynptr_is_one(void **state)
{
    static const struct {
        int32_t off;
        enum verify_code code;
        const char *part;
    } rows[] = {
        {-24, CODE_DYNPTR, "Expected an initialized dynptr as arg #0"},
        {-40, CODE_DYNPTR, "Expected an initialized dynptr as arg #0"},
        {-30, CODE_ALIGNMENT, "cannot pass in dynptr at an offset=-30"},
        {-8, CODE_STACK_BOUNDS, "cannot pass in dynptr at an offset=-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture *f = begin();

        accepted(&f->p, make(f, -32, DYNPTR_LOCAL, 0));
        expect(&f->p, use(f, rows[i].off, NULL), rows[i].code, 0, rows[i].part);
        end(f);
    }
}

static void test_a_dynptr_that_is_overwritten_takes_its_memory_with_it(void **state)
{
    struct fixture *f = begin();
    uint32_t id;

    (void)state;
    accepted(&f->p, make(f, -16, DYNPTR_LOCAL, 0));
    id = frame_slot(&f->frame, 1)->reg.id;
    reg_set_pointer(&f->frame.regs[6], REG_MEM, MOD_DYNPTR_DATA);
    f->frame.regs[6].dynptr_id = id;
    reg_set_pointer(&f->frame.regs[7], REG_MEM, MOD_DYNPTR_DATA);
    f->frame.regs[7].dynptr_id = id + 1;
    /* Something is stored over its upper half: both go. */
    accepted(&f->p, dynptr_destroy(&f->p.v, &f->frame, 0));
    assert_int_equal(frame_slot(&f->frame, 0)->bytes[0], BYTE_NONE);
    assert_int_equal(frame_slot(&f->frame, 1)->bytes[0], BYTE_NONE);
    assert_int_equal(f->frame.regs[6].kind, REG_SCALAR);
    assert_int_equal(f->frame.regs[7].kind, REG_MEM);
    end(f);
}

static void test_a_new_dynptr_over_two_halves_ends_both(void **state)
{
    struct fixture *f = begin();

    (void)state;
    accepted(&f->p, make(f, -32, DYNPTR_LOCAL, 0));
    accepted(&f->p, make(f, -16, DYNPTR_SKB, 0));
    accepted(&f->p, make(f, -24, DYNPTR_XDP, 0));
    assert_int_equal(frame_slot(&f->frame, 3)->bytes[0], BYTE_NONE);
    assert_int_equal(frame_slot(&f->frame, 2)->reg.dynptr.kind, DYNPTR_XDP);
    assert_int_equal(frame_slot(&f->frame, 1)->bytes[0], BYTE_DYNPTR);
    assert_int_equal(frame_slot(&f->frame, 0)->bytes[0], BYTE_NONE);
    end(f);
}

static void test_what_must_be_given_back_is_not_overwritten(void **state)
{
    struct fixture *f = begin();

    (void)state;
    accepted(&f->p, make(f, -16, DYNPTR_RINGBUF, 0));
    assert_int_equal(f->state.ref_count, 1);
    expect(&f->p, make(f, -24, DYNPTR_LOCAL, 0), CODE_DYNPTR, 0,
           "cannot overwrite referenced dynptr");
    end(f);
}

static void test_giving_back_ends_clones_and_their_memory(void **state)
{
    struct fixture *f = begin();
    uint32_t ref;

    (void)state;
    accepted(&f->p, make(f, -16, DYNPTR_RINGBUF, 0));
    ref = frame_slot(&f->frame, 1)->reg.ref;
    accepted(&f->p, make(f, -48, DYNPTR_RINGBUF, ref));
    accepted(&f->p, make(f, -64, DYNPTR_RINGBUF, 0)); /* another record */
    assert_int_equal(f->state.ref_count, 2);
    reg_set_pointer(&f->frame.regs[6], REG_MEM, MOD_DYNPTR_DATA);
    f->frame.regs[6].ref = ref;
    point(f, -48);
    accepted(&f->p, dynptr_release(&f->p.v, 1));
    assert_int_equal(f->state.ref_count, 1);
    assert_int_equal(f->frame.regs[6].kind, REG_SCALAR);
    assert_null(dynptr_of(&f->p.v, &f->frame.regs[1]));
    assert_int_equal(frame_slot(&f->frame, 1)->bytes[0], BYTE_NONE);
    assert_int_equal(frame_slot(&f->frame, 7)->bytes[0], BYTE_DYNPTR);
    end(f);
}

static void test_const_dynptrs_are_read_only_and_nobodys_to_release(void **state)
{
    static const struct {
        uint32_t flags;
        const char *part;
    } rows[] = {{0, "the helper mutates it"},
                {DYNPTR_ARG_UNINIT | DYNPTR_LOCAL << DYNPTR_ARG_KIND_SHIFT, "uninitialized dynptr"},
                {DYNPTR_ARG_CONST | DYNPTR_SKB << DYNPTR_ARG_KIND_SHIFT, "of type skb"}};

    (void)state;
    for (size_t i = 0; i <= sizeof rows / sizeof *rows; i++) {
        struct fixture *f = begin();
        struct call_meta meta = {0};

        reg_set_pointer(&f->frame.regs[1], REG_DYNPTR, 0);
        f->frame.regs[1].dynptr.kind = DYNPTR_RINGBUF;
        f->frame.regs[1].id = 7;
        accepted(&f->p, dynptr_arg(&f->p.v, 1, 0, DYNPTR_ARG_CONST, 0, &meta));
        assert_int_equal(meta.dynptr_id, 7);
        if (i < sizeof rows / sizeof *rows)
            expect(&f->p, dynptr_arg(&f->p.v, 1, 0, rows[i].flags, 0, NULL), CODE_DYNPTR, 0,
                   rows[i].part);
        else
            expect(&f->p, dynptr_release(&f->p.v, 1), CODE_REF_RELEASE, 0, "unowned const");
        end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dynptr_takes_two_slots_and_is_found_by_its_lower_half),
        cmocka_unit_test(test_only_the_start_of_a_dynptr_is_one),
        cmocka_unit_test(test_a_dynptr_that_is_overwritten_takes_its_memory_with_it),
        cmocka_unit_test(test_a_new_dynptr_over_two_halves_ends_both),
        cmocka_unit_test(test_what_must_be_given_back_is_not_overwritten),
        cmocka_unit_test(test_giving_back_ends_clones_and_their_memory),
        cmocka_unit_test(test_const_dynptrs_are_read_only_and_nobodys_to_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
