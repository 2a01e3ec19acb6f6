/* memory.c - arenas, and the counted memory of live things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"

static void test_arena_gives_zeroed_memory_aligned_for_any_type(void **state)
{
    struct arena arena = {0};
    (void)state;

    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *bytes = arena_alloc(&arena, size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, size);
    }
    arena_free(&arena);
    assert_null(arena.blocks);
}

static void test_arena_copies_text_and_bytes(void **state)
{
    struct arena arena = {0};
    char text[] = "hello";
    (void)state;

    char *copy = arena_string(&arena, text);
    text[0] = 'j';
    assert_string_equal(copy, "hello");
    assert_null(arena_string(&arena, NULL));
    assert_memory_equal(arena_copy(&arena, "a\0b", 3), "a\0b", 3);
    assert_string_equal(arena_printf(&arena, "%s-%zu", "x", (size_t)12), "x-12");
    arena_free(&arena);
}

static void test_arena_refuses_sizes_that_wrap(void **state)
{
    struct arena arena = {0};
    (void)state;

    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 64));
    arena_free(&arena);
}

static void test_mem_counts_and_keeps_its_limit(void **state)
{
    struct mem mem = {.limit = 1000};
    (void)state;

    unsigned char *first = mem_alloc(&mem, 600, 64);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % 64, 0);
    assert_int_equal(first[599], 0);
    assert_int_equal(mem.used, 600);
    assert_null(mem_alloc(&mem, 401, 8));
    assert_null(mem_alloc(&mem, SIZE_MAX, 8));
    assert_int_equal(mem.used, 600);
    void *second = mem_alloc(&mem, 400, 8);
    assert_non_null(second);
    mem_free(&mem, first, 600, 64);
    mem_free(&mem, second, 400, 8);
    mem_free(&mem, NULL, 10, 8);
    assert_int_equal(mem.used, 0);
}

struct count {
    size_t now, calls;
};

/* A host's allocator of its own: a fixed room, and honest old sizes are asked for. */
static void *counting(void *user, void *ptr, size_t old_size, size_t new_size, size_t align)
{
    static _Alignas(64) unsigned char room[512];
    struct count *count = user;
    (void)align;

    count->calls++;
    count->now = count->now - old_size + new_size;
    if (ptr)
        assert_ptr_equal(ptr, room);
    return new_size ? memset(room, 0xaa, sizeof room) : NULL;
}

static void test_mem_uses_the_hosts_allocator_and_tells_it_true_sizes(void **state)
{
    struct count count = {0};
    struct mem mem = {.alloc = counting, .user = &count};
    (void)state;

    unsigned char *bytes = mem_alloc(&mem, 100, 16);
    assert_non_null(bytes);
    assert_int_equal(bytes[99], 0);
    assert_int_equal(count.now, 100);
    mem_free(&mem, bytes, 100, 16);
    assert_int_equal(count.now, 0);
    assert_int_equal(count.calls, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_gives_zeroed_memory_aligned_for_any_type),
        cmocka_unit_test(test_arena_copies_text_and_bytes),
        cmocka_unit_test(test_arena_refuses_sizes_that_wrap),
        cmocka_unit_test(test_mem_counts_and_keeps_its_limit),
        cmocka_unit_test(test_mem_uses_the_hosts_allocator_and_tells_it_true_sizes),
    };
    return cmocka_run_group_tests_name("base_memory", tests, NULL, NULL);
}
