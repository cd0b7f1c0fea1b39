/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - a small application for tests of the boards: toggles the LED, says which version it
 * is, then does what the factory settings "blink-VERSION" tell it, one after the other (the table
 * at the end). What ends in a reset is not done again after it: the next one is.
 */
#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "board/words.h"
#include "otter/result.h"

static struct otter_state state;
__attribute__((section(".noinit"))) static volatile uint32_t version_of_turn, turn; /* over resets */
static volatile uint32_t ticks;
static uint32_t words[256];

static void say(const char *text, const char *first, const char *second)
{
    const char *values[2] = {first, second};
    words_say(WORDS_APP, text, values);
}

static void say_number(const char *text, uint32_t value)
{
    struct words_number number;
    say(text, words_decimal(&number, value), NULL);
}

static void tick(void *ctx)
{
    (void)ctx;
    ticks++;
    board_led(ticks % 2 == 0);
}

static volatile uint32_t deepest = UINT32_MAX;

static uint32_t depth(uint32_t n)
{
    volatile uint32_t room[64];
    if (n == deepest) { /* far beyond any stack */
        return 0;
    }
    for (unsigned i = 0; i < 64; i++) {
        room[i] = n;
    }
    return depth(n + 1) + room[n % 64];
}

static void deep_tick(void *ctx)
{
    (void)ctx;
    (void)depth(0);
}

__attribute__((noinline)) static void write_at(uint32_t where)
{
    volatile uint32_t addr = where; /* or the compiler would put an instruction that traps for 0 */
    MACHINE_REGISTER(addr) = 0x12345678;
}

static void null_write(void)
{
    write_at(0);
}

static void null_read(void)
{
    volatile uint32_t addr = 4; /* or the compiler would put an instruction that traps here */
    (void)MACHINE_REGISTER(addr);
}

static void rom_write(void)
{
    write_at(0x00200000);
}

static void flash_write(void)
{
    write_at(board_layout()->primary_addr);
}

static void notes_write(void)
{
    write_at(board_layout()->primary_addr / FLASH_FILE_SIZE * FLASH_FILE_SIZE + FLASH_USED_OFF);
}

static void far_ram(void)
{
    write_at(RAM_START + RAM_SIZE);
}

static void run_data(void)
{
    words[0] = 0x47704770; /* bx lr */
    uintptr_t addr = (uintptr_t)words | 1u;
    __asm volatile("blx %0" : : "r"(addr) : "lr");
}

static void jump_null(void)
{
    __asm volatile("blx %0" : : "r"(1) : "lr");
}

static void undefined(void)
{
    __asm volatile("udf #0");
}

static void supervisor(void)
{
    __asm volatile("svc #0");
}

static void overflow(void)
{
    (void)depth(0);
}

__attribute__((noinline)) static void hang(void)
{
    for (;;) {
        __asm volatile("");
    }
}

static void wild_tick(void *ctx)
{
    (void)ctx;
    __asm volatile("mov sp, %0\n\tpush {r0}" : : "r"(0));
}

static void wild_stack(void)
{
    board_timer_start(10, wild_tick, NULL);
    hang();
}

static void overflow_interrupt(void)
{
    board_timer_start(10, deep_tick, NULL);
    hang();
}

static void hang_masked(void)
{
    __asm volatile("cpsid i\n\tcpsid f");
    hang();
}

static void slow(void)
{
    uint32_t start_ms = board_millis();
    while (board_millis() - start_ms < 3 * BOARD_WATCHDOG_MS / 4) { /* it barks, but does not bite */
    }
    board_watchdog_feed();
    say("slow: fed in time", NULL, NULL);
}

static void stop_main(void)
{
    __asm volatile("bx %0" : : "r"(1));
}

