/* SPDX-License-Identifier: MIT */
/* config: the sources of the settings, their order, and what is refused in each. */
#include "config/config.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define MARKER "s3cr3t-marker"

enum { MOST_WORDS = 16 };

/* One call of a program: words, variables, and the content of the file behind --config. */
struct call {
	const char *args[MOST_WORDS], *env[MOST_WORDS];
	const char *file; /* NULL: none */
};

static char folder[] = "/tmp/check_config.XXXXXX";
static char file_path[sizeof(folder) + 16], key_path[sizeof(folder) + 16];

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file_path, sizeof(file_path), "%s/conf", folder);
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
}

static void tear_down(void)
{
	unlink(file_path);
	unlink(key_path);
	rmdir(folder);
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

static void write_bytes(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

static void put_word(char **to, size_t *n, const char *word)
{
	to[*n] = strdup(word);
	ck_assert_ptr_nonnull(to[*n]);
	(*n)++;
}

static enum tp_rc load(const struct call *call, struct config *ret, struct tp_err *err)
{
	char *argv[MOST_WORDS + 3] = { NULL }, *envp[MOST_WORDS + 1] = { NULL };
	size_t argc = 0, envc = 0;
	enum tp_rc rc;

	put_word(argv, &argc, "tpauth");
	if (call->file != NULL) {
		write_text(file_path, call->file);
		put_word(argv, &argc, "--config");
		put_word(argv, &argc, file_path);
	}
	for (size_t i = 0; i < MOST_WORDS && call->args[i] != NULL; i++)
		put_word(argv, &argc, call->args[i]);
	for (size_t i = 0; i < MOST_WORDS && call->env[i] != NULL; i++)
		put_word(envp, &envc, call->env[i]);
	*err = (struct tp_err){ 0 };
	rc = config_load((int)argc, argv, envp, ret, err);
	while (argc > 0)
		free(argv[--argc]);
	while (envc > 0)
		free(envp[--envc]);
	return rc;
}

/* Loads what must load. */
static struct config loaded(const struct call *call)
{
	struct config c;
	struct tp_err err;
	enum tp_rc rc = load(call, &c, &err);

	ck_assert_msg(rc == TP_OK, "%s", err.msg);
	return c;
}

START_TEST(has_its_defaults_as_values)
{
	struct config c = loaded(&(struct call){ 0 });

	ck_assert_str_eq(c.issuer, "prismaticain");
	ck_assert_str_eq(c.db_url.p, "lmdb://");
	ck_assert_uint_eq(c.secret_key.len, 0);
	ck_assert_int_eq(c.algorithm, CONFIG_ALG_HS256);
	ck_assert_int_eq(c.leeway_s, 600);
	ck_assert_int_eq(c.expiry_s, 86400);
	ck_assert_int_eq(c.session_max_s, 0);
	ck_assert_int_eq(c.refresh_restrict_s, 120);
	ck_assert_int_eq(c.db_timeout_ms, 30000);
	ck_assert_int_eq(c.refresh_timeout_ms, 250);
	ck_assert_int_eq(c.max_body_bytes, 65536);
	ck_assert_int_eq(c.listen_mode, 0660);
	ck_assert_int_eq(c.workers, 0);
	ck_assert(!c.authorization_server);
	ck_assert(c.enable_cors);
	ck_assert_ptr_null(c.auth_scopes);
	ck_assert_ptr_null(c.db_type);
	ck_assert_str_eq(c.login_page_url, "");
	ck_assert_uint_eq(c.cors_allow_methods.n, 6);
	ck_assert_str_eq(c.cors_allow_methods.v[5], "PATCH");
	ck_assert_uint_eq(c.verify_keys.n, 0);
	ck_assert_ptr_null(c.verify_keys.v[0]);
	config_release(&c);
}
END_TEST

START_TEST(takes_flag_over_environment_over_file_over_default)
{
	struct call call = { 0 };
	struct config c = loaded(&call);

	ck_assert_int_eq(c.sessions_per_user, 100);
	ck_assert(!config_is_set(&c, OPTION_SESSIONS_PER_USER));
	config_release(&c);

	call.file = "SESSIONS_PER_USER = 2\n";
	c = loaded(&call);
	ck_assert_int_eq(c.sessions_per_user, 2);
	ck_assert(config_is_set(&c, OPTION_SESSIONS_PER_USER));
	config_release(&c);

	call.env[0] = "SESSIONS_PER_USER=3";
	c = loaded(&call);
	ck_assert_int_eq(c.sessions_per_user, 3);
	ck_assert(config_is_set(&c, OPTION_SESSIONS_PER_USER));
	config_release(&c);

	call.args[0] = "--sessions-per-user=4";
	c = loaded(&call);
	ck_assert_int_eq(c.sessions_per_user, 4);
	ck_assert(config_is_set(&c, OPTION_SESSIONS_PER_USER));
	config_release(&c);
}
END_TEST

START_TEST(tells_a_default_that_was_written_from_one_that_was_not)
{
	struct config c = loaded(&(struct call){ .env = { "CORS_URLS=[\"*.prismatica.in\"]" } });

	ck_assert(config_is_set(&c, OPTION_CORS_URLS));
	ck_assert(!config_is_set(&c, OPTION_CORS_ALLOW_HEADERS));
	config_release(&c);
}
END_TEST

START_TEST(tells_empty_from_absent)
{
	struct config c = loaded(&(struct call){
		.env = { "DOCS_URL=", "LOGIN_URL=", "CORS_ALLOW_METHODS=", "AUTH_SCOPES=" } });

	ck_assert_str_eq(c.docs_url, "");
	ck_assert_str_eq(c.redoc_url, "/redoc");
	ck_assert_ptr_null(c.login_url);
	ck_assert_ptr_null(c.auth_scopes);
	ck_assert_uint_eq(c.cors_allow_methods.n, 0);
	ck_assert_ptr_null(c.cors_allow_methods.v[0]);
	config_release(&c);
}
END_TEST

START_TEST(reads_the_forms_of_a_flag)
{
	struct config c = loaded(&(struct call){
		.args = { "--issuer=a=b", "--expiry", "5", "--authorizer-pass-jwt", "--enable-cors",
			  "No", "--cookie-secure=off", "--docs-url", "", "keys", "--expiry" } });

	ck_assert_str_eq(c.issuer, "a=b");
	ck_assert_int_eq(c.expiry_s, 300);
	ck_assert(c.authorizer_pass_jwt);
	ck_assert(!c.enable_cors);
	ck_assert(!c.cookie_secure);
	ck_assert_str_eq(c.docs_url, "");
	ck_assert_int_eq(c.first_operand, 10);
	config_release(&c);
}
END_TEST

START_TEST(finds_where_the_operands_begin)
{
	static const struct {
		struct call call;
		int first;
	} rows[] = {
		{ { .args = { NULL } }, 1 },
		{ { .args = { "keys", "--expiry" } }, 1 },
		{ { .args = { "-" } }, 1 },
		{ { .args = { "--", "--expiry" } }, 2 },
		{ { .args = { "--check-config", "keys" } }, 2 },
		{ { .args = { "--workers", "2" } }, 3 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct config c = loaded(&rows[i].call);

		ck_assert_int_eq(c.first_operand, rows[i].first);
		config_release(&c);
	}
}
END_TEST

START_TEST(takes_no_arguments_at_all)
{
	struct config c;
	struct tp_err err;

	ck_assert_int_eq(config_load(0, NULL, NULL, &c, &err), TP_OK);
	ck_assert_int_eq(c.first_operand, 0);
	config_release(&c);
	config_release(&c);
	config_release(NULL);
}
END_TEST

START_TEST(looks_at_exact_names_of_the_environment_only)
{
	struct config c = loaded(&(struct call){
		.env = { "HTTP_SECRET_KEY=" MARKER, "HTTP_EXPIRY=x", "REDIRECT_ISSUER=x",
			 "expiry=x", "EXPIRY_=x", "XEXPIRY=x", "EXPIRY_FILE=/none", "LISTEN=x",
			 "HELP=x", "CONFIG=/none", "EXPIRY", "=x", "UNKNOWN_SETTING=1" } });

	ck_assert_uint_eq(c.secret_key.len, 0);
	ck_assert_int_eq(c.expiry_s, 86400);
	ck_assert_str_eq(c.issuer, "prismaticain");
	ck_assert_ptr_null(c.listen);
	ck_assert_ptr_null(c.config_file);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		ck_assert(!config_is_set(&c, (enum option_id)i));
	config_release(&c);
}
END_TEST

START_TEST(finds_its_file_by_flag_or_variable)
{
	char variable[64], flag[64];
	struct config c;

	write_text(file_path, "EXPIRY = 7\n");
	snprintf(variable, sizeof(variable), "TPAUTH_CONFIG=%s", file_path);
	c = loaded(&(struct call){ .env = { variable } });
	ck_assert_int_eq(c.expiry_s, 420);
	ck_assert_str_eq(c.config_file, file_path);
	config_release(&c);

	snprintf(flag, sizeof(flag), "--config=%s", file_path);
	c = loaded(&(struct call){ .args = { flag }, .env = { "TPAUTH_CONFIG=/none" } });
	ck_assert_int_eq(c.expiry_s, 420);
	config_release(&c);

	c = loaded(&(struct call){ .env = { "TPAUTH_CONFIG=" } });
	ck_assert_int_eq(c.expiry_s, 86400);
	config_release(&c);
}
END_TEST

/* The lines of the Python original's document. */
static const char original_file[] =
	"# Memory Database Configuration (Required)\n"
	"DB_URL = redis://localhost:6379/0\n"
	"# Let's Utility know this microservice is a authorization server.\n"
	"AUTHORIZATION_SERVER = True\n"
	"# Domain or Company Name.\n"
	"ISSUER = prismaticain\n"
	"LEEWAY = 10\n"
	"EXPIRY = 1440\n"
	"# Time in minutes to restrict token refresh after use (prevents replay attacks).\n"
	"REFRESH_RESTRICT_MINUTES = 2\n"
	"AUTH_SCOPES = {\"read\": \"Read Access\", \"write\": \"Write Access\"}\n"
	"LOGIN_REDIS_DB = 9\n"
	"REFRESH_RESTRICT_DB = 8\n"
	"CORS_URLS = [\"*.prismatica.in\"]\n"
	"CORS_ALLOW_CREDENTIALS = True\n"
	"CORS_ALLOW_METHODS = [\"GET\", \"POST\", \"DELETE\", \"PUT\", \"OPTIONS\", \"PATCH\"]\n"
	"CORS_ALLOW_HEADERS = [\"*\"]\n"
	"ENABLE_CORS = True\n"
	"# If Algorithm is set to HS256.\n"
	"SECRET_KEY = SomeSecret\n"
	"# If Algorithm is set to RS256.\n"
	"PUBLIC_KEY = Base64 Encoded public key\n"
	"PRIVATE_KEY = Base64 Encoded private key\n";

START_TEST(reads_the_file_of_the_python_original)
{
	struct config c = loaded(&(struct call){ .file = original_file });
	struct span read_access;

	ck_assert_str_eq(c.db_url.p, "redis://localhost:6379/0");
	ck_assert(c.authorization_server);
	ck_assert_uint_eq(jval_count(c.auth_scopes), 2);
	ck_assert(jval_str(jval_get(c.auth_scopes, "read"), &read_access));
	ck_assert(span_is(read_access, "Read Access"));
	ck_assert_uint_eq(c.cors_allow_methods.n, 6);
	ck_assert_str_eq(c.secret_key.p, "SomeSecret");
	ck_assert_str_eq(c.public_key.p, "Base64 Encoded public key");
	ck_assert_str_eq(c.private_key.p, "Base64 Encoded private key");
	config_release(&c);
}
END_TEST

START_TEST(reads_a_secret_from_a_file)
{
	static const struct {
		const char *content, *secret;
	} rows[] = {
		{ MARKER "\n", MARKER },	{ MARKER, MARKER },	  { MARKER "\r\n", MARKER },
		{ MARKER "\n\n", MARKER "\n" }, { " a \nb\n", " a \nb" },
	};
	char variable[64], flag[64], line[64];

	snprintf(variable, sizeof(variable), "SECRET_KEY_FILE=%s", key_path);
	snprintf(flag, sizeof(flag), "--secret-key-file=%s", key_path);
	snprintf(line, sizeof(line), "SECRET_KEY_FILE = %s\n", key_path);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		const struct call calls[] = { { .env = { variable } },
					      { .args = { flag } },
					      { .file = line } };

		write_text(key_path, rows[i].content);
		for (size_t k = 0; k < TP_COUNT(calls); k++) {
			struct config c = loaded(&calls[k]);

			ck_assert_str_eq(c.secret_key.p, rows[i].secret);
			ck_assert(config_is_set(&c, OPTION_SECRET_KEY));
			config_release(&c);
		}
	}
}
END_TEST

START_TEST(takes_any_bytes_of_a_secret_file_but_none)
{
	char variable[64];
	struct config c;
	struct tp_err err;

	snprintf(variable, sizeof(variable), "SECRET_KEY_FILE=%s", key_path);
	write_text(key_path, "\n");
	ck_assert_int_eq(load(&(struct call){ .env = { variable } }, &c, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "environment: SECRET_KEY_FILE: the file is empty");
	write_bytes(key_path, "a\0\xff\n", 4);
	c = loaded(&(struct call){ .env = { variable } });
	ck_assert_uint_eq(c.secret_key.len, 3);
	ck_assert_mem_eq(c.secret_key.p, "a\0\xff", 3);
	config_release(&c);
}
END_TEST

START_TEST(does_not_look_at_what_a_stronger_source_overrides)
{
	struct config c = loaded(&(struct call){ .env = { "SECRET_KEY=abc", "EXPIRY=5" },
						 .file = "SECRET_KEY_FILE = /none\nEXPIRY = x\n" });

	ck_assert_str_eq(c.secret_key.p, "abc");
	ck_assert_int_eq(c.expiry_s, 300);
	config_release(&c);
}
END_TEST

START_TEST(takes_only_open_secrets_from_the_command_line)
{
	struct config c = loaded(
		&(struct call){ .args = { "--db-url", "redis://localhost", "--public-key=cGVt" } });

	ck_assert_str_eq(c.db_url.p, "redis://localhost");
	ck_assert_str_eq(c.public_key.p, "cGVt");
	config_release(&c);
}
END_TEST

START_TEST(reads_nothing_else_for_help_or_version)
{
	struct config c = loaded(
		&(struct call){ .args = { "--config=/none", "--help" }, .env = { "EXPIRY=x" } });

	ck_assert(c.help);
	ck_assert_int_eq(c.expiry_s, 86400);
	config_release(&c);
	c = loaded(&(struct call){ .args = { "--version" }, .env = { "EXPIRY=x" } });
	ck_assert(c.version);
	config_release(&c);
}
END_TEST

/* KEY and CONF stand for the paths of the two files. */
static const struct {
	struct call call;
	const char *message;
} refused[] = {
	{ { .args = { "--no-such" } }, "no such flag: --no-such" },
	{ { .args = { "--Expiry=1" } }, "no such flag: --Expiry" },
	{ { .args = { "--db_url=x" } }, "no such flag: --db_url" },
	{ { .args = { "--expiry-file=/x" } }, "no such flag: --expiry-file" },
	{ { .args = { "--secretkey=" MARKER } }, "no such flag: --secretkey" },
	{ { .args = { "-p" MARKER } }, "flags begin with two dashes" },
	{ { .args = { "--expiry" } }, "--expiry needs a value" },
	{ { .args = { "--expiry", "--help" } }, "--expiry needs a value" },
	{ { .args = { "--workers=9999" } },
	  "command line: WORKERS: got \"9999\", takes a number from 0 to 512" },
	{ { .args = { "--expiry=1", "--expiry=1" } }, "command line: EXPIRY: given twice" },
	{ { .args = { "--secret-key", MARKER } },
	  "--secret-key: others can read a secret there; use SECRET_KEY in the environment or "
	  "--secret-key-file" },
	{ { .args = { "--private-key=" MARKER } },
	  "--private-key: others can read a secret there; use PRIVATE_KEY in the environment or "
	  "--private-key-file" },
	{ { .args = { "--db-url=redis://u:" MARKER "@h" } },
	  "--db-url: others can read a secret there; use DB_URL in the environment or "
	  "--db-url-file" },
	{ { .args = { "--secret-key-file=key" } },
	  "command line: SECRET_KEY_FILE: takes an absolute path" },
	{ { .env = { "EXPIRY=" } },
	  "environment: EXPIRY: got nothing, takes 1s to 366d, in minutes "
	  "or with a unit (s, m, h, d)" },
	{ { .env = { "EXPIRY=abc" } },
	  "environment: EXPIRY: got \"abc\", takes 1s to 366d, in "
	  "minutes or with a unit (s, m, h, d)" },
	{ { .env = { "EXPIRY=1", "EXPIRY=1" } }, "environment: EXPIRY: given twice" },
	{ { .env = { "SECRET_KEY=" MARKER, "SECRET_KEY_FILE=/none" } },
	  "environment: SECRET_KEY: given twice (as itself or as _FILE)" },
	{ { .env = { "SECRET_KEY_FILE=/" } },
	  "environment: SECRET_KEY_FILE: cannot read the file: not a regular file" },
	{ { .env = { "SECRET_KEY_FILE=/" MARKER } },
	  "environment: SECRET_KEY_FILE: cannot read the file: No such file or directory" },
	{ { .env = { "SECRET_KEY_FILE=/dev/null" } },
	  "environment: SECRET_KEY_FILE: cannot read the file: not a regular file" },
	{ { .env = { "TPAUTH_CONFIG=/none" } }, "cannot read /none: No such file or directory" },
	{ { .file = "\nNO_SUCH = 1\n" }, "CONF:2: NO_SUCH: no such setting" },
	{ { .file = "LISTEN = /x\n" },
	  "CONF:1: LISTEN: a flag of the command line, not a setting" },
	{ { .file = "TPAUTH_CONFIG = /x\n" }, "CONF:1: TPAUTH_CONFIG: no such setting" },
	{ { .file = "EXPIRY = 1\n\nLEEWAY = 1\nEXPIRY = 1\n" },
	  "CONF:4: EXPIRY: given on line 1 already" },
	{ { .file = "SECRET_KEY = " MARKER "\nSECRET_KEY_FILE = /none\n" },
	  "CONF:2: SECRET_KEY: given on line 1 already" },
	{ { .file = "SECRET_KEY = '" MARKER "\n" }, "CONF:1: a quote is not closed on its line" },
	{ { .file = "#\n" MARKER "\n" }, "CONF:2: a line is not of the form NAME = value" },
	{ { .file = "ALGORITHM = RS512 # yet\n" },
	  "CONF:1: ALGORITHM: got \"RS512\", takes HS256 or RS256" },
	{ { .file = "TOKEN_URL = token\n" },
	  "CONF:1: TOKEN_URL: got \"token\", takes a path that begins with /" },
};

/* The message with CONF filled in. */
static void expect(const char *pattern, const char *message)
{
	char want[512];

	if (strncmp(pattern, "CONF", 4) == 0)
		snprintf(want, sizeof(want), "%s%s", file_path, pattern + 4);
	else
		snprintf(want, sizeof(want), "%s", pattern);
	ck_assert_str_eq(message, want);
}

START_TEST(refuses_in_one_line_that_says_where_and_why)
{
	struct config c;
	struct tp_err err;

	ck_assert_int_eq(load(&refused[_i].call, &c, &err), TP_INVALID);
	ck_assert_int_eq(err.rc, TP_INVALID);
	expect(refused[_i].message, err.msg);
	ck_assert_ptr_null(strstr(err.msg, MARKER));
	ck_assert_ptr_null(c.issuer); /* nothing is left behind */
	ck_assert_int_eq(c.expiry_s, 0);
}
END_TEST

START_TEST(never_shows_a_secret_in_a_message)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];
		struct config c;
		struct tp_err err;
		char *text, *line;

		if (o->type != OPTION_TYPE_SECRET)
			continue;
		text = calloc(1, LIMIT_PEM + 100);
		line = calloc(1, LIMIT_PEM + 100);
		ck_assert(text != NULL && line != NULL);
		for (size_t k = 0; k <= LIMIT_PEM; k += strlen(MARKER))
			memcpy(text + k, MARKER, strlen(MARKER));
		snprintf(line, LIMIT_PEM + 100, "%s = %s\n", o->name, text);
		ck_assert_int_eq(load(&(struct call){ .file = line }, &c, &err), TP_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "its value has more than 16384 bytes"));
		ck_assert_ptr_null(strstr(err.msg, "marker"));
		free(text);
		free(line);
	}
}
END_TEST

