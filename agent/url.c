/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.c - where requests may go: the allow-list, and how a Location is applied.
 */
#include <string.h>

#include "agent/text.h"
#include "agent/url.h"
#include "otter/result.h"

const char *otter_url_host(const struct otter_agent_config *config, const char *host, size_t len)
{
    if (otter_text_same_len(host, len, config->host)) {
        return config->host;
    }
    for (size_t i = 0; i < config->hosts_allowed_count; i++) {
        if (otter_text_same_len(host, len, config->hosts_allowed[i])) {
            return config->hosts_allowed[i];
        }
    }
    return NULL;
}

struct otter_place otter_url_home(const struct otter_agent_config *config)
{
    struct otter_place home = {
        .host = config->host, .port = config->port, .tls = !config->use_plain};
    if (home.port == 0) {
        home.port = home.tls ? 443 : 8080;
    }
    return home;
}

bool otter_url_same_place(const struct otter_place *a, const struct otter_place *b)
{
    return a->port == b->port && a->tls == b->tls && otter_text_same(a->host, b->host);
}

static bool visible(const char *str, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (str[i] <= ' ' || str[i] > '~' || str[i] == '#') {
            return false;
        }
    }
    return true;
}

bool otter_url_path_ok(const char *path)
{
    return path[0] == '/' && visible(path, strlen(path));
}

/* "name", "name:port", "[v6]:port"; *at moves behind it. */
static int read_authority(const struct otter_agent_config *config, const char **at,
                          struct otter_place *place)
{
    const char *end = *at + strcspn(*at, "/?#");
    const char *host = *at;
    size_t len;
    if (*host == '[') {
        host++;
        len = strcspn(host, "]");
        *at = host + len + 1;
    } else {
        len = strcspn(host, ":/?#");
        *at = host + len;
    }
    place->host = otter_url_host(config, host, len);
    if (place->host == NULL) {
        return OTTER_ERR_REFUSED;
    }
    if (*at < end && **at == ':') {
        uint32_t port = 0;
        ++*at;
        if (*at < end && (!otter_text_read_u32(at, end, UINT16_MAX, &port) || port == 0)) {
            return OTTER_ERR_CORRUPT;
        }
        place->port = port != 0 ? (uint16_t)port : place->port;
    }
    return *at == end ? 0 : OTTER_ERR_CORRUPT;
}

/* Move *at over this prefix, if it is there. */
static bool skip(const char **at, const char *prefix)
{
    size_t len = strlen(prefix);
    bool there = strlen(*at) >= len && otter_text_same_len(*at, len, prefix);
    *at += there ? len : 0;
    return there;
}

/* Length of the path up to and with the last '/' before len. */
static size_t folder_len(const char *path, size_t len)
{
    while (len > 1 && path[len - 1] != '/') {
        len--;
    }
    return len;
}

/* How much of `path` stays in front of a relative reference; *ref skips its dot segments. */
static size_t kept_len(const char *path, const char **ref)
{
    size_t keep = strcspn(path, "?");
    if (**ref == '?') {
        return keep;
    }
    keep = folder_len(path, keep);
    for (;;) {
        if (skip(ref, "../")) {
            keep = keep > 1 ? folder_len(path, keep - 1) : keep;
        } else if (!skip(ref, "./")) {
            return keep;
        }
    }
}

static int join(char *path, const char *ref, bool absolute)
{
    size_t keep = 0;
    if (absolute) {
        keep = *ref == '/' ? 0 : 1; /* "https://host?query": the path is "/" */
    } else if (*ref == '\0' || *ref == '#') {
        return 0;
    } else if (*ref != '/') {
        keep = kept_len(path, &ref);
    }
    size_t len = strcspn(ref, "#");
    if (!visible(ref, len)) {
        return OTTER_ERR_CORRUPT;
    }
    if (keep + len >= OTTER_PATH_SIZE) {
        return OTTER_ERR_NOSPACE;
    }
    memcpy(path + keep, ref, len);
    path[keep + len] = '\0';
    return 0;
}

/* The scheme of an absolute URL, or "//": *rest moves behind it. False: another scheme. */
static bool read_scheme(const char **rest, bool *tls)
{
    if (skip(rest, "https://")) {
        *tls = true;
        return true;
    }
    if (skip(rest, "http://")) {
        *tls = false;
        return true;
    }
    return skip(rest, "//") || (*rest)[strcspn(*rest, ":/?#")] != ':';
}

int otter_url_follow(const struct otter_agent_config *config, const char *location,
                     struct otter_place *place, char *path)
{
    struct otter_place to = *place;
    const char *rest = location;
    int err = 0;
    if (!read_scheme(&rest, &to.tls)) {
        return OTTER_ERR_REFUSED;
    }
    bool absolute = rest != location;
    if (absolute) {
        to.port = to.tls ? 443 : 80;
        err = read_authority(config, &rest, &to);
    }
    if (err == 0 && place->tls && !to.tls) {
        err = OTTER_ERR_REFUSED;
    }
    if (err == 0) {
        err = join(path, rest, absolute);
    }
    if (err == 0) {
        *place = to;
    }
    return err;
}
