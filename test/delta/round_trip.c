/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round_trip.c - patches are made, and give back exactly the new file, however they are cut.
 *
 * usage: round_trip [--seconds=N | CASE...]      a case: NAME, or firmware:, kinds:, bytes:, text:SEED
 *        round_trip --pair OLD NEW ADDRESS       two files (ADDRESS -: without the filter for Arm)
 *        round_trip --large                      2 MiB: firmware in less than 10 s, and what no firmware is
 *        round_trip --seeds FOLDER               writes inputs for test/fuzz/delta.c
 *        round_trip --export FOLDER CASE         writes old.bin, new.bin, address, for test/bench/delta.py
 *        round_trip --known FOLDER               patches made long ago, which must decode for ever
 *
 * Without a case: every named one and a few random ones; --seconds: random ones for so long. Each
 * in both directions, with and without the filter: made, decoded in pieces of several kinds by a
 * careful caller (push.c), and what must not happen: a damaged patch or another base gives what the
 * patch's hash calls the result; the same files give another patch; a patch is much larger than
 * the file. A case that fails is printed as the words that run it alone. The last line is
 * "N passed, N failed".
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otter/image.h"
#include "otter/result.h"
#include "test/delta/cases.h"
#include "test/delta/push.h"
#include "tool/delta.h"
#include "tool/tool.h"

enum { CUTS = 4, DAMAGES = 12, SHORT_PATCH = 72, SHORT_FILE = 4000, ROOM_MORE = 500, RANDOM_OF_A_KIND = 6, LARGE_SECONDS = 10, ODD_SECONDS = 40, SEED_HEAD = 5, SEED_MAX = 8192 };

static unsigned passed, failed;

struct trial {
    const char *id, *way; /* what is printed when it fails */
    struct tool_bytes old_file, new_file, patch;
    bool thumb;
    uint32_t address;
    bool good;
};

static bool fail(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct trial *trial, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)printf("FAILED round_trip %s (%s%s): ", trial->id, trial->way, trial->thumb ? ", thumb" : "");
    (void)vprintf(format, arguments);
    (void)printf("\n");
    va_end(arguments);
    trial->good = false;
    return false;
}

static bool is_result(const struct pushed *pushed, const uint8_t hash[OTTER_DELTA_HASH_SIZE])
{
    struct otter_sha256 sha;
    uint8_t own[OTTER_HASH_SIZE];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, pushed->bytes != NULL ? pushed->bytes : (const uint8_t *)"", pushed->made);
    otter_sha256_finish(&sha, own);
    return pushed->err == 1 && memcmp(own, hash, OTTER_DELTA_HASH_SIZE) == 0;
}

static bool is_new_file(const struct trial *trial, const struct pushed *pushed)
{
    return pushed->made == trial->new_file.len &&
           (pushed->made == 0 || memcmp(pushed->bytes, trial->new_file.data, pushed->made) == 0);
}

static struct push push_of(const struct trial *trial, uint64_t cuts)
{
    return (struct push){.base = trial->old_file.data,
                         .base_len = trial->old_file.len,
                         .patch = trial->patch.data,
                         .patch_len = trial->patch.len,
                         .result_max = OTTER_DELTA_SIZE_MAX,
                         .cuts = cuts};
}

static bool check_decodes(struct trial *trial)
{
    for (uint64_t cuts = 0; cuts < CUTS; cuts++) {
        struct push push = push_of(trial, cuts);
        struct pushed pushed = push_patch(&push);
        bool same = is_new_file(trial, &pushed);
        free(pushed.bytes);
        if (pushed.broken != NULL) {
            return fail(trial, "cuts %u: this does not hold: %s", (unsigned)cuts, pushed.broken);
        }
        if (pushed.err != 1 || !same) {
            return fail(trial, "cuts %u: the decoder said %d after %u of %zu bytes, %s", (unsigned)cuts, pushed.err,
                        pushed.made, trial->new_file.len, same ? "right" : "wrong ones");
        }
    }
    return true;
}

/* Room one byte too small is an error at once, and never one byte too many. */
static bool check_room(struct trial *trial)
{
    struct push push = push_of(trial, 1);
    if (trial->new_file.len == 0) {
        return true;
    }
    push.result_max = (uint32_t)trial->new_file.len - 1;
    struct pushed pushed = push_patch(&push);
    free(pushed.bytes);
    if (pushed.err != OTTER_ERR_NOSPACE || pushed.made > push.result_max || pushed.broken != NULL) {
        return fail(trial, "in too small a room the decoder said %d, made %u", pushed.err, pushed.made);
    }
    return true;
}

