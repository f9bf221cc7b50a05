/* SPDX-License-Identifier: MIT */
/*
 * The validator over a real store: sessions are opened by a process of their own, as the
 * authorization server does it, and proved here by what a request shows. Whatever goes wrong, the
 * answer is never TPAUTH_OK.
 */
#include "auth/session.h"
#include "base/limits.h"
#include "hook/claims.h"
#include "run/boot.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/http_rig.h"
#include "support/test_keys.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define USER "user_099"

/* What a child has made. */
static struct {
	char handle[LIMIT_HANDLE], jwt[LIMIT_JWT], bearer[512];
} * session;

static struct tpauth_validator *v;
static char error[160];
static char state_dir[300];
static const char *const key = "SECRET_KEY=" TEST_SECRET;

/* ---- the other process ---- */

static void must(enum tp_rc rc, const struct tp_err *err)
{
	if (rc != TP_OK) {
		fprintf(stderr, "check_validator: %s\n", err->msg);
		_exit(EXIT_FAILURE);
	}
}

static void open_issuer(struct app *app)
{
	char server[] = "AUTHORIZATION_SERVER=true", handler[] = "TOKEN_HANDLER=exec:/bin/true";
	char secret[] = "SECRET_KEY=" TEST_SECRET, *argv[] = { NULL };
	char *envp[] = { server, handler, secret, state_dir, NULL };
	const struct boot_args args = {
		.argv = argv, .envp = envp, .cgi = true, .edge = &boot_http
	};
	struct tp_err err = { 0 };

	must(boot_config(&args, app, &err), &err);
	must(boot_open(app, &err), &err);
}

static void issue(const struct auth_ctx *a)
{
	struct jval *claims = jval_new_object();
	struct session_login login = { .claims = claims };
	struct session_minted minted = { 0 };
	struct buf bearer = BUF_INIT(sizeof(session->bearer) - 1);
	struct scope_set granted;
	struct tp_err err = { 0 };

	must(scope_parse(SPAN_LIT("user:read user:write"), &granted, &err), &err);
	login.granted = &granted;
	must(jval_set_str(claims, "user_id", SPAN_LIT(USER), &err), &err);
	must(session_open(a, &login, &minted, &err), &err);
	session_bearer(SPAN_LIT(USER), secret_view(&minted.handle), &bearer);
	snprintf(session->handle, sizeof(session->handle), "%s", minted.handle.p);
	snprintf(session->jwt, sizeof(session->jwt), "%s", minted.jwt.p);
	snprintf(session->bearer, sizeof(session->bearer), "%s", buf_cstr(&bearer));
}

static void end_session(const struct auth_ctx *a)
{
	struct tp_err err = { 0 };

	must(session_close(a, SPAN_LIT(USER), span_of(session->handle), &err), &err);
}

/* An LMDB environment must not be open twice in a process. */
static void elsewhere(void (*work)(const struct auth_ctx *a))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		struct app app;

		open_issuer(&app);
		work(&app.auth);
		_exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* ---- here ---- */

static void opens(const char *const *settings)
{
	ck_assert_msg(tpauth_validator_open(settings, &v, error, sizeof(error)) == TPAUTH_OK, "%s",
		      error);
	ck_assert_str_eq(error, "");
}

