/* parse.c - raw BTF: what is sound is read alike in both byte orders, what is not is refused with its place. */
#include "fixture.h"

#include "os/os.h"

/* struct rule { u32 hits; u32 a:3, b:5; struct rule *next; char name[8]; }; enum; function; variable. */
static void add_sample(struct builder *b)
{
    uint32_t u32, text, index, rule, pointer, proto, var;

    builder_init(b);
    u32 = builder_int(b, "unsigned int", 4, 0);         /* 1 */
    index = builder_int(b, "char", 1, SKEP_INT_SIGNED); /* 2 */
    text = builder_array(b, index, u32, 8);             /* 3 */
    pointer = builder_ptr(b, 5);                        /* 4 */
    rule = builder_struct(b, BTF_STRUCT, "rule", 24);   /* 5 */
    builder_member(b, "hits", u32, 0, 0);
    builder_member(b, "a", u32, 32, 3);
    builder_member(b, "b", u32, 35, 5);
    builder_member(b, "next", pointer, 64, 0);
    builder_member(b, "name", text, 128, 0);
    builder_enum(b, "color", 4, true); /* 6 */
    builder_enumerator(b, "RED", -1);
    builder_enumerator(b, "BLUE", 7);
    builder_enum(b, "wide", 8, false); /* 7 */
    builder_enumerator(b, "HUGE", (int64_t)0x8000000000000001u);
    proto = builder_func_proto(b, u32); /* 8 */
    builder_param(b, "ctx", pointer);
    builder_param(b, NULL, 0);
    builder_func(b, "main", proto, BTF_GLOBAL);      /* 9 */
    var = builder_var(b, "table", rule, BTF_STATIC); /* 10 */
    builder_datasec(b, ".data", 24);                 /* 11 */
    builder_place(b, var, 0, 24);
    builder_decl_tag(b, "hot", rule, 3);                                 /* 12 */
    builder_typedef(b, "rule_t", builder_qualifier(b, BTF_CONST, rule)); /* 13, 14 */
}

static void check_sample(const struct skep_btf *btf)
{
    struct skep_btf_member member = {.size = sizeof member};
    struct btf_placed placed;
    struct btf_field field;
    uint32_t element, count;

    assert_int_equal(skep_btf_count(btf), 15);
    assert_int_equal(skep_btf_find(btf, "struct", "rule"), 5);
    assert_int_equal(skep_btf_find(btf, "union", "rule"), -SKEP_ENOENT);
    assert_int_equal(skep_btf_find(btf, "enum", "wide"), 7);
    assert_int_equal(skep_btf_find(btf, "nonsense", "rule"), -SKEP_EINVAL);
    assert_int_equal(skep_btf_find(btf, NULL, "rule_t"), 14);
    assert_string_equal(skep_btf_kind(btf, 12), "decl_tag");
    assert_string_equal(skep_btf_kind(btf, 0), "void");
    assert_null(skep_btf_kind(btf, 15));
    assert_null(skep_btf_name(btf, 15));
    assert_int_equal(skep_btf_size(btf, 3), 8);
    assert_int_equal(skep_btf_size(btf, 14), 24);
    assert_int_equal(skep_btf_size(btf, 4), 8);
    assert_int_equal(skep_btf_size(btf, 0), -SKEP_EINVAL);
    assert_int_equal(skep_btf_size(btf, 9), -SKEP_EINVAL);
    assert_int_equal(skep_btf_resolve(btf, 14), 5);
    assert_int_equal(skep_btf_array(btf, 3, &element, &count), 0);
    assert_int_equal(element, 2);
    assert_int_equal(count, 8);
    assert_int_equal(skep_btf_array(btf, 5, &element, &count), -SKEP_EINVAL);

    assert_int_equal(skep_btf_member(btf, 14, 2, &member), 0);
    assert_string_equal(member.name, "b");
    assert_int_equal(member.bit_offset, 35);
    assert_int_equal(member.bit_size, 5);
    assert_int_equal(skep_btf_member(btf, 5, 5, &member), -SKEP_ENOENT);
    assert_int_equal(skep_btf_member(btf, 1, 0, &member), -SKEP_EINVAL);
    assert_int_equal(skep_btf_member(btf, 6, 0, &member), 0);
    assert_true(member.value == -1);
    assert_int_equal(skep_btf_member(btf, 7, 0, &member), 0);
    assert_true((uint64_t)member.value == 0x8000000000000001u);

    assert_true(btf_find_field(btf, 5, "next", &field));
    assert_int_equal(field.bit_offset, 64);
    assert_int_equal(btf_find_placed(btf, 11, "table", &placed), 10);
    assert_int_equal(placed.size, 24);
    assert_int_equal(btf_next_tag(btf, 5, 0), 12);
    assert_int_equal(btf_component_of(btf, 12), 3);
    assert_int_equal(btf_linkage_of(btf, 9), BTF_GLOBAL);
    assert_int_equal(btf_linkage_of(btf, 10), BTF_STATIC);
}

