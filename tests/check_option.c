/* SPDX-License-Identifier: MIT */
/* option: the table against the contract: every setting, with its default. */
#include "config/option.h"

#include "config/config.h"
#include "support/check_run.h"

#include "base/banned.h"

/* clang-format off */
static const struct {
	const char *name, *def; /* NULL: none */
} contract[] = {
	{ "DOCS_URL", "/docs" },
	{ "REDOC_URL", "/redoc" },
	{ "OPENAPI_URL", "/openapi.json" },
	{ "PUBLIC_KEY", NULL },
	{ "PRIVATE_KEY", NULL },
	{ "SECRET_KEY", NULL },
	{ "ALGORITHM", "HS256" },
	{ "ISSUER", "prismaticain" },
	{ "LEEWAY", "10" },
	{ "EXPIRY", "1440" },
	{ "AUTHORIZATION_SERVER", "false" },
	{ "AUTH_SCOPES", NULL },
	{ "TOKEN_URL", "/token" },
	{ "REFRESH_URL", "/refresh" },
	{ "REFRESH_RESTRICT_MINUTES", "2" },
	{ "LOGIN_REDIS_DB", "9" },
	{ "REFRESH_RESTRICT_DB", "8" },
	{ "CORS_URLS", "[\"*.prismatica.in\"]" },
	{ "CORS_ALLOW_CREDENTIALS", "true" },
	{ "CORS_ALLOW_METHODS", "[\"GET\", \"POST\", \"DELETE\", \"PUT\", \"OPTIONS\", \"PATCH\"]" },
	{ "CORS_ALLOW_HEADERS", "[\"*\"]" },
	{ "ENABLE_CORS", "true" },
	{ "DB_URL", "lmdb://" },
	{ "DB_TYPE", NULL },
	{ "REDIS_CONNECTION_TYPE", "direct" },
	{ "REDIS_MASTER_SERVICE", NULL },
	{ "DB_TIMEOUT", "30" },
	{ "DB_WAIT_REPLICAS", "0" },
	{ "REQUIRED_SCOPES", "" },
	{ "AUTHORIZER_PREFLIGHT", "pass" },
	{ "TRUSTED_PROXIES", "" },
	{ "AUTHORIZER_PASS_JWT", "false" },
	{ "SCOPE_RULES", NULL },
	{ "LOGIN_URL", NULL },
	{ "GRPC_SECRET", NULL },
	{ "LOG_TARGET", "stderr" },
	{ "GRPC_TLS_CERT", NULL },
	{ "GRPC_TLS_KEY", NULL },
	{ "GRPC_TLS_CLIENT_CA", NULL },
	{ "REFRESH_TIMEOUT_MS", "250" },
	{ "GRPC_LISTEN", NULL },
	{ "GRPC_TARGET", NULL },
	{ "GRPC_TLS_CA", NULL },
	{ "SESSION_MAX", "0" },
	{ "SESSIONS_PER_USER", "100" },
	{ "REFRESH_RECHECK", "true" },
	{ "VERIFY_KEYS", "" },
	{ "PUBLIC_URL", NULL },
	{ "COOKIE_PREFIX", "" },
	{ "SESSIONS_URL", "/sessions" },
	{ "LOGIN_PAGE_URL", "" },
	{ "TOKEN_FORMAT", "opaque" },
	{ "COOKIE_SECURE", "true" },
	{ "COOKIE_SAMESITE", "strict" },
	{ "COOKIE_DOMAIN", NULL },
	{ "COOKIE_PATH", "/" },
	{ "ROOT_PATH", "" },
	{ "USERINFO_URL", "/userinfo" },
	{ "LOGOUT_URL", "/logout" },
	{ "AUTH_URL", "/auth" },
	{ "HEALTH_URL", "/api/healthcheck" },
	{ "TOKEN_HANDLER", NULL },
	{ "LOG_LEVEL", "info" },
	{ "LOG_FORMAT", "logfmt" },
	{ "MAX_BODY_BYTES", "65536" },
	{ "APP_TITLE", "tpauth" },
	{ "APP_DESCRIPTION", "" },
};
/* clang-format on */

START_TEST(has_every_setting_of_the_contract_with_its_default)
{
	struct option_index index;

	option_index_init(&index);
	for (size_t i = 0; i < TP_COUNT(contract); i++) {
		const struct option *o = option_find(&index, span_of(contract[i].name));

		ck_assert_msg(o != NULL, "%s", contract[i].name);
		ck_assert_str_eq(o->name, contract[i].name);
		ck_assert_msg(!(o->flags & OPTION_F_FLAG), "%s", contract[i].name);
		ck_assert_pstr_eq(o->def, contract[i].def);
	}
}
END_TEST

