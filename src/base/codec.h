/* SPDX-License-Identifier: MIT */
/*
 * Strict text codecs. Decoders append to *out (its cap bounds them) and accept canonical input
 * only: a second spelling of the same bytes is a second name for the same thing, and that is
 * refused. After a failure *out holds what it held before.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/buf.h"

/* base64url without padding, RFC 4648 section 5 and RFC 7515 section 2. Decoding fails with
 * TP_INVALID on '=', on other alphabets, and on unused bits that are not zero. */
void codec_b64url_put(struct buf *out, struct span bytes);
enum tp_rc codec_b64url_get(struct span text, struct buf *out, struct tp_err *err) TP_MUSTUSE;

/* base64 with padding, RFC 4648 section 4; line breaks and blanks between are skipped (keys in
 * settings come wrapped). */
void codec_b64_put(struct buf *out, struct span bytes);
enum tp_rc codec_b64_get(struct span text, struct buf *out, struct tp_err *err) TP_MUSTUSE;

void codec_hex_put(struct buf *out, struct span bytes); /* lower case */

/* %XX decoding of RFC 3986; plus: '+' is a blank, as application/x-www-form-urlencoded has it.
 * TP_INVALID for a '%' without two hex digits. */
enum tp_rc codec_percent_get(struct span text, bool plus, struct buf *out,
			     struct tp_err *err) TP_MUSTUSE;

enum { DIGEST_SHA256 = 32, DIGEST_SHA1 = 20 };

void codec_sha256(struct span bytes, unsigned char ret[DIGEST_SHA256]);
/* Of the parts, one after another: what keeps them apart is for the caller to put between. */
void codec_sha256_parts(const struct span *parts, size_t n, unsigned char ret[DIGEST_SHA256]);
void codec_sha1(struct span bytes,
		unsigned char ret[DIGEST_SHA1]); /* for {SHA} password files only */

/* MD5 for the apr1 password format only; parts are hashed one after another. */
enum { DIGEST_MD5 = 16 };
enum tp_rc codec_md5(const struct span *parts, size_t n, unsigned char ret[DIGEST_MD5],
		     struct tp_err *err) TP_MUSTUSE;

#endif
