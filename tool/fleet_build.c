/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_build.c - factory images, then one device after another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port/mbedtls/tls.h"
#include "tool/fleet_build.h"
#include "tool/flashmap_kits.h"
#include "tool/image_file.h"
#include "tool/print.h"

enum { SMALL_FILE_MAX = 1 << 20, TOKENS_MAX = 64 << 20, KIB = 1024 };

static int choices(const char *option, const char *text, bool rest, struct fleet_choices *ret_choices)
{
    if (fleet_choices_parse(text, rest, ret_choices)) {
        return 0;
    }
    return tool_usage("--%s '%s' is not a list of at most %u names, %s, with shares of 100%% together%s", option, text,
                      FLEET_CHOICES_MAX, rest ? "NAME[:P%],..." : "NAME:P%,...", rest ? "" : " at most");
}

static int read_choices(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;
    char board[PROVISION_BOARD_SIZE];
    flashmap_kit_board(&flashmap_kits[0], board, sizeof board);
    int rc = choices("boards", options->boards ? options->boards : board, true, &fleet->boards);
    rc = rc ? rc : choices("version", options->versions ? options->versions : "1.0.0", true, &fleet->versions);
    return rc || !options->rings ? rc : choices("rings", options->rings, false, &fleet->rings);
}

static int read_job_keys(struct fleet *fleet)
{
    int rc = fleet_keys_read(&fleet->job_keys, "job-key", fleet->options->job_keys);
    for (size_t i = 0; rc == 0 && i < fleet->job_keys.count; i++) {
        if (fleet->job_keys.keys[i].type != OTTER_SIG_ECDSA_P256) {
            rc = tool_refuse("'%s' is not a P-256 key, and jobs are signed with no other", fleet->options->job_keys[i]);
        }
    }
    return rc;
}

/* ---- factory images ---- */

/* Signed by one of the keys that the devices trust, and small enough. */
static int read_image(struct fleet *fleet, struct fleet_factory *factory, struct tool_bytes *ret_image)
{
    struct otter_flash flash;
    struct otter_area area;
    struct tool_verdict verdict;
    char why[TOOL_WHY_SIZE];
    const char *path = fleet->options->image;
    int rc = tool_read_file(path, fleet->map.image_size_max, ret_image);
    if (rc != 0) {
        return rc;
    }
    tool_memory_flash(ret_image, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    tool_image_judge(&view, fleet->keys.keys, fleet->keys.count, &verdict);
    factory->version = verdict.image.version;
    if (verdict.fault != 0) {
        rc = tool_refuse("'%s': %s", path, tool_fault_why(verdict.fault, ret_image, why));
        tool_bytes_free(ret_image);
    }
    return rc;
}

static int make_image(struct fleet *fleet, size_t index, struct tool_bytes *ret_image)
{
    struct fleet_factory *factory = &fleet->factories[index];
    if (fleet->options->image) {
        return read_image(fleet, factory, ret_image);
    }
    if (!tool_version_parse(fleet->versions.names[index], &factory->version)) {
        return tool_usage("--version '%s' is not MAJOR.MINOR.REVISION[+BUILD], e.g. 1.2.3", fleet->versions.names[index]);
    }
    return fleet_keys_image(&fleet->keys, &factory->version, (size_t)fleet->options->size, ret_image);
}

static int make_factory(struct fleet *fleet, const char *folder, size_t index)
{
    struct fleet_factory *factory = &fleet->factories[index];
    struct tool_bytes image;
    if (asprintf(&factory->path, "%s/%zu.flash", folder, index) < 0) {
        factory->path = NULL;
        return tool_refuse("out of memory");
    }
    int rc = make_image(fleet, index, &image);
    if (rc == 0) {
        rc = fleet_flash_factory(&fleet->map, &image, factory->path);
        tool_bytes_free(&image);
    }
    return rc;
}

/* ---- devices ---- */

static const struct fleet_factory *factory_of(const struct fleet *fleet, uint32_t index)
{
    const char *name = fleet_choose(&fleet->versions, fleet_part(fleet->seed, index, FLEET_ASK_VERSION, 0));
    for (size_t i = 0; i < fleet->versions.count; i++) {
        if (fleet->versions.names[i] == name) {
            return &fleet->factories[i];
        }
    }
    return &fleet->factories[0];
}

static int make_device(struct fleet *fleet, uint32_t index)
{
    struct fleet_device *device = &fleet->devices[index];
    const char *board = fleet_choose(&fleet->boards, fleet_part(fleet->seed, index, FLEET_ASK_BOARD, 0));
    device->fleet = fleet;
    device->index = index;
    device->board = board ? board : fleet->boards.names[0];
    device->ring = fleet_choose(&fleet->rings, fleet_part(fleet->seed, index, FLEET_ASK_RING, 0));
    device->random = fleet_ask(fleet->seed, index, FLEET_ASK_JITTER, 0);
    device->heap_at = UINT32_MAX;
    if (device->id[0] == 0) {
        (void)snprintf(device->id, sizeof device->id, "fleet-%06u", index + 1);
    }
    const struct fleet_factory *factory = factory_of(fleet, index);
    if (!fleet_flash_clone(&fleet->map, factory->path, fleet->seed + index, &device->flash, &device->layout)) {
        return tool_refuse("device %u: no memory for its flash: %s", index + 1, strerror(errno));
    }
    return 0;
}

static int make_devices(struct fleet *fleet)
{
    char folder[] = "/tmp/otter-fleet-XXXXXX";
    if (!mkdtemp(folder)) {
        return tool_refuse("cannot make a folder in /tmp: %s", strerror(errno));
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < fleet->versions.count; i++) {
        rc = make_factory(fleet, folder, i);
    }
    for (uint32_t i = 0; rc == 0 && i < fleet->devices_count; i++) {
        rc = make_device(fleet, i);
    }
    for (size_t i = 0; i < fleet->versions.count; i++) { /* what is mapped stays */
        if (fleet->factories[i].path) {
            (void)unlink(fleet->factories[i].path);
            free(fleet->factories[i].path);
            fleet->factories[i].path = NULL;
        }
    }
    (void)rmdir(folder);
    return rc;
}

/* ---- names and tokens: "ID TOKEN" lines ---- */

static uint32_t count_lines(const struct tool_bytes *text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text->len; i++) {
        count += text->data[i] == '\n' ? 1 : 0;
    }
    return count + (text->len > 0 && text->data[text->len - 1] != '\n' ? 1 : 0);
}

