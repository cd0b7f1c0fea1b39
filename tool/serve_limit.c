/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_limit.c - so many a second for each name, some at once: a bucket that fills slowly.
 *
 * The table has a fixed size: two places per name by its hash, and whoever was not heard of for
 * longest makes room. A stranger who invents names gains only that old ones are forgotten.
 */
#include <openssl/rand.h>
#include <stdlib.h>

#include "tool/serve.h"

enum { PLACES = 16384 }; /* a power of two */

struct bucket {
    uint64_t key; /* 0: free */
    double left;
    double at; /* seconds */
};

struct serve_limit {
    double per_second, burst;
    uint64_t seed;
    struct bucket buckets[PLACES];
};

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct serve_limit *serve_limit_new(double per_second, double burst)
{
    struct serve_limit *limit = calloc(1, sizeof *limit);
    if (limit && RAND_bytes((unsigned char *)&limit->seed, sizeof limit->seed) != 1) {
        free(limit);
        return NULL;
    }
    if (limit) {
        limit->per_second = per_second;
        limit->burst = burst;
    }
    return limit;
}

static struct bucket *bucket_of(struct serve_limit *limit, const char *name, double now)
{
    uint64_t key = limit->seed ^ 0xcbf29ce484222325u;
    for (; *name; name++) {
        key = (key ^ (unsigned char)*name) * 0x100000001b3u;
        key ^= key >> 29;
    }
    key = key ? key : 1;
    struct bucket *first = &limit->buckets[key & (PLACES - 1)];
    struct bucket *second = &limit->buckets[(key >> 32) & (PLACES - 1)];
    if (first->key == key || second->key == key) {
        return first->key == key ? first : second;
    }
    struct bucket *older = first->key == 0 || first->at <= second->at ? first : second;
    *older = (struct bucket){key, limit->burst, now};
    return older;
}

int serve_limit_take(struct serve_limit *limit, const char *name)
{
    double now = now_seconds();
    struct bucket *bucket = bucket_of(limit, name, now);
    bucket->left += (now - bucket->at) * limit->per_second;
    bucket->left = bucket->left < limit->burst ? bucket->left : limit->burst;
    bucket->at = now;
    if (bucket->left >= 1) {
        bucket->left -= 1;
        return 0;
    }
    double seconds = (1 - bucket->left) / limit->per_second;
    return seconds > 3600 ? 3600 : (int)seconds + 1;
}

void serve_limit_free(struct serve_limit *limit)
{
    free(limit);
}
