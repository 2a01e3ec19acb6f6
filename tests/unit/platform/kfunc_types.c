/* kfunc_types.c - prototypes of kfuncs that are built in: well-formed anywhere, and the running kernel's where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <skep.h>

#include "btf/core.h"
#include "platform/kfunc.h"

static struct skep_btf *built_in(void)
{
    struct skep_btf *types = NULL;

    assert_int_equal(platform_kfunc_types(&types, NULL), 0);
    return types;
}

static void test_every_built_in_prototype_is_of_a_kfunc_and_marked_as_one(void **state)
{
    struct skep_btf *types = built_in();
    uint32_t count = 0;

    (void)state;
    for (uint32_t id = 0; (id = btf_next(types, BTF_MASK(BTF_FUNC), id)); count++) {
        uint32_t tag = btf_next_tag(types, id, 0);

        assert_non_null(platform_kfunc(btf_name_of(types, id)));
        assert_true(tag > 0);
        assert_string_equal(btf_name_of(types, tag), "bpf_kfunc");
    }
    skep_btf_free(types);
    assert_true(count > 60);
}

static void test_a_prototype_has_the_types_that_its_text_says(void **state)
{
    static const char *const names[] = {"root", "node", "less", "meta__ign", "off"};
    struct skep_btf *types = built_in();
    uint32_t func = btf_find_next(types, "bpf_rbtree_add_impl", BTF_MASK(BTF_FUNC), 0), proto, less;

    (void)state;
    proto = btf_ref(types, func);
    assert_string_equal(btf_name_of(types, btf_ref(types, proto)), "int");
    assert_int_equal(btf_length(types, proto), 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_string_equal(btf_parameter_at(types, proto, i).name, names[i]);
    assert_string_equal(btf_name_of(types, btf_ref(types, btf_parameter_at(types, proto, 0).type)),
                        "bpf_rb_root");
    less = btf_ref(types, btf_parameter_at(types, proto, 2).type);
    assert_int_equal(btf_kind_of(types, less), BTF_FUNC_PROTO);
    assert_int_equal(btf_length(types, less), 2);
    /* void * */
    assert_int_equal(btf_kind_of(types, btf_parameter_at(types, proto, 3).type), BTF_PTR);
    assert_int_equal(btf_ref(types, btf_parameter_at(types, proto, 3).type), 0);
    assert_string_equal(btf_name_of(types, btf_parameter_at(types, proto, 4).type), "u64");
    skep_btf_free(types);
}

static void compare(const struct skep_btf *ours, uint32_t id, const struct skep_btf *theirs)
{
    const char *name = btf_name_of(ours, id);
    uint32_t func = btf_find_next(theirs, name, BTF_MASK(BTF_FUNC), 0);
    uint32_t proto = btf_ref(ours, id), wanted = btf_ref(theirs, func);
    uint64_t steps = CORE_STEPS;

    if (!func)
        fail_msg("the kernel has no %s", name);
    if (core_types_compatible(ours, proto, theirs, wanted, &steps) != 1 ||
        btf_length(ours, proto) != btf_length(theirs, wanted))
        fail_msg("%s: another prototype than the kernel's", name);
    for (uint32_t i = 0; i < btf_length(ours, proto); i++) {
        struct btf_parameter mine = btf_parameter_at(ours, proto, i);
        struct btf_parameter other = btf_parameter_at(theirs, wanted, i);

        if (strcmp(mine.name, other.name) != 0)
            fail_msg("%s: parameter %u is %s, in the kernel %s", name, i, mine.name, other.name);
        if (skep_btf_size(ours, mine.type) != skep_btf_size(theirs, other.type))
            fail_msg("%s: parameter %u has another size in the kernel", name, i);
    }
}

static void test_built_in_prototypes_are_the_kernels(void **state)
{
    struct skep_btf *ours = built_in(), *theirs = NULL;
    uint32_t count = 0;

    (void)state;
    if (skep_btf_open_host(&theirs, NULL) < 0 ||
        !btf_find_next(theirs, "bpf_strcasecmp", BTF_MASK(BTF_FUNC), 0) ||
        btf_find_next(theirs, "bpf_dynptr_from_file", BTF_MASK(BTF_FUNC), 0)) {
        skep_btf_free(theirs);
        skep_btf_free(ours);
        print_message("no types of Linux 6.18, which the prototypes are about\n");
        skip();
    }
    for (uint32_t id = 0; (id = btf_next(ours, BTF_MASK(BTF_FUNC), id)); count++)
        compare(ours, id, theirs);
    skep_btf_free(ours);
    skep_btf_free(theirs);
    print_message("%u prototypes\n", count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_built_in_prototype_is_of_a_kfunc_and_marked_as_one),
        cmocka_unit_test(test_a_prototype_has_the_types_that_its_text_says),
        cmocka_unit_test(test_built_in_prototypes_are_the_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
