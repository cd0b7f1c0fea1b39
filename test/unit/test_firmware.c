/* SPDX-License-Identifier: Apache-2.0 */
/* test_firmware.c - program files: Intel HEX and ELF, read and written, good and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/firmware.h"

static struct tool_bytes text_of(const char *text)
{
    struct tool_bytes bytes = {(uint8_t *)(uintptr_t)text, strlen(text)};
    return bytes;
}

static int parse_hex(const char *text, struct tool_firmware *ret)
{
    struct tool_bytes bytes = text_of(text);
    return tool_hex_parse("test.hex", &bytes, ret);
}

static void expect_hex(const char *text, uint64_t address, const char *wanted, size_t len)
{
    struct tool_firmware firmware;
    assert_int_equal(parse_hex(text, &firmware), 0);
    assert_true(firmware.has_address);
    assert_int_equal(firmware.address, address);
    assert_int_equal(firmware.bytes.len, len);
    assert_memory_equal(firmware.bytes.data, wanted, len);
    tool_bytes_free(&firmware.bytes);
}

static void test_hex_data_of_every_addressing(void **state)
{
    (void)state;
    expect_hex(":0400100001020304E2\n:00000001FF\n", 0x10, "\1\2\3\4", 4);
    expect_hex(":0400100001020304E2\r\n:00000001FF\r\n", 0x10, "\1\2\3\4", 4);
    expect_hex(":0400100001020304e2\n\n:00000001ff", 0x10, "\1\2\3\4", 4);
    expect_hex(":020000040800F2\n:0400100001020304E2\n:00000001FF\n", 0x08000010, "\1\2\3\4", 4);
    expect_hex(":020000021000EC\n:0400100001020304E2\n:00000001FF\n", 0x10010, "\1\2\3\4", 4);
    expect_hex(":0400000508000000EF\n:0400100001020304E2\n:0400000300003800C1\n:00000001FF\n", 0x10, "\1\2\3\4", 4);
}

static void test_hex_parts_in_any_order_with_holes(void **state)
{
    (void)state;
    expect_hex(":020014000506DF\n:020010000102EB\n:00000001FF\n", 0x10, "\1\2\xff\xff\5\6", 6);
}

static void test_hex_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "hello\n",
        ":\n:00000001FF\n",
        ":0400100001020304E3\n:00000001FF\n",             /* checksum */
        ":0500100001020304E2\n:00000001FF\n",             /* length */
        ":0400100001020304E\n:00000001FF\n",              /* half a byte */
        ":04001000010203G4E2\n:00000001FF\n",             /* not hex */
        ":0400100601020304DC\n:00000001FF\n",             /* unknown type */
        ":01000004FFFC\n:00000001FF\n",                   /* address record of one byte */
        ":0400100001020304E2\n",                          /* no end */
        ":00000001FF\n",                                  /* no data */
        ":0400100001020304E2\n:00000001FF\n:0400100001020304E2\n",
        ":0400100001020304E2\n:020000040800F2\n:0400100001020304E2\n:00000001FF\n", /* spans 128 MiB */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tool_firmware firmware = {.address = 4711};
        assert_int_equal(parse_hex(wrong[i], &firmware), TOOL_REFUSED);
        assert_int_equal(firmware.address, 4711);
    }
}

static void test_hex_written_is_read_again(void **state)
{
    (void)state;
    uint8_t data[70000];
    char path[] = "/tmp/otter-firmware-XXXXXX.hex";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    (void)close(fd);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (uint64_t address = 0x1000fff1; address < 0x1000fff4; address++) {
        struct tool_part parts[2] = {{address, data, sizeof data}, {address + 80000, data, 5}};
        struct tool_firmware firmware;
        assert_int_equal(tool_hex_write(path, parts, 2), 0);
        assert_int_equal(tool_firmware_read(path, &firmware), 0);
        assert_int_equal(firmware.address, address);
        assert_int_equal(firmware.bytes.len, 80005);
        assert_memory_equal(firmware.bytes.data, data, sizeof data);
        assert_int_equal(firmware.bytes.data[75000], 0xff);
        assert_memory_equal(firmware.bytes.data + 80000, data, 5);
        tool_bytes_free(&firmware.bytes);
    }
    struct tool_part beyond = {0xfffffff0, data, 17};
    assert_int_equal(tool_hex_write(path, &beyond, 1), TOOL_REFUSED);
    (void)unlink(path);
}

/* An ELF file: one segment that begins with the ELF header itself, as linkers make it, with a
 * section of 8 bytes in it; and .data, linked to RAM, loaded behind. */
struct elf_file {
    Elf32_Ehdr head;
    Elf32_Phdr segments[2];
    Elf32_Shdr sections[5];
    uint8_t text[8];
    uint8_t data[4];
};