static void test_types_read_the_same_in_both_byte_orders(void **state)
{
    (void)state;
    for (int is_big = 0; is_big < 2; is_big++) {
        struct skep_btf *btf;
        struct builder b;

        add_sample(&b);
        btf = open_built(&b, is_big);
        assert_int_equal(btf->is_big, is_big);
        check_sample(btf);
        skep_btf_free(btf);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    struct skep_btf *btf;
    uint8_t *bytes;
    struct builder b;
    size_t size;
    (void)state;

    add_sample(&b);
    assert_int_equal(builder_encode(&b, HOST_IS_BIG, &bytes, &size, NULL), 0);
    builder_free(&b);
    for (size_t cut = 0; cut < size; cut++) {
        struct skep_error err = {.size = sizeof err};
        uint8_t *exact = malloc(cut ? cut : 1);

        memcpy(exact, bytes, cut);
        assert_int_equal(skep_btf_open_mem(exact, cut, &btf, &err), -SKEP_EFORMAT);
        assert_true(strlen(err.text) > 10);
        free(exact);
    }
    free(bytes);
}

/* One word of the sample's types changed: which, to what, and what the message must say. */
static const struct damage {
    uint32_t id, word, value;
    const char *says;
} damages[] = {
    {1, 0, 0x7fffffff, "type 1 (INT) at offset 0: name at string"},
    {1, 1, 31u << 24, "type 1 at offset 0: no such kind: 31"},
    {1, 1, 0, "no such kind: 0"},
    {1, 2, 3, "bits 32, limit 24"},
    {3, 3, 15, "elements of type 15, limit 15"},
    {3, 4, 0xffffffff, "index of type 4294967295"},
    {4, 2, 99, "refers to type 99, limit 15"},
    {5, 1, 4u << 24 | 0xffff, "takes 786"},
    {5, 3, 0xfffffff, "name of an item at string"},
    {5, 4, 1000, "item of type 1000"},
    {6, 2, 9, "size 9, limit 8"},
    {9, 2, 1, "type 1 is no prototype but INT"},
    {11, 3, 5, "is type 5 (STRUCT), not a variable"},
    {13, 2, 14, "loop"}, /* const of the typedef of it */
    {4, 2, 4, "loop"},   /* a pointer to itself */
    {3, 3, 3, "loop"},   /* an array of itself */
    {5, 4, 5, "contains the type itself"},
    {5, 4, 14, "contains the type itself"}, /* through its typedef */
};

static void test_damage_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const struct damage *damage = &damages[i];
        struct skep_error err = {.size = sizeof err};
        struct skep_btf *btf = NULL;
        struct builder b;

        add_sample(&b);
        builder_record(&b, damage->id)[damage->word] = damage->value;
        assert_int_equal(builder_open(&b, &btf, &err), -SKEP_EFORMAT);
        if (!strstr(err.text, damage->says))
            fail_msg("'%s' does not say '%s'", err.text, damage->says);
        builder_free(&b);
    }
}