static void make_session(void)
{
	folder_make();
	snprintf(state_dir, sizeof(state_dir), "STATE_DIR=%s", folder_path(""));
	session = mmap(NULL, sizeof(*session), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	ck_assert_ptr_ne(session, MAP_FAILED);
	elsewhere(issue);
}

static void setup(void)
{
	make_session();
	opens((const char *const[]){ key, state_dir, NULL });
}

static void teardown(void)
{
	tpauth_validator_close(v);
	folder_remove();
}

#define VARS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *cookies(void)
{
	return http_cookies(USER, span_of(session->handle));
}

static enum tpauth_rc asks(const char *const *request, const char *scopes)
{
	struct tpauth_claims *claims = NULL;
	enum tpauth_rc rc = tpauth_validate(v, request, scopes, &claims);

	ck_assert((claims != NULL) == (rc == TPAUTH_OK));
	ck_assert((tpauth_validator_error(v)[0] == '\0') == (rc == TPAUTH_OK));
	tpauth_claims_free(claims);
	return rc;
}

START_TEST(takes_whatever_shows_a_session)
{
	const char *const shown[] = { cookies(), http_bearer(span_of(session->bearer)), NULL };
	const char *vars[3] = { "REQUEST_METHOD=GET", NULL, NULL };
	struct tpauth_claims *claims;

	for (int i = 0; i < 3; i++) {
		vars[1] = i < 2 ? shown[i] : http_bearer(span_of(session->jwt));
		claims = NULL;
		ck_assert_msg(tpauth_validate(v, vars, "user:read", &claims) == TPAUTH_OK, "%d: %s",
			      i, tpauth_validator_error(v));
		ck_assert_str_eq(tpauth_claims_get(claims, "user_id"), USER);
		ck_assert(tpauth_claims_has(claims, "scopes", "user:write"));
		ck_assert_int_eq(tpauth_validate(v, vars, NULL, NULL), TPAUTH_OK);
		tpauth_claims_set(claims, "mine", "now"); /* the caller's own */
		ck_assert_int_eq(claims_rc(claims, NULL), TP_OK);
		tpauth_claims_free(claims);
	}
}
END_TEST

START_TEST(looks_at_nothing_else)
{
	static char path[3 * LIMIT_PATH] = "PATH_INFO=/";

	memset(path + strlen(path), 'x', sizeof(path) - 1 - strlen(path));
	ck_assert_int_eq(asks(VARS(path, "HTTP_X=a", "HTTP_X=b", "HTTP_X_FORWARDED_HOST=1",
				   "HTTP_X_FORWARDED_HOST=2", "CONTENT_LENGTH=no", "no variable",
				   "REQUEST_METHOD=GET", cookies()),
			      ""),
			 TPAUTH_OK);
}
END_TEST

static const struct {
	const char *scopes;
	enum tpauth_rc rc;
} scopes[] = {
	{ NULL, TPAUTH_OK },
	{ "", TPAUTH_OK },
	{ "user:read", TPAUTH_OK },
	{ "user:write user:read", TPAUTH_OK },
	{ "user:admin", TPAUTH_FORBIDDEN },
	{ "user:read user:admin", TPAUTH_FORBIDDEN },
	{ "user", TPAUTH_FORBIDDEN },
	{ "\"", TPAUTH_INTERNAL },
	{ "a\tb", TPAUTH_INTERNAL },
};

START_TEST(wants_every_scope)
{
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), scopes[_i].scopes),
			 scopes[_i].rc);
}
END_TEST

#define HOST   "HTTP_HOST=app.example"
#define OWN    "HTTP_ORIGIN=https://app.example"
#define EVIL   "HTTP_ORIGIN=https://evil.example"
#define NOBODY "HTTP_ORIGIN=null"
#define CROSS  "HTTP_SEC_FETCH_SITE=cross-site"

static const struct {
	const char *method, *origin, *site;
	enum tpauth_rc cookie, bearer;
} origins[] = {
	{ "REQUEST_METHOD=POST", OWN, "X=", TPAUTH_OK, TPAUTH_OK },
	{ "REQUEST_METHOD=POST", "X=", "X=", TPAUTH_OK, TPAUTH_OK },
	{ "REQUEST_METHOD=POST", EVIL, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=POST", NOBODY, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=POST", "X=", CROSS, TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=DELETE", EVIL, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=PROPFIND", EVIL, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=get", EVIL, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=", EVIL, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "X=", EVIL, "X=", TPAUTH_FORBIDDEN, TPAUTH_OK },
	{ "REQUEST_METHOD=GET", EVIL, CROSS, TPAUTH_OK, TPAUTH_OK },
	{ "REQUEST_METHOD=HEAD", EVIL, CROSS, TPAUTH_OK, TPAUTH_OK },
};

START_TEST(takes_cookies_from_the_own_origin_only)
{
	const char *method = origins[_i].method, *origin = origins[_i].origin;

	ck_assert_int_eq(asks(VARS(method, HOST, origin, origins[_i].site, cookies()), NULL),
			 origins[_i].cookie);
	ck_assert_int_eq(asks(VARS(method, HOST, origin, origins[_i].site,
				   http_bearer(span_of(session->bearer))),
			      NULL),
			 origins[_i].bearer);
}
END_TEST