static struct elf_file make_elf(void)
{
    struct elf_file elf;
    memset(&elf, 0, sizeof elf);
    memcpy(elf.head.e_ident, ELFMAG, SELFMAG);
    elf.head.e_ident[EI_CLASS] = ELFCLASS32;
    elf.head.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.head.e_type = ET_EXEC;
    elf.head.e_phoff = offsetof(struct elf_file, segments);
    elf.head.e_phentsize = sizeof elf.segments[0];
    elf.head.e_phnum = 2;
    elf.head.e_shoff = offsetof(struct elf_file, sections);
    elf.head.e_shentsize = sizeof elf.sections[0];
    elf.head.e_shnum = 5;
    uint32_t text_off = offsetof(struct elf_file, text);
    uint32_t data_off = offsetof(struct elf_file, data);
    elf.segments[0] = (Elf32_Phdr){.p_type = PT_LOAD, .p_offset = 0, .p_vaddr = 0x10000000, .p_paddr = 0x10000000,
                                   .p_filesz = text_off + 8, .p_memsz = text_off + 8};
    elf.segments[1] = (Elf32_Phdr){.p_type = PT_LOAD, .p_offset = data_off, .p_vaddr = 0x20000000,
                                   .p_paddr = 0x10000000 + text_off + 12, .p_filesz = 4, .p_memsz = 100};
    elf.sections[1] = (Elf32_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                   .sh_addr = 0x10000000 + text_off, .sh_offset = text_off, .sh_size = 8};
    elf.sections[2] = (Elf32_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE,
                                   .sh_addr = 0x20000000, .sh_offset = data_off, .sh_size = 4};
    elf.sections[3] = (Elf32_Shdr){.sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_WRITE, .sh_addr = 0x20000004,
                                   .sh_offset = data_off + 4, .sh_size = 0x1000};
    elf.sections[4] = (Elf32_Shdr){.sh_type = SHT_PROGBITS, .sh_offset = 0, .sh_size = 50}; /* a comment */
    memcpy(elf.text, "\1\2\3\4\5\6\7\10", 8);
    memcpy(elf.data, "\21\22\23\24", 4);
    return elf;
}

static int parse_elf(const void *data, size_t len, struct tool_firmware *ret)
{
    uint8_t *copy = malloc(len + 1); /* of its own, so that a sanitizer sees its end */
    assert_non_null(copy);
    memcpy(copy, data, len);
    struct tool_bytes bytes = {copy, len};
    int rc = tool_elf_parse("test.elf", &bytes, ret);
    free(copy);
    return rc;
}

static void test_elf_sections_at_their_load_addresses(void **state)
{
    (void)state;
    struct elf_file elf = make_elf();
    struct tool_firmware firmware;
    assert_int_equal(parse_elf(&elf, sizeof elf, &firmware), 0);
    assert_int_equal(firmware.address, 0x10000000 + offsetof(struct elf_file, text));
    assert_int_equal(firmware.bytes.len, 16);
    assert_memory_equal(firmware.bytes.data, "\1\2\3\4\5\6\7\10\xff\xff\xff\xff\21\22\23\24", 16);
    tool_bytes_free(&firmware.bytes);
}

static void test_elf_cut_or_wild_is_refused(void **state)
{
    (void)state;
    struct elf_file good = make_elf();
    struct tool_firmware firmware;
    for (size_t len = 0; len < sizeof good; len++) {
        assert_int_equal(parse_elf(&good, len, &firmware), TOOL_REFUSED);
    }
    struct elf_file wild = good;
    wild.head.e_ident[EI_CLASS] = ELFCLASS64;
    assert_int_equal(parse_elf(&wild, sizeof wild, &firmware), TOOL_REFUSED);
    wild = good;
    wild.head.e_type = ET_REL;
    assert_int_equal(parse_elf(&wild, sizeof wild, &firmware), TOOL_REFUSED);
    wild = good;
    wild.head.e_shoff = 0xfffffff0;
    assert_int_equal(parse_elf(&wild, sizeof wild, &firmware), TOOL_REFUSED);
    wild = good;
    wild.sections[1].sh_size = 0xffffffff;
    assert_int_equal(parse_elf(&wild, sizeof wild, &firmware), TOOL_REFUSED);
    wild = good;
    wild.segments[1].p_paddr = 0x90000000;
    assert_int_equal(parse_elf(&wild, sizeof wild, &firmware), TOOL_REFUSED); /* spans 2 GiB */
}

static void test_kinds_by_name(void **state)
{
    (void)state;
    assert_int_equal(tool_firmware_kind("a.hex"), TOOL_HEX);
    assert_int_equal(tool_firmware_kind("dir.elf/a.HEX"), TOOL_HEX);
    assert_int_equal(tool_firmware_kind("a.elf"), TOOL_ELF);
    assert_int_equal(tool_firmware_kind("a.axf"), TOOL_ELF);
    assert_int_equal(tool_firmware_kind("a.bin"), TOOL_BIN);
    assert_int_equal(tool_firmware_kind("hex"), TOOL_BIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_data_of_every_addressing),
        cmocka_unit_test(test_hex_parts_in_any_order_with_holes),
        cmocka_unit_test(test_hex_that_is_none_is_refused),
        cmocka_unit_test(test_hex_written_is_read_again),
        cmocka_unit_test(test_elf_sections_at_their_load_addresses),
        cmocka_unit_test(test_elf_cut_or_wild_is_refused),
        cmocka_unit_test(test_kinds_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