static void test_headers_that_claim_too_much_are_refused(void **state)
{
    static const struct {
        uint32_t offset, value;
        const char *says;
    } headers[] = {
        {4, 23, "header claims 23"},         {4, 0xffffffff, "header claims 4294967295"},
        {8, 0xfffffffc, "type section"},     {12, 0xffffffff, "type section"},
        {16, 0xffffffff, "string section"},  {20, 0xffffffff, "string section"},
        {20, 0, "begin and end with a NUL"}, {16, 0, "overlap"},
        {12, 3, "not multiples of 4"},
    };
    uint8_t *bytes;
    struct builder b;
    size_t size;
    (void)state;

    add_sample(&b);
    assert_int_equal(builder_encode(&b, false, &bytes, &size, NULL), 0);
    builder_free(&b);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct skep_error err = {.size = sizeof err};
        struct skep_btf *btf = NULL;
        uint32_t old = load_u32(bytes + headers[i].offset, false);

        store_u32(bytes + headers[i].offset, headers[i].value, false);
        assert_int_equal(skep_btf_open_mem(bytes, size, &btf, &err), -SKEP_EFORMAT);
        if (!strstr(err.text, headers[i].says))
            fail_msg("'%s' does not say '%s'", err.text, headers[i].says);
        store_u32(bytes + headers[i].offset, old, false);
    }
    free(bytes);
}

static void test_long_chains_and_deep_structs_are_refused(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;
    struct builder b;
    uint32_t id;
    (void)state;

    builder_init(&b);
    id = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    for (int i = 0; i < 100000; i++)
        id = builder_ptr(&b, id);
    assert_int_equal(builder_open(&b, &btf, &err), -SKEP_EFORMAT);
    assert_non_null(strstr(err.text, "refer to each other"));
    builder_free(&b);

    builder_init(&b);
    id = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    for (int i = 0; i < 100000; i++) {
        uint32_t outer = builder_struct(&b, BTF_STRUCT, NULL, 4);
        builder_member(&b, "m", id, 0, 0);
        id = outer;
    }
    assert_int_equal(builder_open(&b, &btf, &err), -SKEP_EFORMAT);
    assert_non_null(strstr(err.text, "nests more than"));
    builder_free(&b);
}

static void test_sizes_that_overflow_are_refused_by_size(void **state)
{
    struct skep_btf *btf;
    struct builder b;
    uint32_t u64, one, two, three;
    (void)state;

    builder_init(&b);
    u64 = builder_int(&b, "u64", 8, 0);
    one = builder_array(&b, u64, u64, 0xffffffff);
    two = builder_array(&b, one, u64, 0xffffffff);
    three = builder_array(&b, two, u64, 0xffffffff);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(skep_btf_size(btf, one), -SKEP_E2BIG);
    assert_int_equal(skep_btf_size(btf, three), -SKEP_E2BIG);
    skep_btf_free(btf);
}

static void test_search_finds_types_of_one_name_in_order(void **state)
{
    struct skep_btf *btf;
    struct builder b;
    uint32_t first, second, flavor, id;
    (void)state;

    builder_init(&b);
    first = builder_struct(&b, BTF_STRUCT, "task", 4);
    builder_struct(&b, BTF_UNION, "task", 4);
    flavor = builder_struct(&b, BTF_STRUCT, "task___old", 4);
    second = builder_struct(&b, BTF_STRUCT, "task", 8);
    builder_struct(&b, BTF_STRUCT, "task_struct", 8);
    btf = open_built(&b, HOST_IS_BIG);
    id = btf_find_next(btf, "task", BTF_MASK(BTF_STRUCT), 0);
    assert_int_equal(id, first);
    id = btf_find_next(btf, "task", BTF_MASK(BTF_STRUCT), id);
    assert_int_equal(id, second);
    assert_int_equal(btf_find_next(btf, "task", BTF_MASK(BTF_STRUCT), id), 0);
    id = btf_find_essential(btf, "task", 4, BTF_MASK(BTF_STRUCT), first);
    assert_int_equal(id, flavor);
    assert_int_equal(btf_find_essential(btf, "task", 4, BTF_MASK(BTF_STRUCT), id), second);
    assert_int_equal(btf_find_next(btf, "", BTF_ANY_KIND, 0), 0);
    skep_btf_free(btf);
}

