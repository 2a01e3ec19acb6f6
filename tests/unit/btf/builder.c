/* builder.c - types made in memory come back as they were put, and existing ones change in place. */
#include "fixture.h"

static void test_strings_are_stored_once(void **state)
{
    struct builder b;
    (void)state;

    builder_init(&b);
    assert_int_equal(builder_string(&b, ""), 0);
    assert_int_equal(builder_string(&b, NULL), 0);
    assert_int_equal(builder_string(&b, "one"), 1);
    assert_int_equal(builder_string(&b, "two"), 5);
    assert_int_equal(builder_string(&b, "one"), 1);
    for (int i = 0; i < 1000; i++) {
        char name[16];

        snprintf(name, sizeof name, "n%d", i % 500);
        assert_int_equal(builder_string(&b, name), builder_string(&b, name));
    }
    builder_free(&b);
}

static void test_copy_keeps_ids_strings_and_bytes(void **state)
{
    struct builder b, copy;
    struct skep_btf *btf;
    uint8_t *bytes, *again;
    size_t size, size_again;
    (void)state;

    builder_init(&b);
    builder_struct(&b, BTF_STRUCT, "s", 4);
    builder_member(&b, "m", builder_int(&b, "late", 4, 0), 0, 0); /* goes to the int: refused */
    assert_int_equal(builder_encode(&b, false, &bytes, &size, NULL), -SKEP_EINVAL);
    builder_free(&b);

    builder_init(&b);
    builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    builder_struct(&b, BTF_STRUCT, "s", 4);
    builder_member(&b, "m", 1, 0, 0);
    assert_int_equal(builder_encode(&b, true, &bytes, &size, NULL), 0);
    builder_free(&b);
    assert_int_equal(btf_parse(bytes, size, &btf, NULL), 0);
    builder_from(&copy, btf);
    assert_int_equal(builder_encode(&copy, true, &again, &size_again, NULL), 0);
    assert_int_equal(size, size_again);
    assert_memory_equal(bytes, again, size);
    free(again);
    /* New strings come after the old ones; old ones are found. */
    assert_int_equal(builder_string(&copy, "int"), btf_name_offset(btf, 1));
    assert_true(builder_string(&copy, "new") >= btf->string_size);
    builder_free(&copy);
    skep_btf_free(btf);
    free(bytes);
}

static void test_data_sections_are_fixed_in_place(void **state)
{
    struct skep_btf *btf, *fixed;
    struct btf_placed placed;
    struct builder b;
    (void)state;

    builder_init(&b);
    builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    builder_var(&b, "a", 1, BTF_GLOBAL);
    builder_var(&b, "z", 1, BTF_EXTERN);
    builder_datasec(&b, ".data", 0);
    builder_place(&b, 2, 0, 4);
    builder_place(&b, 3, 0, 4);
    btf = open_built(&b, true);
    builder_from(&b, btf);
    builder_set_size(&b, 4, 8);
    builder_set_placed(&b, 4, 0, 2, 4, 4);
    builder_set_placed(&b, 4, 9, 2, 99, 99); /* no such item: ignored */
    builder_sort_placed(&b, 4);
    builder_set_linkage(&b, 3, BTF_GLOBAL);
    builder_set_name(&b, 3, "zz");
    fixed = open_built(&b, false);
    assert_int_equal(skep_btf_size(fixed, 4), 8);
    placed = btf_placed_at(fixed, 4, 0);
    assert_int_equal(placed.type, 3);
    assert_int_equal(btf_placed_at(fixed, 4, 1).offset, 4);
    assert_int_equal(btf_linkage_of(fixed, 3), BTF_GLOBAL);
    assert_string_equal(skep_btf_name(fixed, 3), "zz");
    skep_btf_free(fixed);
    skep_btf_free(btf);
}

static void test_too_many_items_are_refused(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct builder b;
    uint8_t *bytes;
    size_t size;
    (void)state;

    builder_init(&b);
    builder_enum(&b, "e", 4, false);
    for (int i = 0; i < 0xffff; i++)
        builder_enumerator(&b, "x", i);
    assert_int_equal(b.code, 0);
    builder_enumerator(&b, "x", 0);
    assert_int_equal(builder_encode(&b, false, &bytes, &size, &err), -SKEP_E2BIG);
    assert_non_null(strstr(err.text, "65535"));
    assert_int_equal(builder_ptr(&b, 0), 0);
    builder_free(&b);
}

static void test_bit_fields_late_in_a_struct_do_not_move_earlier_members(void **state)
{
    struct skep_btf *btf;
    struct builder b;
    (void)state;

    builder_init(&b);
    builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    builder_struct(&b, BTF_STRUCT, "s", 12);
    builder_member(&b, "plain", 1, 32, 0);
    builder_member(&b, "bits", 1, 64, 7);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(btf_field_at(btf, 2, 0).bit_offset, 32);
    assert_int_equal(btf_field_at(btf, 2, 0).bit_size, 0);
    assert_int_equal(btf_field_at(btf, 2, 1).bit_offset, 64);
    assert_int_equal(btf_field_at(btf, 2, 1).bit_size, 7);
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_stored_once),
        cmocka_unit_test(test_copy_keeps_ids_strings_and_bytes),
        cmocka_unit_test(test_data_sections_are_fixed_in_place),
        cmocka_unit_test(test_too_many_items_are_refused),
        cmocka_unit_test(test_bit_fields_late_in_a_struct_do_not_move_earlier_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
