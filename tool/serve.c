/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.c - `otter serve`: a static HTTPS (or HTTP) server for one folder, and a sink for
 * reports.
 *
 * Loopback unless told otherwise. It refuses to start on a folder that holds a private key,
 * and never hands one out that comes later.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <limits.h>
#include <popt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/page.h"
#include "tool/quantity.h"
#include "tool/serve_operator.h"
#include "tool/served_folder.h"

enum { HEADERS_MAX = 8192, LINGER_SECONDS = 10, TICK_MS = 500 };
enum { PORT_UNSET = -1, PORT_TLS = 8443, PORT_PLAIN = 8080 };
enum { PEER_RATE = 200, PEER_BURST_SECONDS = 10, DEVICE_BURST = 20 }; /* a second; reports */

/* Take no more connections; let the answers under way finish, for a few seconds. */
static void stop(evutil_socket_t signal, short events, void *ctx)
{
    struct serve *serve = ctx;
    struct timeval linger = {LINGER_SECONDS, 0};
    (void)signal;
    (void)events;
    bool again = serve->quitting;
    serve->quitting = true;
    if (serve->bound) {
        evhttp_del_accept_socket(serve->http, serve->bound);
        serve->bound = NULL;
    }
    event_base_loopexit(serve->base, serve->active > 0 && !again ? &linger : NULL);
}

/* To the thread that writes; while it is still at those before, they stay in the table. */
static void hand_over_polls(struct serve *serve)
{
    size_t count = 0;
    struct serve_poll *polls = serve_polls_take(serve->polls, &count);
    if (polls && !serve_store_polls(serve->store, polls, count)) {
        for (size_t i = 0; i < count; i++) {
            serve_polls_note(serve->polls, &polls[i]);
        }
        free(polls);
    }
}

/* A folder that was moved away and replaced by another of its name: that is the one to serve. */
static void look_at_root(struct serve *serve)
{
    struct stat now;
    struct stat open_one;
    if (stat(serve->root, &now) == 0 && fstat(serve->root_fd, &open_one) == 0 &&
        (now.st_ino != open_one.st_ino || now.st_dev != open_one.st_dev)) {
        int fd = open(serve->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0) {
            (void)close(serve->root_fd);
            serve->root_fd = fd;
        }
    }
}

static void tick(evutil_socket_t none, short events, void *ctx)
{
    struct serve *serve = ctx;
    (void)none;
    (void)events;
    serve_guard_sweep(serve->guard);
    look_at_root(serve);
    if (serve->store && !serve->quitting) {
        hand_over_polls(serve);
        serve_rollout_look(serve);
    }
}

static struct bufferevent *plain_connection(struct event_base *base, void *ctx)
{
    struct serve *serve = ctx;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (connection) {
        serve_guard_watch(serve->guard, connection);
    }
    return connection;
}