static const char *const once[] = {
	"REQUEST_METHOD=GET",
	"HTTP_AUTHORIZATION=Basic x",
	"REDIRECT_HTTP_AUTHORIZATION=Basic x",
	OWN,
	"HTTP_SEC_FETCH_SITE=none",
	HOST,
	"REMOTE_ADDR=::1",
	"HTTP_X_FORWARDED_FOR=::1",
};

START_TEST(refuses_what_is_given_twice)
{
	char want[64];

	ck_assert_int_eq(asks(VARS(cookies(), once[_i], "X=y", once[_i]), NULL), TPAUTH_INVALID);
	snprintf(want, sizeof(want), "%.*s is given twice", (int)strcspn(once[_i], "="), once[_i]);
	ck_assert_int_eq(asks(VARS(cookies(), cookies()), NULL), TPAUTH_INVALID);
	ck_assert_str_eq(tpauth_validator_error(v), "HTTP_COOKIE is given twice");
	ck_assert_int_eq(asks(VARS(once[_i], once[_i]), NULL), TPAUTH_INVALID);
	ck_assert_str_eq(tpauth_validator_error(v), want);
}
END_TEST

/* clang-format off */
static const struct {
	const char *shown;
	enum tpauth_rc rc;
} shown[] = {
	{ "X=y", TPAUTH_NO_CREDENTIAL },
	{ "HTTP_COOKIE=", TPAUTH_NO_CREDENTIAL },
	{ "HTTP_COOKIE=user_id=" USER, TPAUTH_NO_CREDENTIAL },
	{ "HTTP_AUTHORIZATION=Basic dTpw", TPAUTH_NO_CREDENTIAL },
	{ "HTTP_COOKIE=user_id=" USER "; access_token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	  TPAUTH_DENIED },
	{ "HTTP_COOKIE=user_id=a; user_id=b; access_token=c", TPAUTH_INVALID },
	{ "HTTP_AUTHORIZATION=Bearer ", TPAUTH_DENIED },
	{ "HTTP_AUTHORIZATION=Bearer x", TPAUTH_DENIED },
	{ "HTTP_AUTHORIZATION=Bearer a.b", TPAUTH_DENIED },
	{ "HTTP_AUTHORIZATION=Bearer a.b.c", TPAUTH_DENIED },
	{ "HTTP_AUTHORIZATION=Bearer a.YQ, Bearer b.YQ", TPAUTH_INVALID },
};
/* clang-format on */

START_TEST(refuses_what_shows_no_session)
{
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", shown[_i].shown), NULL), shown[_i].rc);
}
END_TEST

START_TEST(a_bearer_alone_decides)
{
	ck_assert_int_eq(
		asks(VARS("REQUEST_METHOD=GET", cookies(), "HTTP_AUTHORIZATION=Bearer x.YQ"), NULL),
		TPAUTH_DENIED);
}
END_TEST

START_TEST(refuses_another_users_handle)
{
	ck_assert_int_eq(
		asks(VARS("REQUEST_METHOD=GET", http_cookies("user_100", span_of(session->handle))),
		     NULL),
		TPAUTH_DENIED);
}
END_TEST

START_TEST(a_session_that_has_ended_is_over)
{
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), NULL), TPAUTH_OK);
	elsewhere(end_session);
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), NULL), TPAUTH_DENIED);
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", http_bearer(span_of(session->jwt))), NULL),
			 TPAUTH_DENIED);
}
END_TEST

START_TEST(a_jwt_that_is_over_says_so)
{
	struct tpauth_claims *claims = NULL;
	struct tpauth_jwt *jwt = NULL;
	char *token = NULL;

	ck_assert_int_eq(tpauth_validate(v, VARS("REQUEST_METHOD=GET", cookies()), NULL, &claims),
			 TPAUTH_OK);
	tpauth_claims_set_int(claims, "exp", 1000);
	ck_assert_int_eq(tpauth_jwt_open("HS256", TEST_SECRET, NULL, &jwt, NULL, 0), TPAUTH_OK);
	ck_assert_int_eq(tpauth_jwt_encode(jwt, claims, 0, &token), TPAUTH_OK);
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", http_bearer(span_of(token))), NULL),
			 TPAUTH_EXPIRED);
	free(token);
	tpauth_jwt_close(jwt);
	tpauth_claims_free(claims);
}
END_TEST

/* ---- trouble ---- */

START_TEST(a_store_that_is_gone_says_nothing)
{
	ck_assert_int_eq(truncate(folder_path("sessions/data.mdb"), 0), 0);
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), NULL), TPAUTH_UNAVAILABLE);
}
END_TEST

