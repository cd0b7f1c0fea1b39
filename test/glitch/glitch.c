/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glitch.c - the campaign: for each scene, each executed instruction of the bootloader is
 * disturbed once, the rest runs undisturbed, and then another boot; nothing wrong may start.
 *
 * A trial is SCENE:HOW:INDEX; INDEX counts the instructions from reset. What has ended in the
 * processor's sleep, a fault, a reset or a hang is reset and boots once more, where it
 * left flash in a state not seen before.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/glitch/program.h"
#include "test/glitch/scene.h"

enum how { SKIP, INVERT, ZERO, ONES, FLIP, HOWS };
static const char *const hows[HOWS] = {"skip", "invert", "zero", "ones", "flip"};

enum outcome { HALTS, RESETS, HANGS, RIGHT, ASTRAY, WRONG, OUTCOMES };
static const char *const outcomes[OUTCOMES] = {"refuses", "resets", "hangs", "right", "astray", "WRONG"};

enum { PATIENCE = HZ, LONGEST = 8 * HZ /* a boot */, SEEN_MAX = 1 << 16, JOBS_MAX = 64 };

struct tally {
    uint64_t trials, in[EXTENTS], outcomes[OUTCOMES], unknown, later, lost; /* later: second boots; lost: not of the right image */
};

static struct {
    const char *folder;
    unsigned jobs, every;
    uint64_t samples[EXTENTS]; /* in each scene, by each way; not of PATH */
    uint32_t ways;   /* bit HOW */
    uint64_t seed;
    bool list, last; /* last: of each instruction only its last occurrence */
} options = {.jobs = 1, .every = 1, .samples = {[LONG] = 1000, [CRYPTO] = 1000}, .ways = 1u << SKIP, .seed = 1};

static struct board board;
static struct program program;
static uint64_t seen[SEEN_MAX]; /* states of flash that boot nothing wrong */
static uint64_t last_at[ROM_SIZE / 2]; /* index of an instruction's last occurrence */

