/* SPDX-License-Identifier: MIT */
/* Text codecs against RFC 4648 and refusals of every second spelling; digests against FIPS 180. */
#include "base/codec.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

typedef enum tp_rc decoder(struct span text, struct buf *out, struct tp_err *err);

/* Each decoder appends, and leaves *out alone when it refuses. */
static void decodes(decoder *get, struct span text, struct span want)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
	struct tp_err err = { .msg = "" };

	buf_str(&out, "before:");
	ck_assert_msg(get(text, &out, &err) == TP_OK, "%.*s: %s", (int)text.len, text.p, err.msg);
	ck_assert(span_starts(buf_view(&out), "before:"));
	ck_assert(span_eq((struct span){ out.p + 7, out.len - 7 }, want));
}

static void refuses(decoder *get, struct span text)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
	struct tp_err err = { .msg = "" };

	buf_str(&out, "before");
	ck_assert_msg(get(text, &out, &err) == TP_INVALID, "%.*s", (int)text.len, text.p);
	ck_assert_int_eq(err.rc, TP_INVALID);
	ck_assert_str_ne(err.msg, "");
	ck_assert_str_eq(buf_cstr(&out), "before");
	ck_assert_int_eq(out.rc, TP_OK);
}

/* Base64 --------------------------------------------------------------------------------------- */

#define ROW(bytes, url, std)                           \
	{                                              \
		{ bytes, sizeof(bytes) - 1 }, url, std \
	}

/* clang-format off */
static const struct {
	struct span bytes;
	const char *url, *std;
} pairs[] = {
	ROW("", "", ""), /* RFC 4648 section 10 */
	ROW("f", "Zg", "Zg=="),
	ROW("fo", "Zm8", "Zm8="),
	ROW("foo", "Zm9v", "Zm9v"),
	ROW("foob", "Zm9vYg", "Zm9vYg=="),
	ROW("fooba", "Zm9vYmE", "Zm9vYmE="),
	ROW("foobar", "Zm9vYmFy", "Zm9vYmFy"),
	ROW("\xfb\xff\xbf", "-_-_", "+/+/"), /* where the alphabets differ */
	ROW("\xff\xef\xff", "_-__", "/+//"),
	ROW("\xff", "_w", "/w=="),
	ROW("\xff\xff", "__8", "//8="),
	ROW("\0\0\0\0", "AAAAAA", "AAAAAA=="),
	ROW("\x14\xfb\x9c\x03\xd9\x7e", "FPucA9l-", "FPucA9l+"), /* RFC 3548 section 7 */
	ROW("{\"alg\":\"HS256\"}", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9"),
};
/* clang-format on */

START_TEST(base64_of_known_bytes)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	codec_b64url_put(&out, pairs[_i].bytes);
	ck_assert_str_eq(buf_cstr(&out), pairs[_i].url);
	buf_reset(&out);
	codec_b64_put(&out, pairs[_i].bytes);
	ck_assert_str_eq(buf_cstr(&out), pairs[_i].std);
	decodes(codec_b64url_get, span_of(pairs[_i].url), pairs[_i].bytes);
	decodes(codec_b64_get, span_of(pairs[_i].std), pairs[_i].bytes);
}
END_TEST

START_TEST(base64_comes_back_for_every_length_and_byte)
{
	TP_CLEANUP(buf_release) struct buf url = BUF_INIT(400), std = BUF_INIT(400);
	char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		buf_reset(&url);
		buf_reset(&std);
		codec_b64url_put(&url, (struct span){ bytes, n });
		codec_b64_put(&std, (struct span){ bytes, n });
		decodes(codec_b64url_get, buf_view(&url), (struct span){ bytes, n });
		decodes(codec_b64_get, buf_view(&std), (struct span){ bytes, n });
	}
}
END_TEST

START_TEST(absent_bytes_are_none)
{
	decodes(codec_b64url_get, (struct span){ NULL, 0 }, SPAN_LIT(""));
	decodes(codec_b64_get, (struct span){ NULL, 0 }, SPAN_LIT(""));
}
END_TEST