static int take_tokens(struct fleet *fleet)
{
    const char *path = fleet->options->tokens;
    char *save = NULL;
    char *line = strtok_r((char *)fleet->tokens.data, "\n", &save);
    for (uint32_t i = 0; i < fleet->devices_count; i++, line = strtok_r(NULL, "\n", &save)) {
        struct fleet_device *device = &fleet->devices[i];
        size_t len = line ? strcspn(line, " \t") : 0;
        size_t gap = line ? strspn(line + len, " \t") : 0;
        if (!line || len == 0 || len >= sizeof device->id || gap == 0 || line[len + gap] == 0) {
            return tool_refuse("'%s' line %u is not 'ID TOKEN', as `otter device enrol` writes it", path, i + 1);
        }
        memcpy(device->id, line, len);
        device->token = line + len + gap;
        device->token[strcspn(device->token, " \t\r")] = 0;
    }
    return 0;
}

static int read_tokens(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;
    fleet->devices_count = (uint32_t)options->devices;
    if (!options->tokens) {
        return 0;
    }
    int rc = tool_read_file(options->tokens, TOKENS_MAX, &fleet->tokens);
    if (rc != 0) {
        return rc;
    }
    uint32_t lines = count_lines(&fleet->tokens);
    fleet->devices_count = fleet->devices_count ? fleet->devices_count : lines;
    if (fleet->devices_count > lines || fleet->devices_count == 0) {
        return tool_refuse("'%s' has tokens for %u devices, fewer than --devices %u", options->tokens, lines,
                           fleet->devices_count);
    }
    return 0;
}

/* ---- memory and files ---- */

static int read_certificates(struct fleet *fleet)
{
    const struct provision *common = &fleet->options->device;
    int rc = common->ca ? tool_read_file(common->ca, SMALL_FILE_MAX, &fleet->ca) : 0;
    rc = rc || !common->cert ? rc : tool_read_file(common->cert, SMALL_FILE_MAX, &fleet->cert);
    rc = rc || !common->key_file ? rc : tool_read_file(common->key_file, SMALL_FILE_MAX, &fleet->cert_key);
    return rc ? rc : provision_check_certificates(common);
}

static int take_memory(struct fleet *fleet)
{
    size_t size = (size_t)fleet->devices_count * OTTER_TLS_ARENA_SIZE;
    fleet->epoll = epoll_create1(EPOLL_CLOEXEC);
    fleet->devices = calloc(fleet->devices_count, sizeof *fleet->devices);
    if (fleet->epoll < 0 || !fleet->devices) {
        return tool_refuse("cannot start: %s", strerror(errno));
    }
    void *arenas = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arenas == MAP_FAILED) {
        return tool_refuse("no memory for TLS: %s", strerror(errno));
    }
    fleet->arenas = arenas;
    return 0;
}

int fleet_build(struct fleet *fleet)
{
    fleet->map = fleet_flash_map((uint32_t)fleet->options->slot_kib * KIB);
    int rc = read_choices(fleet);
    rc = rc ? rc : read_tokens(fleet);
    rc = rc ? rc : read_certificates(fleet);
    rc = rc ? rc : fleet_keys_images(&fleet->keys, fleet->options->keys);
    rc = rc ? rc : read_job_keys(fleet);
    rc = rc ? rc : take_memory(fleet);
    rc = rc || !fleet->tokens.data ? rc : take_tokens(fleet);
    rc = rc ? rc : make_devices(fleet);
    if (rc == 0) {
        fleet->tally.states[FLEET_SILENT] = fleet->devices_count;
    }
    return rc;
}

void fleet_free(struct fleet *fleet)
{
    for (uint32_t i = 0; fleet->devices && i < fleet->devices_count; i++) {
        fleet_device_off(&fleet->devices[i]);
        sim_board_close(&fleet->devices[i].flash);
    }
    free(fleet->devices);
    if (fleet->arenas) {
        (void)munmap(fleet->arenas, (size_t)fleet->devices_count * OTTER_TLS_ARENA_SIZE);
    }
    if (fleet->epoll >= 0) {
        (void)close(fleet->epoll);
    }
    fleet_keys_free(&fleet->keys);
    fleet_keys_free(&fleet->job_keys);
    fleet_choices_free(&fleet->boards);
    fleet_choices_free(&fleet->versions);
    fleet_choices_free(&fleet->rings);
    tool_bytes_free(&fleet->ca);
    tool_bytes_free(&fleet->cert);
    tool_bytes_free(&fleet->cert_key);
    tool_bytes_free(&fleet->tokens);
    fleet_tally_free(&fleet->tally);
}
