/* SPDX-License-Identifier: Apache-2.0 */
/* store_http.c - files on a server that takes GET and PUT, with libcurl. */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/print.h"
#include "tool/store_http.h"

enum { SECRET_MAX = 8192, CONNECT_SECONDS = 20, STALL_SECONDS = 60 };

struct store_http {
    const struct store_options *options; /* borrowed */
    CURL *curl;
    char *secret;   /* password or token; NULL none */
    char *s3;       /* "key:secret" for --s3-region */
    char error[CURL_ERROR_SIZE];
    struct tool_bytes body; /* of the answer */
    size_t body_max;
    bool too_large;
};

/* The first line of a file. */
static int read_secret(const char *path, char **ret_text)
{
    struct tool_bytes bytes;
    int rc = tool_read_file(path, SECRET_MAX, &bytes);
    if (rc != 0) {
        return rc;
    }
    bytes.data[strcspn((char *)bytes.data, "\r\n")] = 0;
    if (bytes.data[0] == 0) {
        tool_bytes_free(&bytes);
        return tool_refuse("'%s' has an empty first line: the secret is read from there", path);
    }
    *ret_text = (char *)bytes.data;
    return 0;
}

static int read_s3(char **ret_text)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID");
    const char *key = getenv("AWS_SECRET_ACCESS_KEY");
    if (!id || !key || !id[0] || !key[0]) {
        return tool_refuse("--s3-region needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
    }
    return asprintf(ret_text, "%s:%s", id, key) < 0 ? tool_refuse("out of memory") : 0;
}

static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = strstr(url, "://") + 3;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t len = strlen(hosts[i]);
        if (strncmp(host, hosts[i], len) == 0 && (host[len] == 0 || host[len] == ':' || host[len] == '/')) {
            return true;
        }
    }
    return false;
}

int store_http_open(const struct store_options *options, struct store_http **ret_http)
{
    bool has_secret = options->user || options->token_file || options->s3_region;
    if (has_secret && strncmp(options->to, "http://", 7) == 0 && !is_loopback(options->to)) {
        return tool_refuse("over http:// everybody on the way reads the password: give an https:// URL");
    }
    struct store_http *http = calloc(1, sizeof *http);
    int rc = http ? 0 : tool_refuse("out of memory");
    if (rc == 0) {
        http->options = options;
        http->curl = curl_easy_init();
        rc = http->curl ? 0 : tool_refuse("libcurl could not be started");
    }
    if (rc == 0 && (options->password_file || options->token_file)) {
        rc = read_secret(options->password_file ? options->password_file : options->token_file, &http->secret);
    }
    if (rc == 0 && options->s3_region) {
        rc = read_s3(&http->s3);
    }
    if (rc != 0) {
        store_http_close(http);
        return rc;
    }
    *ret_http = http;
    return 0;
}

void store_http_close(struct store_http *http)
{
    if (http) {
        curl_easy_cleanup(http->curl);
        if (http->secret) {
            explicit_bzero(http->secret, strlen(http->secret));
        }
        if (http->s3) {
            explicit_bzero(http->s3, strlen(http->s3));
        }
        free(http->secret);
        free(http->s3);
        tool_bytes_free(&http->body);
        free(http);
    }
}

static size_t take(char *piece, size_t one, size_t len, void *ctx)
{
    struct store_http *http = ctx;
    long status = 0;
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return one * len; /* an error page, of whatever size */
    }
    if (http->body.len + one * len > http->body_max) {
        http->too_large = true;
        return 0;
    }
    uint8_t *data = realloc(http->body.data, http->body.len + len + 1);
    if (!data) {
        return 0;
    }
    memcpy(data + http->body.len, piece, len);
    http->body.data = data;
    http->body.len += len;
    data[http->body.len] = 0;
    return len;
}

