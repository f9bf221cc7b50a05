/* SPDX-License-Identifier: MIT */
/*
 * Text codecs and digests. Decoders take one spelling of each byte sequence only. Digests are
 * OpenSSL's; no other file of this floor includes it.
 */
#include "base/codec.h"

/* OpenSSL as of 1.1: its one-shot digests have since become lookups of a provider, which may fail
 * for want of memory and read the configuration file at first use. */
#define OPENSSL_API_COMPAT 10100

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/banned.h"

/* The two alphabets differ in the last two digits only. A value carries a bit for the alphabet that
 * alone knows it, and both bits where none does. */
enum { VALUE = 63, STD = 64, URL = 128, NO = STD | URL };

struct alphabet {
	char digits[65];
	unsigned foreign; /* the bit that no digit of this alphabet has */
};

static const struct alphabet b64 = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", URL
};
static const struct alphabet b64url = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", STD
};

/* clang-format off */
static const unsigned char ascii_values[128] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62 | STD, NO, 62 | URL, NO, 63 | STD,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
	NO,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63 | URL,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};
/* clang-format on */

static unsigned value_of(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < TP_COUNT(ascii_values) ? ascii_values[byte] : (unsigned)NO;
}

/* Without padding. */
static void encode(struct buf *out, struct span bytes, const struct alphabet *alphabet)
{
	const char *digits = alphabet->digits;
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t len = bytes.len / 3 * 4 + (bytes.len % 3 > 0 ? bytes.len % 3 + 1 : 0);
	char *to = buf_room(out, len);
	size_t left = bytes.len;

	if (to == NULL)
		return;
	for (; left >= 3; left -= 3, p += 3) {
		*to++ = digits[p[0] >> 2];
		*to++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
		*to++ = digits[(p[1] & 15) << 2 | p[2] >> 6];
		*to++ = digits[p[2] & 63];
	}
	if (left > 0) {
		*to++ = digits[p[0] >> 2];
		*to++ = digits[(p[0] & 3) << 4 | (left > 1 ? p[1] >> 4 : 0)];
	}
	if (left > 1)
		*to = digits[(p[1] & 15) << 2];
	buf_added(out, len);
}

/* The bytes of two to four digits, at most three, written where there is room for them. Returns
 * what must not have the alphabet's foreign bit, or that bit itself for an encoding that is not
 * canonical: one with bits left over that are not zero. */
static unsigned decode_group(const char *p, size_t digits, unsigned char *to)
{
	unsigned a = value_of(p[0]), b = value_of(p[1]);
	unsigned c = digits > 2 ? value_of(p[2]) : 0, d = digits > 3 ? value_of(p[3]) : 0;
	unsigned over = digits == 2 ? b & 15 : digits == 3 ? c & 3 : 0;

	to[0] = (unsigned char)(a << 2 | (b & VALUE) >> 4);
	if (digits > 2)
		to[1] = (unsigned char)(b << 4 | (c & VALUE) >> 2);
	if (digits > 3)
		to[2] = (unsigned char)(c << 6 | (d & VALUE));
	return a | b | c | d | (over > 0 ? (unsigned)NO : 0);
}

static enum tp_rc decode(struct span text, const struct alphabet *alphabet, struct buf *out,
			 struct tp_err *err)
{
	size_t rest = text.len % 4, whole = text.len - rest;
	size_t len = whole / 4 * 3 + (rest > 1 ? rest - 1 : 0);
	unsigned char *to;
	unsigned seen = 0;

	if (rest == 1)
		return tp_fail(err, TP_INVALID, "base64: a digit is missing or over");
	to = (unsigned char *)buf_room(out, len);
	if (to == NULL)
		return buf_rc(out, "base64", err);
	for (size_t i = 0; i < whole; i += 4)
		seen |= decode_group(text.p + i, 4, to + i / 4 * 3);
	if (rest > 1)
		seen |= decode_group(text.p + whole, rest, to + whole / 4 * 3);
	if ((seen & alphabet->foreign) != 0) {
		explicit_bzero(to, len);
		return tp_fail(err, TP_INVALID, "base64: not the canonical form");
	}
	buf_added(out, len);
	return TP_OK;
}

void codec_b64url_put(struct buf *out, struct span bytes)
{
	encode(out, bytes, &b64url);
}

enum tp_rc codec_b64url_get(struct span text, struct buf *out, struct tp_err *err)
{
	return decode(text, &b64url, out, err);
}

void codec_b64_put(struct buf *out, struct span bytes)
{
	encode(out, bytes, &b64);
	if (bytes.len % 3 > 0)
		buf_put(out, "==", 3 - bytes.len % 3);
}

enum tp_rc codec_b64_get(struct span text, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf tight = BUF_INIT(text.len);
	struct span digits;
	size_t padding = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			buf_char(&tight, c);
	}
	if (tight.rc != TP_OK)
		return buf_rc(&tight, "base64", err);
	digits = buf_view(&tight);
	if (digits.len % 4 != 0)
		return tp_fail(err, TP_INVALID, "base64: padding is missing or over");
	while (padding < 2 && digits.len > 0 && digits.p[digits.len - 1] == '=') {
		digits.len--;
		padding++;
	}
	return decode(digits, &b64, out, err);
}

void codec_hex_put(struct buf *out, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *to = buf_room(out, bytes.len * 2);

	if (to == NULL)
		return;
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	buf_added(out, bytes.len * 2);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum tp_rc codec_percent_get(struct span text, bool plus, struct buf *out, struct tp_err *err)
{
	size_t before = out->len;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '%') {
			int high = text.len - i > 2 ? hex_value(text.p[i + 1]) : -1;
			int low = text.len - i > 2 ? hex_value(text.p[i + 2]) : -1;

			if (high < 0 || low < 0) {
				buf_cut(out, before);
				return tp_fail(err, TP_INVALID, "a '%%' without two hex digits");
			}
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		buf_char(out, c);
	}
	if (out->rc != TP_OK)
		buf_cut(out, before);
	return buf_rc(out, "a percent-encoded value", err);
}

void codec_sha256_parts(const struct span *parts, size_t n, unsigned char ret[DIGEST_SHA256])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < n; i++)
		SHA256_Update(&ctx, parts[i].p, parts[i].len);
	SHA256_Final(ret, &ctx); /* wipes ctx */
}

void codec_sha256(struct span bytes, unsigned char ret[DIGEST_SHA256])
{
	codec_sha256_parts(&bytes, 1, ret);
}

void codec_sha1(struct span bytes, unsigned char ret[DIGEST_SHA1])
{
	SHA_CTX ctx;

	SHA1_Init(&ctx);
	SHA1_Update(&ctx, bytes.p, bytes.len);
	SHA1_Final(ret, &ctx);
}

enum tp_rc codec_md5(const struct span *parts, size_t n, unsigned char ret[DIGEST_MD5],
		     struct tp_err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1;

	for (size_t i = 0; good && i < n; i++)
		good = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
	good = good && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? TP_OK : tp_fail(err, TP_UNAVAILABLE, "this system's OpenSSL offers no MD5");
}
