/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign_options.c - the command line of `otter sign`.
 *
 * Texts first, then one function per option that needs more than its text. Errors name the
 * option and show what would be right.
 */
#include <popt.h>
#include <stdlib.h>
#include <string.h>

#include "tool/board.h"
#include "tool/flashmap.h"
#include "tool/print.h"
#include "tool/sign_options.h"

/* Options as given; NULL: not given. */
struct texts {
    char *key, *version, *header_size, *slot_size, *align, *max_align, *max_sectors, *erased, *counter,
        *format, *load_addr, *rom_fixed, *hex_addr, *map, *board;
    const char **dependencies, **customs;
    int is_unsigned, pad, test, confirm, pad_header, overwrite_only;
};

enum { SLOT_SIZE_MAX = 64 << 20, TLV_DEPENDENCY = 0x40, TLV_CUSTOM_MIN = 0xa0, TLV_CUSTOM_MAX = 0xfffe };

static int number(const char *option, const char *text, uint64_t max, uint64_t *value)
{
    if (text && !tool_number(text, max, value)) {
        return tool_usage("--%s '%s': a number up to 0x%llx is needed", option, text,
                          (unsigned long long)max);
    }
    return 0;
}

static int number_32(const char *option, const char *text, uint32_t *value)
{
    uint64_t wide = *value;
    int rc = number(option, text, UINT32_MAX, &wide);
    *value = (uint32_t)wide;
    return rc;
}

static int numbers(const struct texts *texts, struct sign_options *options)
{
    struct tool_sign *sign = &options->sign;
    uint32_t erased = 0xff;
    sign->header_size = 0x400;
    sign->align = 8;
    sign->max_sectors = 128;
    options->has_hex_addr = texts->hex_addr != NULL;
    int rc = number_32("header-size", texts->header_size, &sign->header_size);
    rc = rc ? rc : number("slot-size", texts->slot_size, SLOT_SIZE_MAX, &sign->slot_size);
    rc = rc ? rc : number_32("align", texts->align, &sign->align);
    rc = rc ? rc : number_32("max-align", texts->max_align, &sign->max_align);
    rc = rc ? rc : number_32("max-sectors", texts->max_sectors, &sign->max_sectors);
    rc = rc ? rc : number_32("erased", texts->erased, &erased);
    rc = rc ? rc : number_32("load-addr", texts->load_addr, &sign->load_addr);
    rc = rc ? rc : number_32("rom-fixed", texts->rom_fixed, &sign->rom_fixed);
    rc = rc ? rc : number("hex-addr", texts->hex_addr, UINT32_MAX, &options->hex_addr);
    if (rc != 0) {
        return rc;
    }
    if (erased != 0 && erased != 0xff) {
        return tool_usage("--erased '%s': use 0 or 0xff", texts->erased);
    }
    sign->erased = (uint8_t)erased;
    if (sign->header_size < 32 || sign->header_size > UINT16_MAX) {
        return tool_usage("--header-size '%s': 32 to 65535 bytes", texts->header_size);
    }
    if (sign->load_addr != 0 && sign->rom_fixed != 0) {
        return tool_usage("--load-addr and --rom-fixed exclude each other: the header has one address");
    }
    return 0;
}

static bool power_of_two(uint32_t value, uint32_t min, uint32_t max)
{
    return value >= min && value <= max && (value & (value - 1)) == 0;
}

static int trailer(const struct texts *texts, struct sign_options *options)
{
    struct tool_sign *sign = &options->sign;
    if (!power_of_two(sign->align, 1, 32)) {
        return tool_usage("--align '%s': use 1, 2, 4, 8, 16 or 32", texts->align);
    }
    if (texts->max_align && !power_of_two(sign->max_align, 8, 32)) {
        return tool_usage("--max-align '%s': use 8, 16 or 32", texts->max_align);
    }
    if (sign->max_sectors > 65536) {
        return tool_usage("--max-sectors '%s': at most 65536", texts->max_sectors);
    }
    sign->confirm = texts->confirm != 0;
    sign->test = texts->test != 0;
    sign->pad = texts->pad || texts->test || texts->confirm;
    sign->overwrite_only = sign->overwrite_only || texts->overwrite_only;
    if (sign->pad && sign->slot_size == 0) {
        return tool_usage("--pad, --test and --confirm fill a slot: give --slot-size or --map");
    }
    return 0;
}