static int set_up_http(struct serve *serve, int fd)
{
    serve->bound = evhttp_accept_socket_with_handle(serve->http, fd);
    if (!serve->bound) {
        (void)close(fd);
        return tool_refuse("libevent cannot start: %s", strerror(errno));
    }
    evhttp_set_allowed_methods(serve->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(serve->http, HEADERS_MAX);
    evhttp_set_max_body_size(serve->http, SERVE_BODY_MAX);
    evhttp_set_timeout(serve->http, serve->options->timeout);
    evhttp_set_gencb(serve->http, serve_request, serve);
    evhttp_set_bevcb(serve->http, serve->tls ? serve_tls_connection : plain_connection, serve);
    return 0;
}

static int set_up_limits(struct serve *serve)
{
    const struct serve_options *options = serve->options;
    double peers = options->peer_rate < 0 ? PEER_RATE : options->peer_rate;
    double devices = options->device_rate / 60.0;
    serve->peers = peers > 0 ? serve_limit_new(peers, peers * PEER_BURST_SECONDS) : NULL;
    serve->devices = devices > 0 ? serve_limit_new(devices, DEVICE_BURST) : NULL;
    bool missing = (peers > 0 && !serve->peers) || (devices > 0 && !serve->devices);
    return missing ? tool_refuse("out of memory") : 0;
}

static int set_up_database(struct serve *serve)
{
    const char *database = serve->options->database;
    if (!database) {
        return 0;
    }
    serve->mailbox = serve_mailbox_new(serve->base);
    serve->polls = serve_polls_new();
    int rc = serve->mailbox && serve->polls ? 0 : tool_refuse("out of memory");
    if (rc == 0) {
        rc = serve_store_start(serve->mailbox, database, serve->options->keep_seconds, &serve->store);
    }
    if (rc == 0) {
        rc = serve_work_start(serve->mailbox, database, &serve->work);
    }
    if (rc == 0) {
        rc = serve_rollout_start(serve);
    }
    return rc == 0 && !serve->options->no_page ? page_start(serve) : rc;
}

/* Descriptors are never duplicated here, so changes of interest may be gathered as well. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0) {
        base = event_base_new_with_config(config);
    }
    if (config) {
        event_config_free(config);
    }
    return base ? base : event_base_new();
}

static void flush_log(evutil_socket_t none, short events, void *ctx)
{
    (void)none;
    (void)events;
    (void)ctx;
    serve_log_flush();
}

static void wake_flusher(void *ctx)
{
    event_active(((struct serve *)ctx)->log, EV_TIMEOUT, 1);
}

static int set_up(struct serve *serve, int fd)
{
    struct timeval every = {0, TICK_MS * 1000};
    serve->base = new_base();
    serve->http = serve->base ? evhttp_new(serve->base) : NULL;
    serve->guard = serve->http ? serve_guard_new(serve->base, serve->options->request_timeout) : NULL;
    serve->log = serve->guard ? event_new(serve->base, -1, EV_TIMEOUT, flush_log, serve) : NULL;
    serve->tick = serve->log ? event_new(serve->base, -1, EV_PERSIST, tick, serve) : NULL;
    if (!serve->tick || event_add(serve->tick, &every) != 0) {
        (void)close(fd);
        return tool_refuse("libevent cannot start: %s", strerror(errno));
    }
    serve_log_gather(wake_flusher, serve);
    int rc = set_up_http(serve, fd);
    if (rc == 0) {
        rc = set_up_limits(serve);
    }
    return rc == 0 ? set_up_database(serve) : rc;
}

/* Connections first; then what the threads still have to write is written, and those who waited
 * for it are told (they have gone, but it is logged). */
static void tear_down(struct serve *serve)
{
    serve->quitting = true;
    if (serve->polls && serve->store) {
        hand_over_polls(serve);
    }
    page_stop(serve->page);
    serve_log_gather(NULL, NULL);
    if (serve->http) {
        evhttp_free(serve->http); /* closes every connection; answers under way are logged */
    }
    serve_store_stop(serve->store);
    serve_work_stop(serve->work);
    if (serve->mailbox) {
        serve_mailbox_empty(serve->mailbox);
    }
    serve_rollout_free(serve->rollout);
    serve_mailbox_free(serve->mailbox);
    serve_polls_free(serve->polls);
    serve_limit_free(serve->peers);
    serve_limit_free(serve->devices);
    serve_guard_free(serve->guard);
    if (serve->tick) {
        event_free(serve->tick);
    }
    if (serve->log) {
        event_free(serve->log);
    }
    if (serve->base) {
        event_base_free(serve->base);
    }
    SSL_CTX_free(serve->tls);
    if (serve->report_fd >= 0) {
        (void)close(serve->report_fd);
    }
    if (serve->root_fd >= 0) {
        (void)close(serve->root_fd);
    }
    free(serve->root);
}

static int loop(struct serve *serve)
{
    struct event *interrupt = evsignal_new(serve->base, SIGINT, stop, serve);
    struct event *terminate = evsignal_new(serve->base, SIGTERM, stop, serve);
    int rc = TOOL_REFUSED;
    if (interrupt && terminate && event_add(interrupt, NULL) == 0 && event_add(terminate, NULL) == 0) {
        rc = event_base_dispatch(serve->base) < 0 ? tool_refuse("the event loop failed") : 0;
    }
    serve->quitting = true;
    if (interrupt) {
        event_free(interrupt);
    }
    if (terminate) {
        event_free(terminate);
    }
    return rc;
}

/* What devices report is not for everybody: the file must lie outside the served folder. */
static int check_outside(const char *option, const char *path, const char *root)
{
    char real[PATH_MAX];
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    size_t len = strlen(root);
    if (realpath(folder, real) && strncmp(real, root, len) == 0 && (real[len] == '/' || real[len] == 0)) {
        return tool_refuse("--%s '%s' lies in the served folder, where everybody can read it", option, path);
    }
    return 0;
}

static int open_reports(const char *path, const char *root, int *ret_fd)
{
    int rc = path ? check_outside("reports", path, root) : 0;
    if (!path || rc != 0) {
        return rc;
    }
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return *ret_fd < 0 ? tool_refuse("cannot write '%s': %s", path, strerror(errno)) : 0;
}

/* A file per connection and one per answer: take what the system lets us have. */
static void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

/* What may be meant, but should be known. */
static void warn(const struct serve *serve)
{
    const struct serve_options *options = serve->options;
    bool local = strncmp(options->listen, "127.", 4) == 0 || strcmp(options->listen, "::1") == 0 ||
                 strcmp(options->listen, "localhost") == 0;
    if (options->open_reports) {
        serve_log_note(serve, "--open-reports: anybody can report for any device");
    }
    if (options->database && !serve->tls && !local && !options->behind_proxy) {
        serve_log_note(serve, "no --cert: tokens and passwords travel in the clear");
    }
}

static int serve_folder(const struct serve_options *options)
{
    struct serve serve = {.options = options, .report_fd = -1, .root_fd = -1};
    int fd = -1;
    int port = options->port != PORT_UNSET ? options->port : options->cert ? PORT_TLS : PORT_PLAIN;
    int rc = tool_folder_without_keys(options->folder);
    raise_limits();
    if (rc == 0 && !(serve.root = realpath(options->folder, NULL))) {
        rc = tool_refuse("cannot read the folder '%s': %s", options->folder, strerror(errno));
    }
    if (rc == 0 && (serve.root_fd = open(serve.root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
        rc = tool_refuse("cannot read the folder '%s': %s", options->folder, strerror(errno));
    }
    if (rc == 0 && options->cert) {
        rc = serve_tls_init(options, &serve.tls);
    }
    if (rc == 0) {
        rc = open_reports(options->reports, serve.root, &serve.report_fd);
    }
    if (rc == 0 && options->database && !strstr(options->database, "://")) {
        rc = check_outside("database", options->database, serve.root);
    }
    if (rc == 0) {
        rc = serve_listen(options->listen, port, &fd);
    }
    if (rc == 0 && (rc = set_up(&serve, fd)) == 0) {
        serve_announce(&serve, fd);
        warn(&serve);
        rc = loop(&serve);
    }
    tear_down(&serve);
    return rc;
}

static int check(const struct serve_options *options, const char **args)
{
    if (args[0]) {
        return tool_usage("'%s' is not an option; `otter serve --help` lists them", args[0]);
    }
    if (!options->listen) {
        return tool_refuse("out of memory");
    }
    if (!options->folder) {
        return tool_usage("--folder is needed: what is to be served");
    }
    if (!options->cert != !options->key) {
        return tool_usage("--cert and --key belong together (`otter certs` makes both)");
    }
    if (!options->cert && (options->client_ca || options->tls_min || options->tls_max)) {
        return tool_usage("--client-ca, --tls-min and --tls-max need --cert and --key");
    }
    if (options->port < PORT_UNSET || options->port > UINT16_MAX) {
        return tool_usage("--port takes 0 (a free one) to 65535");
    }
    if (!options->database &&
        (options->open_reports || options->job_key || options->halt_after || options->no_page || options->keep)) {
        return tool_usage("--open-reports, --job-key, --halt-after, --keep and --no-page need --database");
    }
    if (options->halt_after != 0 && (options->halt_after < 0 || !options->job_key)) {
        return tool_usage("--halt-after takes a number of devices and needs --job-key, to sign the halt");
    }
    if (options->client_ca_optional && !options->client_ca) {
        return tool_usage("--client-ca-optional needs --client-ca");
    }
    if (options->peer_rate < -1 || options->device_rate < 0 || options->request_timeout < 1) {
        return tool_usage("--peer-rate, --device-rate and --request-timeout take a number; rates 0: no limit");
    }
    return options->timeout < 1 ? tool_usage("--timeout takes a number of seconds") : 0;
}

static int read_keep(struct serve_options *options)
{
    const char *keep = options->keep ? options->keep : "400d";
    bool ever = strcmp(keep, "ever") == 0;
    options->keep_seconds = 0;
    if (!ever && (!tool_duration_parse(keep, &options->keep_seconds) || options->keep_seconds < 1)) {
        return tool_usage("--keep takes a time like 90d or 52w, or the word ever");
    }
    return 0;
}

static void free_options(struct serve_options *options)
{
    char *const all[] = {options->folder, options->listen, options->cert, options->key,
                         options->client_ca, options->tls_min, options->tls_max, options->reports,
                         options->database, options->job_key, options->keep};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

int tool_serve(int argc, const char **argv)
{
    struct serve_options o = {.port = PORT_UNSET, .timeout = 75, .request_timeout = 30, .peer_rate = -1,
                              .device_rate = 60};
    const struct poptOption table[] = {
        {"folder", 'f', POPT_ARG_STRING, &o.folder, 0, "the folder to serve", "DIR"},
        {"listen", 'l', POPT_ARG_STRING, &o.listen, 0, "address to listen on; 0.0.0.0: all [127.0.0.1]", "ADDR"},
        {"port", 'p', POPT_ARG_INT, &o.port, 0, "0: a free one [8443; plain 8080]", "N"},
        {"cert", 'c', POPT_ARG_STRING, &o.cert, 0, "certificate, PEM [none: plain HTTP]", "FILE"},
        {"key", 'k', POPT_ARG_STRING, &o.key, 0, "its private key, PEM", "FILE"},
        {"client-ca", 0, POPT_ARG_STRING, &o.client_ca, 0, "only clients with a certificate of this CA", "FILE"},
        {"tls-min", 0, POPT_ARG_STRING, &o.tls_min, 0, "1.2 or 1.3 [1.2]", "V"},
        {"tls-max", 0, POPT_ARG_STRING, &o.tls_max, 0, "1.2 or 1.3 [1.3]", "V"},
        {"reports", 'r', POPT_ARG_STRING, &o.reports, 0, "append what devices POST to /report, as JSON lines", "FILE"},
        {"database", 'd', POPT_ARG_STRING, &o.database, 0, "devices, reports, rollouts, a page: a file, or a postgresql:// URL", "DB"},
        {"open-reports", 0, POPT_ARG_NONE, &o.open_reports, 0, "take reports of devices that cannot prove who they are", NULL},
        {"client-ca-optional", 0, POPT_ARG_NONE, &o.client_ca_optional, 0, "let clients without a certificate in as well", NULL},
        {"behind-proxy", 0, POPT_ARG_NONE, &o.behind_proxy, 0, "a proxy on this machine says who asks (X-Forwarded-For)", NULL},
        {"job-key", 0, POPT_ARG_STRING, &o.job_key, 0, "sign halts and raises with this key", "PEM"},
        {"keep", 0, POPT_ARG_STRING, &o.keep, 0, "how long reports stay in the database: 90d, 52w, or ever; a device's newest stays [400d]", "TIME"},
        {"halt-after", 0, POPT_ARG_INT, &o.halt_after, 0, "halt a rollout when N devices came back from it", "N"},
        {"no-page", 0, POPT_ARG_NONE, &o.no_page, 0, "no page to look at", NULL},
        {"peer-rate", 0, POPT_ARG_INT, &o.peer_rate, 0, "requests a second of one address; 0: any [200; this machine: any]", "N"},
        {"device-rate", 0, POPT_ARG_INT, &o.device_rate, 0, "reports a minute of one device; 0: any [60]", "N"},
        {"request-timeout", 0, POPT_ARG_INT, &o.request_timeout, 0, "a request must be whole within that time [30]", "SECONDS"},
        {"timeout", 0, POPT_ARG_INT, &o.timeout, 0, "close a connection idle for that long [75]", "SECONDS"},
        {"json", 0, POPT_ARG_NONE, &o.as_json, 0, "log as JSON lines", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (argc > 1 && strcmp(argv[1], "operator") == 0) {
        return serve_operator(argc - 1, argv + 1);
    }
    if (tool_options("serve", argc, argv, table, "--folder DIR [--cert FILE --key FILE] [option...]\n       otter serve operator add|remove|list [NAME] --database DB", &context,
                     &args, &rc) == 0) {
        o.listen = o.listen ? o.listen : strdup("127.0.0.1");
        rc = check(&o, args);
        rc = rc == 0 ? read_keep(&o) : rc;
        rc = rc == 0 ? serve_folder(&o) : rc;
        poptFreeContext(context);
    }
    free_options(&o);
    return rc;
}