static uint64_t mixed(uint64_t value)
{
    value += options.seed * 0x9e3779b97f4a7c15u;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static enum outcome outcome_of(const struct machine *machine)
{
    switch (machine->cpu.end) {
    case CPU_SLEEPS: return HALTS;
    case CPU_HANGS: return HANGS;
    case CPU_IN_FLASH:
        if (!scene_is_right(&board)) {
            return WRONG;
        }
        return machine->cpu.r[PC] == scene_entry(&board) ? RIGHT : ASTRAY;
    case CPU_IN_RAM: return WRONG;
    case CPU_RUNS: case CPU_FAULT: case CPU_UNKNOWN: case CPU_RESET:
    default: return RESETS;
    }
}

static bool seen_before(uint64_t hash)
{
    uint64_t *place = &seen[hash % SEEN_MAX];
    bool before = *place == (hash | 1);
    *place = hash | 1;
    return before;
}

/* Reset, and boot once more, undisturbed. `as_it_was`: what flash that was seen before does. */
static enum outcome boot_later(struct machine *machine, struct tally *tally, enum outcome as_it_was)
{
    if (seen_before(board.flash_hash)) {
        return as_it_was;
    }
    tally->later++;
    machine_reset(machine);
    machine->until = LONGEST;
    machine_run(machine, PATIENCE);
    return outcome_of(machine);
}

/* Disturb the next instruction. False: this way does not apply to it. */
static bool disturb(struct machine *machine, enum how how, uint64_t index)
{
    struct cpu *cpu = &machine->cpu;
    if (how == SKIP) {
        cpu_step(cpu, true);
        return true;
    }
    cpu->invert = how == INVERT;
    cpu->inverted = false;
    uint32_t before[16];
    memcpy(before, cpu->r, sizeof before);
    cpu_step(cpu, false);
    if (how == INVERT || cpu->end != CPU_RUNS) {
        return cpu->inverted;
    }
    for (unsigned i = 0; i < PC; i++) {
        if (cpu->r[i] != before[i] && i != SP) {
            uint32_t value = how == ZERO ? 0 : how == ONES ? UINT32_MAX : cpu->r[i] ^ 1u << mixed(index) % 32;
            bool changed = cpu->r[i] != value;
            cpu->r[i] = value;
            return changed;
        }
    }
    return false;
}

static void report(const struct scene *scene, enum how how, uint64_t index, uint32_t pc, enum outcome outcome, const char *when)
{
    const struct function *function = program_at(&program, pc);
    char line[200];
    int len = snprintf(line, sizeof line, "%s %s:%s:%llu at %08x %s+0x%x%s\n", outcomes[outcome], scene->name, hows[how],
                       (unsigned long long)index, (unsigned)pc, function == NULL ? "?" : function->name,
                       (unsigned)(function == NULL ? 0 : pc - function->addr), when);
    fflush(stdout);
    (void)!write(STDOUT_FILENO, line, (size_t)len); /* one line at a time, from all processes */
}

/* Which extent the undisturbed run is in. */
struct where {
    enum extent extent;
    uint32_t back, sp; /* it ends there */
    bool main_seen;
    uint32_t main;
};

static enum extent where(struct where *where, const struct cpu *cpu)
{
    uint32_t pc = cpu->r[PC];
    where->main_seen = where->main_seen || pc == where->main;
    if (where->extent != PATH && pc == where->back && cpu->r[SP] >= where->sp) {
        where->extent = PATH;
    }
    if (where->extent == PATH) {
        const struct function *function = program_at(&program, pc);
        if (function != NULL && function->extent != PATH && pc == function->addr) {
            where->extent = function->extent;
            where->back = cpu->r[LR] & ~1u;
            where->sp = cpu->r[SP];
        }
    }
    return where->main_seen ? where->extent : LONG;
}

static void trial(const struct scene *scene, const struct machine *master, enum how how, enum extent extent,
                  struct tally *tally)
{
    static struct machine machine;
    size_t mark = board.undos_count;
    uint64_t index = master->cpu.count;
    uint32_t pc = master->cpu.r[PC];
    machine = *master;
    machine.until = index + LONGEST;
    if (disturb(&machine, how, index)) {
        machine_run(&machine, PATIENCE);
        enum outcome outcome = outcome_of(&machine);
        tally->trials++;
        tally->in[extent]++;
        tally->unknown += machine.cpu.end == CPU_UNKNOWN;
        tally->outcomes[outcome]++;
        if (outcome == WRONG || outcome == ASTRAY || options.list) {
            report(scene, how, index, pc, outcome, "");
        }
        enum outcome expected = scene->right == NULL ? HALTS : RIGHT;
        enum outcome later = outcome == WRONG ? expected : boot_later(&machine, tally, expected);
        if (later == WRONG) {
            tally->outcomes[outcome]--;
            tally->outcomes[WRONG]++;
            report(scene, how, index, pc, WRONG, ", in the next boot");
        } else if (later != expected) {
            tally->lost++;
            report(scene, how, index, pc, later, ", in the next boot");
        }
    }
    board_flash_back(&board, mark);
}

/* The undisturbed run: how many instructions in each extent. */
static struct machine clean_run(uint64_t ret_counts[EXTENTS])
{
    static struct machine machine;
    struct where place = {.main = program_find(&program, "main")};
    size_t mark = board.undos_count;
    memset(ret_counts, 0, EXTENTS * sizeof *ret_counts);
    machine_power_on(&machine, &board);
    while (machine.cpu.end == CPU_RUNS) {
        ret_counts[where(&place, &machine.cpu)]++;
        last_at[machine.cpu.r[PC] % ROM_SIZE / 2] = machine.cpu.count;
        cpu_step(&machine.cpu, false);
    }
    board_flash_back(&board, mark);
    return machine;
}

static bool chosen(const struct cpu *cpu, enum extent extent, const uint64_t counts[EXTENTS])
{
    uint64_t index = cpu->count;
    if (extent == PATH && options.last) {
        return last_at[cpu->r[PC] % ROM_SIZE / 2] == index;
    }
    if (extent == PATH) {
        return mixed(index) % options.every == 0;
    }
    return mixed(index) % counts[extent] < options.samples[extent];
}

static void run_share(const struct scene *scene, unsigned job, const uint64_t counts[EXTENTS], struct tally *tallies)
{
    static struct machine master;
    struct where place = {.main = program_find(&program, "main")};
    machine_power_on(&master, &board);
    while (master.cpu.end == CPU_RUNS) {
        enum extent extent = where(&place, &master.cpu);
        if (master.cpu.count % options.jobs == job && chosen(&master.cpu, extent, counts)) {
            for (enum how how = 0; how < HOWS; how++) {
                if ((options.ways >> how & 1) != 0) {
                    trial(scene, &master, how, extent, &tallies[how]);
                }
            }
        }
        cpu_step(&master.cpu, false);
    }
}

/* Sets up the scene, and remembers the results of the signature checks that the clean run makes. */
static bool prepare(const struct scene *scene)
{
    static struct machine machine;
    memset(seen, 0, sizeof seen);
    if (!scene_set(scene, options.folder, &board)) {
        return false;
    }
    machine_power_on(&machine, &board);
    machine_run(&machine, PATIENCE);
    board_flash_back(&board, 0);
    return true;
}

static void row(const struct scene *scene, const struct tally *tally, const char *how)
{
    printf("%-15s %-7s %9llu %7llu %7llu", scene == NULL ? "all" : scene->name, how, (unsigned long long)tally->trials,
           (unsigned long long)tally->in[LONG], (unsigned long long)tally->in[CRYPTO]);
    for (unsigned i = 0; i < OUTCOMES; i++) {
        printf(" %9llu", (unsigned long long)tally->outcomes[i]);
    }
    printf(" %8llu %6llu\n", (unsigned long long)tally->later, (unsigned long long)tally->lost);
    (void)fflush(stdout);
}

static void add(struct tally *sum, const struct tally *more)
{
    sum->trials += more->trials;
    for (unsigned i = 0; i < EXTENTS; i++) {
        sum->in[i] += more->in[i];
    }
    sum->unknown += more->unknown;
    sum->later += more->later;
    sum->lost += more->lost;
    for (unsigned i = 0; i < OUTCOMES; i++) {
        sum->outcomes[i] += more->outcomes[i];
    }
}

/* All processes' shares of one scene, added to sums[how]. */
static bool run_scene(const struct scene *scene, struct tally *sums)
{
    uint64_t counts[EXTENTS];
    size_t size = sizeof(struct tally) * HOWS * JOBS_MAX;
    struct tally *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool good = shared != MAP_FAILED && prepare(scene);
    if (!good) {
        return false;
    }
    struct machine clean = clean_run(counts);
    enum outcome expected = scene->right == NULL ? HALTS : RIGHT;
    if ((clean.cpu.end == CPU_SLEEPS ? HALTS : clean.cpu.end == CPU_IN_FLASH ? RIGHT : HANGS) != expected) {
        printf("%s: undisturbed, it ends otherwise:\n%s", scene->name, clean.uart);
        return false;
    }
    for (unsigned job = 0; job < options.jobs; job++) {
        (void)fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            run_share(scene, job, counts, shared + job * HOWS);
            _exit(0);
        }
        good = good && child > 0;
    }
    for (int status; wait(&status) > 0;) {
        good = good && status == 0;
    }
    if (!good) { /* no row: it would look like all of them */
        printf("%s: a process ended early, its trials are missing\n", scene->name);
        (void)munmap(shared, size);
        return false;
    }
    for (enum how how = 0; how < HOWS; how++) {
        struct tally tally = {0};
        for (unsigned job = 0; job < options.jobs; job++) {
            add(&tally, &shared[job * HOWS + how]);
        }
        add(&sums[how], &tally);
        if ((options.ways >> how & 1) != 0) {
            row(scene, &tally, hows[how]);
        }
    }
    (void)munmap(shared, size);
    return true;
}

