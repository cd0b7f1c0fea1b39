/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_image.c - which bytes are an image (SPEC.md, "Image"), and what is read from them.
 *
 * Golden images come from test/images, written at build time.
 */
#include "test/unit/craft.h"

static void test_every_golden_image_gets_the_recorded_verdict(void **state)
{
    (void)state;
    char line[4096];
    unsigned count = 0;
    FILE *recipes = fopen(OTTER_SOURCE_DIR "/test/images/recipes.txt", "r");
    assert_non_null(recipes);
    while (fgets(line, sizeof line, recipes)) {
        char name[128];
        char ours[64];
        if (sscanf(line, "image %127s %*u %*s %*s %63s", name, ours) != 2 || strstr(name, ".hex")) {
            continue;
        }
        size_t len;
        uint8_t *data = read_built(name, &len);
        int fault = judge(data, len);
        const char *found = fault == 0 ? "accept" : tool_fault_name(fault);
        if (strcmp(found, ours) != 0) {
            fail_msg("%s: %s is recorded, but the verdict is %s", name, ours, found);
        }
        free(data);
        count++;
    }
    (void)fclose(recipes);
    assert_int_equal(count, 102);
}

static void test_header_fields_and_protected_counter_are_read(void **state)
{
    (void)state;
    size_t len;
    uint8_t *data = read_built("small-ecdsa-seccnt66.bin", &len);
    struct tool_bytes bytes = {data, len};
    struct otter_flash flash;
    struct otter_area area;
    struct otter_image image;
    tool_memory_flash(&bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    assert_int_equal(otter_image_parse(&view, &image), OTTER_OK);
    assert_int_equal(image.version.major, 1);
    assert_int_equal(image.version.minor, 2);
    assert_int_equal(image.version.revision, 3);
    assert_int_equal(image.version.build, 4);
    assert_int_equal(image.size, len);
    assert_int_equal(image.header_size, 0x200);
    assert_int_equal(image.payload_size, 4096);
    assert_int_equal(image.hashed_size, 0x200 + 4096 + 12);
    assert_int_equal(image.tlv_off, image.hashed_size);
    assert_true(image.has_security_counter);
    assert_int_equal(image.security_counter, 66);

    uint32_t off = 0;
    uint16_t tlv_len = 0;
    assert_int_equal(otter_image_tlv(&view, &image, 0x50, 0, &off, &tlv_len), OTTER_OK);
    assert_int_equal(off, 0x200 + 4096 + 8);
    assert_int_equal(tlv_len, 4);
    assert_int_equal(otter_image_tlv(&view, &image, 0x10, 0, &off, &tlv_len), OTTER_OK);
    assert_memory_equal(data + off, image.hash, OTTER_HASH_SIZE);
    assert_int_equal(otter_image_tlv(&view, &image, 0x10, 1, &off, &tlv_len), OTTER_ERR_CORRUPT);
    assert_int_equal(otter_image_tlv(&view, &image, 0xa0, 0, &off, &tlv_len), OTTER_ERR_CORRUPT);
    free(data);

    data = read_built("small-ecdsa.bin", &len); /* no protected area */
    struct memory memory = {data, len, 0, false};
    flash.ctx = &memory;
    flash.read = memory_read;
    area.size = (uint32_t)len;
    view = otter_view_of(&area);
    assert_int_equal(otter_image_parse(&view, &image), OTTER_OK);
    assert_int_equal(otter_image_tlv(&view, &image, 0x50, 0, &off, &tlv_len), OTTER_ERR_CORRUPT);
    for (size_t failing = 1; failing <= 2; failing++) {
        memory.reads_until_error = failing;
        assert_int_equal(otter_image_tlv(&view, &image, 0x10, 0, &off, &tlv_len), OTTER_ERR_IO);
    }
    memory.reads_until_error = 0;
    assert_int_equal(otter_image_verify(&view, &image, trusted, OTHER, NULL, NULL), OTTER_OK);
    free(data);
}

/* The bytes of the first hex block of a chapter: "offset  bytes | what they are" on each line. */
static size_t read_example(const char *path, uint8_t *ret_bytes, size_t size)
{
    char line[512];
    bool inside = false;
    size_t len = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) && !(inside && strncmp(line, "```", 3) == 0)) {
        if (!inside) {
            inside = strcmp(line, "```hex\n") == 0;
            continue;
        }
        char *at;
        assert_int_equal(strtoul(line, &at, 16), len);
        while (*at != '|') {
            assert_true(len < size);
            ret_bytes[len++] = (uint8_t)strtoul(at, &at, 16);
            at += strspn(at, " ");
        }
    }
    (void)fclose(file);
    return len;
}

