/* SPDX-License-Identifier: MIT */
/* config_value: every type's good and bad values, and what it says it takes. */
#include "config/config_value.h"

#include "config/config.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

static const struct option *option(enum option_id id)
{
	return &option_table[id];
}

/* Numbers of every kind: the option, a text, and the field it gives. */
static const struct {
	enum option_id id;
	const char *text;
	int64_t n;
} numbers[] = {
	{ OPTION_LOGIN_REDIS_DB, "0", 0 },
	{ OPTION_LOGIN_REDIS_DB, "65535", 65535 },
	{ OPTION_LEEWAY, "0", 0 },
	{ OPTION_LEEWAY, "10", 600 },
	{ OPTION_LEEWAY, "10m", 600 },
	{ OPTION_LEEWAY, "90s", 90 },
	{ OPTION_LEEWAY, "2000ms", 2 },
	{ OPTION_LEEWAY, "1h", 3600 },
	{ OPTION_LEEWAY, "1d", 86400 },
	{ OPTION_EXPIRY, "1s", 1 },
	{ OPTION_EXPIRY, "366d", 31622400 },
	{ OPTION_REFRESH_RESTRICT_MINUTES, "2", 120 },
	{ OPTION_SESSION_MAX, "0", 0 },
	{ OPTION_SESSION_MAX, "7d", 604800 },
	{ OPTION_DB_TIMEOUT, "30", 30000 },
	{ OPTION_DB_TIMEOUT, "250ms", 250 },
	{ OPTION_DB_TIMEOUT, "1ms", 1 },
	{ OPTION_DB_TIMEOUT, "5m", 300000 },
	{ OPTION_REFRESH_TIMEOUT_MS, "250", 250 },
	{ OPTION_REFRESH_TIMEOUT_MS, "1s", 1000 },
	{ OPTION_MAX_BODY_BYTES, "65536", 65536 },
	{ OPTION_MAX_BODY_BYTES, "64k", 65536 },
	{ OPTION_MAX_BODY_BYTES, "1m", 1048576 },
	{ OPTION_LISTEN_MODE, "0660", 0660 },
	{ OPTION_LISTEN_MODE, "600", 0600 },
};

START_TEST(reads_a_number)
{
	int64_t n = -1;
	struct tp_err err;

	ck_assert_int_eq(
		config_value_set(option(numbers[_i].id), span_of(numbers[_i].text), &n, &err),
		TP_OK);
	ck_assert_int_eq(n, numbers[_i].n);
}
END_TEST

#define DB_TAKES      "takes a number from 0 to 65535"
#define LEEWAY_TAKES  "takes 0 to 1d, in minutes or with a unit (s, m, h, d)"
#define TIMEOUT_TAKES "takes 1ms to 5m, in seconds or with a unit (ms, s, m)"
#define BODY_TAKES    "takes 1k to 1m, in bytes or with a unit (k, m)"
#define MODE_TAKES    "takes an octal mode such as 0660"