/* Where the program will run: the kit's address, or the emulated board's. */
static int place(const struct texts *texts, struct flashmap *map, struct sign_options *options)
{
    const struct board_kind *board = texts->board ? board_by_name(texts->board) : NULL;
    if (texts->board && !board) {
        return tool_usage("--board '%s': use %s or %s", texts->board, board_kinds[0].name, board_kinds[1].name);
    }
    int rc = board ? board_place(board, map) : 0;
    const struct flashmap_area *primary = flashmap_find(map, FLASHMAP_PRIMARY, 1);
    options->slot_addr = primary ? primary->addr : 0;
    return rc;
}

static int map(const struct texts *texts, struct sign_options *options)
{
    if (!texts->map) {
        return texts->board ? tool_usage("--board needs a --map") : 0;
    }
    static const struct flashmap_options plain = {.kit = NULL};
    struct flashmap map;
    int rc = flashmap_open(texts->map, &plain, &map);
    if (rc != 0) {
        return rc;
    }
    const struct flashmap_area *secondary = flashmap_find(&map, FLASHMAP_SECONDARY, 1);
    options->image_size_max = map.geometry[0].image_size_max;
    if (!texts->slot_size && secondary && texts->pad + texts->test + texts->confirm != 0) {
        options->sign.slot_size = secondary->size;
    }
    options->sign.overwrite_only = map.mode == OTTER_MODE_OVERWRITE;
    return place(texts, &map, options);
}

static int version(const struct texts *texts, struct tool_sign *sign)
{
    if (!texts->version) {
        return tool_usage("--version is missing, as in --version 1.2.3 or --version 1.2.3+4");
    }
    if (!tool_version_parse(texts->version, &sign->version)) {
        return tool_usage("--version '%s': MAJOR.MINOR.REVISION+BUILD is needed, at most "
                          "255.255.65535+4294967295, without leading zeros", texts->version);
    }
    sign->has_counter = texts->counter != NULL;
    if (texts->counter && strcmp(texts->counter, "auto") == 0) {
        sign->counter = (uint32_t)sign->version.major << 24 | (uint32_t)sign->version.minor << 16 |
                        sign->version.revision;
        return 0;
    }
    return number_32("security-counter", texts->counter, &sign->counter);
}

static int add_extra(struct tool_sign *sign, uint16_t type, const void *value, size_t len)
{
    if (sign->extras_count == TOOL_SIGN_EXTRAS_MAX || len > UINT16_MAX) {
        return tool_usage("at most %d dependencies and custom TLVs of 65535 bytes", TOOL_SIGN_EXTRAS_MAX);
    }
    struct tool_tlv *extra = &sign->extras[sign->extras_count];
    extra->value.data = malloc(len + 1);
    if (!extra->value.data) {
        return tool_refuse("out of memory");
    }
    memcpy(extra->value.data, value, len);
    extra->value.len = len;
    extra->type = type;
    sign->extras_count++;
    return 0;
}

/* "(1, 1.2.3+0)", or several with commas between. */
static int dependency(struct tool_sign *sign, const char *text)
{
    const char *at = text;
    do {
        unsigned image;
        char versions[TOOL_VERSION_SIZE];
        int used = 0;
        struct otter_version needs;
        if (sscanf(at, " (%3u , %31[0-9.+] )%n", &image, versions, &used) != 2 || used == 0 ||
            image > UINT8_MAX || !tool_version_parse(versions, &needs)) {
            return tool_usage("--dependency '%s': \"(IMAGE,VERSION)\" is needed, as in \"(1,1.2.3+0)\"", text);
        }
        const uint8_t value[12] = {
            (uint8_t)image, 0, 0, 0, needs.major, needs.minor, (uint8_t)needs.revision,
            (uint8_t)(needs.revision >> 8), (uint8_t)needs.build, (uint8_t)(needs.build >> 8),
            (uint8_t)(needs.build >> 16), (uint8_t)(needs.build >> 24)};
        int rc = add_extra(sign, TLV_DEPENDENCY, value, sizeof value);
        if (rc != 0) {
            return rc;
        }
        at += used;
        at += strspn(at, " ,");
    } while (*at);
    return 0;
}

