/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs.c - `otter certs`: a CA, a server certificate, client certificates, all as PEM.
 *
 * File names are those of the script it replaces: http_ca, http_server, http_client. A first
 * call makes all three. With a CA in the folder, --server and --client issue from it, so a
 * server can be renewed and devices added without touching the others.
 *
 * Lifetimes: the CA is compiled into devices and a client certificate lives on one, so they
 * last as long as a device may (20 and 10 years); the server's can be renewed at any time and
 * lasts 825 days, the longest that common clients accept. All begin a day ago: clocks differ.
 */
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/certificate.h"
#include "tool/tool.h"

enum { DAY = 86400, CA_DAYS = 7300, SERVER_DAYS = 825, CLIENT_DAYS = 3650, DAYS_MAX = 36500, DAYS_DEFAULT = INT_MIN };
enum { FILE_MAX = 1 << 20, NAME_MAX_LEN = 64 }; /* X.520: a common name has at most 64 */

struct options {
    const char **servers, **clients;
    const char *folder;
    int days; /* of leaves, or DAYS_DEFAULT */
    unsigned rsa_bits;
    bool force;
};

struct batch {
    struct tool_file *files; /* key, certificate, key, ...; paths and data are owned */
    size_t count;
};

struct authority {
    EVP_PKEY *key;
    X509 *cert;
    bool is_new;
    struct batch batch;
};

static char *path_of(const char *folder, const char *name, const char *ending)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s%s", folder, name, ending) < 0 ? NULL : path;
}

static bool exists(const char *folder, const char *name, const char *ending)
{
    char *path = path_of(folder, name, ending);
    bool is = path && access(path, F_OK) == 0;
    free(path);
    return is;
}

/* Kept until all are made: either the whole set is written, or nothing. */
static int keep_text(struct batch *batch, const char *folder, const char *name, const char *ending, char *text)
{
    struct tool_file *files = realloc(batch->files, (batch->count + 1) * sizeof *files);
    char *path = path_of(folder, name, ending);
    batch->files = files ? files : batch->files;
    if (!files || !path || !text) {
        free(path);
        OPENSSL_free(text);
        return tool_refuse("'%s/%s%s': %s", folder, name, ending, tool_openssl_cause());
    }
    unsigned mode = strcmp(ending, ".key") == 0 ? 0600 : 0644;
    batch->files[batch->count++] = (struct tool_file){path, text, strlen(text), mode};
    return 0;
}

/* The key first: a certificate without its key would be of no use. */
static int keep_pair(struct batch *batch, const char *folder, const char *name, EVP_PKEY *key, X509 *cert)
{
    int rc = keep_text(batch, folder, name, ".key", tool_cert_key_pem(key));
    return rc ? rc : keep_text(batch, folder, name, ".crt", tool_cert_pem(cert));
}

static int write_batch(struct batch *batch)
{
    int rc = tool_write_files(batch->files, batch->count);
    for (size_t i = 0; rc == 0 && i + 1 < batch->count; i += 2) {
        printf("%s, %s\n", batch->files[i + 1].path, batch->files[i].path);
    }
    return rc;
}

static void free_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free((char *)(uintptr_t)batch->files[i].path);
        OPENSSL_clear_free((char *)(uintptr_t)batch->files[i].data, batch->files[i].len);
    }
    free(batch->files);
}

static int issue(const struct options *options, struct authority *ca, const char *name,
                 const struct tool_cert_spec *leaf, int days)
{
    struct tool_cert_spec spec = *leaf;
    spec.common_name = name;
    spec.not_before = time(NULL) - DAY;
    spec.not_after = time(NULL) + (time_t)(options->days != DAYS_DEFAULT ? options->days : days) * DAY;
    EVP_PKEY *key = tool_cert_key(options->rsa_bits);
    X509 *cert = key ? tool_cert_make(&spec, key, ca->cert, ca->key) : NULL;
    int rc = cert ? keep_pair(&ca->batch, options->folder, name, key, cert)
                  : tool_refuse("cannot make the certificate of '%s': %s", name, tool_openssl_cause());
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

static int make_authority(const struct options *options, struct authority *ca)
{
    struct tool_cert_spec spec = {.use = TOOL_CERT_CA, .common_name = "Otter update CA",
                                  .not_before = time(NULL) - DAY,
                                  .not_after = time(NULL) + (time_t)CA_DAYS * DAY};
    ca->is_new = true;
    ca->key = tool_cert_key(options->rsa_bits);
    ca->cert = ca->key ? tool_cert_make(&spec, ca->key, NULL, NULL) : NULL;
    if (!ca->cert) {
        return tool_refuse("cannot make the CA: %s", tool_openssl_cause());
    }
    return keep_pair(&ca->batch, options->folder, "http_ca", ca->key, ca->cert);
}

static int read_pem(const char *folder, const char *ending, struct authority *ca)
{
    char *path = path_of(folder, "http_ca", ending);
    struct tool_bytes bytes = {NULL, 0};
    int rc = path ? tool_read_file(path, FILE_MAX, &bytes) : tool_refuse("out of memory");
    if (rc == 0) {
        BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
        bool is_key = strcmp(ending, ".key") == 0;
        if (bio && is_key) {
            ca->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t)"");
        } else if (bio) {
            ca->cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        }
        BIO_free(bio);
        if (is_key ? !ca->key : !ca->cert) {
            rc = tool_refuse("'%s' is no PEM %s without a passphrase: %s", path,
                             is_key ? "private key" : "certificate", tool_openssl_cause());
        }
        OPENSSL_cleanse(bytes.data, bytes.len);
    }
    tool_bytes_free(&bytes);
    free(path);
    return rc;
}