START_TEST(refuses_a_file_that_is_too_large)
{
	char variable[64];
	struct config c;
	struct tp_err err;
	char *text = malloc(LIMIT_CONFIG_FILE + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', LIMIT_CONFIG_FILE + 1);
	snprintf(variable, sizeof(variable), "TPAUTH_CONFIG=%s", file_path);
	write_bytes(file_path, text, LIMIT_CONFIG_FILE);
	ck_assert_int_eq(load(&(struct call){ .env = { variable } }, &c, &err), TP_OK);
	config_release(&c);
	write_bytes(file_path, text, LIMIT_CONFIG_FILE + 1);
	ck_assert_int_eq(load(&(struct call){ .env = { variable } }, &c, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, ": it is larger than"));
	free(text);
}
END_TEST

START_TEST(says_when_there_is_no_memory)
{
	char variable[64];
	char secret[] = "SECRET_KEY=0123456789";
	char *envp[] = { variable, secret, NULL };
	char program[] = "tpauth", flag[] = "--docs-url=/d";
	char *argv[] = { program, flag, NULL };
	enum tp_rc rc = TP_NOMEM;

	write_text(file_path, "ISSUER = 'a'\nREQUIRED_SCOPES = a, b\nPRIVATE_KEY = \"x\"\n");
	snprintf(variable, sizeof(variable), "TPAUTH_CONFIG=%s", file_path);
	for (long n = 1; rc != TP_OK; n++) {
		struct config c;
		struct tp_err err = { .msg = "" };

		alloc_fail_at(n);
		rc = config_load(2, argv, envp, &c, &err);
		ck_assert_int_eq(rc, alloc_fail_off() ? TP_NOMEM : TP_OK);
		ck_assert(rc == TP_OK || strstr(err.msg, "out of memory") != NULL);
		config_release(&c);
		ck_assert_int_lt(n, 1000);
	}
}
END_TEST

static Suite *config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *sources = tcase_create("sources");
	TCase *refusals = tcase_create("refusals");

	tcase_add_checked_fixture(sources, set_up, tear_down);
	tcase_add_test(sources, has_its_defaults_as_values);
	tcase_add_test(sources, takes_flag_over_environment_over_file_over_default);
	tcase_add_test(sources, tells_a_default_that_was_written_from_one_that_was_not);
	tcase_add_test(sources, tells_empty_from_absent);
	tcase_add_test(sources, reads_the_forms_of_a_flag);
	tcase_add_test(sources, finds_where_the_operands_begin);
	tcase_add_test(sources, takes_no_arguments_at_all);
	tcase_add_test(sources, looks_at_exact_names_of_the_environment_only);
	tcase_add_test(sources, finds_its_file_by_flag_or_variable);
	tcase_add_test(sources, reads_the_file_of_the_python_original);
	tcase_add_test(sources, reads_a_secret_from_a_file);
	tcase_add_test(sources, takes_any_bytes_of_a_secret_file_but_none);
	tcase_add_test(sources, does_not_look_at_what_a_stronger_source_overrides);
	tcase_add_test(sources, takes_only_open_secrets_from_the_command_line);
	tcase_add_test(sources, reads_nothing_else_for_help_or_version);
	suite_add_tcase(s, sources);
	tcase_add_checked_fixture(refusals, set_up, tear_down);
	tcase_add_loop_test(refusals, refuses_in_one_line_that_says_where_and_why, 0,
			    (int)TP_COUNT(refused));
	tcase_add_test(refusals, says_when_there_is_no_memory);
	tcase_add_test(refusals, never_shows_a_secret_in_a_message);
	tcase_add_test(refusals, refuses_a_file_that_is_too_large);
	suite_add_tcase(s, refusals);
	return s;
}

int main(void)
{
	return check_run(config_suite());
}
