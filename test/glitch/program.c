/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - reads the ELF file of a bootloader (32 bits, little endian, as the host). */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/glitch/program.h"

static _Noreturn void fail(const char *path, const char *what)
{
    fprintf(stderr, "glitch: %s: %s\n", path, what);
    exit(2);
}

uint8_t *file_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path, "cannot be opened");
    }
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    (void)fseek(file, 0, SEEK_SET);
    uint8_t *bytes = malloc((size_t)size + 1);
    if (size < 0 || bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        fail(path, "cannot be read");
    }
    (void)fclose(file);
    *ret_size = (size_t)size;
    return bytes;
}

/* What computes digests and curve points: one wrong bit there changes all that follows. And what
 * is long and repeats itself, and decides nothing about an image: records, settings, the log. */
static enum extent extent_of(const char *name)
{
    static const struct {
        const char *begin;
        enum extent extent;
    } known[] = {
        {"u256_", CRYPTO},    {"u288_", CRYPTO},      {"m256_", CRYPTO},          {"point_", CRYPTO},
        {"scalar_", CRYPTO},  {"ecdsa_m256", CRYPTO}, {"mbedtls_", CRYPTO},       {"otter_crc32", LONG},
        {"read_cell", LONG},  {"find_head", LONG},    {"settings_start", LONG},   {"words_", LONG},
        {"board_write", LONG},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strncmp(name, known[i].begin, strlen(known[i].begin)) == 0) {
            return known[i].extent;
        }
    }
    return PATH;
}

static int by_address(const void *a, const void *b)
{
    const struct function *one = a, *other = b;
    return (one->addr > other->addr) - (one->addr < other->addr);
}

static void take_functions(struct program *program, const uint8_t *bytes, const Elf32_Shdr *section, const char *names)
{
    const Elf32_Sym *symbols = (const void *)(bytes + section->sh_offset);
    size_t count = section->sh_size / sizeof *symbols;
    program->functions = calloc(count, sizeof *program->functions);
    for (size_t i = 0; i < count && program->functions != NULL; i++) {
        struct function *function = &program->functions[program->count];
        if (ELF32_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_size != 0) {
            (void)snprintf(function->name, sizeof function->name, "%s", names + symbols[i].st_name);
            function->addr = symbols[i].st_value & ~1u;
            function->size = symbols[i].st_size;
            function->extent = extent_of(function->name);
            program->count++;
        }
    }
    qsort(program->functions, program->count, sizeof *program->functions, by_address);
}

/* Functions by the beginning of their names: compilers put something behind them. */
static void find_memos(const struct program *program, uint32_t *ret_at)
{
    static const char *const names[MEMO_FUNCTIONS] = {[MEMO_VERIFY] = "otter_ecdsa_p256_verify", [MEMO_CRC] = "otter_crc32",
                                                      [MEMO_SHA] = "mbedtls_internal_sha256_process", [MEMO_CELL] = "read_cell",
                                                      [MEMO_POINT] = "scalar_mult"};
    for (unsigned i = 0; i < MEMO_FUNCTIONS; i++) {
        ret_at[i] = 0;
        for (size_t k = 0; k < program->count; k++) {
            const char *name = program->functions[k].name;
            size_t len = strlen(names[i]);
            if (strncmp(name, names[i], len) == 0 && (name[len] == '\0' || name[len] == '.')) {
                ret_at[i] = program->functions[k].addr;
            }
        }
        if (ret_at[i] == 0) {
            fprintf(stderr, "glitch: no function %s: this will take longer\n", names[i]);
        }
    }
}

void program_load(struct program *program, struct board *board, const char *path)
{
    size_t size;
    uint8_t *bytes = file_read(path, &size);
    const Elf32_Ehdr *head = (const void *)bytes;
    memset(program, 0, sizeof *program);
    if (size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_machine != EM_ARM) {
        fail(path, "is no program for Arm");
    }
    const Elf32_Phdr *segments = (const void *)(bytes + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        const Elf32_Phdr *segment = &segments[i];
        if (segment->p_type != PT_LOAD || segment->p_filesz == 0) {
            continue;
        }
        if (segment->p_paddr > ROM_SIZE || segment->p_filesz > ROM_SIZE - segment->p_paddr) {
            fail(path, "does not fit the bootloader's memory");
        }
        memcpy(board->rom + segment->p_paddr, bytes + segment->p_offset, segment->p_filesz);
    }
    const Elf32_Shdr *sections = (const void *)(bytes + head->e_shoff);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_type == SHT_SYMTAB) {
            take_functions(program, bytes, &sections[i], (const char *)bytes + sections[sections[i].sh_link].sh_offset);
        }
    }
    if (program->count == 0) {
        fail(path, "has no symbols");
    }
    free(bytes);
    find_memos(program, board->memos.at);
}

const struct function *program_at(const struct program *program, uint32_t addr)
{
    size_t low = 0, high = program->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (program->functions[middle].addr <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct function *function = low == 0 ? NULL : &program->functions[low - 1];
    return function != NULL && addr - function->addr < function->size ? function : NULL;
}

uint32_t program_find(const struct program *program, const char *name)
{
    for (size_t i = 0; i < program->count; i++) {
        if (strcmp(program->functions[i].name, name) == 0) {
            return program->functions[i].addr;
        }
    }
    return 0;
}