static void search_all(void *arg)
{
    const struct skep_btf *btf = arg;
    char name[16];

    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "s%d", i);
        if (skep_btf_find(btf, "struct", name) != i + 1)
            abort();
    }
}

static void test_searches_from_several_threads_share_one_index(void **state)
{
    struct os_thread threads[4];
    struct skep_btf *btf;
    struct builder b;
    char name[16];
    (void)state;

    builder_init(&b);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "s%d", i);
        builder_struct(&b, BTF_STRUCT, name, 0);
    }
    btf = open_built(&b, HOST_IS_BIG);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(os_thread_start(&threads[i], search_all, btf), 0);
    for (size_t i = 0; i < 4; i++)
        os_thread_join(&threads[i]);
    skep_btf_free(btf);
}

static void test_essential_names_end_before_three_underscores(void **state)
{
    (void)state;
    assert_int_equal(btf_essential_length("task___old"), 4);
    assert_int_equal(btf_essential_length("task___old___v2"), 10);
    assert_int_equal(btf_essential_length("task____old"), 11);
    assert_int_equal(btf_essential_length("___old"), 6);
    assert_int_equal(btf_essential_length("task___"), 7);
    assert_int_equal(btf_essential_length(""), 0);
    assert_int_equal(btf_essential_length("a___b"), 1);
}

static void test_sections_of_elf_files_are_found_and_bounded(void **state)
{
    uint8_t elf[64 + 3 * 64 + 64] = "\177ELF\002\001\001";
    const uint8_t *found;
    size_t length;
    (void)state;

    store_u64(elf + 40, 64, false); /* section headers */
    store_u16(elf + 58, 64, false);
    store_u16(elf + 60, 3, false);
    store_u16(elf + 62, 1, false);
    memcpy(elf + 256, "\0.strtab\0.BTF\0", 14);
    store_u64(elf + 128 + 24, 256, false); /* section 1: names */
    store_u64(elf + 128 + 32, 14, false);
    store_u32(elf + 192, 9, false); /* section 2: .BTF */
    store_u64(elf + 192 + 24, 280, false);
    store_u64(elf + 192 + 32, 40, false);
    assert_int_equal(btf_section(elf, sizeof elf, ".BTF", &found, &length, NULL), 0);
    assert_ptr_equal(found, elf + 280);
    assert_int_equal(length, 40);
    assert_int_equal(btf_section(elf, sizeof elf, ".BTF.ext", &found, &length, NULL), -SKEP_ENOENT);
    store_u64(elf + 192 + 32, 41, false);
    assert_int_equal(btf_section(elf, sizeof elf, ".BTF", &found, &length, NULL), -SKEP_EFORMAT);
    store_u64(elf + 192 + 24, UINT64_MAX, false);
    assert_int_equal(btf_section(elf, sizeof elf, ".BTF", &found, &length, NULL), -SKEP_EFORMAT);
    for (size_t cut = 0; cut < 256; cut++)
        assert_int_not_equal(btf_section(elf, cut, ".BTF", &found, &length, NULL), 0);
}

static void test_pointers_take_four_bytes_where_long_does(void **state)
{
    struct skep_btf *btf;
    struct builder b;
    uint32_t pointer;
    (void)state;

    builder_init(&b);
    builder_int(&b, "long unsigned int", 4, 0);
    pointer = builder_ptr(&b, 0);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(skep_btf_size(btf, pointer), 4);
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_read_the_same_in_both_byte_orders),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_damage_is_refused_with_its_place),
        cmocka_unit_test(test_headers_that_claim_too_much_are_refused),
        cmocka_unit_test(test_long_chains_and_deep_structs_are_refused),
        cmocka_unit_test(test_sizes_that_overflow_are_refused_by_size),
        cmocka_unit_test(test_search_finds_types_of_one_name_in_order),
        cmocka_unit_test(test_searches_from_several_threads_share_one_index),
        cmocka_unit_test(test_essential_names_end_before_three_underscores),
        cmocka_unit_test(test_sections_of_elf_files_are_found_and_bounded),
        cmocka_unit_test(test_pointers_take_four_bytes_where_long_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