static const struct scene *scene_named(const char *name, size_t len)
{
    for (const struct scene *scene = scenes; scene->name != NULL; scene++) {
        if (strlen(scene->name) == len && memcmp(scene->name, name, len) == 0) {
            return scene;
        }
    }
    fprintf(stderr, "glitch: there is no scene \"%.*s\"\n", (int)len, name);
    exit(2);
}

/* SCENE:HOW:INDEX, again, with what it prints. */
static int replay(const char *id)
{
    static struct machine machine;
    const char *colon = strchr(id, ':');
    const char *second = colon == NULL ? NULL : strchr(colon + 1, ':');
    enum how how = 0;
    while (second != NULL && how < HOWS && strncmp(hows[how], colon + 1, (size_t)(second - colon - 1)) != 0) {
        how++;
    }
    if (second == NULL || how == HOWS) {
        fprintf(stderr, "glitch: a trial is SCENE:HOW:INDEX, as the table's lines name it\n");
        return 2;
    }
    const struct scene *scene = scene_named(id, (size_t)(colon - id));
    uint64_t index = strtoull(second + 1, NULL, 0);
    if (!prepare(scene)) {
        return 2;
    }
    machine_power_on(&machine, &board);
    while (machine.cpu.count < index && machine.cpu.end == CPU_RUNS) {
        cpu_step(&machine.cpu, false);
    }
    uint32_t pc = machine.cpu.r[PC];
    struct tally tally = {0};
    machine.until = index + LONGEST;
    bool applies = disturb(&machine, how, index);
    machine_run(&machine, PATIENCE);
    enum outcome outcome = outcome_of(&machine);
    report(scene, how, index, pc, outcome, applies ? "" : " (this way does not apply)");
    printf("%s", machine.uart);
    if (outcome != WRONG) {
        outcome = boot_later(&machine, &tally, outcome);
        printf("-- the next boot: %s\n%s", outcomes[outcome], machine.uart);
    }
    return outcome == WRONG;
}