static const char *const bad_url[] = {
	"Z",	"Zm9vZ",	  /* a digit too few */
	"Zg==", "Zm8=",	     "=", /* padding */
	"Zh",	"Zm9",		  /* bits left over that are not zero */
	"_x",	"__9",	     "Zm9v Zm9v",  "Zm9v\n",  "+/+/",	 "Zm9+",    "Zm8/",
	"Zm9.", "Zm9v.Zm9v", "Zm\xc3\xa9", "Zm9\x80", "\xff___", "Zm9v%3D",
};

START_TEST(base64url_refuses_what_is_not_canonical)
{
	refuses(codec_b64url_get, span_of(bad_url[_i]));
}
END_TEST

static const char *const bad_std[] = {
	"Z",	"Zg",	"Zg=",	"Zg===", "Zm8",	 "Zm9v=", "Zm9v==",   "Zm9v===", "Zm9v====",
	"====", "==",	"=",	"A===",	 "Zm=8", "Z=g=",  "Zg==Zg==", /* one text, not two */
	"Zh==", "Zm9=", "-_-_", "Zm9-",	 "Zm8_", "Zm9.",  "Zm9\x80",  "Zm9v\v",	 "Zm9v\xa0",
};

START_TEST(base64_refuses_what_is_not_canonical)
{
	refuses(codec_b64_get, span_of(bad_std[_i]));
}
END_TEST

START_TEST(base64_refuses_every_byte_outside_its_alphabet)
{
	static const char both[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (int c = 0; c < 256; c++) {
		char text[4] = { 'A', 'A', (char)c, 'A' };
		bool shared = c != 0 && strchr(both, c) != NULL;
		struct span s = { text, sizeof(text) };
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT(10);
		enum tp_rc want = shared || c == '-' || c == '_' ? TP_OK : TP_INVALID;

		ck_assert_int_eq(codec_b64url_get(s, &out, NULL), want);
		want = shared || c == '+' || c == '/' ? TP_OK : TP_INVALID;
		ck_assert_int_eq(codec_b64_get(s, &out, NULL), want);
	}
}
END_TEST

START_TEST(base64_skips_blanks_and_line_breaks)
{
	decodes(codec_b64_get, span_of("Zm9v\r\nYmFy\n"), SPAN_LIT("foobar"));
	decodes(codec_b64_get, span_of(" Z m\t8 = "), SPAN_LIT("fo"));
	decodes(codec_b64_get, span_of(" \n"), SPAN_LIT(""));
}
END_TEST

START_TEST(base64_keeps_to_the_cap)
{
	TP_CLEANUP(buf_release) struct buf three = BUF_INIT(3), two = BUF_INIT(2);
	struct tp_err err;

	ck_assert_int_eq(codec_b64url_get(span_of("Zm9v"), &three, NULL), TP_OK);
	ck_assert_int_eq(codec_b64url_get(span_of("Zm9v"), &two, &err), TP_TOO_LARGE);
	ck_assert_str_eq(err.msg, "base64 is larger than 2 bytes");
	codec_b64url_put(&three, span_of("x"));
	ck_assert_int_eq(three.rc, TP_TOO_LARGE);
	ck_assert_str_eq(buf_cstr(&three), "foo");
}
END_TEST

START_TEST(refused_base64_leaves_no_bytes_behind)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(50);

	buf_str(&out, "a");
	ck_assert_int_eq(codec_b64url_get(span_of("c2VjcmV0c2VjcmV0*"), &out, NULL), TP_INVALID);
	ck_assert_int_eq(codec_b64url_get(span_of("c2VjcmV0c2VjcmV0****"), &out, NULL), TP_INVALID);
	ck_assert_ptr_null(memmem(out.p, 16, "secret", 6));
}
END_TEST

