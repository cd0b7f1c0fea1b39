/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.c - `otter serve`: a static HTTPS (or HTTP) server for one folder, and a sink for
 * reports.
 *
 * Loopback unless told otherwise. It refuses to start on a folder that holds a private key,
 * and never hands one out that comes later.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <popt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool/serve.h"
#include "tool/served_folder.h"

enum { HEADERS_MAX = 8192, BACKLOG = 1024, LINGER_SECONDS = 5, TIMEOUT_SECONDS = 75 };
enum { PORT_UNSET = -1, PORT_TLS = 8443, PORT_PLAIN = 8080 };

static int bind_to(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static int listen_on(const char *host, int port, int *ret_fd)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    snprintf(service, sizeof service, "%d", port);
    int rc = getaddrinfo(host, service, &hints, &addresses);
    if (rc != 0) {
        return tool_refuse("--listen '%s' is no address of this machine: %s", host, gai_strerror(rc));
    }
    int fd = bind_to(addresses);
    int error = errno;
    freeaddrinfo(addresses);
    if (fd < 0) {
        return tool_refuse("cannot listen on %s port %d: %s%s", host, port, strerror(error),
                           error == EADDRINUSE ? " (choose another --port; 0 finds a free one)"
                           : error == EACCES   ? " (ports below 1024 need root; choose another --port)"
                                               : "");
    }
    *ret_fd = fd;
    return 0;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* A URL that works from here: the wildcard address is no place to go to. */
static void announce(const struct serve *serve, int fd)
{
    const struct serve_options *options = serve->options;
    const char *scheme = serve->tls ? "https" : "http";
    const char *host = options->listen;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) {
        host = "localhost";
    }
    bool bracket = strchr(host, ':') != NULL;
    if (options->as_json) {
        printf("{\"event\":\"serving\",\"port\":%d,\"url\":\"%s://%s%s%s:%d/\"}\n", port_of(fd), scheme,
               bracket ? "[" : "", host, bracket ? "]" : "", port_of(fd));
    } else {
        printf("serving %s://%s%s%s:%d/ from %s%s; stop with Ctrl-C\n", scheme, bracket ? "[" : "", host,
               bracket ? "]" : "", port_of(fd), serve->root,
               options->client_ca ? ", to clients with a certificate" : "");
    }
    fflush(stdout);
}

/* Take no more connections; let the answers under way finish, for a few seconds. */
static void stop(evutil_socket_t signal, short events, void *ctx)
{
    struct serve *serve = ctx;
    struct timeval linger = {LINGER_SECONDS, 0};
    (void)signal;
    (void)events;
    bool again = serve->quitting;
    serve->quitting = true;
    event_base_loopexit(serve->base, serve->active > 0 && !again ? &linger : NULL);
}

static int set_up(struct serve *serve, int fd)
{
    serve->base = event_base_new();
    serve->http = serve->base ? evhttp_new(serve->base) : NULL;
    if (!serve->http || evhttp_accept_socket(serve->http, fd) != 0) {
        (void)close(fd);
        return tool_refuse("libevent cannot start: %s", strerror(errno));
    }
    evhttp_set_allowed_methods(serve->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                                EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(serve->http, HEADERS_MAX);
    evhttp_set_max_body_size(serve->http, SERVE_BODY_MAX);
    evhttp_set_timeout(serve->http, serve->options->timeout);
    evhttp_set_gencb(serve->http, serve_request, serve);
    if (serve->tls) {
        evhttp_set_bevcb(serve->http, serve_tls_connection, serve);
    }
    return 0;
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
static int open_reports(const char *path, const char *root, int *ret_fd)
{
    char real[PATH_MAX];
    char folder[PATH_MAX];
    if (!path) {
        return 0;
    }
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    size_t len = strlen(root);
    if (realpath(folder, real) && strncmp(real, root, len) == 0 && (real[len] == '/' || real[len] == 0)) {
        return tool_refuse("--reports '%s' lies in the served folder, where everybody can read it", path);
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

static int serve_folder(const struct serve_options *options)
{
    struct serve serve = {.options = options, .report_fd = -1};
    int fd = -1;
    int port = options->port != PORT_UNSET ? options->port : options->cert ? PORT_TLS : PORT_PLAIN;
    int rc = tool_folder_without_keys(options->folder);
    raise_limits();
    if (rc == 0 && !(serve.root = realpath(options->folder, NULL))) {
        rc = tool_refuse("cannot read the folder '%s': %s", options->folder, strerror(errno));
    }
    if (rc == 0 && options->cert) {
        rc = serve_tls_init(options, &serve.tls);
    }
    if (rc == 0) {
        rc = open_reports(options->reports, serve.root, &serve.report_fd);
    }
    if (rc == 0) {
        rc = listen_on(options->listen, port, &fd);
    }
    if (rc == 0 && (rc = set_up(&serve, fd)) == 0) {
        announce(&serve, fd);
        rc = loop(&serve);
    }
    if (serve.http) {
        evhttp_free(serve.http); /* closes every connection; answers under way are logged */
    }
    if (serve.base) {
        event_base_free(serve.base);
    }
    SSL_CTX_free(serve.tls);
    if (serve.report_fd >= 0) {
        (void)close(serve.report_fd);
    }
    free(serve.root);
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
    return options->timeout < 1 ? tool_usage("--timeout takes a number of seconds") : 0;
}

static void free_options(struct serve_options *options)
{
    char *const all[] = {options->folder, options->listen, options->cert, options->key,
                         options->client_ca, options->tls_min, options->tls_max, options->reports};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

int tool_serve(int argc, const char **argv)
{
    struct serve_options o = {.port = PORT_UNSET, .timeout = TIMEOUT_SECONDS};
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
        {"timeout", 0, POPT_ARG_INT, &o.timeout, 0, "close a connection idle for that long [75]", "SECONDS"},
        {"json", 0, POPT_ARG_NONE, &o.as_json, 0, "log as JSON lines", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("serve", argc, argv, table, "--folder DIR [--cert FILE --key FILE] [option...]", &context,
                     &args, &rc) == 0) {
        o.listen = o.listen ? o.listen : strdup("127.0.0.1");
        rc = check(&o, args);
        rc = rc == 0 ? serve_folder(&o) : rc;
        poptFreeContext(context);
    }
    free_options(&o);
    return rc;
}