/* One bit of patch or base changed, or the patch cut off at `at`: whatever comes out is not called right. */
enum damage { DAMAGE_PATCH, DAMAGE_CUT, DAMAGE_BASE, DAMAGE_KINDS };

static bool damage(struct trial *trial, enum damage kind, size_t at, unsigned bit)
{
    struct otter_delta_header header;
    bool is_base = kind == DAMAGE_BASE;
    const struct tool_bytes *file = is_base ? &trial->old_file : &trial->patch;
    struct push push = push_of(trial, at % CUTS);
    uint8_t *copy = malloc(file->len);
    if (copy == NULL || otter_delta_read_header(trial->patch.data, trial->patch.len, &header) < 0) {
        abort();
    }
    memcpy(copy, file->data, file->len);
    copy[at] ^= (uint8_t)(kind == DAMAGE_CUT ? 0u : 1u << bit);
    push.patch = is_base ? push.patch : copy;
    push.base = is_base ? copy : push.base;
    push.patch_len = kind == DAMAGE_CUT ? at : push.patch_len;
    push.result_max = (uint32_t)trial->new_file.len + ROOM_MORE;
    struct pushed pushed = push_patch(&push);
    bool wrong = is_result(&pushed, header.result) && !is_new_file(trial, &pushed);
    wrong = wrong || (kind == DAMAGE_CUT && pushed.err == 1);
    const char *what = pushed.broken != NULL ? pushed.broken : wrong ? "what came out is called right" : NULL;
    free(pushed.bytes);
    free(copy);
    return what == NULL || fail(trial, "damage %u at %zu, bit %u: %s", (unsigned)kind, at, bit, what);
}

static bool check_damage(struct trial *trial, uint64_t seed)
{
    bool holds = true;
    for (unsigned i = 0; i < DAMAGES && holds; i++) {
        enum damage kind = (enum damage)(i % DAMAGE_KINDS);
        size_t len = kind == DAMAGE_BASE ? trial->old_file.len : trial->patch.len;
        holds = len == 0 || damage(trial, kind, push_random(&seed, (uint32_t)len), push_random(&seed, 8));
    }
    return holds;
}

/* Every bit, and every length, of a patch that is short and makes a file that is. */
static bool check_every_bit(struct trial *trial)
{
    bool holds = true;
    bool is_short = trial->patch.len <= SHORT_PATCH && trial->new_file.len <= SHORT_FILE;
    for (size_t at = 0; at < trial->patch.len && is_short && holds; at++) {
        holds = damage(trial, DAMAGE_CUT, at, 0);
        for (unsigned bit = 0; bit < 8 && holds; bit++) {
            holds = damage(trial, DAMAGE_PATCH, at, bit);
        }
    }
    return holds;
}

/* Anything can be written as itself, with a little more; the same file needs next to nothing. */
static bool check_size(struct trial *trial)
{
    size_t most = OTTER_DELTA_HEADER_SIZE + 64 + trial->new_file.len + trial->new_file.len / 32;
    bool same = trial->old_file.len == trial->new_file.len &&
                (trial->new_file.len == 0 || memcmp(trial->old_file.data, trial->new_file.data, trial->new_file.len) == 0);
    if (same) {
        most = OTTER_DELTA_HEADER_SIZE + 32 + trial->new_file.len / 2048;
    }
    return trial->patch.len <= most || fail(trial, "a patch of %zu bytes, at most %zu wanted", trial->patch.len, most);
}

static bool make(struct trial *trial, struct tool_bytes *ret_patch)
{
    struct delta_options options = {.filter = trial->thumb ? DELTA_FILTER_THUMB : DELTA_FILTER_NONE,
                                    .has_address = trial->thumb,
                                    .address = trial->address};
    struct delta_stats stats;
    return delta_make(&trial->old_file, &trial->new_file, &options, ret_patch, &stats) == 0 ||
           fail(trial, "no patch was made");
}

static bool check_again(struct trial *trial)
{
    struct tool_bytes again = {0};
    bool same = make(trial, &again) && again.len == trial->patch.len &&
                memcmp(again.data, trial->patch.data, again.len) == 0;
    tool_bytes_free(&again);
    return same || fail(trial, "made twice, two patches");
}

