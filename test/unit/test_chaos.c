/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_chaos.c - a server that does anything for a while, resets at any time, then peace.
 *
 * Each seed is a story: every answer is bent in a random way, connections break, the device
 * resets, the image on the server changes. Nothing wrong is ever requested; once the server
 * is honest, the update completes. A failing story names itself: OTTER_STORY=n runs it alone.
 */
#include "agent_rig.h"

enum { STORIES = 150, LIES = 40 };

static uint64_t seed;
static unsigned lies;

static unsigned draw(unsigned below)
{
    return (unsigned)(sim_random(&seed) % below);
}

static void change_image(struct rig *rig)
{
    struct otter_version version = {1, 1, (uint16_t)draw(3), draw(3)};
    rig_offer(rig, version, 20000 + draw(4) * 17001);
    unsigned form = draw(4);
    rig->image_etag[0] = '\0';
    if (form > 0) {
        snprintf(rig->image_etag, sizeof rig->image_etag, "%s\"%u\"", form == 1 ? "W/" : "", draw(1000));
    }
    snprintf(rig->modified, sizeof rig->modified, "%s", draw(2) == 0 ? "Sun, 06 Nov 1994 08:49:37 GMT" : "");
}

/* Bend the honest answer in `reply`. */
static size_t bend(struct rig *rig, char *reply, size_t len)
{
    size_t head = (size_t)(strstr(reply, "\r\n\r\n") - reply) + 4;
    switch (draw(12)) {
    case 0:
        return rig_text(reply, "HTTP/1.1 %u X\r\nContent-Length: 0\r\nRetry-After: %u\r\n\r\n",
                        100 + draw(500), draw(3));
    case 1:
        reply[draw((unsigned)head)] ^= (char)(1u << draw(8));
        return len;
    case 2:
        reply[draw((unsigned)len)] ^= (char)(1u << draw(8));
        return len;
    case 3:
        rig->tls.cut_at = rig->tls.delivered + 1 + draw((unsigned)len);
        return len;
    case 4:
        return rig_text(reply, "HTTP/1.1 302 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                        draw(2) == 0 ? "/image.bin" : "https://evil.example/");
    case 5: /* the same bytes said to be another range */
        return rig_text(reply, "HTTP/1.1 206 X\r\nContent-Range: bytes %u-%u/%u\r\nContent-Length: 9\r\n\r\nnot these",
                        draw(100), 100 + draw(100), 200 + draw(100000));
    case 6:
        memset(reply + head, 'x', len - head < 100 ? len - head : 100);
        return len;
    case 7:
        memcpy(reply + len, "surplus", 7);
        return len + 7;
    case 8:
        change_image(rig);
        return len;
    default:
        return len;
    }
}

static size_t answer(struct rig *rig, const char *request, char *reply)
{
    rig->no_ranges = rig->no_length = rig->chunked = false;
    if (lies == 0) {
        return 0;
    }
    lies--;
    rig->no_ranges = draw(8) == 0;
    rig->chunked = draw(8) == 0;
    size_t len = rig_serve(rig, request, reply);
    return bend(rig, reply, len);
}

static void check_request(struct rig *rig)
{
    if (rig->state.phase != OTTER_PHASE_REQUESTED) {
        return;
    }
    /* whatever happened on the way: what is requested is genuine and newer */
    struct otter_image image;
    struct otter_view view = otter_view_of(&rig->layout.secondary);
    assert_int_equal(otter_image_parse(&view, &image), 0);
    assert_int_equal(otter_image_verify(&view, &image, rig_keys, 1, NULL, NULL), 0);
    assert_int_equal(image.version.minor, 1);
}

static jmp_buf power_on;
static unsigned cuts;

static void on_lost(void *ctx)
{
    (void)ctx;
    cuts++;
    longjmp(power_on, 1);
}

/* A reset, at once or in the middle of one of the next flash operations. */
static void arrange_reset(struct rig *rig)
{
    if (draw(2) == 0) {
        rig_start(rig);
    } else {
        enum sim_outcome outcome = (enum sim_outcome)draw(SIM_OUTCOMES_USUAL);
        sim_power_cut_after(&rig->board.power, 1 + draw(30), outcome);
    }
}

static void play(uint64_t story)
{
    struct sim_map map = rig_geometry((int)(story % RIG_GEOMETRIES));
    struct rig *rig = rig_create(&map);
    seed = story * 977 + 5;
    lies = LIES;
    rig->answer = answer;
    rig->config.io_size = 2048 + map.parts[0].prog_size + draw(8) * 1024;
    rig->config.range_size = draw(4) == 0 ? 1000 + draw(9000) : 0;
    rig->config.image_path = draw(4) == 0 ? "/image.bin" : NULL;
    change_image(rig);
    rig->board.power.lost = on_lost;
    static unsigned steps; /* static: not lost in a longjmp */
    steps = 0;
    (void)setjmp(power_on);
    rig_start(rig);
    while (steps++ < 400000 && rig->state.phase != OTTER_PHASE_REQUESTED) {
        rig->now_ms += rig_step(rig);
        rig->events_count = 0;
        if (lies > 0 && draw(1000) == 0) {
            arrange_reset(rig);
        }
    }
    check_request(rig);
    if (rig->state.phase != OTTER_PHASE_REQUESTED) {
        fail_msg("test_chaos: story %llu never ends", (unsigned long long)story);
    }
    rig_destroy(rig);
}

static void test_nothing_wrong_is_installed_and_peace_brings_the_update(void **test)
{
    (void)test;
    const char *only = getenv("OTTER_STORY");
    const char *count = getenv("OTTER_STORIES"); /* more of them, by night */
    uint64_t stories = count != NULL ? strtoull(count, NULL, 10) : STORIES;
    for (uint64_t story = 0; story < stories; story++) {
        if (only == NULL || strtoull(only, NULL, 10) == story) {
            play(story);
        }
    }
    assert_true(only != NULL || cuts > STORIES / 10); /* power really was cut */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_wrong_is_installed_and_peace_brings_the_update),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