static int read_authority(const struct options *options, struct authority *ca)
{
    int rc = read_pem(options->folder, ".crt", ca);
    if (rc == 0) {
        rc = read_pem(options->folder, ".key", ca);
    }
    if (rc == 0 && (X509_check_private_key(ca->cert, ca->key) != 1 || X509_check_ca(ca->cert) == 0)) {
        rc = tool_refuse("'%s/http_ca.crt' is not the CA certificate of '%s/http_ca.key'",
                         options->folder, options->folder);
    }
    return rc;
}

static int get_authority(const struct options *options, struct authority *ca)
{
    bool here = exists(options->folder, "http_ca", ".crt") || exists(options->folder, "http_ca", ".key");
    if (!here || options->force) {
        return make_authority(options, ca);
    }
    if (!options->servers && !options->clients) {
        return tool_refuse("'%s' has a CA already, and devices may trust it: give --server or --client "
                           "to issue from it, or --force to replace it", options->folder);
    }
    return read_authority(options, ca);
}

static int issue_all(const struct options *options, struct authority *ca)
{
    static const char *const local[] = {"localhost", "127.0.0.1", "::1", NULL};
    static const char *const one_client[] = {"http_client", NULL};
    const char *const *servers = options->servers;
    const char *const *clients = options->clients;
    int rc = 0;
    if (ca->is_new) { /* a first call makes the whole set */
        servers = servers ? servers : local;
        clients = clients ? clients : one_client;
    }
    if (servers) {
        struct tool_cert_spec spec = {.use = TOOL_CERT_SERVER, .hosts = servers};
        while (servers[spec.hosts_count]) {
            spec.hosts_count++;
        }
        rc = issue(options, ca, "http_server", &spec, SERVER_DAYS);
    }
    for (size_t i = 0; clients && clients[i] && rc == 0; i++) {
        struct tool_cert_spec spec = {.use = TOOL_CERT_CLIENT};
        rc = issue(options, ca, clients[i], &spec, CLIENT_DAYS);
    }
    return rc;
}

/* A name of hosts: letters, digits, hyphens and dots; "*." may lead. */
static bool is_host(const char *host)
{
    if (tool_is_address(host)) {
        return true;
    }
    const char *rest = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
    size_t len = strlen(rest);
    return len > 0 && len < 254 && rest[0] != '.' && rest[0] != '-' &&
           strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == len;
}

/* A client's name is also its files' name. */
static bool is_client(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_LEN && name[0] != '.' && name[0] != '-' && !strchr(name, '/') &&
           strcmp(name, "http_ca") != 0 && strcmp(name, "http_server") != 0;
}

static int check(const struct options *options)
{
    for (size_t i = 0; options->servers && options->servers[i]; i++) {
        if (!is_host(options->servers[i])) {
            return tool_usage("--server '%s' is neither a host name nor an address (no port, no https://)",
                              options->servers[i]);
        }
    }
    for (size_t i = 0; options->clients && options->clients[i]; i++) {
        if (!is_client(options->clients[i])) {
            return tool_usage("--client '%s' cannot be a name: 1 to %d characters, no '/', not starting "
                              "with '.' or '-', not http_ca or http_server",
                              options->clients[i], NAME_MAX_LEN);
        }
    }
    if (options->days != DAYS_DEFAULT && (options->days < 1 || options->days > DAYS_MAX)) {
        return tool_usage("--days takes 1 to %d", DAYS_MAX);
    }
    return 0;
}

static int run(const struct options *options)
{
    struct authority ca = {NULL, NULL, false, {NULL, 0}};
    bool made;
    int rc = tool_make_folder(options->folder, &made);
    if (rc == 0) {
        rc = get_authority(options, &ca);
    }
    if (rc == 0) {
        rc = issue_all(options, &ca);
    }
    if (rc == 0) {
        rc = write_batch(&ca.batch);
    }
    if (rc != 0 && made) {
        (void)rmdir(options->folder);
    }
    free_batch(&ca.batch);
    X509_free(ca.cert);
    EVP_PKEY_free(ca.key);
    return rc;
}

static void free_list(const char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        free((void *)(uintptr_t)list[i]);
    }
    free(list);
}

int tool_certs(int argc, const char **argv)
{
    struct options options = {.folder = ".", .days = DAYS_DEFAULT};
    char *folder = NULL;
    int rsa = 0;
    int force = 0;
    const struct poptOption table[] = {
        {"server", 's', POPT_ARG_ARGV, &options.servers, 0,
         "a name or address of the server, may be repeated [localhost and this machine]", "HOST"},
        {"client", 'c', POPT_ARG_ARGV, &options.clients, 0,
         "a client certificate of this name, may be repeated [http_client]", "NAME"},
        {"days", 'd', POPT_ARG_INT, &options.days, 0, "how long they are valid [server 825, client 3650]", "N"},
        {"rsa", 0, POPT_ARG_NONE, &rsa, 0, "RSA-2048 in place of EC P-256", NULL},
        {"out", 'o', POPT_ARG_STRING, &folder, 0, "folder to write to [.]", "DIR"},
        {"force", 0, POPT_ARG_NONE, &force, 0, "replace the CA in the folder: nothing signed by it works then", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("certs", argc, argv, table,
                     "[--server HOST]... [--client NAME]... [--days N] [--rsa] [--out DIR]", &context,
                     &args, &rc) == 0) {
        options.folder = folder ? folder : ".";
        options.rsa_bits = rsa ? 2048 : 0;
        options.force = force != 0;
        rc = args[0] ? tool_usage("'%s' is not an option; `otter certs --help` lists them", args[0])
                     : check(&options);
        rc = rc == 0 ? run(&options) : rc;
        poptFreeContext(context);
    }
    free(folder);
    free_list(options.servers);
    free_list(options.clients);
    return rc;
}