static void count(bool good)
{
    passed += good;
    failed += !good;
}

static void one_trial(const struct delta_case *one, const char *way, bool thumb)
{
    struct trial trial = {.id = one->id, .way = way, .thumb = thumb, .address = one->address, .good = true};
    bool back = strcmp(way, "back") == 0;
    trial.old_file = (struct tool_bytes){back ? one->new_bytes : one->old_bytes, back ? one->new_size : one->old_size};
    trial.new_file = (struct tool_bytes){back ? one->old_bytes : one->new_bytes, back ? one->old_size : one->new_size};
    if (make(&trial, &trial.patch)) {
        (void)(check_decodes(&trial) && check_room(&trial) && check_damage(&trial, one->old_size + 1) && check_every_bit(&trial) && check_size(&trial) &&
               (trial.new_file.len > 0x10000 || check_again(&trial)));
    }
    tool_bytes_free(&trial.patch);
    count(trial.good);
}

static void run_case(const struct delta_case *one)
{
    one_trial(one, "there", false);
    one_trial(one, "back", false);
    if (one->has_address) {
        one_trial(one, "there", true);
        one_trial(one, "back", true);
    }
}

static void run_id(const char *id)
{
    struct delta_case one;
    if (!delta_case_make(id, &one)) {
        (void)fprintf(stderr, "round_trip: no case '%s'\n", id);
        exit(TOOL_USAGE);
    }
    run_case(&one);
    delta_case_free(&one);
}

static void run_random(unsigned first, unsigned last)
{
    static const char *const kinds[] = {"firmware", "bytes", "text"};
    for (unsigned seed = first; seed < last; seed++) {
        for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
            char id[40];
            (void)snprintf(id, sizeof id, "%s:%u", kinds[kind], seed);
            run_id(id);
        }
    }
}

static void run_seconds(unsigned seconds)
{
    time_t end = time(NULL) + (time_t)seconds;
    for (unsigned seed = 1000; time(NULL) < end && failed == 0; seed++) {
        run_random(seed, seed + 1);
    }
}

static void run_pair(const char *old_path, const char *new_path, const char *address)
{
    struct tool_bytes old_file;
    struct tool_bytes new_file;
    if (tool_read_file(old_path, OTTER_DELTA_SIZE_MAX, &old_file) != 0 ||
        tool_read_file(new_path, OTTER_DELTA_SIZE_MAX, &new_file) != 0) {
        exit(TOOL_REFUSED);
    }
    struct delta_case one = {.old_bytes = old_file.data,
                             .old_size = old_file.len,
                             .new_bytes = new_file.data,
                             .new_size = new_file.len,
                             .has_address = strcmp(address, "-") != 0,
                             .address = (uint32_t)strtoul(address, NULL, 0)};
    (void)snprintf(one.id, sizeof one.id, "--pair %s %s %s", old_path, new_path, address);
    run_case(&one);
    tool_bytes_free(&old_file);
    tool_bytes_free(&new_file);
}

/* As large as the largest slot; how long a patch takes is part of the promise, whatever is in the files. */
static void run_large(void)
{
    static const char *const ids[] = {"large_firmware", "large_unrelated", "large_zeros", "large_periodic"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct delta_case one;
        struct timespec begin;
        struct timespec end;
        (void)delta_case_make(ids[i], &one);
        struct trial trial = {.id = ids[i],
                              .way = "there",
                              .thumb = true,
                              .address = one.address,
                              .old_file = {one.old_bytes, one.old_size},
                              .new_file = {one.new_bytes, one.new_size},
                              .good = true};
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        (void)make(&trial, &trial.patch);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
        (void)printf("%s: %zu bytes, a patch of %zu in %.1f s of processor time\n", ids[i], one.new_size, trial.patch.len, seconds);
        int most = i == 0 ? LARGE_SECONDS : ODD_SECONDS;
        if (trial.good && seconds > most) {
            (void)fail(&trial, "%.1f s, at most %d wanted", seconds, most);
        }
        (void)(trial.good && check_size(&trial));
        count(trial.good);
        tool_bytes_free(&trial.patch);
        delta_case_free(&one);
    }
}

