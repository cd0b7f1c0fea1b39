/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.c - the loadable bytes of an ELF file, by load address, as objcopy -O binary takes them.
 *
 * 32-bit little-endian, the kind that microcontroller linkers write. Sections are taken, not
 * segments: a segment may begin with the ELF header itself. A section's load address follows
 * from the segment that holds it. Every offset is checked against the file.
 */
#include <elf.h>
#include <string.h>

#include "tool/firmware.h"

struct elf {
    const char *path;
    const struct tool_bytes *file;
    Elf32_Ehdr head;
};

static bool inside(const struct tool_bytes *file, size_t off, size_t size)
{
    return off <= file->len && size <= file->len - off;
}

/* The load address of a section: by its segment, or its own address when none holds it. */
static uint32_t load_address(const struct elf *elf, const Elf32_Shdr *section)
{
    for (size_t i = 0; i < elf->head.e_phnum; i++) {
        Elf32_Phdr segment;
        memcpy(&segment, elf->file->data + elf->head.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_LOAD && section->sh_offset >= segment.p_offset &&
            section->sh_offset - segment.p_offset < segment.p_filesz) {
            return segment.p_paddr + (section->sh_offset - segment.p_offset);
        }
    }
    return section->sh_addr;
}

static int take_section(const struct elf *elf, size_t index, struct tool_join *join)
{
    Elf32_Shdr section;
    memcpy(&section, elf->file->data + elf->head.e_shoff + index * sizeof section, sizeof section);
    if ((section.sh_flags & SHF_ALLOC) == 0 || section.sh_type == SHT_NOBITS || section.sh_size == 0) {
        return 0;
    }
    if (!inside(elf->file, section.sh_offset, section.sh_size)) {
        return tool_refuse("'%s': a section lies beyond the end of the ELF file", elf->path);
    }
    struct tool_part part = {load_address(elf, &section), elf->file->data + section.sh_offset,
                             section.sh_size};
    return tool_join_add(elf->path, join, &part);
}

static int check_head(const struct elf *elf)
{
    const Elf32_Ehdr *head = &elf->head;
    if (head->e_ident[EI_CLASS] != ELFCLASS32 || head->e_ident[EI_DATA] != ELFDATA2LSB) {
        return tool_refuse("'%s' is not a 32-bit little-endian ELF file: is it for this machine, and "
                           "not for the device?", elf->path);
    }
    if (head->e_type != ET_EXEC || head->e_phnum == 0 || head->e_phentsize != sizeof(Elf32_Phdr) ||
        !inside(elf->file, head->e_phoff, (size_t)head->e_phnum * sizeof(Elf32_Phdr)) ||
        head->e_shnum == 0 || head->e_shentsize != sizeof(Elf32_Shdr) ||
        !inside(elf->file, head->e_shoff, (size_t)head->e_shnum * sizeof(Elf32_Shdr))) {
        return tool_refuse("'%s' is not a linked program: an ELF executable with section headers is "
                           "needed", elf->path);
    }
    return 0;
}

int tool_elf_parse(const char *path, const struct tool_bytes *file, struct tool_firmware *ret)
{
    struct elf elf = {.path = path, .file = file};
    if (file->len < sizeof elf.head || memcmp(file->data, ELFMAG, SELFMAG) != 0) {
        return tool_refuse("'%s' is not an ELF file", path);
    }
    memcpy(&elf.head, file->data, sizeof elf.head);
    struct tool_join join = {.bytes = {NULL, 0}};
    int rc = check_head(&elf);
    for (size_t i = 0; rc == 0 && i < elf.head.e_shnum; i++) {
        rc = take_section(&elf, i, &join);
    }
    if (rc == 0 && join.bytes.len == 0) {
        rc = tool_refuse("'%s' has nothing to load", path);
    }
    if (rc != 0) {
        tool_bytes_free(&join.bytes);
        return rc;
    }
    ret->bytes = join.bytes;
    ret->address = join.low;
    ret->has_address = true;
    return 0;
}
