/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_map.c - which entries go into the decoder's map.
 *
 * A walk along the old file, like the one of delta_align_path.c along the new one. Its runners are
 * lines: copies that follow each other at one drift (old_off - new_off). At every offset that something
 * refers to, a runner that would send the reference elsewhere pays. To change from one line to
 * another is an entry, and costs one; where a line begins, it also saves the jump there, which all other
 * runners pay. An entry inside a line only brings the translation back to it. When the
 * cheapest map has too many entries, they are made dearer.
 */
#include "tool/delta_map.h"

#include <stdlib.h>
#include <string.h>

#include "tool/delta_align_parts.h"

enum { COST_UNIT = 16 /* costs are in 1/16 bit */, RUNNERS = 40, ROUNDS = 24 };

struct line {
    int32_t drift;
    uint32_t new_off;
    uint32_t old_off;
    uint32_t old_end;
};

/* At old offset `off`: a line begins, or something refers to it that now lies at off - drift. */
struct event {
    uint32_t off;
    int32_t drift;
    uint32_t weight;
    uint32_t line; /* one more than the index of the line that begins; 0: a reference */
};

struct runner {
    uint64_t cost;
    uint32_t start; /* the event at which it was entered */
    uint32_t line;
};

struct choice {
    uint32_t start;
    uint32_t line;
};

struct map {
    const struct delta_map_input *in;
    struct line *lines;
    size_t line_count;
    struct event *events;
    size_t event_count;
    struct choice *choices; /* of each event: the best runner after it */
    struct runner runners[RUNNERS];
    size_t count;
    struct runner best;
    uint64_t entry_cost;
};

static void find_lines(struct map *map)
{
    const struct delta_copies *copies = map->in->copies;
    map->lines[map->line_count++] = (struct line){0, 0, 0, 0}; /* what is there before the first entry */
    for (size_t i = 0; i < copies->count; i++) {
        const struct delta_copy *copy = &copies->list[i];
        struct line *last = &map->lines[map->line_count - 1];
        int32_t drift = (int32_t)(copy->old_off - copy->new_off);
        if (drift != last->drift) {
            last = &map->lines[map->line_count++];
            *last = (struct line){drift, copy->new_off, copy->old_off, 0};
        }
        last->old_end = copy->old_off + copy->len;
    }
}

static int compare_events(const void *a, const void *b)
{
    const struct event *one = a;
    const struct event *two = b;
    if (one->off != two->off) {
        return one->off < two->off ? -1 : 1;
    }
    if (one->line != two->line) {
        return one->line == 0 ? 1 : two->line == 0 ? -1 : one->line < two->line ? -1 : 1;
    }
    return (one->drift > two->drift) - (one->drift < two->drift);
}

static int find_events(struct map *map)
{
    struct delta_sites old_sites;
    struct delta_sites new_sites;
    struct delta_votes votes = {NULL, 0};
    const struct delta_map_input *in = map->in;
    const struct delta_path_input path = {.old_sites = &old_sites, .new_sites = &new_sites};
    old_sites = (struct delta_sites){in->old_file->data, (uint32_t)in->old_file->len, in->options->address, NULL, NULL};
    new_sites = (struct delta_sites){in->new_file->data, (uint32_t)in->new_file->len, in->options->address, NULL, NULL};
    int err = delta_sites_find(&old_sites, in->options->thumb);
    if (err == 0) {
        err = delta_sites_find(&new_sites, in->options->thumb);
    }
    if (err == 0) {
        err = delta_votes_count(&path, in->copies, &votes);
    }
    map->events = malloc((votes.count + map->line_count + 1) * sizeof map->events[0]);
    map->choices = malloc((votes.count + map->line_count + 1) * sizeof map->choices[0]);
    err = map->events == NULL || map->choices == NULL ? -1 : err;
    for (size_t i = 0; err == 0 && i < votes.count; i++) {
        const struct delta_vote *vote = &votes.list[i];
        map->events[map->event_count++] =
            (struct event){vote->off + (uint32_t)vote->drift, vote->drift, vote->weight, 0};
    }
    uint32_t jump = (uint32_t)in->jump_bits * COST_UNIT;
    for (size_t i = 1; err == 0 && i < map->line_count; i++) {
        const struct line *line = &map->lines[i];
        map->events[map->event_count++] = (struct event){line->old_off, line->drift, jump, (uint32_t)i + 1};
    }
    if (err == 0 && map->event_count > 1) {
        qsort(map->events, map->event_count, sizeof map->events[0], compare_events);
    }
    delta_votes_free(&votes);
    delta_sites_free(&old_sites);
    delta_sites_free(&new_sites);
    return err;
}