static bool set_secrets(struct store_http *http)
{
    const struct store_options *o = http->options;
    CURL *curl = http->curl;
    bool good = true;
    char provider[128];
    if (o->user) {
        good = curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_USERNAME, o->user) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PASSWORD, http->secret) == CURLE_OK;
    } else if (o->token_file) {
        good = curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, http->secret) == CURLE_OK;
    } else if (o->s3_region) {
        snprintf(provider, sizeof provider, "aws:amz:%s:s3", o->s3_region);
        good = curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_USERPWD, http->s3) == CURLE_OK;
    }
    if (o->client_cert) {
        good = good && curl_easy_setopt(curl, CURLOPT_SSLCERT, o->client_cert) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SSLKEY, o->client_key) == CURLE_OK;
    }
    return good && (!o->ca || curl_easy_setopt(curl, CURLOPT_CAINFO, o->ca) == CURLE_OK);
}

/* A new request on the old connection. */
static bool begin(struct store_http *http, const char *url, size_t body_max)
{
    CURL *curl = http->curl;
    curl_easy_reset(curl);
    tool_bytes_free(&http->body);
    http->body_max = body_max;
    http->too_large = false;
    http->error[0] = 0;
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "otter/" OTTER_VERSION) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK && set_secrets(http);
}

/* An empty value: libcurl leaves the header out (and for S3 signs it all the same). */
static bool add(struct curl_slist **headers, const char *name, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, value[0] ? "%s: %s" : "%s:%s", name, value);
    struct curl_slist *more = curl_slist_append(*headers, line);
    *headers = more ? more : *headers;
    return more != NULL;
}

static bool add_s3(const struct store_http *http, const struct tool_bytes *body, struct curl_slist **headers)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    const char *token = getenv("AWS_SESSION_TOKEN");
    if (!http->s3) {
        return true;
    }
    if (token && token[0]) {
        char *line = NULL; /* longer than other headers */
        bool made = asprintf(&line, "x-amz-security-token: %s", token) >= 0;
        struct curl_slist *more = made ? curl_slist_append(*headers, line) : NULL;
        *headers = more ? more : *headers;
        free(line);
        if (!more) {
            return false;
        }
    }
    return EVP_Digest(body ? body->data : NULL, body ? body->len : 0, hash, &len, EVP_sha256(), NULL) == 1 &&
           add(headers, "x-amz-content-sha256", tool_hex(hash, len, hex));
}

/* Run the request; *ret_status is the server's, or the reason why there is none is said. */
static int perform(struct store_http *http, const char *url, struct curl_slist *headers, long *ret_status)
{
    int rc = 0;
    CURLcode code = curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    code = code == CURLE_OK ? curl_easy_perform(http->curl) : code;
    if (http->too_large) {
        rc = tool_refuse("'%s' is larger than %zu bytes", url, http->body_max);
    } else if (code != CURLE_OK) {
        rc = tool_refuse("'%s': %s", url, http->error[0] ? http->error : curl_easy_strerror(code));
    } else if (curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, ret_status) != CURLE_OK) {
        rc = tool_refuse("'%s' gave no status", url);
    }
    (void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return rc;
}

static const char *advice(long status)
{
    switch (status) {
    case 301: case 302: case 307: case 308: return "it moved: give the address that it moved to";
    case 401: return "the server wants to know who you are: --user, --token-file, --client-cert or --s3-region";
    case 403: return "the server does not let you: wrong secret, or no right to read and write there";
    case 404: case 409: return "is there a folder of that name on the server?";
    case 405: case 501: return "the server takes no PUT there";
    case 413: return "larger than the server takes (nginx: client_max_body_size)";
    case 507: return "the server is full";
    default: return "the server's log says why";
    }
}

static char *url_of(const struct store_http *http, const char *name)
{
    const char *base = http->options->to;
    size_t len = strlen(base);
    char *url = NULL;
    return asprintf(&url, "%s%s%s", base, base[len - 1] == '/' ? "" : "/", name) < 0 ? NULL : url;
}