static void test_the_example_of_the_specification(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t len = read_example(OTTER_SOURCE_DIR "/docs/spec/10-image.md", bytes, sizeof bytes);
    assert_int_equal(len, 204);
    struct memory memory = {bytes, len, 0, false};
    assert_int_equal(judge_with(&memory, &trusted[ED25519], 1), 0);
    bytes[0x38]++; /* the counter is under the hash */
    assert_int_equal(judge_with(&memory, &trusted[ED25519], 1), OTTER_IMAGE_HASH_WRONG);
}

/* Every fault that the code knows is a rule of the specification, under its name. */
static void test_every_fault_is_a_rule(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = NULL;
    FILE *file = fopen(OTTER_SOURCE_DIR "/docs/spec/10-image.md", "r");
    assert_non_null(file);
    assert_true(getdelim(&text, &len, 0, file) > 0);
    (void)fclose(file);
    for (int fault = OTTER_IMAGE_NO_MAGIC; fault <= OTTER_IMAGE_SIGNATURES_MANY; fault++) {
        char row[64];
        (void)snprintf(row, sizeof row, " | %s | ", tool_fault_name(fault));
        assert_non_null(strstr(text, row));
    }
    free(text);
}

static void test_no_flipped_bit_goes_unnoticed(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    finish(&craft, ED25519);
    assert_int_equal(verdict(&craft), 0);
    for (size_t bit = 0; bit < craft.len * 8; bit++) {
        craft.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verdict(&craft) == 0) {
            fail_msg("bit %zu may be flipped", bit);
        }
        craft.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_no_truncated_image_is_accepted(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    open_area(&craft, 0x6908);
    put_tlv(&craft, 0x50, "\1\0\0\0", 4);
    close_area(&craft);
    finish(&craft, ED25519);
    assert_int_equal(verdict(&craft), 0);
    for (size_t len = 0; len < craft.len; len++) {
        assert_int_not_equal(judge(craft.data, len), 0);
    }
}

static void test_wild_sizes_never_lead_outside_the_view(void **state)
{
    (void)state;
    static const uint32_t wild[] = {0, 1, 3, 4, 31, 32, 33, 0x7fff, 0x8000, 0xfffc, 0xffff, 0x10000,
                                    0x7fffffff, 0x80000000, 0xfffffffb, 0xfffffffc, 0xffffffff};
    struct craft good;
    begin(&good);
    open_area(&good, 0x6908);
    put_tlv(&good, 0xa0, "abc", 3);
    close_area(&good);
    finish(&good, ED25519);
    for (size_t at = 0; at + 4 <= good.len; at++) {
        for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
            struct craft craft = good;
            set_32(&craft, at, wild[i]);
            if (memcmp(craft.data, good.data, good.len) != 0) {
                assert_int_not_equal(verdict(&craft), 0); /* judge() watches the bounds */
            }
        }
    }
}

/* One extra entry in an area of an image that is good otherwise. */
static int verdict_with(bool in_protected, unsigned type, const void *value, size_t len)
{
    struct craft craft;
    begin(&craft);
    if (in_protected) {
        open_area(&craft, 0x6908);
        put_tlv(&craft, type, value, len);
        close_area(&craft);
        finish(&craft, ED25519);
    } else {
        open_area(&craft, 0x6907);
        put_hash(&craft);
        put_tlv(&craft, type, value, len);
        put_key_hash(&craft, ED25519);
        put_sig(&craft, ED25519);
        close_area(&craft);
    }
    return verdict(&craft);
}