/* Install the secondary's image. Only parsed here: verifying is the bootloader's part. */
static void request(void)
{
    struct otter_image image;
    struct otter_view view = otter_view_of(&board_layout()->secondary);
    int err = otter_image_parse(&view, &image);
    if (err == OTTER_OK) {
        err = otter_state_request_swap(&state, &image, false);
    }
    say("request: %s", otter_err_str(err), NULL);
    if (err == OTTER_OK) {
        board_reset();
    }
}

static void confirm(void)
{
    struct otter_image image;
    struct otter_view view = otter_view_of(&board_layout()->primary);
    int err = otter_image_parse(&view, &image);
    if (err == OTTER_OK) {
        err = otter_state_confirm(&state, &image);
    }
    say("confirm: %s", otter_err_str(err), NULL);
}

static void give_up(void)
{
    say("give-up: %s", otter_err_str(otter_state_give_up(&state)), NULL);
    board_reset();
}

/* The flash's rules, on the secondary's first whole sector (its slot is taken for a test's own). */
static void rules(void)
{
    const struct otter_flash *flash = board_layout()->secondary.flash;
    uint32_t at = board_layout()->secondary.base + flash->sector_size;
    at -= at % flash->sector_size;
    memset(words, 0x5a, sizeof words);
    say("rules: erase %s", otter_err_str(flash->erase(flash->ctx, at, flash->sector_size)), NULL);
    say("rules: program %s", otter_err_str(flash->prog(flash->ctx, at, words, flash->prog_size)), NULL);
    say("rules: program again %s", otter_err_str(flash->prog(flash->ctx, at, words, flash->prog_size)), NULL);
    memset(words, flash->erased, sizeof words);
    uint32_t next = at + flash->prog_size;
    say("rules: erased value %s", otter_err_str(flash->prog(flash->ctx, next, words, flash->prog_size)), NULL);
    say("rules: over it %s", otter_err_str(flash->prog(flash->ctx, next, words, flash->prog_size)), NULL);
    say("rules: half a unit %s", otter_err_str(flash->prog(flash->ctx, at + 2 * flash->prog_size, words, 2)), NULL);
    say("rules: outside %s", otter_err_str(flash->read(flash->ctx, flash->size, words, 1)), NULL);
    say("rules: half a sector %s", otter_err_str(flash->erase(flash->ctx, at, flash->sector_size / 2)), NULL);
}

/* How long an erase of a sector and the programming of a unit take, in the secondary. */
static void timing(void)
{
    const struct otter_flash *flash = board_layout()->secondary.flash;
    uint32_t at = board_layout()->secondary.base + flash->sector_size;
    at -= at % flash->sector_size;
    uint32_t start_ms = board_millis();
    (void)flash->erase(flash->ctx, at, flash->sector_size);
    uint32_t erased_ms = board_millis();
    for (uint32_t off = 0; off < 32 * flash->prog_size; off += flash->prog_size) {
        (void)flash->prog(flash->ctx, at + off, words, flash->prog_size);
    }
    say_number("timing: erase %s ms", erased_ms - start_ms);
    say_number("timing: 32 units %s ms", board_millis() - erased_ms);
}

/* Erase and program the secondary over and over, until power is cut. */
static void wear(void)
{
    const struct otter_flash *flash = board_layout()->secondary.flash;
    uint32_t at = board_layout()->secondary.base + flash->sector_size;
    at -= at % flash->sector_size;
    for (uint32_t round = 1;; round++) {
        board_watchdog_feed();
        memset(words, (int)(round & 0x7fu) + 1, sizeof words);
        int err = flash->erase(flash->ctx, at, flash->sector_size);
        for (uint32_t off = 0; err == OTTER_OK && off < flash->sector_size; off += flash->prog_size) {
            err = flash->prog(flash->ctx, at + off, words, flash->prog_size);
        }
        if (err < 0 || round == 1) {
            say("wear: %s", otter_err_str(err), NULL);
        }
    }
}

