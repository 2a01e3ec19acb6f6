/* capture.c - captures: what is written is read again, both formats and byte orders are read, damage is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep/net.h>

#define FILE_NAME "net_capture.tmp"

static void write_file(const void *bytes, size_t size)
{
    FILE *file = fopen(FILE_NAME, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static struct skep_capture *open_file(void)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_capture *capture = NULL;

    if (skep_capture_open(FILE_NAME, &capture, &err))
        fail_msg("%s: %s", err.subject, err.text);
    return capture;
}

static void make_file(uint32_t link_type, size_t count)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture;
    uint8_t data[256];

    assert_int_equal(skep_capture_create(FILE_NAME, link_type, &capture, &err), 0);
    for (size_t i = 0; i < count; i++) {
        memset(data, (int)i, sizeof data);
        data[3] = 0x0a; /* what text modes change */
        packet.data = data;
        packet.captured = (uint32_t)(60 + i);
        packet.length = i % 2 ? 1500 : 0;
        packet.time_ns = UINT64_C(1700000000123456789) + i;
        assert_int_equal(skep_capture_write(capture, &packet, &err), 0);
    }
    assert_int_equal(skep_capture_flush(capture, &err), 0);
    assert_int_equal(skep_capture_count(capture), count);
    skep_capture_close(capture);
}

static void test_capture_reads_what_it_wrote(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture;

    (void)state;
    make_file(SKEP_LINK_ETHERNET, 100);
    capture = open_file();
    assert_int_equal(skep_capture_link_type(capture), SKEP_LINK_ETHERNET);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(skep_capture_next(capture, &packet, &err), 0);
        assert_int_equal(packet.captured, 60 + i);
        assert_int_equal(packet.length, i % 2 ? 1500 : 60 + i);
        assert_int_equal(packet.time_ns, UINT64_C(1700000000123456789) + i);
        assert_int_equal(((const uint8_t *)packet.data)[3], 0x0a);
        assert_int_equal(((const uint8_t *)packet.data)[10], i);
    }
    assert_int_equal(skep_capture_next(capture, &packet, &err), -SKEP_ENOENT);
    assert_int_equal(skep_capture_next(capture, &packet, &err), -SKEP_ENOENT);
    assert_int_equal(skep_capture_count(capture), 100);
    skep_capture_close(capture);
}

static void test_capture_keeps_the_link_type(void **state)
{
    static const uint32_t types[] = {SKEP_LINK_NULL, SKEP_LINK_RAW, SKEP_LINK_LINUX_SLL,
                                     SKEP_LINK_LINUX_SLL2};
    struct skep_capture *capture;

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        make_file(types[i], 1);
        capture = open_file();
        assert_int_equal(skep_capture_link_type(capture), types[i]);
        skep_capture_close(capture);
    }
    assert_string_equal(skep_link_type_name(SKEP_LINK_ETHERNET), "EN10MB");
    assert_string_equal(skep_link_type_name(SKEP_LINK_RAW), "RAW");
    assert_string_equal(skep_link_type_name(65000), "unknown");
    assert_string_equal(skep_link_type_name(UINT32_MAX), "unknown");
}

static void test_capture_reads_microseconds_of_the_other_byte_order(void **state)
{
    /* https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/: header, then one packet of 2 bytes */
    static const uint8_t big[] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0,    0,
                                  0,    0,    0,    0,    1, 0, 0, 0, 0, 1, 0, 0, 0,    1,
                                  0,    0,    0,    7,    0, 0, 0, 2, 0, 0, 0, 9, 0xab, 0xcd};
    static const uint8_t little[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0,    0,
                                     0,    0,    0,    1,    0, 0, 1, 0, 0, 0, 1, 0, 0,    0,
                                     7,    0,    0,    0,    2, 0, 0, 0, 9, 0, 0, 0, 0xab, 0xcd};
    const void *files[] = {big, little};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        write_file(files[i], sizeof big);
        capture = open_file();
        assert_int_equal(skep_capture_next(capture, &packet, NULL), 0);
        assert_int_equal(packet.captured, 2);
        assert_int_equal(packet.length, 9);
        assert_int_equal(packet.time_ns, 1000007000);
        assert_memory_equal(packet.data, "\xab\xcd", 2);
        skep_capture_close(capture);
    }
}

static void test_capture_reads_pcapng(void **state)
{
    /* section header, interface (Ethernet), enhanced packet of 2 bytes: little-endian, microseconds by default */
    static const uint8_t file[] = {
        0x0a, 0x0d, 0x0d, 0x0a, 28,   0,    0,    0,  0x4d, 0x3c, 0x2b, 0x1a, 1,  0, 0, 0,  0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0,    0,    0,    1,    0,  0, 0, 20, 0,
        0,    0,    1,    0,    0,    0,    0,    0,  4,    0,    20,   0,    0,  0, 6, 0,  0,
        0,    36,   0,    0,    0,    0,    0,    0,  0,    0,    0,    0,    0,  5, 0, 0,  0,
        2,    0,    0,    0,    60,   0,    0,    0,  0xab, 0xcd, 0,    0,    36, 0, 0, 0};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture;

    (void)state;
    write_file(file, sizeof file);
    capture = open_file();
    assert_int_equal(skep_capture_next(capture, &packet, NULL), 0);
    assert_int_equal(packet.captured, 2);
    assert_int_equal(packet.length, 60);
    assert_int_equal(packet.time_ns, 5000);
    assert_int_equal(skep_capture_next(capture, &packet, NULL), -SKEP_ENOENT);
    skep_capture_close(capture);
}