/* Whole patches with their bases, as the harness takes them; the header stays as it is. */
static void write_seeds(const char *folder)
{
    static const char *const ids[] = {"one_byte_differs", "thirds_change_places", "erased_and_zeros", "firmware:100", "firmware:108",
                                      "text:22", "text:79", "bytes:5"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct delta_case one;
        struct tool_bytes patch = {0};
        (void)delta_case_make(ids[i], &one);
        struct trial trial = {.id = ids[i],
                              .way = "seed",
                              .thumb = one.has_address,
                              .address = one.address,
                              .old_file = {one.old_bytes, one.old_size},
                              .new_file = {one.new_bytes, one.new_size}};
        if (make(&trial, &patch)) {
            char path[600];
            size_t len = SEED_HEAD + one.old_size + patch.len;
            uint8_t *seed = calloc(1, len);
            if (seed == NULL) {
                abort();
            }
            seed[1] = (uint8_t)i;
            seed[3] = (uint8_t)one.old_size;
            seed[4] = (uint8_t)(one.old_size >> 8);
            memcpy(seed + SEED_HEAD, one.old_bytes, one.old_size);
            memcpy(seed + SEED_HEAD + one.old_size, patch.data, patch.len);
            (void)snprintf(path, sizeof path, "%s/%s", folder, ids[i]);
            char *colon = strrchr(path, ':');
            if (colon != NULL) {
                *colon = '-';
            }
            count(len <= SEED_MAX && tool_write_file(path, seed, len, 0644) == 0);
            free(seed);
        }
        tool_bytes_free(&patch);
        delta_case_free(&one);
    }
}

static int write_into(const char *folder, const char *name, const void *data, size_t len)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return tool_write_file(path, data, len, 0644);
}

static void export_case(const char *folder, const char *id)
{
    struct delta_case one;
    char address[16];
    if (!delta_case_make(id, &one)) {
        exit(TOOL_USAGE);
    }
    (void)snprintf(address, sizeof address, "0x%08x\n", one.address);
    count(write_into(folder, "old.bin", one.old_bytes, one.old_size) == 0 &&
          write_into(folder, "new.bin", one.new_bytes, one.new_size) == 0 &&
          write_into(folder, "address", one.has_address ? address : "-\n", one.has_address ? strlen(address) : 2) == 0);
    delta_case_free(&one);
}

/* The format does not change unseen: where encoder and decoder change alike, nothing else would tell. Each was made by
 * --export and `otter delta make`. */
static void run_known(const char *folder)
{
    static const char *const ids[] = {"kinds:3", "kinds:8", "firmware:10", "firmware:11", "bytes:5", "text:1"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct delta_case one;
        char path[600];
        (void)delta_case_make(ids[i], &one);
        struct trial trial = {.id = ids[i], .way = "known", .good = true};
        trial.old_file = (struct tool_bytes){one.old_bytes, one.old_size};
        trial.new_file = (struct tool_bytes){one.new_bytes, one.new_size};
        (void)snprintf(path, sizeof path, "%s/%s.otd", folder, ids[i]);
        path[strcspn(path, ":")] = '-';
        (void)(tool_read_file(path, OTTER_DELTA_SIZE_MAX, &trial.patch) == 0 ? check_decodes(&trial) : fail(&trial, "no patch"));
        count(trial.good);
        tool_bytes_free(&trial.patch);
        delta_case_free(&one);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--export") == 0) {
        export_case(argv[2], argv[3]);
    } else if (argc == 5 && strcmp(argv[1], "--pair") == 0) {
        run_pair(argv[2], argv[3], argv[4]);
    } else if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        write_seeds(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "--known") == 0) {
        run_known(argv[2]);
    } else if (argc == 2 && strcmp(argv[1], "--large") == 0) {
        run_large();
    } else if (argc == 2 && strncmp(argv[1], "--seconds=", 10) == 0) {
        run_seconds((unsigned)strtoul(argv[1] + 10, NULL, 10));
    } else if (argc > 1) {
        for (int i = 1; i < argc; i++) {
            run_id(argv[i]);
        }
    } else {
        for (size_t i = 0; delta_case_names[i] != NULL; i++) {
            run_id(delta_case_names[i]);
        }
        run_random(1, 1 + RANDOM_OF_A_KIND);
    }
    (void)printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 ? TOOL_REFUSED : TOOL_OK;
}