static void test_what_may_stand_in_which_area(void **state)
{
    (void)state;
    const uint8_t zeros[64] = {0};
    for (unsigned type = 0x40; type < 0x200; type++) {
        size_t len = type == 0x50 ? 4 : 12;
        assert_int_equal(verdict_with(true, type, zeros, len), 0);
        assert_int_equal(verdict_with(false, type, zeros, len), OTTER_IMAGE_TLV_PLACE);
    }
    for (unsigned type = 0; type < 0x40; type++) {
        assert_int_equal(verdict_with(true, type, zeros, 32), OTTER_IMAGE_TLV_PLACE);
    }
    static const uint8_t unknown[] = {0x00, 0x03, 0x0f, 0x13, 0x1f, 0x26, 0x2f, 0x35, 0x3f};
    for (size_t i = 0; i < sizeof unknown; i++) {
        assert_int_equal(verdict_with(false, unknown[i], zeros, 4), OTTER_IMAGE_TLV_PLACE);
    }
    for (unsigned type = 0x30; type <= 0x34; type++) {
        assert_int_equal(verdict_with(false, type, zeros, 48), 0); /* not flagged: of no effect */
    }
    assert_int_equal(verdict_with(false, 0x11, zeros, 48), OTTER_IMAGE_OTHER_HASH);
    assert_int_equal(verdict_with(false, 0x12, zeros, 64), OTTER_IMAGE_OTHER_HASH);
    assert_int_equal(verdict_with(false, 0x25, "\1", 1), OTTER_IMAGE_OTHER_HASH);
    assert_int_equal(verdict_with(false, 0x01, keys[ED25519].hash, 4), OTTER_IMAGE_TLV_LENGTH);
    assert_int_equal(verdict_with(false, 0x01, keys[ED25519].hash, 0), OTTER_IMAGE_TLV_LENGTH);
    assert_int_equal(verdict_with(false, 0x02, keys[ED25519].der.data, 4), 0); /* nobody's key */
    assert_int_equal(verdict_with(true, 0x50, zeros, 3), OTTER_IMAGE_TLV_LENGTH);
    assert_int_equal(verdict_with(true, 0x50, zeros, 5), OTTER_IMAGE_TLV_LENGTH);
}

static void test_a_counter_may_be_there_once(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    open_area(&craft, 0x6908);
    put_tlv(&craft, 0x50, "\1\0\0\0", 4);
    put_tlv(&craft, 0x50, "\2\0\0\0", 4);
    close_area(&craft);
    finish(&craft, ED25519);
    assert_int_equal(verdict(&craft), OTTER_IMAGE_TLV_TWICE);
}

static void test_an_entry_must_end_inside_its_area(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft); /* signed, but the protected entry reaches into the unprotected area */
    open_area(&craft, 0x6908);
    put_tlv(&craft, 0xa0, "abcd", 4);
    close_area(&craft);
    set_16(&craft, craft.area + 6, 8);
    finish(&craft, ED25519);
    assert_int_equal(verdict(&craft), OTTER_IMAGE_TLV_OVERRUN);

    begin(&craft); /* three bytes are no entry */
    open_area(&craft, 0x6908);
    put(&craft, "abc", 3);
    close_area(&craft);
    finish(&craft, ED25519);
    assert_int_equal(verdict(&craft), OTTER_IMAGE_TLV_OVERRUN);
}

static void test_flags(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        struct craft craft;
        begin(&craft);
        set_32(&craft, 16, 1u << bit);
        finish(&craft, ED25519);
        bool allowed = bit == 5 || bit == 8; /* RAM_LOAD, ROM_FIXED */
        assert_int_equal(verdict(&craft), allowed ? 0 : OTTER_IMAGE_FLAGS);
    }
}

static void test_an_empty_payload_is_refused(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    set_32(&craft, 12, 0);
    craft.len = 32;
    finish(&craft, ED25519);
    assert_int_equal(verdict(&craft), OTTER_IMAGE_NO_PAYLOAD);
}

static void test_errors_of_parse_follow_the_fault(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int err;
    } cases[] = {{"payload.bin", OTTER_ERR_CORRUPT},
                 {"neg/n18-tlv-len-overrun.bin", OTTER_ERR_CORRUPT},
                 {"neg/n46-hash-len31.bin", OTTER_ERR_CORRUPT},
                 {"neg/n20-imgsize-big.bin", OTTER_ERR_NOSPACE},
                 {"neg/n50-flag-nonbootable.bin", OTTER_ERR_REFUSED},
                 {"neg/n30-nohash.bin", OTTER_ERR_REFUSED},
                 {"ecdsa-lzma2.bin", OTTER_ERR_REFUSED},
                 {"neg/n04-payload-bitflip.bin", OTTER_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len;
        uint8_t *data = read_built(cases[i].name, &len);
        struct tool_bytes bytes = {data, len};
        struct otter_flash flash;
        struct otter_area area;
        struct otter_image image = {.size = 4711};
        tool_memory_flash(&bytes, &flash, &area);
        struct otter_view view = otter_view_of(&area);
        assert_int_equal(otter_image_parse(&view, &image), cases[i].err);
        assert_true((image.size == 4711) == (cases[i].err != OTTER_OK)); /* written on success only */
        free(data);
    }
}