/* TYPE=0xHEX or TYPE=TEXT. */
static int custom(struct tool_sign *sign, const char *text)
{
    const char *equals = strchr(text, '=');
    char type_text[16];
    uint64_t type;
    if (!equals || (size_t)(equals - text) >= sizeof type_text) {
        return tool_usage("--custom-tlv '%s': TYPE=VALUE is needed, as in 0xa0=0xdeadbeef or 0xa1=text", text);
    }
    (void)snprintf(type_text, sizeof type_text, "%.*s", (int)(equals - text), text);
    if (!tool_number(type_text, TLV_CUSTOM_MAX, &type) || type < TLV_CUSTOM_MIN) {
        return tool_usage("--custom-tlv '%s': the type must be a number from 0xa0 to 0xfffe", text);
    }
    for (size_t i = 0; i < sign->extras_count; i++) {
        if (sign->extras[i].type == type) {
            return tool_usage("--custom-tlv '%s': this type was given before", text);
        }
    }
    const char *value = equals + 1;
    if (strncmp(value, "0x", 2) != 0) {
        return add_extra(sign, (uint16_t)type, value, strlen(value));
    }
    size_t len;
    uint8_t *bytes = malloc(strlen(value));
    int rc = bytes && tool_unhex(value + 2, bytes, &len)
                 ? add_extra(sign, (uint16_t)type, bytes, len)
                 : tool_usage("--custom-tlv '%s': pairs of hex digits are needed after 0x", text);
    free(bytes);
    return rc;
}

static int extras(const struct texts *texts, struct tool_sign *sign)
{
    int rc = 0;
    for (const char **at = texts->dependencies; rc == 0 && at && *at; at++) {
        rc = dependency(sign, *at);
    }
    for (const char **at = texts->customs; rc == 0 && at && *at; at++) {
        rc = custom(sign, *at);
    }
    return rc;
}

static int key(const struct texts *texts, struct sign_options *options)
{
    const char *format = texts->format ? texts->format : "hash";
    options->sign.full_key = strcmp(format, "full") == 0;
    options->sign.pad_header = texts->pad_header != 0;
    if (!options->sign.full_key && strcmp(format, "hash") != 0) {
        return tool_usage("--public-key-format '%s': use hash or full", format);
    }
    if (!texts->key == !texts->is_unsigned) {
        return tool_usage("give --key KEY.pem, or --unsigned for an image with only a hash");
    }
    if (texts->is_unsigned) {
        return 0;
    }
    options->sign.key = &options->key;
    return tool_key_read(texts->key, true, &options->key);
}

static int interpret(const struct texts *texts, const char **args, struct sign_options *options)
{
    if (!args[0] || !args[1] || args[2]) {
        return tool_usage("two file names are needed: `otter sign [option...] IN OUT`");
    }
    options->input = strdup(args[0]);
    options->output = strdup(args[1]);
    if (!options->input || !options->output) {
        return tool_refuse("out of memory");
    }
    int rc = numbers(texts, options);
    rc = rc ? rc : map(texts, options);
    rc = rc ? rc : trailer(texts, options);
    rc = rc ? rc : version(texts, &options->sign);
    rc = rc ? rc : extras(texts, &options->sign);
    return rc ? rc : key(texts, options);
}

static void free_texts(struct texts *texts)
{
    char *all[] = {texts->key, texts->version, texts->header_size, texts->slot_size, texts->align,
                   texts->max_align, texts->max_sectors, texts->erased, texts->counter, texts->format,
                   texts->load_addr, texts->rom_fixed, texts->hex_addr, texts->map, texts->board};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
    const char **lists[] = {texts->dependencies, texts->customs};
    for (size_t i = 0; i < 2; i++) {
        tool_list_free(lists[i]);
    }
}