START_TEST(base64_tells_that_memory_ran_out)
{
	for (long n = 1;; n++) {
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT(50);
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = codec_b64_get(span_of("Zm9v YmFy"), &out, NULL);
		if (!alloc_fail_off()) {
			ck_assert_int_eq(rc, TP_OK);
			ck_assert_int_eq(n, 3);
			break;
		}
		ck_assert_int_eq(rc, TP_NOMEM);
	}
}
END_TEST

/* Hex and percent ------------------------------------------------------------------------------ */

START_TEST(hex_is_lower_case)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(16);

	buf_char(&out, ':');
	codec_hex_put(&out, SPAN_LIT("\x00\x09\xab\xCD\xff"));
	ck_assert_str_eq(buf_cstr(&out), ":0009abcdff");
	codec_hex_put(&out, SPAN_LIT("abc"));
	ck_assert_int_eq(out.rc, TP_TOO_LARGE);
	ck_assert_str_eq(buf_cstr(&out), ":0009abcdff");
}
END_TEST

static enum tp_rc percent(struct span text, struct buf *out, struct tp_err *err)
{
	return codec_percent_get(text, false, out, err);
}

static enum tp_rc percent_plus(struct span text, struct buf *out, struct tp_err *err)
{
	return codec_percent_get(text, true, out, err);
}

START_TEST(percent_decodes_two_hex_digits)
{
	decodes(percent, span_of(""), SPAN_LIT(""));
	decodes(percent, (struct span){ NULL, 0 }, SPAN_LIT(""));
	decodes(percent, span_of("a%20b"), SPAN_LIT("a b"));
	decodes(percent, span_of("%c3%A9"), SPAN_LIT("\xc3\xa9"));
	decodes(percent, span_of("%00"), SPAN_LIT("\0"));
	decodes(percent, span_of("%2541"), SPAN_LIT("%41")); /* once, not twice */
	decodes(percent, span_of("%2b"), SPAN_LIT("+"));
	decodes(percent, span_of("\xff&="), SPAN_LIT("\xff&="));
}
END_TEST

START_TEST(plus_is_a_blank_in_forms_only)
{
	decodes(percent, span_of("a+b%2B"), SPAN_LIT("a+b+"));
	decodes(percent_plus, span_of("a+b%2B"), SPAN_LIT("a b+"));
}
END_TEST

static const char *const bad_percent[] = { "%",	   "a%",  "%4",	 "a%4",	   "%4g",   "%g4",
					   "%%41", "%+1", "% 1", "%u0041", "%:0",   "%0/",
					   "%@0",  "%0`", "%G0", "%\3770", "ok%41%" };

START_TEST(percent_refuses_broken_escapes)
{
	refuses(percent, span_of(bad_percent[_i]));
	refuses(percent_plus, span_of(bad_percent[_i]));
}
END_TEST

START_TEST(percent_reads_nothing_beyond_the_span)
{
	refuses(percent, (struct span){ "%41", 2 });
	refuses(percent, (struct span){ "%41", 1 });
}
END_TEST

START_TEST(percent_keeps_to_the_cap)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(3);
	struct tp_err err;

	ck_assert_int_eq(codec_percent_get(span_of("%61%62%63"), false, &out, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&out), "abc");
	buf_cut(&out, 1);
	ck_assert_int_eq(codec_percent_get(span_of("bcd"), false, &out, &err), TP_TOO_LARGE);
	ck_assert_str_eq(err.msg, "a percent-encoded value is larger than 3 bytes");
	ck_assert_str_eq(buf_cstr(&out), "a");
}
END_TEST

/* Digests -------------------------------------------------------------------------------------- */

static void same_hex(const unsigned char *sum, size_t n, const char *want)
{
	TP_CLEANUP(buf_release) struct buf hex = BUF_INIT(100);

	codec_hex_put(&hex, (struct span){ (const char *)sum, n });
	ck_assert_str_eq(buf_cstr(&hex), want);
}