static void test_flash_errors_pass_through(void **state)
{
    (void)state;
    struct craft craft;
    begin(&craft);
    open_area(&craft, 0x6908);
    put_tlv(&craft, 0x50, "\1\0\0\0", 4);
    close_area(&craft);
    finish(&craft, ED25519);
    size_t failing = 1;
    int result;
    do {
        struct memory memory = {craft.data, craft.len, failing++, false};
        result = judge_with(&memory, trusted, OTHER);
        assert_true(result == OTTER_ERR_IO || result == 0);
    } while (result != 0);
    assert_true(failing > 10);
}

static unsigned feeds;
static void count_feed(void *ctx)
{
    (void)ctx;
    feeds++;
}

static void test_an_image_in_two_pieces_is_verified_where_it_lies(void **state)
{
    (void)state;
    size_t len;
    uint8_t *data = read_built("small-ecdsa.bin", &len);
    for (size_t split = 1; split < len; split += 13) {
        uint8_t high[8192];
        memcpy(high, data + split, len - split);
        struct memory low_memory = {data, split, 0, false};
        struct memory high_memory = {high, len - split, 0, false};
        struct otter_flash low = {.ctx = &low_memory, .read = memory_read, .size = (uint32_t)split};
        struct otter_flash top = {.ctx = &high_memory, .read = memory_read, .size = (uint32_t)(len - split)};
        struct otter_view view = {{&low, 0, (uint32_t)split}, {&top, 0, (uint32_t)(len - split)},
                                  (uint32_t)split};
        struct otter_image image;
        assert_int_equal(otter_image_parse(&view, &image), OTTER_OK);
        if (split < 60) {
            feeds = 0;
            assert_int_equal(otter_image_verify(&view, &image, trusted, 1, count_feed, NULL), OTTER_OK);
            assert_true(feeds >= len / OTTER_IMAGE_BUF_MIN);
        }
    }
    free(data);
}

/* A buffer that a fault made empty must not be an endless check that feeds the watchdog. */
static void test_a_step_without_room_is_an_error(void **state)
{
    (void)state;
    struct otter_image image = {.hashed_size = 100};
    struct otter_view view = {0};
    struct otter_image_check check;
    uint8_t buf[1];
    otter_image_check_begin(&check, &view, &image, trusted, 1);
    assert_int_equal(otter_image_check_step(&check, buf, 0), OTTER_ERR_ARG);
}

static void test_versions_compare_by_major_minor_revision_build(void **state)
{
    (void)state;
    static const struct otter_version rising[] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}, {0, 1, 0, 9},
                                                  {1, 0, 0, 0}, {1, 0, 0, UINT32_MAX}, {1, 0, 65535, 0},
                                                  {1, 255, 0, 0}, {255, 0, 0, 0}};
    enum { COUNT = sizeof rising / sizeof rising[0] };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            int order = otter_version_compare(&rising[i], &rising[j]);
            assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_golden_image_gets_the_recorded_verdict),
        cmocka_unit_test(test_header_fields_and_protected_counter_are_read),
        cmocka_unit_test(test_the_example_of_the_specification),
        cmocka_unit_test(test_every_fault_is_a_rule),
        cmocka_unit_test(test_no_flipped_bit_goes_unnoticed),
        cmocka_unit_test(test_no_truncated_image_is_accepted),
        cmocka_unit_test(test_wild_sizes_never_lead_outside_the_view),
        cmocka_unit_test(test_what_may_stand_in_which_area),
        cmocka_unit_test(test_a_counter_may_be_there_once),
        cmocka_unit_test(test_an_entry_must_end_inside_its_area),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_an_empty_payload_is_refused),
        cmocka_unit_test(test_errors_of_parse_follow_the_fault),
        cmocka_unit_test(test_flash_errors_pass_through),
        cmocka_unit_test(test_an_image_in_two_pieces_is_verified_where_it_lies),
        cmocka_unit_test(test_a_step_without_room_is_an_error),
        cmocka_unit_test(test_versions_compare_by_major_minor_revision_build),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