/* Runners that lost enter anew while their line lasts, else leave. */
static void prune(struct map *map, uint32_t event)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        struct runner *runner = &map->runners[i];
        const struct line *line = &map->lines[runner->line];
        if (runner->cost > map->best.cost + map->entry_cost) {
            if (map->events[event].off >= line->old_end) {
                continue;
            }
            *runner = (struct runner){map->best.cost + map->entry_cost, event, runner->line};
        }
        map->runners[kept++] = *runner;
    }
    map->count = kept;
}

static void admit(struct map *map, uint32_t line, uint32_t event)
{
    size_t index = map->count;
    if (map->count < RUNNERS) {
        map->count++;
    } else {
        index = 0;
        for (size_t i = 1; i < RUNNERS; i++) {
            index = map->runners[i].cost > map->runners[index].cost ? i : index;
        }
    }
    map->runners[index] = (struct runner){map->best.cost + map->entry_cost, event, line};
}

static void step(struct map *map, uint32_t event)
{
    const struct event *now = &map->events[event];
    prune(map, event);
    if (now->line != 0) {
        admit(map, now->line - 1, event);
    }
    map->best.cost = UINT64_MAX;
    for (size_t i = 0; i < map->count; i++) {
        struct runner *runner = &map->runners[i];
        bool pays = now->line != 0 ? runner->line != now->line - 1 || runner->start != event
                                   : map->lines[runner->line].drift != now->drift;
        runner->cost += pays ? now->weight : 0;
        if (runner->cost < map->best.cost) {
            map->best = *runner;
        }
    }
    map->choices[event] = (struct choice){map->best.start, map->best.line};
}

/* The first line needs no entry, unless it was left and is entered anew. */
static bool is_entry(const struct choice *choice)
{
    return choice->line != 0 || choice->start != 0;
}

/* The cheapest map; how many entries it has. */
static size_t walk(struct map *map)
{
    map->count = 1;
    map->runners[0] = (struct runner){0, 0, 0};
    map->best = map->runners[0];
    for (uint32_t event = 0; event < map->event_count; event++) {
        step(map, event);
    }
    size_t entries = 0;
    for (size_t event = map->event_count; event > 0; event = map->choices[event - 1].start) {
        entries += is_entry(&map->choices[event - 1]);
    }
    return entries;
}

static int compare_new(const void *a, const void *b)
{
    const struct delta_copy *one = a;
    const struct delta_copy *two = b;
    return (one->new_off > two->new_off) - (one->new_off < two->new_off);
}

static int collect(const struct map *map, size_t entries, struct delta_copies *ret_map)
{
    *ret_map = (struct delta_copies){malloc((entries + 1) * sizeof ret_map->list[0]), 0, 0};
    if (ret_map->list == NULL) {
        return -1;
    }
    uint32_t end = (uint32_t)map->in->old_file->len;
    for (size_t event = map->event_count; event > 0; event = map->choices[event - 1].start) {
        const struct choice *choice = &map->choices[event - 1];
        if (is_entry(choice)) {
            uint32_t off = map->events[choice->start].off;
            uint32_t new_off = off - (uint32_t)map->lines[choice->line].drift;
            ret_map->list[ret_map->count++] = (struct delta_copy){off, new_off, end - off};
            end = off;
        }
    }
    qsort(ret_map->list, ret_map->count, sizeof ret_map->list[0], compare_new);
    return 0;
}

/* Entries dear enough that there are no more than the decoder has room for. */
static size_t fit(struct map *map)
{
    uint64_t low = (uint64_t)map->in->entry_bits * COST_UNIT;
    uint64_t high = low;
    map->entry_cost = low;
    size_t entries = walk(map);
    while (entries > map->in->most) {
        low = high;
        high *= 2;
        map->entry_cost = high;
        entries = walk(map);
    }
    for (int round = 0; round < ROUNDS && high - low > 1; round++) {
        map->entry_cost = low + (high - low) / 2;
        if (walk(map) > map->in->most) {
            low = map->entry_cost;
        } else {
            high = map->entry_cost;
        }
    }
    map->entry_cost = high;
    return walk(map);
}

int delta_map_choose(const struct delta_map_input *input, struct delta_copies *ret_map)
{
    struct map map = {.in = input};
    *ret_map = (struct delta_copies){NULL, 0, 0};
    map.lines = malloc((input->copies->count + 2) * sizeof map.lines[0]);
    int err = map.lines == NULL ? -1 : 0;
    if (err == 0) {
        find_lines(&map);
        err = find_events(&map);
    }
    if (err == 0) {
        err = collect(&map, fit(&map), ret_map);
    }
    free(map.lines);
    free(map.events);
    free(map.choices);
    return err < 0 ? tool_refuse("not enough memory to choose the map of the copies") : 0;
}