static void test_capture_names_the_packet_where_a_file_is_cut(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture;
    uint8_t bytes[1024];
    size_t size;
    FILE *file;

    (void)state;
    make_file(SKEP_LINK_ETHERNET, 3);
    file = fopen(FILE_NAME, "rb");
    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 24 + 1; cut < size; cut++) {
        int rc;

        write_file(bytes, cut);
        capture = open_file();
        err.code = 0;
        while (!(rc = skep_capture_next(capture, &packet, &err)))
            assert_true(packet.captured >= 60 && packet.captured < 63);
        if (rc == -SKEP_ENOENT) { /* cut between two packets */
            assert_true(cut == 24 + 76 || cut == 24 + 76 + 77);
        } else {
            char number[32];

            assert_int_equal(rc, -SKEP_EFORMAT);
            assert_int_equal(err.code, -SKEP_EFORMAT);
            assert_string_equal(err.subject, FILE_NAME);
            snprintf(number, sizeof number, "packet %d: ", (int)skep_capture_count(capture) + 1);
            assert_int_equal(strncmp(err.text, number, strlen(number)), 0);
        }
        skep_capture_close(capture);
    }
}

static void test_capture_refuses_what_is_no_capture(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_capture *capture = NULL;

    (void)state;
    write_file("\177ELF\2\1\1 and so on and so on and so on", 37);
    assert_int_equal(skep_capture_open(FILE_NAME, &capture, &err), -SKEP_EFORMAT);
    assert_null(capture);
    assert_string_equal(err.subject, FILE_NAME);
    write_file("", 0);
    assert_int_equal(skep_capture_open(FILE_NAME, &capture, &err), -SKEP_EFORMAT);
    write_file("\xd4\xc3\xb2\xa1\2\0\4", 7);
    assert_int_equal(skep_capture_open(FILE_NAME, &capture, &err), -SKEP_EFORMAT);
    assert_int_equal(skep_capture_open("no/such/file.pcap", &capture, &err), -SKEP_ENOENT);
    assert_int_equal(skep_capture_open("", &capture, &err), -SKEP_EINVAL);
    assert_int_equal(skep_capture_create("no/such/folder/x.pcap", 1, &capture, &err), -SKEP_ENOENT);
    assert_null(capture);
}

static void test_capture_with_a_giant_packet_length_is_refused(void **state)
{
    static const uint8_t file[] = {0xd4, 0xc3, 0xb2, 0xa1, 2,    0,    4, 0, 0, 0, 0,   0, 0, 0, 0,
                                   0,    0xff, 0xff, 0xff, 0x7f, 1,    0, 0, 0, 1, 0,   0, 0, 7, 0,
                                   0,    0,    0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0, 0xab};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture = NULL;

    (void)state;
    write_file(file, sizeof file);
    if (skep_capture_open(FILE_NAME, &capture, NULL))
        return;
    assert_int_equal(skep_capture_next(capture, &packet, NULL), -SKEP_EFORMAT);
    skep_capture_close(capture);
}

static void test_capture_refuses_the_wrong_direction_and_giants(void **state)
{
    static const uint8_t data[4];
    struct skep_packet packet = {.size = sizeof packet, .data = data, .captured = 262145};
    struct skep_error err = {.size = sizeof err};
    struct skep_capture *capture;

    (void)state;
    assert_int_equal(skep_capture_create(FILE_NAME, 1, &capture, &err), 0);
    assert_int_equal(skep_capture_next(capture, &packet, &err), -SKEP_EINVAL);
    packet.captured = 262145;
    assert_int_equal(skep_capture_write(capture, &packet, &err), -SKEP_EINVAL);
    skep_capture_close(capture);
    capture = open_file();
    packet.captured = 4;
    assert_int_equal(skep_capture_write(capture, &packet, &err), -SKEP_EINVAL);
    skep_capture_close(capture);
    skep_capture_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_reads_what_it_wrote),
        cmocka_unit_test(test_capture_keeps_the_link_type),
        cmocka_unit_test(test_capture_reads_microseconds_of_the_other_byte_order),
        cmocka_unit_test(test_capture_reads_pcapng),
        cmocka_unit_test(test_capture_names_the_packet_where_a_file_is_cut),
        cmocka_unit_test(test_capture_refuses_what_is_no_capture),
        cmocka_unit_test(test_capture_with_a_giant_packet_length_is_refused),
        cmocka_unit_test(test_capture_refuses_the_wrong_direction_and_giants),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    remove(FILE_NAME);
    return failed;
}
