/* SPDX-License-Identifier: MIT */
/* config_check: rules between settings, and what follows from them. */
#include "config/config.h"

#include "base/buf.h"
#include "support/check_run.h"

#include <stdlib.h>

#include "base/banned.h"

enum { MOST = 8 };

/* A configuration that is good but for these variables. */
static struct config with(const char *const *variables)
{
	char *envp[MOST + 2] = { NULL };
	struct config c;
	struct tp_err err;
	size_t n = 0;
	bool has_key = false;

	for (; n < MOST && variables[n] != NULL; n++) {
		envp[n] = strdup(variables[n]);
		has_key = has_key || span_starts(span_of(envp[n]), "SECRET_KEY");
	}
	if (!has_key)
		envp[n++] = strdup("SECRET_KEY=0123456789abcdef0123456789abcdef");
	ck_assert_msg(config_load(0, NULL, envp, &c, &err) == TP_OK, "%s", err.msg);
	while (n > 0)
		free(envp[--n]);
	return c;
}

static const struct {
	const char *env[MOST];
	const char *message; /* NULL: good */
} rules[] = {
	{ { NULL }, NULL },
	{ { "SECRET_KEY=" }, "SECRET_KEY: not set, and ALGORITHM HS256 needs it" },
	{ { "ALGORITHM=RS256" },
	  "PUBLIC_KEY: not set, and ALGORITHM RS256 needs it (or PRIVATE_KEY)" },
	{ { "ALGORITHM=RS256", "PUBLIC_KEY=x" }, NULL },
	{ { "ALGORITHM=RS256", "PRIVATE_KEY=x" }, NULL },
	{ { "ALGORITHM=RS256", "SECRET_KEY=", "PRIVATE_KEY=x" }, NULL },
	{ { "ALGORITHM=RS256", "PUBLIC_KEY=x", "AUTHORIZATION_SERVER=1",
	    "TOKEN_HANDLER=exec:/bin/true" },
	  "PRIVATE_KEY: not set, and an AUTHORIZATION_SERVER with ALGORITHM RS256 signs with it" },
	{ { "AUTHORIZATION_SERVER=1" },
	  "TOKEN_HANDLER: not set, and an AUTHORIZATION_SERVER needs it" },
	{ { "AUTHORIZATION_SERVER=1", "TOKEN_HANDLER=" },
	  "TOKEN_HANDLER: not set, and an AUTHORIZATION_SERVER needs it" },
	{ { "AUTHORIZATION_SERVER=1", "TOKEN_HANDLER=exec:/bin/true" }, NULL },
	{ { "VERIFY_KEYS=/a,b" }, "VERIFY_KEYS: got \"b\", takes absolute paths" },
	{ { "VERIFY_KEYS=/a,/b" }, NULL },
	{ { "TOKEN_URL=/logout" }, "LOGOUT_URL: the same path as TOKEN_URL" },
	{ { "TOKEN_URL=/refresh" }, "REFRESH_URL: the same path as TOKEN_URL" },
	{ { "TOKEN_URL=/refresh", "REFRESH_URL=h:1" }, "REFRESH_URL: the same path as TOKEN_URL" },
	{ { "DOCS_URL=/redoc" }, "REDOC_URL: the same path as DOCS_URL" },
	{ { "DOCS_URL=", "REDOC_URL=", "OPENAPI_URL=", "LOGIN_PAGE_URL=" }, NULL },
	{ { "REFRESH_URL=refresh" },
	  "REFRESH_URL: got \"refresh\", takes a path that begins with /, or HOST:PORT" },
	{ { "REFRESH_URL=/a b" },
	  "REFRESH_URL: got \"/a b\", takes a path that begins with /, or HOST:PORT" },
	{ { "REFRESH_URL=unix:/run/x" }, NULL },
	{ { "TOKEN_URL=/token/" },
	  "TOKEN_URL: got \"/token/\", takes a path without a / at its end" },
	{ { "DOCS_URL=/" }, "DOCS_URL: got \"/\", takes a path without a / at its end" },
	{ { "ROOT_PATH=/a" }, NULL },
	{ { "ROOT_PATH=/a/" }, "ROOT_PATH: got \"/a/\", takes a path without a / at its end" },
	{ { "ROOT_PATH=/" }, "ROOT_PATH: got \"/\", takes a path without a / at its end" },
	{ { "PUBLIC_URL=https://a.example:1" }, NULL },
	{ { "PUBLIC_URL=https://a.example/" },
	  "PUBLIC_URL: got \"https://a.example/\", takes http:// or https://, a host, perhaps a "
	  "port, and no path" },
	{ { "LOGIN_URL=/login" }, NULL },
	{ { "LOGIN_URL=https://a.example/login?x=1" }, NULL },
	{ { "LOGIN_URL=//a.example" },
	  "LOGIN_URL: got \"//a.example\", takes a path that begins with /, or an http(s) URL" },
	{ { "LOGIN_URL=javascript:x" },
	  "LOGIN_URL: got \"javascript:x\", takes a path that begins with /, or an http(s) URL" },
	{ { "LOG_TARGET=syslog" }, NULL },
	{ { "LOG_TARGET=file:/x" }, NULL },
	{ { "LOG_TARGET=file:x" },
	  "LOG_TARGET: got \"file:x\", takes stderr, syslog or file:/PATH" },
	{ { "LOG_TARGET=stdout" },
	  "LOG_TARGET: got \"stdout\", takes stderr, syslog or file:/PATH" },
	{ { "REDIS_CONNECTION_TYPE=sentinel" },
	  "REDIS_MASTER_SERVICE: not set, and REDIS_CONNECTION_TYPE sentinel needs it" },
	{ { "REDIS_CONNECTION_TYPE=sentinel", "REDIS_MASTER_SERVICE=m" }, NULL },
	{ { "COOKIE_SAMESITE=none" }, NULL },
	{ { "COOKIE_SAMESITE=none", "COOKIE_SECURE=0" },
	  "COOKIE_SAMESITE: none needs COOKIE_SECURE" },
	{ { "COOKIE_PREFIX=__Host-" }, NULL },
	{ { "COOKIE_PREFIX=__host-", "COOKIE_SECURE=0" },
	  "COOKIE_PREFIX: __Host- needs COOKIE_SECURE" },
	{ { "COOKIE_PREFIX=__Host-x", "COOKIE_PATH=/a" },
	  "COOKIE_PREFIX: __Host- needs COOKIE_PATH /" },
	{ { "COOKIE_PREFIX=__Host-", "COOKIE_DOMAIN=a.example" },
	  "COOKIE_PREFIX: __Host- excludes COOKIE_DOMAIN" },
	{ { "COOKIE_PREFIX=__Secure-", "COOKIE_SECURE=0" },
	  "COOKIE_PREFIX: __Secure- needs COOKIE_SECURE" },
	{ { "COOKIE_PREFIX=__Secure-", "COOKIE_DOMAIN=.a.example", "COOKIE_PATH=/a" }, NULL },
	{ { "COOKIE_PREFIX=a b" },
	  "COOKIE_PREFIX: got \"a b\", takes letters, digits and !#$%&'*+-.^_`|~ only" },
	{ { "COOKIE_PREFIX=a=" },
	  "COOKIE_PREFIX: got \"a=\", takes letters, digits and !#$%&'*+-.^_`|~ only" },
	{ { "COOKIE_PREFIX=\xc3\xa4" },
	  "COOKIE_PREFIX: got \"\xc3\xa4\", takes letters, digits and !#$%&'*+-.^_`|~ only" },
	{ { "COOKIE_DOMAIN=a;b" }, "COOKIE_DOMAIN: got \"a;b\", takes a domain name" },
	{ { "COOKIE_DOMAIN=a~b" }, "COOKIE_DOMAIN: got \"a~b\", takes a domain name" },
	{ { "DB_TLS_CERT=/c" }, "DB_TLS_CERT, DB_TLS_KEY: one is set, and each needs the other" },
	{ { "DB_TLS_KEY=/k" }, "DB_TLS_CERT, DB_TLS_KEY: one is set, and each needs the other" },
	{ { "DB_TLS_KEY=/k", "DB_TLS_CERT=/c" }, NULL },
	{ { "GRPC_TLS_CERT=/c" },
	  "GRPC_TLS_CERT, GRPC_TLS_KEY: one is set, and each needs the other" },
	{ { "GRPC_TLS_KEY=/k" },
	  "GRPC_TLS_CERT, GRPC_TLS_KEY: one is set, and each needs the other" },
	{ { "GRPC_TLS_CLIENT_CA=/a" }, "GRPC_TLS_CLIENT_CA: needs GRPC_TLS_CERT" },
	{ { "GRPC_TLS_CLIENT_CA=/a", "GRPC_TLS_CERT=/c", "GRPC_TLS_KEY=/k" }, NULL },
	{ { "GRPC_TARGET=h:1" }, "GRPC_TARGET: an address of another machine needs GRPC_TLS_CA" },
	{ { "REFRESH_URL=h:1" }, "GRPC_TARGET: an address of another machine needs GRPC_TLS_CA" },
	{ { "GRPC_TARGET=h:1", "GRPC_TLS_CA=/a" }, NULL },
	{ { "GRPC_TARGET=127.1.2.3:1" }, NULL },
	{ { "REFRESH_URL=h:1", "GRPC_TARGET=unix:/x" }, NULL },
	{ { "REFRESH_URL=h:1", "AUTHORIZATION_SERVER=1", "TOKEN_HANDLER=exec:/bin/true" }, NULL },
};

