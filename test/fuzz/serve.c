/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.c - what a client may send to `otter serve`: paths, ranges, conditions, reports. libevent
 * reads HTTP; ours begins behind it. Reports are lines of JSON, whole; no file outside the folder
 * and no key is handed out; what goes to the terminal is printable.
 *
 * Input: flags, then the bytes of one connection. Flag 1: log as JSON; 2: keep reports; 4: behind a
 * proxy that says who asks; 8: at most one request now and then.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/serve.h"

static struct serve_options options = {.as_json = 0, .reports = NULL};
static struct serve serve = {.options = &options, .report_fd = -1};
static int reports_fd, log_fd;
static uint16_t port;
static char folder[] = "/tmp/otter-fuzz-XXXXXX";

static void put_file(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void clean(void)
{
    static const char *const names[] = {"www/job.json", "www/f.bin", "www/key.pem", "www/.hidden", "www/out",
                                        "secret.txt", "www", ""};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
}

static struct bufferevent *connection(struct event_base *base, void *ctx)
{
    struct bufferevent *made = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    (void)ctx;
    REQUIRE(made != NULL);
    serve_guard_watch(serve.guard, made);
    return made;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char root[256];
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    (void)argc;
    (void)argv;
    REQUIRE(mkdtemp(folder) != NULL && atexit(clean) == 0);
    (void)snprintf(root, sizeof root, "%s/www", folder);
    REQUIRE(mkdir(root, 0700) == 0);
    put_file("www/job.json", "{\"a\":1}");
    put_file("www/f.bin", "0123456789abcdefghijklmnopqrstuvwxyz");
    put_file("www/key.pem", "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n");
    put_file("www/.hidden", "SECRET");
    put_file("secret.txt", "SECRET");
    (void)snprintf(root, sizeof root, "%s/www/out", folder);
    REQUIRE(symlink("../secret.txt", root) == 0);
    (void)snprintf(root, sizeof root, "%s/www", folder);
    serve.root = strdup(root);
    reports_fd = memfd_create("reports", 0);
    log_fd = memfd_create("log", 0);
    REQUIRE(reports_fd >= 0 && log_fd >= 0);
    serve.base = event_base_new();
    serve.http = evhttp_new(serve.base);
    serve.guard = serve_guard_new(serve.base, 30);
    REQUIRE(serve.guard != NULL);
    evhttp_set_bevcb(serve.http, connection, NULL);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(serve.http, "127.0.0.1", 0);
    REQUIRE(bound != NULL);
    REQUIRE(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) == 0);
    port = ntohs(address.sin_port);
    evhttp_set_allowed_methods(serve.http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                               EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                               EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(serve.http, 8192);
    evhttp_set_max_body_size(serve.http, SERVE_BODY_MAX);
    evhttp_set_timeout(serve.http, 75);
    evhttp_set_gencb(serve.http, serve_request, &serve);
    fuzz_quiet(); /* libevent's and our messages; the log goes to the descriptor, see below */
    return 0;
}

/* Everything the server has to say to this connection. */
static size_t talk(const uint8_t *data, size_t size, char *answer, size_t room)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct linger now = {1, 0};
    size_t len = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)!send(fd, data, size, MSG_NOSIGNAL);
    for (int turns = 0; turns < 6; turns++) {
        (void)event_base_loop(serve.base, EVLOOP_NONBLOCK);
        ssize_t n = recv(fd, answer + len, room - len, 0);
        len += n > 0 ? (size_t)n : 0;
        turns = n > 0 ? 0 : turns;
        if (n == 0 || len == room) {
            break;
        }
        if (turns == 1) {
            (void)shutdown(fd, SHUT_WR);
        }
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* no TIME_WAIT */
    (void)close(fd);
    (void)event_base_loop(serve.base, EVLOOP_NONBLOCK);
    (void)event_base_loop(serve.base, EVLOOP_NONBLOCK);
    return len;
}

/* What a descriptor in memory got since it was emptied; it is emptied. */
static char *collect(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char *text = malloc((size_t)len + 1);
    REQUIRE(text != NULL && pread(fd, text, (size_t)len, 0) == len);
    text[len] = '\0';
    REQUIRE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    return text;
}

static void check_lines(char *text, bool json)
{
    char *rest = NULL;
    REQUIRE(*text == '\0' || text[strlen(text) - 1] == '\n');
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        for (const char *at = line; *at; at++) {
            REQUIRE(json || (*at >= ' ' && *at <= '~'));
        }
        json_t *root = json ? json_loads(line, 0, NULL) : NULL;
        REQUIRE(!json || json_is_object(root));
        json_decref(root);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answer[1 << 16];
    static int out = -1;
    if (size < 1 || size > 20000) {
        return 0;
    }
    if (out < 0) { /* the log is written to standard output's descriptor */
        out = dup(STDOUT_FILENO);
    }
    REQUIRE(dup2(log_fd, STDOUT_FILENO) >= 0);
    options.as_json = data[0] & 1;
    serve.report_fd = (data[0] & 2) != 0 ? reports_fd : -1;
    options.behind_proxy = data[0] & 4;
    options.peer_rate = 1;
    serve.peers = (data[0] & 8) != 0 ? serve_limit_new(0.001, 1) : NULL;
    size_t len = talk(data + 1, size - 1, answer, sizeof answer);
    REQUIRE(memmem(answer, len, "SECRET", 6) == NULL);
    REQUIRE(dup2(out, STDOUT_FILENO) >= 0);
    REQUIRE(serve.active == 0);
    serve_guard_sweep(serve.guard);
    serve_limit_free(serve.peers);
    char *text = collect(log_fd);
    check_lines(text, options.as_json);
    free(text);
    text = collect(reports_fd);
    check_lines(text, true);
    free(text);
    return 0;
}