START_TEST(a_store_that_is_not_there_says_nothing)
{
	tpauth_validator_close(v);
	opens((const char *const[]){ key, "DB_URL=redis://127.0.0.1:1", NULL });
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), NULL), TPAUTH_UNAVAILABLE);
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET"), NULL), TPAUTH_NO_CREDENTIAL);
}
END_TEST

START_TEST(lack_of_memory_is_no_yes)
{
	const char *const *request = VARS("REQUEST_METHOD=GET", http_bearer(span_of(session->jwt)));

	for (long n = 1;; n++) {
		struct tpauth_claims *claims = NULL;
		enum tpauth_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = tpauth_validate(v, request, "user:read", &claims);
		failed = alloc_fail_off();
		if (!failed) {
			ck_assert_int_eq(rc, TPAUTH_OK);
			tpauth_claims_free(claims);
			break;
		}
		/* What an allocation was for that nobody needs may be missing. */
		ck_assert_msg(rc == TPAUTH_NOMEM || rc == TPAUTH_UNAVAILABLE || claims != NULL,
			      "%ld: %d", n, rc);
		tpauth_claims_free(claims);
	}
}
END_TEST

/* The file that descriptor 2 writes to meanwhile. */
static off_t stderr_bytes(void)
{
	return lseek(STDERR_FILENO, 0, SEEK_END);
}

START_TEST(says_nothing_on_stderr_and_leaves_signals_alone)
{
	int fd = open(folder_path("stderr"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	sigset_t before, after;

	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	tpauth_validator_close(v);
	v = NULL;
	ck_assert_int_eq(tpauth_validator_open(VARS("SECRET_KEY="), &v, NULL, 0), TPAUTH_INVALID);
	opens(VARS("SECRET_KEY=short", "DB_URL=redis://127.0.0.1:1", "LOG_LEVEL=debug"));
	(void)asks(VARS("REQUEST_METHOD=GET", cookies()), NULL);
	(void)asks(VARS("REQUEST_METHOD=POST", EVIL), NULL);
	ck_assert_int_eq(stderr_bytes(), 0);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	ck_assert_int_eq(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
}
END_TEST

/* ---- settings ---- */

static const struct {
	const char *settings[4];
	enum tpauth_rc rc;
	const char *error;
} bad[] = {
	{ { NULL }, TPAUTH_INVALID, "SECRET_KEY: not set, and ALGORITHM HS256 needs it" },
	{ { "ALGORITHM=ES256" },
	  TPAUTH_INVALID,
	  "environment: ALGORITHM: got \"ES256\", takes HS256 or RS256" },
	{ { "SECRET_KEY=" TEST_SECRET, "SECRET_KEY=" TEST_SECRET },
	  TPAUTH_INVALID,
	  "environment: SECRET_KEY: given twice (as itself or as _FILE)" },
};

START_TEST(says_what_is_wrong_with_the_settings)
{
	struct tpauth_validator *none = NULL;

	ck_assert_int_eq(tpauth_validator_open(bad[_i].settings, &none, error, sizeof(error)),
			 bad[_i].rc);
	ck_assert_str_eq(error, bad[_i].error);
	ck_assert_ptr_null(none);
}
END_TEST

/* A server that may issue has more settings than a validator needs. */
START_TEST(issues_nothing_and_needs_nothing_for_it)
{
	struct buf pem = BUF_INIT(LIMIT_PEM);

	tpauth_validator_close(v);
	buf_str(&pem, "PUBLIC_KEY=");
	buf_span(&pem, test_key("rsa2048.pub.pem"));
	opens((const char *const[]){ "AUTHORIZATION_SERVER=true", "ALGORITHM=RS256", buf_cstr(&pem),
				     state_dir, NULL });
	/* Signed by a key of the other kind. */
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), NULL), TPAUTH_DENIED);
	buf_release(&pem);
}
END_TEST

START_TEST(reads_the_environment_and_its_file)
{
	char text[600];

	tpauth_validator_close(v);
	snprintf(text, sizeof(text), "%s\nCOOKIE_PREFIX=x-\n", key);
	folder_write("tpauth.conf", text);
	clearenv();
	setenv("TPAUTH_CONFIG", folder_path("tpauth.conf"), 1);
	setenv("STATE_DIR", strchr(state_dir, '=') + 1, 1);
	opens(NULL);
	ck_assert_int_eq(asks(VARS("REQUEST_METHOD=GET", cookies()), NULL), TPAUTH_NO_CREDENTIAL);
	ck_assert_int_eq(
		asks(VARS("REQUEST_METHOD=GET", http_bearer(span_of(session->bearer))), NULL),
		TPAUTH_OK);
}
END_TEST

