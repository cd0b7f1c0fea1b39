/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - plays inputs to a harness where there is no libFuzzer.
 *
 * usage: fuzz_NAME [--runs=N] [--seed=N] FILE|FOLDER...
 *
 * Every file, then N blind mutations of them: the same N and seed, the same inputs. An input that
 * fails stops the program; a mutation that does is left in the file crash-fuzz_NAME of the current folder.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

struct input {
    uint8_t *data;
    size_t size;
};
static struct input *inputs;
static size_t inputs_count, inputs_room;
static uint64_t state = 1;
static char crash_name[256];
static struct input crash; /* under way; data NULL: none */

static uint32_t next_random(uint32_t below)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? 0 : (uint32_t)(z % below);
}

static void play(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1); /* so that a byte too far is seen */
    REQUIRE(exact != NULL);
    memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static struct input *new_input(void)
{
    if (inputs_count == inputs_room) {
        inputs_room = 2 * inputs_room + 256;
        inputs = realloc(inputs, inputs_room * sizeof inputs[0]);
        REQUIRE(inputs != NULL);
    }
    return &inputs[inputs_count++];
}

static bool add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    struct input *input = new_input();
    input->data = malloc(INPUT_MAX);
    REQUIRE(input->data != NULL);
    input->size = fread(input->data, 1, INPUT_MAX, file);
    (void)fclose(file);
    uint8_t *fitting = realloc(input->data, input->size + 1);
    input->data = fitting ? fitting : input->data;
    return true;
}

static bool add(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        return add_file(path);
    }
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    bool good = count >= 0;
    for (int i = 0; i < count; i++) {
        char *whole = NULL;
        if (names[i]->d_name[0] != '.' && asprintf(&whole, "%s/%s", path, names[i]->d_name) >= 0) {
            good = add_file(whole) && good;
            free(whole);
        }
        free(names[i]);
    }
    free(count >= 0 ? names : NULL);
    return good;
}

/* One change: a bit, a byte, a number, a piece removed, repeated, or taken from another input. */
static size_t mutate(uint8_t *data, size_t size, size_t room)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, '\r', '\n', '"', '0', '9', ':'};
    uint32_t at = next_random((uint32_t)size);
    uint32_t len = 1 + next_random(next_random(4) == 0 ? 64 : 4);
    const struct input *other = &inputs[next_random((uint32_t)inputs_count)];
    if (size > 0 && at + len <= size) {
        switch (next_random(6)) {
        case 0:
            data[at] ^= (uint8_t)(1u << next_random(8));
            return size;
        case 1:
            data[at] = (uint8_t)next_random(256);
            return size;
        case 2:
            memset(data + at, edges[next_random(sizeof edges)], len);
            return size;
        case 3:
            memmove(data + at, data + at + len, size - at - len);
            return size - len;
        case 4:
            if (size + len <= room) {
                memmove(data + at + len, data + at, size - at);
                return size + len;
            }
            return size;
        default:
            break;
        }
    }
    if (other->size == 0) {
        return size;
    }
    uint32_t from = next_random((uint32_t)other->size);
    size_t take = other->size - from < room - at ? other->size - from : room - at;
    take = next_random(2) == 0 && take > len ? len : take;
    memcpy(data + at, other->data + from, take);
    return at + take > size ? at + take : size;
}

/* The end of the program in the middle of a mutation: keep it. */
static void save_crash(void)
{
    int fd = crash.data != NULL ? open(crash_name, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    if (fd >= 0) {
        (void)!write(fd, crash.data, crash.size);
        (void)close(fd);
        (void)dprintf(STDERR_FILENO, "the input is in %s\n", crash_name);
    }
}

static void on_abort(int signal_number)
{
    save_crash();
    (void)signal(signal_number, SIG_DFL);
}

/* Of the sanitizers, where there are any. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void play_mutations(unsigned long runs)
{
    uint8_t *data = malloc(INPUT_MAX);
    REQUIRE(data != NULL);
    for (unsigned long i = 0; i < runs && inputs_count > 0; i++) {
        const struct input *input = &inputs[next_random((uint32_t)inputs_count)];
        size_t room = input->size + 256 < INPUT_MAX ? input->size + 256 : INPUT_MAX;
        size_t size = input->size;
        memcpy(data, input->data, size);
        for (uint32_t changes = 1 + next_random(4); changes > 0; changes--) {
            size = mutate(data, size, room);
        }
        crash = (struct input){data, size};
        play(data, size);
    }
    crash.data = NULL;
    free(data);
}

int main(int argc, char **argv)
{
    unsigned long runs = 0;
    bool good = true;
    FILE *out = stdout;
    (void)snprintf(crash_name, sizeof crash_name, "crash-%s", basename(argv[0]));
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--runs=", 7) == 0) {
            runs = strtoul(argv[i] + 7, NULL, 10);
        } else if (strncmp(argv[i], "--seed=", 7) == 0) {
            state = strtoul(argv[i] + 7, NULL, 10);
        } else if (!add(argv[i])) {
            fprintf(stderr, "cannot read '%s'\n", argv[i]);
            good = false;
        }
    }
    (void)signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(save_crash);
    }
    (void)LLVMFuzzerInitialize(&argc, &argv);
    for (size_t i = 0; i < inputs_count; i++) {
        play(inputs[i].data, inputs[i].size);
    }
    play_mutations(runs);
    fprintf(out, "%zu inputs, %lu mutations\n", inputs_count, runs);
    for (size_t i = 0; i < inputs_count; i++) {
        free(inputs[i].data);
    }
    free(inputs);
    return good && inputs_count > 0 ? 0 : 1;
}