START_TEST(has_defaults_that_the_build_chose)
{
	static const char *const names[] = { "STATE_DIR", "MODULE_DIR", "APP_VERSION" };
	struct option_index index;

	option_index_init(&index);
	for (size_t i = 0; i < TP_COUNT(names); i++) {
		const struct option *o = option_find(&index, span_of(names[i]));

		ck_assert_ptr_nonnull(o);
		ck_assert_ptr_nonnull(o->def);
		ck_assert(o->flags & OPTION_F_BUILT);
	}
}
END_TEST

START_TEST(finds_each_row_by_its_exact_name)
{
	static const char *const others[] = { "", "EXPIR", "EXPIRYY", "expiry", "EXPIRY_FILE" };
	struct option_index index;

	option_index_init(&index);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		ck_assert_ptr_eq(option_find(&index, span_of(option_table[i].name)),
				 &option_table[i]);
	for (size_t i = 0; i < TP_COUNT(others); i++)
		ck_assert_ptr_null(option_find(&index, span_of(others[i])));
}
END_TEST

START_TEST(has_no_name_that_a_client_could_send)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		struct span name = span_of(option_table[i].name);

		ck_assert(!span_starts(name, "HTTP_"));
		ck_assert(!span_starts(name, "REDIRECT_"));
		/* NAME_FILE must not be a setting of its own. */
		ck_assert(name.len < 5 || memcmp(name.p + name.len - 5, "_FILE", 5) != 0);
	}
}
END_TEST

START_TEST(numbers_its_choices_as_the_enums_do)
{
	static const struct {
		enum option_id id;
		int number;
		const char *word;
	} rows[] = {
		{ OPTION_ALGORITHM, CONFIG_ALG_HS256, "HS256" },
		{ OPTION_ALGORITHM, CONFIG_ALG_RS256, "RS256" },
		{ OPTION_TOKEN_FORMAT, CONFIG_TOKEN_OPAQUE, "opaque" },
		{ OPTION_TOKEN_FORMAT, CONFIG_TOKEN_JWT, "jwt" },
		{ OPTION_REDIS_CONNECTION_TYPE, CONFIG_REDIS_DIRECT, "direct" },
		{ OPTION_REDIS_CONNECTION_TYPE, CONFIG_REDIS_SENTINEL, "sentinel" },
		{ OPTION_COOKIE_SAMESITE, CONFIG_SAMESITE_STRICT, "strict" },
		{ OPTION_COOKIE_SAMESITE, CONFIG_SAMESITE_LAX, "lax" },
		{ OPTION_COOKIE_SAMESITE, CONFIG_SAMESITE_NONE, "none" },
		{ OPTION_AUTHORIZER_PREFLIGHT, CONFIG_PREFLIGHT_PASS, "pass" },
		{ OPTION_AUTHORIZER_PREFLIGHT, CONFIG_PREFLIGHT_CHECK, "check" },
		{ OPTION_LOG_FORMAT, CONFIG_LOG_LOGFMT, "logfmt" },
		{ OPTION_LOG_FORMAT, CONFIG_LOG_JSON, "json" },
		{ OPTION_LOG_LEVEL, CONFIG_LOG_ERROR, "error" },
		{ OPTION_LOG_LEVEL, CONFIG_LOG_WARNING, "warning" },
		{ OPTION_LOG_LEVEL, CONFIG_LOG_NOTICE, "notice" },
		{ OPTION_LOG_LEVEL, CONFIG_LOG_INFO, "info" },
		{ OPTION_LOG_LEVEL, CONFIG_LOG_DEBUG, "debug" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++)
		ck_assert_msg(span_is(option_choice(&option_table[rows[i].id], rows[i].number),
				      rows[i].word),
			      "%s", rows[i].word);
	ck_assert_ptr_null(option_choice(&option_table[OPTION_LOG_LEVEL], 5).p);
	ck_assert_ptr_null(option_choice(&option_table[OPTION_ISSUER], 0).p);
}
END_TEST

START_TEST(has_groups_that_cover_every_row_in_order)
{
	ck_assert_uint_eq(option_groups[0].first, 0);
	for (size_t i = 1; i < option_group_count; i++)
		ck_assert_uint_gt(option_groups[i].first, option_groups[i - 1].first);
	ck_assert_uint_lt(option_groups[option_group_count - 1].first, OPTION_COUNT);
}
END_TEST

static Suite *option_suite(void)
{
	Suite *s = suite_create("option");
	TCase *t = tcase_create("table");

	tcase_add_test(t, has_every_setting_of_the_contract_with_its_default);
	tcase_add_test(t, has_defaults_that_the_build_chose);
	tcase_add_test(t, finds_each_row_by_its_exact_name);
	tcase_add_test(t, has_no_name_that_a_client_could_send);
	tcase_add_test(t, numbers_its_choices_as_the_enums_do);
	tcase_add_test(t, has_groups_that_cover_every_row_in_order);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(option_suite());
}
