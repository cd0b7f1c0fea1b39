/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speed.c - instructions that the decoder takes for a byte, on an emulated Cortex-M4.
 *
 * A program for QEMU's mps2-an386 alone, never for a product. QEMU puts base, patch and the wanted
 * result into the PSRAM, each behind its length (a word): -device loader,file=...; speed.py does it. The
 * patch goes into the decoder in rows as a network gives them, the result comes out in rows as flash wants
 * them. Under -icount shift=0 an instruction takes 1 ns and a tick of the timer is 40 of them. The one
 * line that it says is "delta bytes=N patch=N ticks=N rows=N longest=N" or "delta failed ...".
 */
#include <string.h>

#include "otter/delta.h"
#include "otter/result.h"

enum { ROW = 512, SEGMENT = 1460, MIB = 1 << 20, TIMER_ON_32_BITS = 0x82 };
enum { SYS_WRITE0 = 4, SYS_EXIT = 0x18, STOPPED = 0x20026 };

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define TIMER_LOAD REGISTER(0x40002000u)
#define TIMER_VALUE REGISTER(0x40002004u)
#define TIMER_CONTROL REGISTER(0x40002008u)
#define PSRAM 0x21000000u

struct file {
    uint32_t size;
    uint8_t bytes[4 * MIB - sizeof(uint32_t)];
};
static const struct file *const base = (const struct file *)PSRAM;
static const struct file *const patch = (const struct file *)(PSRAM + 4u * MIB);
static const struct file *const wanted = (const struct file *)(PSRAM + 8u * MIB);

static uint8_t *const result = (uint8_t *)(PSRAM + 12u * MIB);
static struct otter_delta delta;
static uint8_t row[ROW];

extern uint32_t bss_start[], bss_end[], stack_top[];
void reset_handler(void);

__attribute__((naked)) static uint32_t semihost(uint32_t request, const void *argument)
{
    (void)request;
    (void)argument;
    __asm volatile("bkpt 0xab\n\tbx lr");
}

static void say(const char *text)
{
    (void)semihost(SYS_WRITE0, text);
}

static void say_number(const char *name, uint32_t value)
{
    char text[12];
    char *at = text + sizeof text - 1;
    *at = 0;
    do {
        *--at = (char)('0' + value % 10u);
        value /= 10u;
    } while (value > 0u);
    say(name);
    say(at);
}

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, base->bytes + off, len);
    return off + len <= base->size ? OTTER_OK : OTTER_ERR_IO;
}

static int read_new(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, result + off, len);
    return OTTER_OK;
}

static uint32_t ticks(void)
{
    return UINT32_MAX - TIMER_VALUE; /* it counts down */
}

/* The longest row is what an application waits for. */
struct counts {
    uint32_t made, used, rows, longest, all;
};

static int decode_row(struct counts *counts)
{
    size_t filled = 0;
    int done = 0;
    uint32_t begun = ticks();
    while (done == 0 && filled < ROW) {
        size_t used;
        size_t made;
        uint32_t left = patch->size - counts->used;
        done = otter_delta_run(&delta, patch->bytes + counts->used, left < SEGMENT ? left : SEGMENT, &used, row + filled,
                               ROW - filled, &made);
        counts->used += (uint32_t)used;
        filled += made;
        if (used == 0 && made == 0 && done == 0) {
            break;
        }
    }
    uint32_t took = ticks() - begun;
    counts->all += took;
    counts->longest = took > counts->longest ? took : counts->longest;
    counts->rows++;
    memcpy(result + counts->made, row, filled);
    counts->made += (uint32_t)filled;
    return done != 0 ? done : filled == ROW ? 0 : OTTER_ERR_CORRUPT;
}

int main(void);
int main(void)
{
    static const struct otter_delta_io io = {NULL, read_old, read_new};
    struct counts counts = {0};
    int done;
    TIMER_LOAD = UINT32_MAX;
    TIMER_CONTROL = TIMER_ON_32_BITS;
    otter_delta_begin(&delta, &io, 4u * MIB);
    do {
        done = decode_row(&counts);
    } while (done == 0);
    bool same = done == 1 && counts.made == wanted->size && memcmp(result, wanted->bytes, counts.made) == 0;
    say(same ? "delta" : "delta failed");
    say_number(" bytes=", counts.made);
    say_number(" patch=", counts.used);
    say_number(" ticks=", counts.all);
    say_number(" rows=", counts.rows);
    say_number(" longest=", counts.longest);
    say("\n");
    return 0;
}

void reset_handler(void)
{
    memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
    (void)main();
    (void)semihost(SYS_EXIT, (const void *)STOPPED);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const struct {
    const uint32_t *stack;
    void (*reset)(void);
} vectors = {stack_top, reset_handler};
