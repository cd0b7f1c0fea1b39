/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - MCUboot images: parse, then verify. Format and rules: SPEC.md, "Image".
 *
 * One reader serves agent, bootloader and host tool. An image is read through a view
 * (flash.h), so a displaced fallback is verified where it lies. Nothing is cast onto
 * flash bytes; every length is checked against the view before it is used.
 */
#ifndef OTTER_IMAGE_H
#define OTTER_IMAGE_H

#include "otter/flash.h"

#define OTTER_IMAGE_MAGIC 0x96f3b83du
#define OTTER_IMAGE_ROM_FIXED 0x100u /* header flag: built for a primary slot at load_addr */
#define OTTER_HASH_SIZE 32u /* SHA-256, FIPS 180-4 */
#define OTTER_SIG_SIZE_MAX 384u
#define OTTER_IMAGE_BUF_MIN 512u /* for checks: takes every signature and key */

/* Signature TLV types (SPEC.md, "TLVs"): also the algorithm of a struct otter_key. */
enum otter_sig_type {
    OTTER_SIG_RSA2048_PSS = 0x20,
    OTTER_SIG_ECDSA_P256 = 0x22,
    OTTER_SIG_RSA3072_PSS = 0x23,
    OTTER_SIG_ED25519 = 0x24
};

struct otter_version {
    uint8_t major;
    uint8_t minor;
    uint16_t revision;
    uint32_t build;
};

/* <0, 0, >0 as a is older than, equal to, newer than b; the build number counts last. */
int otter_version_compare(const struct otter_version *a, const struct otter_version *b);

/* What parse found; plain values, valid as long as the caller keeps them. */
struct otter_image {
    struct otter_version version;
    uint32_t size;             /* header + payload + both TLV areas, bytes */
    uint32_t header_size;      /* the payload (vector table) begins here */
    uint32_t payload_size;
    uint32_t hashed_size;      /* bytes [0, hashed_size) are under the hash */
    uint32_t flags;            /* header flags as stored */
    uint32_t load_addr;        /* header field as stored */
    uint32_t security_counter; /* protected TLV; 0 when absent */
    bool has_security_counter;
    uint8_t hash[OTTER_HASH_SIZE]; /* as the TLV claims it; true once verified */
    uint32_t tlv_off;          /* of the unprotected TLV area */
};

/* What is wrong with an image: the rules of SPEC.md, "Image", in the order of their errors. */
enum otter_image_fault {
    OTTER_IMAGE_NO_MAGIC = 1, /* from here: OTTER_ERR_CORRUPT */
    OTTER_IMAGE_HEADER_SIZE,  /* below 32 bytes */
    OTTER_IMAGE_NO_PAYLOAD,
    OTTER_IMAGE_NO_TLVS,      /* no TLV area where the header says it is */
    OTTER_IMAGE_TLV_OVERRUN,  /* an entry does not end inside its area */
    OTTER_IMAGE_TLV_PLACE,    /* a type that must not be in this area */
    OTTER_IMAGE_TLV_LENGTH,
    OTTER_IMAGE_TLV_TWICE,
    OTTER_IMAGE_TOO_LARGE,    /* OTTER_ERR_NOSPACE */
    OTTER_IMAGE_FLAGS,        /* from here: OTTER_ERR_REFUSED */
    OTTER_IMAGE_OTHER_HASH,   /* SHA-384, SHA-512, or a signature over the whole image */
    OTTER_IMAGE_NO_HASH,
    OTTER_IMAGE_HASH_WRONG,   /* from here: OTTER_ERR_AUTH */
    OTTER_IMAGE_NOT_SIGNED,   /* by any key known here */
    OTTER_IMAGE_SIGNATURE_WRONG,
    OTTER_IMAGE_SIGNATURES_MANY
};

/* Parse and check everything that needs no cryptography. OTTER_ERR_CORRUPT: not an image,
 * or breaks a rule of SPEC.md; OTTER_ERR_NOSPACE: reaches beyond the view;
 * OTTER_ERR_REFUSED: well-formed but of a kind not run here (encrypted, compressed, not
 * bootable, no SHA-256); OTTER_ERR_IO: flash could not be read. */
int otter_image_parse(const struct otter_view *view, struct otter_image *ret_image);

/* The same, for those who tell a person: >0 is an enum otter_image_fault. */
int otter_image_examine(const struct otter_view *view, struct otter_image *ret_image);

/* Find a TLV. `index` counts entries of that type from 0. ret_off is a view offset. */
int otter_image_tlv(const struct otter_view *view, const struct otter_image *image,
                    uint16_t type, uint32_t index, uint32_t *ret_off, uint16_t *ret_len);

/*
 * A trusted public key and the routine that checks a signature with it. The routine is
 * chosen by linking one of the ports' (otter_ecdsa_p256_verify, ...): code that is not
 * named is not linked. pubkey: DER, as MCUboot embeds it (SubjectPublicKeyInfo; PKCS#1
 * RSAPublicKey for RSA); borrowed.
 */
struct otter_key {
    enum otter_sig_type type;
    int (*verify)(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                  const uint8_t *sig, size_t sig_len);
    const uint8_t *pubkey;
    size_t pubkey_len;
};

int otter_ecdsa_p256_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                            const uint8_t *sig, size_t sig_len);
int otter_rsa_pss_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                         const uint8_t *sig, size_t sig_len);
int otter_ed25519_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE],
                         const uint8_t *sig, size_t sig_len);

/* SHA-256, supplied by a port. The state is the caller's; nothing to release. */
struct otter_sha256 {
    uint64_t state[16];
};
void otter_sha256_init(struct otter_sha256 *sha);
void otter_sha256_update(struct otter_sha256 *sha, const void *buf, size_t len);
void otter_sha256_finish(struct otter_sha256 *sha, uint8_t ret_hash[OTTER_HASH_SIZE]);

/*
 * Verify in bounded steps: begin, step until it returns 0, where each step reads and
 * hashes at most `len` bytes (through `buf`, the caller's, >= OTTER_IMAGE_BUF_MIN); the last
 * step checks signatures instead, at most one per key. 1: more to do; 0: genuine;
 * OTTER_ERR_AUTH: not, `fault` says why; OTTER_ERR_IO: flash; OTTER_ERR_ARG: len is 0.
 */
struct otter_image_check {
    struct otter_view view;
    const struct otter_image *image; /* borrowed until the check ends */
    const struct otter_key *keys;    /* borrowed likewise */
    size_t keys_count;
    struct otter_sha256 sha;
    uint32_t off;                    /* bytes hashed so far, of image->hashed_size */
    const struct otter_key *signer;  /* the key that signed it, once genuine */
    enum otter_image_fault fault;    /* after OTTER_ERR_AUTH */
};
void otter_image_check_begin(struct otter_image_check *check, const struct otter_view *view,
                             const struct otter_image *image, const struct otter_key *keys,
                             size_t keys_count);
int otter_image_check_step(struct otter_image_check *check, void *buf, size_t len);

/* All of it at once, for a bootloader. `feed` (NULL: none) is called between steps. */
int otter_image_verify(const struct otter_view *view, const struct otter_image *image,
                       const struct otter_key *keys, size_t keys_count,
                       void (*feed)(void *ctx), void *ctx);

#endif