static void write_flash(const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "wb");
    if (path != NULL && (file == NULL || fwrite(board.flash, 1, FLASH_SIZE, file) != FLASH_SIZE || fclose(file) != 0)) {
        fprintf(stderr, "glitch: %s: cannot be written\n", path);
        exit(2);
    }
}

/* Prints the undisturbed run's lines, for comparison with QEMU. */
static int show(const struct scene *scene, const char *before, const char *after)
{
    static struct machine machine;
    uint64_t counts[EXTENTS];
    if (!prepare(scene)) {
        return 2;
    }
    write_flash(before);
    machine_power_on(&machine, &board);
    machine_run(&machine, PATIENCE);
    write_flash(after);
    board_flash_back(&board, 0);
    machine = clean_run(counts);
    fprintf(stderr, "%llu instructions: %llu on the path, %llu long, %llu of cryptography\n",
            (unsigned long long)machine.cpu.count, (unsigned long long)counts[PATH], (unsigned long long)counts[LONG],
            (unsigned long long)counts[CRYPTO]);
    printf("%s", machine.uart);
    return 0;
}

static int campaign(char **names, int count)
{
    struct tally sums[HOWS] = {0};
    bool good = true;
    printf("%-15s %-7s %9s %7s %7s", "scene", "how", "trials", "long", "crypto");
    for (unsigned i = 0; i < OUTCOMES; i++) {
        printf(" %9s", outcomes[i]);
    }
    printf(" %8s %6s\n", "reboots", "lost");
    for (const struct scene *scene = scenes; scene->name != NULL; scene++) {
        bool named = count == 0;
        for (int i = 0; i < count; i++) {
            named = named || strcmp(names[i], scene->name) == 0;
        }
        good = (!named || run_scene(scene, sums)) && good;
    }
    struct tally all = {0};
    for (enum how how = 0; how < HOWS; how++) {
        if ((options.ways >> how & 1) != 0) {
            row(NULL, &sums[how], hows[how]);
            add(&all, &sums[how]);
        }
    }
    printf("%llu trials, %llu of them within the cryptography; %llu instructions not modelled; the wrong image started: %llu; the right one no more: %llu\n",
           (unsigned long long)all.trials, (unsigned long long)all.in[CRYPTO], (unsigned long long)all.unknown,
           (unsigned long long)all.outcomes[WRONG], (unsigned long long)all.lost);
    return !good || all.trials == 0 || all.outcomes[WRONG] + all.lost != 0;
}

