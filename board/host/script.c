/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - behaviour scripts: written by `otter device app`, read by the host board. */
#include <stdio.h>
#include <string.h>

#include "board/host/script.h"
#include "otter/result.h"

static const char *const behave_names[] = {
    [HOST_BEHAVE_HEALTHY] = "healthy",
    [HOST_BEHAVE_SICK] = "sick",
    [HOST_BEHAVE_HANG] = "hang",
    [HOST_BEHAVE_SILENT] = "silent",
};

const char *host_behave_str(enum host_behave behave)
{
    return behave_names[behave];
}

int host_behave_parse(const char *name, enum host_behave *ret_behave)
{
    for (size_t i = 0; i < sizeof behave_names / sizeof behave_names[0]; i++) {
        if (strcmp(name, behave_names[i]) == 0) {
            *ret_behave = (enum host_behave)i;
            return 0;
        }
    }
    return OTTER_ERR_ARG;
}

/* One decimal number up to max; NULL: not there. */
static const char *parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
        if (number > max) {
            return NULL;
        }
    }
    *ret_number = number;
    return at == text ? NULL : at;
}

int host_version_parse(const char *text, struct otter_version *ret_version)
{
    static const uint64_t max[4] = {0xff, 0xff, 0xffff, 0xffffffff};
    static const char before[4] = {0, '.', '.', '+'};
    uint64_t part[4] = {0};
    for (int i = 0; i < 4; i++) {
        if (i == 3 && *text == 0) {
            break; /* the build number may be left out */
        }
        if (i > 0 && *text++ != before[i]) {
            return OTTER_ERR_CORRUPT;
        }
        text = parse_number(text, max[i], &part[i]);
        if (!text) {
            return OTTER_ERR_CORRUPT;
        }
    }
    if (*text != 0) {
        return OTTER_ERR_CORRUPT;
    }
    ret_version->major = (uint8_t)part[0];
    ret_version->minor = (uint8_t)part[1];
    ret_version->revision = (uint16_t)part[2];
    ret_version->build = (uint32_t)part[3];
    return 0;
}

void host_version_print(const struct otter_version *version, char text[HOST_VERSION_SIZE])
{
    int len = snprintf(text, HOST_VERSION_SIZE, "%u.%u.%u", version->major, version->minor,
                       version->revision);
    if (version->build) {
        (void)snprintf(text + len, HOST_VERSION_SIZE - (size_t)len, "+%u", version->build);
    }
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void host_script_write(const struct host_script *script, uint64_t seed, uint8_t *payload, size_t size)
{
    char version[HOST_VERSION_SIZE];
    host_version_print(&script->version, version);
    memset(payload, '\n', HOST_SCRIPT_SIZE);
    int len = snprintf((char *)payload, HOST_SCRIPT_SIZE,
                       "otter host application 1\nversion %s\nled %u ms\nbehave %s\nend\n", version,
                       script->led_ms, host_behave_str(script->behave));
    payload[len] = '\n';
    uint64_t random = 0;
    for (size_t at = HOST_SCRIPT_SIZE; at < size; at++) {
        random = at % 8 == 0 ? next_random(&seed) : random >> 8;
        payload[at] = (uint8_t)random;
    }
}

int host_script_read(const uint8_t *payload, size_t len, struct host_script *ret_script)
{
    char text[HOST_SCRIPT_SIZE + 1];
    size_t size = len < HOST_SCRIPT_SIZE ? len : HOST_SCRIPT_SIZE;
    memcpy(text, payload, size);
    text[size] = 0;
    char version[HOST_VERSION_SIZE];
    char behave[16];
    struct host_script script;
    int used = -1;
    int found = sscanf(text, "otter host application 1 version %23s led %9u ms behave %15s end%n",
                       version, &script.led_ms, behave, &used);
    if (found != 3 || used < 0 || script.led_ms == 0 || host_version_parse(version, &script.version) < 0 ||
        host_behave_parse(behave, &script.behave) < 0) {
        return OTTER_ERR_CORRUPT;
    }
    *ret_script = script;
    return 0;
}