START_TEST(judges_settings_together)
{
	struct config c = with(rules[_i].env);
	struct tp_err err = { .msg = "" };
	enum tp_rc rc = config_check(&c, false, &err);

	ck_assert_str_eq(err.msg, rules[_i].message != NULL ? rules[_i].message : "");
	ck_assert_int_eq(rc, rules[_i].message != NULL ? TP_INVALID : TP_OK);
	config_release(&c);
}
END_TEST

START_TEST(needs_no_handler_setting_when_the_program_brings_one)
{
	struct config c = with((const char *const[]){ "AUTHORIZATION_SERVER=1", NULL });
	struct tp_err err;

	ck_assert_int_eq(config_check(&c, true, &err), TP_OK);
	ck_assert_int_eq(config_check(&c, false, &err), TP_INVALID);
	config_release(&c);
}
END_TEST

START_TEST(takes_an_address_in_refresh_url_for_grpc)
{
	static const struct {
		const char *env[MOST];
		const char *path, *listen, *target;
	} rows[] = {
		{ { NULL }, "/refresh", "127.0.0.1:50051", "127.0.0.1:50051" },
		{ { "REFRESH_URL=/r" }, "/r", "127.0.0.1:50051", "127.0.0.1:50051" },
		{ { "REFRESH_URL=h:1" }, "/refresh", "h:1", "h:1" },
		{ { "REFRESH_URL=h:1", "GRPC_LISTEN=0.0.0.0:1" }, "/refresh", "0.0.0.0:1", "h:1" },
		{ { "GRPC_TARGET=unix:/x" }, "/refresh", "127.0.0.1:50051", "unix:/x" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct config c = with(rows[i].env);

		ck_assert_str_eq(config_refresh_path(&c), rows[i].path);
		ck_assert_str_eq(config_grpc_listen(&c), rows[i].listen);
		ck_assert_str_eq(config_grpc_target(&c), rows[i].target);
		config_release(&c);
	}
}
END_TEST

static void collect(void *arg, const char *sentence)
{
	buf_printf(arg, "%s\n", sentence);
}

#define QUIET "CORS_URLS=https://a.example"

static const struct {
	const char *env[MOST];
	const char *sentences;
} warned[] = {
	{ { QUIET }, "" },
	{ { NULL }, "CORS_URLS is not set: the default *.prismatica.in may read answers\n" },
	{ { "ENABLE_CORS=0" }, "" },
	{ { "CORS_URLS=https://a.example,*" },
	  "CORS_URLS has *: CORS_ALLOW_CREDENTIALS does not apply to it\n" },
	{ { "CORS_URLS=*", "CORS_ALLOW_CREDENTIALS=0" }, "" },
	{ { "CORS_URLS=*", "ENABLE_CORS=0" }, "" },
	{ { QUIET, "COOKIE_SECURE=0" },
	  "COOKIE_SECURE is false: sessions can be stolen from plain connections\n" },
	{ { QUIET, "EXPIRY=2", "LEEWAY=0" },
	  "REFRESH_RESTRICT_MINUTES is not below EXPIRY: no session can be refreshed\n" },
	{ { QUIET, "EXPIRY=10", "SESSION_MAX=9" },
	  "SESSION_MAX is below EXPIRY: no session lives as long as EXPIRY\n" },
	{ { QUIET, "EXPIRY=10", "SESSION_MAX=10" }, "" },
	{ { QUIET, "EXPIRY=9" }, "LEEWAY is above EXPIRY\n" },
	{ { QUIET, "TOKEN_HANDLER=exec:/bin/true" },
	  "TOKEN_HANDLER is set and AUTHORIZATION_SERVER is false: nobody can log in here\n" },
	{ { QUIET, "LOGIN_PAGE_URL=/login" },
	  "LOGIN_PAGE_URL is set and AUTHORIZATION_SERVER is false: there is no login page "
	  "here\n" },
	{ { QUIET, "OPENAPI_URL=" }, "" },
	{ { QUIET, "OPENAPI_URL=", "DOCS_URL=/d" },
	  "DOCS_URL and REDOC_URL show nothing while OPENAPI_URL is empty\n" },
};

START_TEST(warns_of_what_is_hardly_meant)
{
	TP_CLEANUP(buf_release) struct buf all = BUF_INIT(4096);
	struct config c = with(warned[_i].env);

	config_warnings(&c, collect, &all);
	ck_assert_str_eq(buf_cstr(&all), warned[_i].sentences);
	config_release(&c);
}
END_TEST

static Suite *config_check_suite(void)
{
	Suite *s = suite_create("config_check");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, judges_settings_together, 0, (int)TP_COUNT(rules));
	tcase_add_test(t, needs_no_handler_setting_when_the_program_brings_one);
	tcase_add_test(t, takes_an_address_in_refresh_url_for_grpc);
	tcase_add_loop_test(t, warns_of_what_is_hardly_meant, 0, (int)TP_COUNT(warned));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(config_check_suite());
}
