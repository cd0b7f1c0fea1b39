/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pubkey.c - `otter pubkey`: the half of a key that a bootloader embeds.
 *
 * pem for people and OpenSSL; der and c are the bytes MCUboot compiles in, the same that
 * `imgtool getpub` writes, and the ones whose SHA-256 an image names its key by.
 */
#include <openssl/pem.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/key.h"

static bool print_pem(FILE *out, const struct tool_key *key)
{
    return PEM_write_PUBKEY(out, key->pkey) == 1;
}

static bool print_der(FILE *out, const struct tool_key *key)
{
    return fwrite(key->der.data, 1, key->der.len, out) == key->der.len;
}

/* A key whose private half is public must not get into a release by oversight. */
static void print_guard(FILE *out, const char *origin)
{
    fprintf(out, "#ifndef OTTER_ALLOW_PUBLIC_TEST_KEY\n"
                 "#error \"this is %s: everybody can sign for it; make a key with otter keygen\"\n"
                 "#endif\n", origin);
}

static bool print_c(FILE *out, const struct tool_key *key)
{
    const char *origin = tool_key_known_origin(key);
    fprintf(out, "/* %s public key, written by `otter pubkey`. */\n", key->name);
    if (origin) {
        print_guard(out, origin);
    }
    fprintf(out, "const unsigned char %s_pub_key[] = {", key->c_name);
    for (size_t i = 0; i < key->der.len; i++) {
        fprintf(out, "%s0x%02x,", i % 8 == 0 ? "\n    " : " ", key->der.data[i]);
    }
    fprintf(out, "\n};\nconst unsigned int %s_pub_key_len = %zu;\n", key->c_name, key->der.len);
    return true;
}

static const struct {
    const char *name;
    bool (*print)(FILE *out, const struct tool_key *key);
} formats[] = {{"pem", print_pem}, {"der", print_der}, {"c", print_c}};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static int print_key(const struct tool_key *key, size_t format, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int rc = 0;
    if (!out || !formats[format].print(out, key) || fclose(out) != 0) {
        rc = tool_refuse("the public key could not be written as %s", formats[format].name);
    } else if (path) {
        rc = tool_write_file(path, text, len, 0644);
    } else if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0) {
        rc = tool_refuse("the public key could not be written to the standard output");
    }
    free(text);
    return rc;
}

int tool_pubkey(int argc, const char **argv)
{
    char *path = NULL;
    char *format = NULL;
    char *output = NULL;
    const struct poptOption table[] = {
        {"key", 'k', POPT_ARG_STRING, &path, 0, "private or public key", "KEY.pem"},
        {"format", 'f', POPT_ARG_STRING, &format, 0, "pem (default), der or c", "FORMAT"},
        {"output", 'o', POPT_ARG_STRING, &output, 0, "file to write (default: standard output)", "FILE"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    struct tool_key key;
    int rc;
    if (tool_options("pubkey", argc, argv, table, "--key KEY.pem [--format pem|der|c] [-o FILE]",
                     &context, &args, &rc) != 0) {
        free(path);
        free(format);
        free(output);
        return rc;
    }
    size_t at = 0;
    while (at < FORMATS && strcmp(format ? format : "pem", formats[at].name) != 0) {
        at++;
    }
    if (!path || args[0]) {
        rc = tool_usage("say which key: `otter pubkey --key KEY.pem`");
    } else if (at == FORMATS) {
        rc = tool_usage("--format '%s': use pem, der or c", format);
    } else {
        rc = tool_key_read(path, false, &key);
        if (rc == 0) {
            rc = print_key(&key, at, output);
            tool_key_free(&key);
        }
    }
    free(path);
    free(format);
    free(output);
    poptFreeContext(context);
    return rc;
}