bool sign_options_read(int argc, const char **argv, struct sign_options *ret_options, int *ret_exit)
{
    struct texts t;
    memset(&t, 0, sizeof t);
    memset(ret_options, 0, sizeof *ret_options);
    const struct poptOption table[] = {
        {"key", 'k', POPT_ARG_STRING, &t.key, 0, "private key to sign with", "KEY.pem"},
        {"unsigned", 0, POPT_ARG_NONE, &t.is_unsigned, 0, "only a hash: devices refuse it", NULL},
        {"version", 'v', POPT_ARG_STRING, &t.version, 0, "version of the image", "1.2.3+4"},
        {"header-size", 'H', POPT_ARG_STRING, &t.header_size, 0, "room in front of the program [0x400]", "N"},
        {"pad-header", 0, POPT_ARG_NONE, &t.pad_header, 0, "add that room: the input has none", NULL},
        {"map", 0, POPT_ARG_STRING, &t.map, 0, "flash map that the image must fit", "MAP"},
        {"board", 0, POPT_ARG_STRING, &t.board, 0, "the emulated board that the program is linked for", "B"},
        {"slot-size", 'S', POPT_ARG_STRING, &t.slot_size, 0, "slot that image and trailer must fit", "N"},
        {"align", 0, POPT_ARG_STRING, &t.align, 0, "MCUboot's write alignment, 1 to 32 [8]", "N"},
        {"max-align", 0, POPT_ARG_STRING, &t.max_align, 0, "MCUboot's BOOT_MAX_ALIGN [max(8, align)]", "N"},
        {"max-sectors", 'M', POPT_ARG_STRING, &t.max_sectors, 0, "sectors of MCUboot's trailer [128]", "N"},
        {"erased", 'R', POPT_ARG_STRING, &t.erased, 0, "value of erased flash, 0 or 0xff [0xff]", "V"},
        {"pad", 0, POPT_ARG_NONE, &t.pad, 0, "fill the slot, magic at its end", NULL},
        {"test", 0, POPT_ARG_NONE, &t.test, 0, "--pad, and ask MCUboot for a trial", NULL},
        {"confirm", 0, POPT_ARG_NONE, &t.confirm, 0, "--pad, and mark it confirmed", NULL},
        {"overwrite-only", 0, POPT_ARG_NONE, &t.overwrite_only, 0, "trailer of overwrite-only MCUboot", NULL},
        {"security-counter", 's', POPT_ARG_STRING, &t.counter, 0, "number, or auto: from the version", "N"},
        {"dependency", 'd', POPT_ARG_ARGV, &t.dependencies, 0, "may be repeated", "(IMAGE,VERSION)"},
        {"custom-tlv", 0, POPT_ARG_ARGV, &t.customs, 0, "0xHEX or text; may be repeated", "TYPE=VALUE"},
        {"public-key-format", 0, POPT_ARG_STRING, &t.format, 0, "hash (default) or full", "F"},
        {"load-addr", 'L', POPT_ARG_STRING, &t.load_addr, 0, "load address of the header", "A"},
        {"rom-fixed", 'F', POPT_ARG_STRING, &t.rom_fixed, 0, "flash address the image is built for", "A"},
        {"hex-addr", 'x', POPT_ARG_STRING, &t.hex_addr, 0, "address of a .hex output", "A"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    if (tool_options("sign", argc, argv, table, "--key KEY.pem --version V [option...] IN OUT   "
                     "(.bin, .hex or .elf in; .bin or .hex out)", &context, &args, ret_exit) != 0) {
        free_texts(&t);
        return false;
    }
    *ret_exit = interpret(&t, args, ret_options);
    poptFreeContext(context);
    free_texts(&t);
    return *ret_exit == 0;
}

void sign_options_free(struct sign_options *options)
{
    for (size_t i = 0; i < options->sign.extras_count; i++) {
        tool_bytes_free(&options->sign.extras[i].value);
    }
    tool_key_free(&options->key);
    free(options->input);
    free(options->output);
}
