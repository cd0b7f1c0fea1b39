/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_listen.c - the address that `otter serve` listens on, and how it is told.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool/serve.h"

enum { BACKLOG = 1024 };

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

int serve_listen(const char *host, int port, int *ret_fd)
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
void serve_announce(const struct serve *serve, int fd)
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
