/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keygen.c - `otter keygen`: a private key in a file that only its owner can read.
 *
 * PEM, PKCS#8, without a passphrase, as imgtool reads and writes it.
 */
#include <openssl/pem.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/key.h"
#include "tool/print.h"

static int write_key(const struct tool_key *key, const char *path)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int rc = TOOL_REFUSED;
    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        char *pem;
        long len = BIO_get_mem_data(bio, &pem);
        rc = tool_write_file(path, pem, (size_t)len, 0600);
    } else {
        rc = tool_refuse("OpenSSL could not write the key as PEM");
    }
    BIO_free(bio);
    return rc;
}

static int make(const char *type, bool force, const char *path)
{
    if (!force && access(path, F_OK) == 0) {
        return tool_refuse("'%s' exists: a lost key cannot be replaced on devices; "
                           "choose another name, or give --force", path);
    }
    struct tool_key key;
    int rc = tool_key_make(type, &key);
    if (rc != 0) {
        return rc;
    }
    rc = write_key(&key, path);
    if (rc == 0) {
        printf("%s: %s private key, id ", path, key.name);
        tool_print_hex(stdout, key.hash, 8);
        puts("\nkeep it secret and keep a copy: `otter pubkey` gives the half that goes into the bootloader");
    }
    tool_key_free(&key);
    return rc;
}

int tool_keygen(int argc, const char **argv)
{
    char *type = NULL;
    int force = 0;
    const struct poptOption table[] = {
        {"type", 't', POPT_ARG_STRING, &type, 0, "ecdsa-p256, ed25519, rsa-2048 or rsa-3072", "TYPE"},
        {"force", 0, POPT_ARG_NONE, &force, 0, "replace an existing file", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("keygen", argc, argv, table, "--type TYPE [--force] KEY.pem", &context, &args,
                     &rc) != 0) {
        free(type);
        return rc;
    }
    if (!type) {
        rc = tool_usage("--type is missing: ecdsa-p256, ed25519, rsa-2048 or rsa-3072");
    } else if (!args[0] || args[1]) {
        rc = tool_usage("one file name is needed: `otter keygen --type %s KEY.pem`", type);
    } else {
        rc = make(type, force != 0, args[0]);
    }
    free(type);
    poptFreeContext(context);
    return rc;
}