/* Who is refused at the endpoints is refused here. */
START_TEST(asks_the_module_of_the_settings)
{
	const char *const *request = VARS("REQUEST_METHOD=GET", "REMOTE_ADDR=192.0.2.7", cookies());
	const char *build = getenv("BUILD_DIR");
	struct tpauth_claims *claims = NULL;
	char handler[PATH_MAX + 600], *folder;

	tpauth_validator_close(v);
	snprintf(handler, sizeof(handler), "%s/tests/module/.libs", build != NULL ? build : ".");
	folder = realpath(handler, NULL);
	ck_assert_ptr_nonnull(folder);
	snprintf(handler, sizeof(handler), "TOKEN_HANDLER=module:%s/files.so,%s", folder,
		 folder_path(""));
	free(folder);
	folder_write("team-" USER, "red\n");
	opens((const char *const[]){ key, state_dir, handler, NULL });
	ck_assert_msg(tpauth_validate(v, request, NULL, &claims) == TPAUTH_OK, "%s",
		      tpauth_validator_error(v));
	ck_assert_str_eq(tpauth_claims_get(claims, "team"), "red");
	ck_assert_str_eq(tpauth_claims_get(claims, "user_id"), USER);
	tpauth_claims_free(claims);
	folder_write("forbidden-" USER, "");
	ck_assert_int_eq(asks(request, NULL), TPAUTH_FORBIDDEN);
	ck_assert_int_eq(unlink(folder_path("forbidden-" USER)), 0);
	folder_write("banned-" USER, "");
	ck_assert_int_eq(asks(request, NULL), TPAUTH_DENIED);
	ck_assert_str_eq(tpauth_validator_error(v), "the authenticate hook: banned");
}
END_TEST

START_TEST(takes_nothing_for_an_object)
{
	tpauth_validator_close(NULL);
	ck_assert_int_eq(tpauth_validator_open(VARS(key), NULL, error, sizeof(error)),
			 TPAUTH_INTERNAL);
	ck_assert_int_eq(tpauth_validate(NULL, VARS("A=b"), NULL, NULL), TPAUTH_INTERNAL);
	ck_assert_str_eq(tpauth_validator_error(NULL), "there is no validator");
	ck_assert_int_eq(asks(NULL, NULL), TPAUTH_NO_CREDENTIAL);
}
END_TEST

static Suite *validator_suite(void)
{
	Suite *s = suite_create("validator");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, takes_whatever_shows_a_session);
	tcase_add_test(t, looks_at_nothing_else);
	tcase_add_loop_test(t, wants_every_scope, 0, (int)TP_COUNT(scopes));
	tcase_add_loop_test(t, takes_cookies_from_the_own_origin_only, 0, (int)TP_COUNT(origins));
	tcase_add_loop_test(t, refuses_what_is_given_twice, 0, (int)TP_COUNT(once));
	tcase_add_loop_test(t, refuses_what_shows_no_session, 0, (int)TP_COUNT(shown));
	tcase_add_test(t, a_bearer_alone_decides);
	tcase_add_test(t, refuses_another_users_handle);
	tcase_add_test(t, a_session_that_has_ended_is_over);
	tcase_add_test(t, a_jwt_that_is_over_says_so);
	tcase_add_test(t, a_store_that_is_gone_says_nothing);
	tcase_add_test(t, a_store_that_is_not_there_says_nothing);
	tcase_add_test(t, lack_of_memory_is_no_yes);
	tcase_add_test(t, says_nothing_on_stderr_and_leaves_signals_alone);
	tcase_add_loop_test(t, says_what_is_wrong_with_the_settings, 0, (int)TP_COUNT(bad));
	tcase_add_test(t, issues_nothing_and_needs_nothing_for_it);
	tcase_add_test(t, reads_the_environment_and_its_file);
	tcase_add_test(t, asks_the_module_of_the_settings);
	tcase_add_test(t, takes_nothing_for_an_object);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(validator_suite());
}
