/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.c - signing keys, with OpenSSL.
 *
 * An image names a key by SHA-256 over the bytes that a bootloader embeds. For RSA these are
 * PKCS#1 RSAPublicKey, for all others SubjectPublicKeyInfo.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "otter/result.h"
#include "tool/key.h"

struct key_type {
    const char *option; /* of --type */
    const char *name;
    const char *c_name;
    enum otter_sig_type sig;
    int id; /* OpenSSL's */
    int bits;
    int (*verify)(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                  const uint8_t *sig, size_t sig_len);
};

static const struct key_type types[] = {
    {"ecdsa-p256", "ECDSA P-256", "ecdsa", OTTER_SIG_ECDSA_P256, EVP_PKEY_EC, 256,
     otter_ecdsa_p256_verify},
    {"ed25519", "Ed25519", "ed25519", OTTER_SIG_ED25519, EVP_PKEY_ED25519, 0,
     otter_ed25519_verify},
    {"rsa-2048", "RSA-2048", "rsa", OTTER_SIG_RSA2048_PSS, EVP_PKEY_RSA, 2048,
     otter_rsa_pss_verify},
    {"rsa-3072", "RSA-3072", "rsa", OTTER_SIG_RSA3072_PSS, EVP_PKEY_RSA, 3072,
     otter_rsa_pss_verify},
};
enum { TYPES = sizeof types / sizeof types[0] };

static bool is_p256(EVP_PKEY *pkey)
{
    char group[32] = "";
    return EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

static const struct key_type *type_of(EVP_PKEY *pkey)
{
    for (const struct key_type *type = types; type < types + TYPES; type++) {
        if (EVP_PKEY_base_id(pkey) == type->id &&
            (type->id != EVP_PKEY_RSA || EVP_PKEY_bits(pkey) == type->bits) &&
            (type->id != EVP_PKEY_EC || is_p256(pkey))) {
            return type;
        }
    }
    return NULL;
}

/* Fills everything that follows from key->pkey; false: not a key that images are signed with. */
static bool complete(struct tool_key *key)
{
    const struct key_type *type = type_of(key->pkey);
    if (!type) {
        return false;
    }
    unsigned char *der = NULL;
    int len = type->id == EVP_PKEY_RSA ? i2d_PublicKey(key->pkey, &der)
                                       : i2d_PUBKEY(key->pkey, &der);
    if (len <= 0) {
        return false;
    }
    key->der.data = der;
    key->der.len = (size_t)len;
    key->name = type->name;
    key->c_name = type->c_name;
    key->verify.type = type->sig;
    key->verify.verify = type->verify;
    key->verify.pubkey = der;
    key->verify.pubkey_len = key->der.len;
    return EVP_Digest(der, key->der.len, key->hash, NULL, EVP_sha256(), NULL) == 1;
}

void tool_key_free(struct tool_key *key)
{
    EVP_PKEY_free(key->pkey);
    OPENSSL_free(key->der.data);
    memset(key, 0, sizeof *key);
}

/* OpenSSL asks for a passphrase here: remember that it did, and give none. */
static int no_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int parse(const char *path, const struct tool_bytes *pem, bool need_private,
                 struct tool_key *key)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
    key->is_private = key->pkey != NULL;
    if (!key->pkey && !asked) {
        (void)BIO_reset(bio);
        key->pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, &asked);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (asked) {
        return tool_refuse("'%s' is protected by a passphrase: store it without one "
                           "(openssl pkey -in KEY -out PLAIN)", path);
    }
    if (!key->pkey) {
        return tool_refuse("'%s' is not a PEM key: make one with `otter keygen`", path);
    }
    if (need_private && !key->is_private) {
        return tool_refuse("'%s' is a public key: signing needs the private one", path);
    }
    if (!complete(key)) {
        return tool_refuse("'%s' is not a key for images: use ECDSA P-256, Ed25519, RSA-2048 or "
                           "RSA-3072", path);
    }
    return 0;
}

int tool_key_read(const char *path, bool need_private, struct tool_key *ret_key)
{
    enum { KEY_SIZE_MAX = 64 * 1024 };
    struct tool_bytes pem;
    int rc = tool_read_file(path, KEY_SIZE_MAX, &pem);
    if (rc != 0) {
        return rc;
    }
    struct tool_key key;
    memset(&key, 0, sizeof key);
    rc = parse(path, &pem, need_private, &key);
    OPENSSL_cleanse(pem.data, pem.len);
    tool_bytes_free(&pem);
    if (rc != 0) {
        tool_key_free(&key);
        return rc;
    }
    *ret_key = key;
    return 0;
}

int tool_key_make(const char *option, struct tool_key *ret_key)
{
    const struct key_type *type = types;
    while (type < types + TYPES && strcmp(option, type->option) != 0) {
        type++;
    }
    if (type == types + TYPES) {
        return tool_usage("--type '%s': use ecdsa-p256, ed25519, rsa-2048 or rsa-3072", option);
    }
    struct tool_key key;
    memset(&key, 0, sizeof key);
    if (type->id == EVP_PKEY_EC) {
        key.pkey = EVP_EC_gen("P-256");
    } else if (type->id == EVP_PKEY_RSA) {
        key.pkey = EVP_RSA_gen((unsigned)type->bits);
    } else {
        key.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    key.is_private = true;
    if (!key.pkey || !complete(&key)) {
        tool_key_free(&key);
        return tool_refuse("OpenSSL could not make a key of type %s", option);
    }
    *ret_key = key;
    return 0;
}

static bool sign_hash(const struct tool_key *key, const uint8_t *hash, uint8_t *sig, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool good = ctx && EVP_PKEY_sign_init(ctx) == 1;
    if (good && EVP_PKEY_base_id(key->pkey) == EVP_PKEY_RSA) {
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, OTTER_HASH_SIZE) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
    }
    good = good && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
           EVP_PKEY_sign(ctx, sig, len, hash, OTTER_HASH_SIZE) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

int tool_key_sign(const struct tool_key *key, const uint8_t hash[OTTER_HASH_SIZE], uint8_t *ret_sig,
                  size_t *ret_len)
{
    size_t len = OTTER_SIG_SIZE_MAX;
    bool good;
    if (EVP_PKEY_base_id(key->pkey) == EVP_PKEY_ED25519) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        good = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
               EVP_DigestSign(ctx, ret_sig, &len, hash, OTTER_HASH_SIZE) == 1;
        EVP_MD_CTX_free(ctx);
    } else {
        good = sign_hash(key, hash, ret_sig, &len);
    }
    if (!good || key->verify.verify(&key->verify, hash, ret_sig, len) != OTTER_OK) {
        ERR_clear_error();
        return tool_refuse("the private key is damaged: what it signs is not genuine (`openssl pkey -check -in KEY` says more)");
    }
    *ret_len = len;
    return 0;
}