static void usage(void)
{
    fprintf(stderr, "usage: glitch [option...] BOOTLOADER.elf OTP.bin FOLDER [scene...]\n"
                    "  --how=skip,invert,zero,ones,flip   [skip]\n"
                    "  --crypto=N  samples within SHA-256 and P-256 [1000]   --long=N  within long repetitions [1000]\n"
                    "  --every=N   one of N of all other instructions [1]\n"
                    "  --last      or each of those instructions only where it is executed last\n"
                    "  --seed=N    --jobs=N    --list     every trial\n"
                    "  --trial=ID  one, again\n"
                    "  --show=SCENE [--dump=FILE] [--after=FILE]   the undisturbed run; flash before and after it\n");
    exit(2);
}

static uint32_t ways_of(char *text)
{
    uint32_t ways = 0;
    for (char *word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
        enum how how = 0;
        while (how < HOWS && strcmp(hows[how], word) != 0) {
            how++;
        }
        if (how == HOWS) {
            usage();
        }
        ways |= 1u << how;
    }
    return ways;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"how", required_argument, NULL, 'h'},  {"crypto", required_argument, NULL, 'c'}, {"long", required_argument, NULL, 'o'},
        {"every", required_argument, NULL, 'e'}, {"seed", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'j'}, {"trial", required_argument, NULL, 't'},
        {"show", required_argument, NULL, 'w'}, {"dump", required_argument, NULL, 'd'},
        {"after", required_argument, NULL, 'a'}, {"last", no_argument, NULL, 'z'},
        {"list", no_argument, NULL, 'l'},       {NULL, 0, NULL, 0},
    };
    const char *id = NULL, *scene = NULL, *dump = NULL, *after = NULL;
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'h': options.ways = ways_of(optarg); break;
        case 'c': options.samples[CRYPTO] = strtoull(optarg, NULL, 0); break;
        case 'o': options.samples[LONG] = strtoull(optarg, NULL, 0); break;
        case 'e': options.every = (unsigned)strtoul(optarg, NULL, 0); break;
        case 's': options.seed = strtoull(optarg, NULL, 0); break;
        case 'j': options.jobs = (unsigned)strtoul(optarg, NULL, 0); break;
        case 'l': options.list = true; break;
        case 'z': options.last = true; break;
        case 'a': after = optarg; break;
        case 't': id = optarg; break;
        case 'w': scene = optarg; break;
        case 'd': dump = optarg; break;
        default: usage();
        }
    }
    if (argc - optind < 3 || options.every == 0 || options.jobs == 0 || options.jobs > JOBS_MAX) {
        usage();
    }
    board.flash = malloc(FLASH_SIZE);
    size_t size;
    uint8_t *otp = file_read(argv[optind + 1], &size);
    if (board.flash == NULL || size > OTP_SIZE) {
        usage();
    }
    memcpy(board.otp, otp, size);
    free(otp);
    options.folder = argv[optind + 2];
    program_load(&program, &board, argv[optind]);
    if (id != NULL) {
        return replay(id);
    }
    if (scene != NULL) {
        return show(scene_named(scene, strlen(scene)), dump, after);
    }
    return campaign(argv + optind + 3, argc - optind - 3);
}