static int get(struct store_http *http, const char *url, size_t size_max, struct tool_bytes *ret_bytes, bool *ret_there)
{
    struct curl_slist *headers = NULL;
    long status = 0;
    bool ready = begin(http, url, size_max) && curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
                 add(&headers, "Cache-Control", "no-cache") && add_s3(http, NULL, &headers);
    int rc = ready ? 0 : tool_refuse("'%s': libcurl does not take this address", url);
    if (rc != 0) {
        curl_slist_free_all(headers);
        return rc;
    }
    rc = perform(http, url, headers, &status);
    *ret_there = status == 200;
    if (rc == 0 && status != 200 && status != 404) {
        return tool_refuse("'%s': status %ld (%s)", url, status, advice(status));
    }
    if (rc == 0 && status == 200) {
        *ret_bytes = http->body;
        http->body = (struct tool_bytes){NULL, 0};
        ret_bytes->data = ret_bytes->data ? ret_bytes->data : calloc(1, 1);
    }
    return rc;
}

int store_http_get(struct store_http *http, const char *name, size_t size_max, struct tool_bytes *ret_bytes,
                   bool *ret_there)
{
    char *url = url_of(http, name);
    int rc = url ? get(http, url, size_max, ret_bytes, ret_there) : tool_refuse("out of memory");
    free(url);
    return rc;
}

static int put(struct store_http *http, const char *url, const struct tool_bytes *bytes, const char *type,
               const char *cache)
{
    struct curl_slist *headers = NULL;
    long status = 0;
    bool ready = begin(http, url, SECRET_MAX) && curl_easy_setopt(http->curl, CURLOPT_POST, 1L) == CURLE_OK &&
                 curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, "PUT") == CURLE_OK &&
                 curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes->len) == CURLE_OK &&
                 curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, bytes->data) == CURLE_OK &&
                 add(&headers, "Content-Type", type) && add(&headers, "Cache-Control", cache) &&
                 (http->s3 || add(&headers, "Expect", "")) && add_s3(http, bytes, &headers);
    int rc = ready ? 0 : tool_refuse("'%s': libcurl does not take this address", url);
    if (rc != 0) {
        curl_slist_free_all(headers);
        return rc;
    }
    rc = perform(http, url, headers, &status);
    if (rc == 0 && (status < 200 || status > 204)) {
        rc = tool_refuse("'%s': status %ld to PUT (%s)", url, status, advice(status));
    }
    return rc;
}

int store_http_put(struct store_http *http, const char *name, const struct tool_bytes *bytes, const char *type,
                   const char *cache)
{
    char *url = url_of(http, name);
    int rc = url ? put(http, url, bytes, type, cache) : tool_refuse("out of memory");
    free(url);
    return rc;
}

static int has(struct store_http *http, const char *url, size_t size)
{
    struct curl_slist *headers = NULL;
    long status = 0;
    curl_off_t len = -1;
    bool ready = begin(http, url, 0) && curl_easy_setopt(http->curl, CURLOPT_NOBODY, 1L) == CURLE_OK &&
                 add(&headers, "Cache-Control", "no-cache") && add_s3(http, NULL, &headers);
    int rc = ready ? perform(http, url, headers, &status) : tool_refuse("'%s': libcurl does not take this address", url);
    if (!ready) {
        curl_slist_free_all(headers);
    }
    if (rc != 0 || status == 405 || status == 501) { /* no HEAD there: nothing is known */
        return rc;
    }
    (void)curl_easy_getinfo(http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
    if (status != 200) {
        return tool_refuse("'%s': status %ld, and it should be there", url, status);
    }
    return len < 0 || (size_t)len == size
               ? 0 : tool_refuse("'%s' should have %zu bytes, and has %lld", url, size, (long long)len);
}

int store_http_has(struct store_http *http, const char *name, size_t size)
{
    char *url = url_of(http, name);
    int rc = url ? has(http, url, size) : tool_refuse("out of memory");
    free(url);
    return rc;
}