static const struct {
	const char *text, *sha256, *sha1, *md5;
} sums[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	  "da39a3ee5e6b4b0d3255bfef95601890afd80709", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	  "a9993e364706816aba3e25717850c26c9cd0d89d", "900150983cd24fb0d6963f7d28e17f72" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	  "84983e441c3bd26ebaae4aa1f95129e5e54670f1", "8215ef0796a20bcaaae116d3876c664a" },
};

START_TEST(digests_of_known_texts)
{
	struct span text = span_of(sums[_i].text);
	const struct span parts[] = { { text.p, text.len / 2 },
				      { NULL, 0 },
				      { text.p + text.len / 2, text.len - text.len / 2 } };
	unsigned char sha256[DIGEST_SHA256], sha1[DIGEST_SHA1], md5[DIGEST_MD5];

	codec_sha256(text, sha256);
	same_hex(sha256, sizeof(sha256), sums[_i].sha256);
	codec_sha256_parts(parts, TP_COUNT(parts), sha256);
	same_hex(sha256, sizeof(sha256), sums[_i].sha256);
	codec_sha1(text, sha1);
	same_hex(sha1, sizeof(sha1), sums[_i].sha1);
	ck_assert_int_eq(codec_md5(&text, 1, md5, NULL), TP_OK);
	same_hex(md5, sizeof(md5), sums[_i].md5);
	ck_assert_int_eq(codec_md5(parts, TP_COUNT(parts), md5, NULL), TP_OK);
	same_hex(md5, sizeof(md5), sums[_i].md5);
}
END_TEST

START_TEST(digests_of_nothing)
{
	unsigned char sha256[DIGEST_SHA256], sha1[DIGEST_SHA1], md5[DIGEST_MD5];

	codec_sha256((struct span){ NULL, 0 }, sha256);
	same_hex(sha256, sizeof(sha256), sums[0].sha256);
	codec_sha1((struct span){ NULL, 0 }, sha1);
	same_hex(sha1, sizeof(sha1), sums[0].sha1);
	ck_assert_int_eq(codec_md5(NULL, 0, md5, NULL), TP_OK);
	same_hex(md5, sizeof(md5), sums[0].md5);
}
END_TEST

static Suite *codec_suite(void)
{
	Suite *s = suite_create("codec");
	TCase *b64 = tcase_create("base64"), *rest = tcase_create("the rest");

	tcase_add_loop_test(b64, base64_of_known_bytes, 0, (int)TP_COUNT(pairs));
	tcase_add_test(b64, base64_comes_back_for_every_length_and_byte);
	tcase_add_test(b64, absent_bytes_are_none);
	tcase_add_loop_test(b64, base64url_refuses_what_is_not_canonical, 0,
			    (int)TP_COUNT(bad_url));
	tcase_add_loop_test(b64, base64_refuses_what_is_not_canonical, 0, (int)TP_COUNT(bad_std));
	tcase_add_test(b64, base64_refuses_every_byte_outside_its_alphabet);
	tcase_add_test(b64, base64_skips_blanks_and_line_breaks);
	tcase_add_test(b64, base64_keeps_to_the_cap);
	tcase_add_test(b64, refused_base64_leaves_no_bytes_behind);
	tcase_add_test(b64, base64_tells_that_memory_ran_out);
	suite_add_tcase(s, b64);
	tcase_add_test(rest, hex_is_lower_case);
	tcase_add_test(rest, percent_decodes_two_hex_digits);
	tcase_add_test(rest, plus_is_a_blank_in_forms_only);
	tcase_add_loop_test(rest, percent_refuses_broken_escapes, 0, (int)TP_COUNT(bad_percent));
	tcase_add_test(rest, percent_reads_nothing_beyond_the_span);
	tcase_add_test(rest, percent_keeps_to_the_cap);
	tcase_add_loop_test(rest, digests_of_known_texts, 0, (int)TP_COUNT(sums));
	tcase_add_test(rest, digests_of_nothing);
	suite_add_tcase(s, rest);
	return s;
}

int main(void)
{
	return check_run(codec_suite());
}