static void entropy(void)
{
    int64_t now = 0;
    words[0] = words[1] = 0;
    int err = board_random(NULL, words, 8);
    struct words_number first, second;
    say("random: %s", otter_err_str(err), NULL);
    say("random: %s %s", words_hex(&first, words[0]), words_hex(&second, words[1]));
    say("clock: %s", board_time(NULL, &now) ? words_decimal(&first, (uint32_t)now) : "none", NULL);
}

static void rest(void)
{
    uint32_t start_ms = board_millis();
    uint32_t before = ticks;
    unsigned sleeps = 0;
    while (board_millis() - start_ms < 1050) {
        board_watchdog_feed();
        board_idle(1050 - (board_millis() - start_ms));
        sleeps++;
    }
    say_number("rest: %s ms", board_millis() - start_ms);
    say_number("rest: %s ticks", ticks - before);
    say_number("rest: %s sleeps", sleeps);
    struct board_memory memory = board_memory();
    say_number("memory: static %s", memory.ram_static);
    say_number("memory: stack %s", memory.stack_size);
    say_number("memory: peak %s", memory.stack_peak);
}

/* Nothing but the end of the time ends this sleep. */
static void doze(void)
{
    board_timer_start(60000, tick, NULL);
    uint32_t start_ms = board_millis();
    board_idle(300);
    say_number("doze: %s ms", board_millis() - start_ms);
    board_timer_start(100, tick, NULL);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"null-write", null_write}, {"null-read", null_read}, {"rom-write", rom_write}, {"flash-write", flash_write},
    {"notes-write", notes_write}, {"far-ram", far_ram}, {"run-data", run_data}, {"jump-null", jump_null},
    {"undefined", undefined}, {"supervisor", supervisor}, {"overflow", overflow},
    {"overflow-interrupt", overflow_interrupt}, {"wild-stack", wild_stack}, {"hang", hang}, {"hang-masked", hang_masked}, {"slow", slow},
    {"even-address", stop_main}, {"request", request}, {"confirm", confirm}, {"give-up", give_up}, {"rules", rules},
    {"wear", wear}, {"entropy", entropy}, {"rest", rest}, {"reset", board_reset}, {"timing", timing}, {"doze", doze},
};

static void act(const char *name)
{
    for (unsigned i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(acts[i].name, name) == 0) {
            say("does: %s", name, NULL);
            acts[i].act();
            say("did: %s", name, NULL);
        }
    }
}

/* "blink-1.2.3", by the header of the image that runs. */
static const char *own_name(char name[32], struct otter_version *ret_version)
{
    struct otter_image image;
    struct otter_view view = otter_view_of(&board_layout()->primary);
    struct words_version version;
    if (otter_image_parse(&view, &image) < 0) {
        return "blink-none";
    }
    *ret_version = image.version;
    (void)strcpy(name, "blink-");
    return strcat(name, words_version(&version, &image.version));
}

/* Acts go on over resets of this version, and begin anew with power or another version. */
static void begin_turns(const struct otter_version *version)
{
    uint32_t pc;
    uint32_t mark = (uint32_t)version->major << 16 | (uint32_t)version->minor << 8 | version->revision;
    if (board_reset_cause(&pc) == BOARD_RESET_POWER_ON || version_of_turn != mark) {
        version_of_turn = mark;
        turn = 0;
    }
}

int main(void)
{
    char name[32];
    const char *setting;
    struct otter_version version = {0};
    board_start();
    say(APP_STARTED, own_name(name, &version) + 6, "100");
    begin_turns(&version);
    (void)otter_state_open(&state, board_layout());
    say("phase: %s", otter_state_on_trial(&state) ? "trial" : "no trial", NULL);
    board_timer_start(100, tick, NULL);
    while ((setting = board_setting(name, turn, NULL)) != NULL) {
        turn++;
        act(setting);
    }
    say("rests", NULL, NULL);
    for (;;) {
        board_watchdog_feed();
        board_idle(1000);
    }
}