static const struct {
	enum option_id id;
	const char *text, *message;
} bad_numbers[] = {
	{ OPTION_LOGIN_REDIS_DB, "", "LOGIN_REDIS_DB: got nothing, " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "-1", "LOGIN_REDIS_DB: got \"-1\", " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "65536", "LOGIN_REDIS_DB: got \"65536\", " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "9 ", "LOGIN_REDIS_DB: got \"9 \", " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "09", "LOGIN_REDIS_DB: got \"09\", " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "0x9", "LOGIN_REDIS_DB: got \"0x9\", " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "1.5", "LOGIN_REDIS_DB: got \"1.5\", " DB_TAKES },
	{ OPTION_LOGIN_REDIS_DB, "99999999999999999999",
	  "LOGIN_REDIS_DB: got \"99999999999999999999\", " DB_TAKES },
	{ OPTION_LEEWAY, "ten", "LEEWAY: got \"ten\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "-1", "LEEWAY: got \"-1\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "s", "LEEWAY: got \"s\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "1 m", "LEEWAY: got \"1 m\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "1M", "LEEWAY: got \"1M\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "1w", "LEEWAY: got \"1w\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "1.5m", "LEEWAY: got \"1.5m\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "1500ms", "LEEWAY: got \"1500ms\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "1441", "LEEWAY: got \"1441\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "9999999999d", "LEEWAY: got \"9999999999d\", " LEEWAY_TAKES },
	{ OPTION_LEEWAY, "10000000001d", "LEEWAY: got \"10000000001d\", " LEEWAY_TAKES },
	{ OPTION_DB_TIMEOUT, "0", "DB_TIMEOUT: got \"0\", " TIMEOUT_TAKES },
	{ OPTION_DB_TIMEOUT, "301", "DB_TIMEOUT: got \"301\", " TIMEOUT_TAKES },
	{ OPTION_MAX_BODY_BYTES, "1023", "MAX_BODY_BYTES: got \"1023\", " BODY_TAKES },
	{ OPTION_MAX_BODY_BYTES, "2m", "MAX_BODY_BYTES: got \"2m\", " BODY_TAKES },
	{ OPTION_MAX_BODY_BYTES, "64K", "MAX_BODY_BYTES: got \"64K\", " BODY_TAKES },
	{ OPTION_LISTEN_MODE, "0668", "LISTEN_MODE: got \"0668\", " MODE_TAKES },
	{ OPTION_LISTEN_MODE, "66", "LISTEN_MODE: got \"66\", " MODE_TAKES },
	{ OPTION_LISTEN_MODE, "1777", "LISTEN_MODE: got \"1777\", " MODE_TAKES },
	{ OPTION_LISTEN_MODE, "00660", "LISTEN_MODE: got \"00660\", " MODE_TAKES },
};

START_TEST(refuses_a_bad_number)
{
	int64_t n = -1;
	struct tp_err err;

	ck_assert_int_eq(config_value_set(option(bad_numbers[_i].id), span_of(bad_numbers[_i].text),
					  &n, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, bad_numbers[_i].message);
	ck_assert_int_eq(n, -1);
}
END_TEST

START_TEST(reads_booleans_in_any_case)
{
	static const struct {
		const char *text;
		int value; /* -1: refused */
	} rows[] = {
		{ "true", 1 }, { "True", 1 },	 { "TRUE", 1 }, { "1", 1 },  { "yes", 1 },
		{ "On", 1 },   { "false", 0 },	 { "0", 0 },	{ "no", 0 }, { "OFF", 0 },
		{ "", -1 },    { "truely", -1 }, { "2", -1 },	{ "t", -1 }, { " true", -1 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		const struct option *o = option(OPTION_ENABLE_CORS);
		bool b = rows[i].value != 1;
		struct tp_err err;
		enum tp_rc rc = config_value_set(o, span_of(rows[i].text), &b, &err);

		ck_assert_int_eq(rc, rows[i].value < 0 ? TP_INVALID : TP_OK);
		ck_assert_int_eq(b, rows[i].value != 0);
	}
}
END_TEST

START_TEST(reads_a_choice_in_any_case)
{
	const struct option *o = option(OPTION_COOKIE_SAMESITE);
	struct tp_err err;
	int n = -1;

	ck_assert_int_eq(config_value_set(o, SPAN_LIT("LAX"), &n, &err), TP_OK);
	ck_assert_int_eq(n, CONFIG_SAMESITE_LAX);
	ck_assert_int_eq(config_value_set(o, SPAN_LIT("lax|none"), &n, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "COOKIE_SAMESITE: got \"lax|none\", takes strict, lax or none");
	ck_assert_int_eq(config_value_set(o, SPAN_LIT(""), &n, &err), TP_INVALID);
	ck_assert_int_eq(n, CONFIG_SAMESITE_LAX);
}
END_TEST

#define TYPE_TAKES "takes redis, valkey, dragonfly, memcached or lmdb"

/* Texts; value NULL with a message: refused, without: none. */
static const struct {
	enum option_id id;
	const char *text, *value, *message;
} texts[] = {
	{ OPTION_ISSUER, "x y", "x y", NULL },
	{ OPTION_ISSUER, "\xc3\xa4", "\xc3\xa4", NULL },
	{ OPTION_ISSUER, "", NULL, "ISSUER: got nothing, takes a text" },
	{ OPTION_ISSUER, "a\nb", NULL, "ISSUER: got a control character, takes a text" },
	{ OPTION_ISSUER, "\xff", NULL, "ISSUER: got something that is not UTF-8, takes a text" },
	{ OPTION_LOGIN_URL, "", NULL, NULL },
	{ OPTION_COOKIE_PREFIX, "", "", NULL },
	{ OPTION_DB_TYPE, "Redis", "redis", NULL },
	{ OPTION_DB_TYPE, "", NULL, NULL },
	{ OPTION_DB_TYPE, "redi", NULL, "DB_TYPE: got \"redi\", " TYPE_TAKES },
	{ OPTION_SCOPE_RULES, "/etc/r", "/etc/r", NULL },
	{ OPTION_SCOPE_RULES, "", NULL, NULL },
	{ OPTION_SCOPE_RULES, "etc/r", NULL, "SCOPE_RULES: got \"etc/r\", takes an absolute path" },
	{ OPTION_STATE_DIR, "", NULL, "STATE_DIR: got nothing, takes an absolute path" },
	{ OPTION_TOKEN_URL, "/a/b-c_d.e~f", "/a/b-c_d.e~f", NULL },
	{ OPTION_TOKEN_URL, "", NULL, "TOKEN_URL: got nothing, takes a path that begins with /" },
	{ OPTION_TOKEN_URL, "/a?b", NULL,
	  "TOKEN_URL: got \"/a?b\", takes a path that begins with /" },
	{ OPTION_TOKEN_URL, "/a b", NULL,
	  "TOKEN_URL: got \"/a b\", takes a path that begins with /" },
	{ OPTION_COOKIE_PATH, "/; Secure", NULL,
	  "COOKIE_PATH: got \"/; Secure\", takes a path that begins with /" },
	{ OPTION_DOCS_URL, "", "", NULL },
	{ OPTION_DOCS_URL, "docs", NULL,
	  "DOCS_URL: got \"docs\", takes a path that begins with /, or nothing" },
	{ OPTION_GRPC_LISTEN, "[::1]:50051", "[::1]:50051", NULL },
	{ OPTION_GRPC_LISTEN, "", NULL, NULL },
	{ OPTION_GRPC_LISTEN, "50051", NULL,
	  "GRPC_LISTEN: got \"50051\", takes HOST:PORT or unix:/PATH" },
	{ OPTION_ISSUER, "\xc3\xa4\xc3\xa4\x01", NULL,
	  "ISSUER: got a control character, takes a text" },
	{ OPTION_DB_TYPE,
	  "a\xc3\xa4"
	  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
	  "\xc3\xa4\xc3\xa4",
	  NULL,
	  "DB_TYPE: got \"a\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
	  "\xc3\xa4\xc3\xa4...\", " TYPE_TAKES },
};

START_TEST(reads_or_refuses_a_text)
{
	const struct option *o = option(texts[_i].id);
	char *s = strdup("before");
	struct tp_err err;
	enum tp_rc rc = config_value_set(o, span_of(texts[_i].text), &s, &err);

	if (texts[_i].message != NULL) {
		ck_assert_int_eq(rc, TP_INVALID);
		ck_assert_str_eq(err.msg, texts[_i].message);
		ck_assert_str_eq(s, "before");
	} else {
		ck_assert_int_eq(rc, TP_OK);
		ck_assert_pstr_eq(s, texts[_i].value);
	}
	config_value_release(o, &s);
	ck_assert_ptr_null(s);
}
END_TEST

#define LIST_TAKES "takes a list: separated by commas, or a JSON array of strings"

/* Items joined by '|'; NULL: refused. */
static const struct {
	const char *text, *items, *message;
} lists[] = {
	{ "", "", NULL },
	{ " ", "", NULL },
	{ "a", "a", NULL },
	{ "a,b", "a|b", NULL },
	{ " a ,\tb c ", "a|b c", NULL },
	{ "[]", "", NULL },
	{ "[\"a\"]", "a", NULL },
	{ "[ \"a\", \"b,c\" ]", "a|b,c", NULL },
	{ "a,", NULL, "VERIFY_KEYS: got an empty item, " LIST_TAKES },
	{ ",", NULL, "VERIFY_KEYS: got an empty item, " LIST_TAKES },
	{ "[\"\"]", NULL, "VERIFY_KEYS: got an empty item, " LIST_TAKES },
	{ "[1]", NULL, "VERIFY_KEYS: got an item that is not a string, " LIST_TAKES },
	{ "[\"a\\n\"]", NULL, "VERIFY_KEYS: got a control character, " LIST_TAKES },
	{ "[\"a\"", NULL, NULL },
	{ "a\x01", NULL, "VERIFY_KEYS: got a control character, " LIST_TAKES },
};

START_TEST(reads_or_refuses_a_list)
{
	const struct option *o = option(OPTION_VERIFY_KEYS);
	TP_CLEANUP(buf_release) struct buf joined = BUF_INIT(1000);
	struct config_list list = { NULL, 0 };
	struct tp_err err;
	enum tp_rc rc = config_value_set(o, span_of(lists[_i].text), &list, &err);

	if (lists[_i].items == NULL) {
		ck_assert_int_eq(rc, TP_INVALID);
		if (lists[_i].message != NULL)
			ck_assert_str_eq(err.msg, lists[_i].message);
		ck_assert_ptr_null(list.v);
		return;
	}
	ck_assert_int_eq(rc, TP_OK);
	for (size_t i = 0; i < list.n; i++)
		buf_printf(&joined, "%s%s", i > 0 ? "|" : "", list.v[i]);
	ck_assert_str_eq(buf_cstr(&joined), lists[_i].items);
	ck_assert_ptr_null(list.v[list.n]);
	config_value_release(o, &list);
	ck_assert_ptr_null(list.v);
}
END_TEST

START_TEST(refuses_a_list_of_too_many)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(10000);
	struct config_list list = { NULL, 0 };
	struct tp_err err;

	for (int i = 0; i < 256; i++)
		buf_str(&text, i > 0 ? ",a" : "a");
	ck_assert_int_eq(config_value_set(option(OPTION_VERIFY_KEYS), buf_view(&text), &list, &err),
			 TP_OK);
	ck_assert_uint_eq(list.n, 256);
	buf_str(&text, ",a");
	ck_assert_int_eq(config_value_set(option(OPTION_VERIFY_KEYS), buf_view(&text), &list, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, "VERIFY_KEYS: got more than 256 items, " LIST_TAKES);
	ck_assert_uint_eq(list.n, 256);
	config_value_release(option(OPTION_VERIFY_KEYS), &list);
}
END_TEST

START_TEST(reads_or_refuses_a_map)
{
	static const struct {
		const char *text;
		bool good;
		size_t members;
	} rows[] = {
		{ "", true, 0 },
		{ "{}", true, 0 },
		{ "{\"a\": \"b\", \"c\": \"\"}", true, 2 },
		{ "{\"a\": 1}", false, 0 },
		{ "{\"a\": null}", false, 0 },
		{ "{\"a\": \"b\", \"a\": \"c\"}", false, 0 },
		{ "[\"a\"]", false, 0 },
		{ "a", false, 0 },
		{ "{", false, 0 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		const struct option *o = option(OPTION_AUTH_SCOPES);
		struct jval *map = NULL;
		struct tp_err err;

		ck_assert_int_eq(config_value_set(o, span_of(rows[i].text), &map, &err),
				 rows[i].good ? TP_OK : TP_INVALID);
		ck_assert_uint_eq(jval_count(map), rows[i].members);
		config_value_release(o, &map);
		ck_assert_ptr_null(map);
	}
}
END_TEST

START_TEST(takes_a_secret_as_it_is)
{
	const struct option *o = option(OPTION_PRIVATE_KEY);
	struct secret s = { NULL, 0 };
	struct tp_err err;

	ck_assert_int_eq(config_value_set(o, SPAN_LIT(" -----BEGIN\nx\xff "), &s, &err), TP_OK);
	ck_assert(span_eq(secret_view(&s), SPAN_LIT(" -----BEGIN\nx\xff ")));
	ck_assert_int_eq(config_value_set(o, SPAN_LIT(""), &s, &err), TP_OK);
	ck_assert_ptr_null(s.p);
	o = option(OPTION_DB_URL);
	ck_assert_int_eq(config_value_set(o, SPAN_LIT(""), &s, &err), TP_INVALID);
	ck_assert_str_eq(err.msg,
			 "DB_URL: got nothing, takes a text; DB_URL_FILE takes the path of "
			 "a file that holds it");
}
END_TEST

START_TEST(keeps_odd_bytes_out_of_messages)
{
	int n;
	struct tp_err err;

	ck_assert_int_eq(
		config_value_set(option(OPTION_LOG_FORMAT), SPAN_LIT("a\nb\x7f\0c"), &n, &err),
		TP_INVALID);
	ck_assert_str_eq(err.msg, "LOG_FORMAT: got \"a?b??c\", takes logfmt or json");
}
END_TEST

START_TEST(has_words_for_values_and_units)
{
	ck_assert_str_eq(config_value_word(option(OPTION_EXPIRY)), "MINUTES");
	ck_assert_str_eq(config_value_word(option(OPTION_TOKEN_FORMAT)), "opaque|jwt");
	ck_assert_str_eq(config_value_word(option(OPTION_LISTEN)), "ADDRESS");
	for (size_t i = 0; i < OPTION_COUNT; i++)
		ck_assert_ptr_nonnull(config_value_word(&option_table[i]));
	ck_assert_pstr_eq(config_value_unit(option(OPTION_EXPIRY)), "minutes");
	ck_assert_pstr_eq(config_value_unit(option(OPTION_DB_TIMEOUT)), "seconds");
	ck_assert_pstr_eq(config_value_unit(option(OPTION_REFRESH_TIMEOUT_MS)), "milliseconds");
	ck_assert_pstr_eq(config_value_unit(option(OPTION_MAX_BODY_BYTES)), "bytes");
	ck_assert_pstr_eq(config_value_unit(option(OPTION_WORKERS)), NULL);
}
END_TEST

static Suite *config_value_suite(void)
{
	Suite *s = suite_create("config_value");
	TCase *t = tcase_create("types");

	tcase_add_loop_test(t, reads_a_number, 0, (int)TP_COUNT(numbers));
	tcase_add_loop_test(t, refuses_a_bad_number, 0, (int)TP_COUNT(bad_numbers));
	tcase_add_test(t, reads_booleans_in_any_case);
	tcase_add_test(t, reads_a_choice_in_any_case);
	tcase_add_loop_test(t, reads_or_refuses_a_text, 0, (int)TP_COUNT(texts));
	tcase_add_loop_test(t, reads_or_refuses_a_list, 0, (int)TP_COUNT(lists));
	tcase_add_test(t, refuses_a_list_of_too_many);
	tcase_add_test(t, reads_or_refuses_a_map);
	tcase_add_test(t, takes_a_secret_as_it_is);
	tcase_add_test(t, keeps_odd_bytes_out_of_messages);
	tcase_add_test(t, has_words_for_values_and_units);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(config_value_suite());
}
