/* SPDX-License-Identifier: MIT */
/*
 * The handler pam: with services of our own, read by pam_wrapper instead of those of the system: no
 * root and no setting of the machine is needed. The loadable object is where the build leaves it,
 * BUILD_DIR/.libs. The program starts itself again, with the wrapper before everything else.
 */
#include "auth/authn.h"

#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check_run.h"
#include "support/folder.h"
#include "support/module_rig.h"

#include "base/banned.h"

enum { LONG_MS = 20000, SHORT_MS = 500, SKIP = 77 };

static struct authn *handler;
static struct tp_err err;
static struct authn_spec last; /* how the handler was opened */
static bool child_only;	       /* what may hang is asked by the handler alone */

static const char *module_dir(void)
{
	static char path[4096];
	const char *build = getenv("BUILD_DIR");

	snprintf(path, sizeof(path), "%s/.libs", build ? build : ".");
	return path;
}

static int say_nothing(int n, const struct pam_message **m, struct pam_response **ret, void *arg)
{
	(void)n;
	(void)m;
	(void)ret;
	(void)arg;
	return PAM_CONV_ERR;
}

/* And calls it once, to see that it is there. */
static void set_up_wrapper(void)
{
	const struct pam_conv conv = { say_nothing, NULL };
	pam_handle_t *pam = NULL;

	setenv("PAM_WRAPPER", "1", 1);
	setenv("PAM_WRAPPER_SERVICE_DIR", folder_path(""), 1);
	ck_assert_int_eq(pam_start("svc", "y", &conv, &pam), PAM_SUCCESS);
	ck_assert_int_eq(pam_end(pam, PAM_SUCCESS), PAM_SUCCESS);
}

/* What the wrapper made for processes that have ended without further ado, as the handler's
 * children do. */
static void remove_wrappings(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		unsetenv("LD_PRELOAD");
		execl("/bin/sh", "sh", "-c",
		      "for d in /tmp/pam.?; do [ -f $d/pid ] || continue; "
		      "kill -0 $(cat $d/pid) 2>&- || rm -rf $d; done",
		      (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static void end(void)
{
	authn_close(handler);
	handler = NULL;
	remove_wrappings();
	folder_remove();
}

static enum tp_rc open_handler(const char *text, int64_t limit_ms)
{
	struct authn_spec spec = { .module_dir = module_dir(), .limit_ms = limit_ms };

	authn_close(handler);
	handler = NULL;
	err = (struct tp_err){ 0 };
	spec.handler = span_of(text);
	last = spec;
	return authn_open(&spec, &handler, &err);
}

/* The file that a loaded symbol comes from; NULL: it is not there. */
static const char *file_of(const char *symbol)
{
	void *at = dlsym(RTLD_DEFAULT, symbol);
	Dl_info info;

	return at != NULL && dladdr(at, &info) != 0 ? info.dli_fname : NULL;
}

/* The module that knows users and passwords lies beside the wrapper, whose pam_start() ours is. */
static void put_matrix(struct buf *out)
{
	const char *wrapper = file_of("pam_start");
	const char *slash = strrchr(wrapper, '/');

	buf_put(out, wrapper, (size_t)(slash - wrapper));
	buf_printf(out, "/pam_wrapper/pam_matrix.so passdb=%s", folder_path("passdb"));
}

/* A service of those lines. */
#define MATRIX ""

static void open_service(const char *auth, const char *account, int64_t limit_ms)
{
	const char *const lines[] = { auth, account };
	static const char *const kinds[] = { "auth", "account" };
	struct buf text = BUF_INIT(4096);

	folder_write("other", "auth required pam_deny.so\naccount required pam_deny.so\n");
	folder_write("passdb", "joe:secret:svc\nroot:secret:svc\n");
	for (size_t i = 0; i < 2; i++) {
		buf_printf(&text, "%s required %s", kinds[i], lines[i]);
		if (strcmp(lines[i], MATRIX) == 0)
			put_matrix(&text);
		buf_char(&text, '\n');
	}
	folder_write("svc", buf_cstr(&text));
	buf_release(&text);
	set_up_wrapper();
	ck_assert_msg(open_handler("pam:svc", limit_ms) == TP_OK, "%s", err.msg);
}

static enum tp_rc ask(const struct authn_request *r, struct buf *ret_json)
{
	struct jval *claims = NULL;
	enum tp_rc rc;

	err = (struct tp_err){ 0 };
	rc = authn_ask(handler, r, &claims, &err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL && ret_json != NULL)
		jval_write(claims, ret_json);
	jval_release(claims);
	if (!child_only)
		module_rig_compare(&last, "tpauth_pam.so", r, rc);
	return rc;
}

static enum tp_rc log_in(const char *user, const char *password, struct buf *ret_json)
{
	const struct authn_request r = { .event = AUTHN_LOGIN,
					 .username = span_of(user),
					 .password = span_of(password),
					 .remote_addr = SPAN_LIT("192.0.2.1") };

	return ask(&r, ret_json);
}

static enum tp_rc refresh(const char *user)
{
	struct authn_request r = { .event = AUTHN_REFRESH };
	struct jval *claims = jval_new_object();
	enum tp_rc rc;

	ck_assert_int_eq(jval_set_str(claims, "user_id", span_of(user), NULL), TP_OK);
	r.claims = claims;
	rc = ask(&r, NULL);
	jval_release(claims);
	return rc;
}

START_TEST(a_login_is_name_and_password)
{
	struct buf json = BUF_INIT(1000);

	open_service(MATRIX, "pam_permit.so", LONG_MS);
	ck_assert(authn_folds_names(handler));
	ck_assert_msg(log_in("joe", "secret", &json) == TP_OK, "%s", err.msg);
	ck_assert_str_eq(buf_cstr(&json),
			 "{\"user_id\":\"joe\",\"username\":\"joe\",\"email\":null,\"scopes\":[]}");
	ck_assert_int_eq(log_in("joe", "wrong", NULL), TP_DENIED);
	ck_assert_str_eq(err.msg, "PAM: password: Authentication failure");
	ck_assert_int_eq(log_in("ann", "secret", NULL), TP_DENIED);
	ck_assert_int_eq(log_in("joe", "", NULL), TP_DENIED);
	ck_assert_str_eq(err.msg, "an empty password");
	ck_assert_int_eq(log_in("", "secret", NULL), TP_DENIED);
	ck_assert_int_eq(log_in("a\nb", "secret", NULL), TP_DENIED);
	buf_release(&json);
}
END_TEST

START_TEST(groups_of_the_system_become_scopes)
{
	struct buf json = BUF_INIT(10000), own = BUF_INIT(300);
	const struct passwd *pw = getpwnam("root");
	const struct group *g = pw != NULL ? getgrgid(pw->pw_gid) : NULL;

	ck_assert_ptr_nonnull(g);
	buf_printf(&own, "\"%s\"", g->gr_name);
	open_service(MATRIX, "pam_permit.so", LONG_MS);
	ck_assert_msg(log_in("root", "secret", &json) == TP_OK, "%s", err.msg);
	ck_assert_ptr_nonnull(strstr(strstr(buf_cstr(&json), "\"scopes\":["), buf_cstr(&own)));
	buf_release(&json);
	buf_release(&own);
}
END_TEST

START_TEST(a_password_that_pam_would_cut_off_is_wrong)
{
	char lots[PAM_MAX_RESP_SIZE + 1];

	memset(lots, 'x', sizeof(lots));
	lots[PAM_MAX_RESP_SIZE] = '\0';
	open_service("pam_permit.so", "pam_permit.so", LONG_MS);
	ck_assert_int_eq(log_in("joe", lots, NULL), TP_DENIED);
	lots[PAM_MAX_RESP_SIZE - 1] = '\0';
	ck_assert_int_eq(log_in("joe", lots, NULL), TP_OK);
}
END_TEST

/* clang-format off */
static const struct {
	const char *says;
	enum tp_rc login, account;
} codes[] = {
	{ "success", TP_OK, TP_OK },
	{ "auth_err", TP_DENIED, TP_DENIED },
	{ "user_unknown", TP_DENIED, TP_DENIED },
	{ "maxtries", TP_DENIED, TP_DENIED },
	{ "perm_denied", TP_DENIED, TP_DENIED },
	{ "acct_expired", TP_DENIED, TP_DENIED },
	{ "new_authtok_reqd", TP_DENIED, TP_DENIED },
	{ "authtok_expired", TP_DENIED, TP_DENIED },
	{ "cred_expired", TP_DENIED, TP_DENIED },
	{ "authinfo_unavail", TP_UNAVAILABLE, TP_UNAVAILABLE },
	{ "cred_insufficient", TP_UNAVAILABLE, TP_UNAVAILABLE },
	{ "service_err", TP_UNAVAILABLE, TP_UNAVAILABLE },
	{ "system_err", TP_UNAVAILABLE, TP_UNAVAILABLE },
	{ "abort", TP_UNAVAILABLE, TP_UNAVAILABLE },
	{ "conv_err", TP_UNAVAILABLE, TP_UNAVAILABLE },
	{ "buf_err", TP_NOMEM, TP_NOMEM },
};
/* clang-format on */

START_TEST(a_code_of_pam_is_a_yes_a_no_or_trouble)
{
	char line[100];

	snprintf(line, sizeof(line), "pam_debug.so auth=%s", codes[_i].says);
	open_service(line, "pam_permit.so", LONG_MS);
	ck_assert_msg(log_in("joe", "x", NULL) == codes[_i].login, "%s", err.msg);
	ck_assert_int_eq(refresh("joe"), TP_OK); /* asks for no password */
}
END_TEST

START_TEST(the_account_counts_at_login_and_refresh)
{
	char line[100];

	snprintf(line, sizeof(line), "pam_debug.so acct=%s", codes[_i].says);
	open_service("pam_permit.so", line, LONG_MS);
	ck_assert_msg(log_in("joe", "x", NULL) == codes[_i].account, "%s", err.msg);
	ck_assert_msg(refresh("joe") == codes[_i].account, "%s", err.msg);
}
END_TEST

START_TEST(what_takes_too_long_is_ended)
{
	int64_t begun = clock_mono_ms();

	child_only = true;
	open_service("pam_exec.so /bin/sleep 60", "pam_permit.so", SHORT_MS);
	ck_assert_int_eq(log_in("joe", "x", NULL), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler took longer than 500 ms");
	ck_assert_int_lt(clock_mono_ms() - begun, LONG_MS);
}
END_TEST

START_TEST(what_a_module_prints_is_no_answer)
{
	open_service("pam_exec.so stdout /bin/echo {}", "pam_permit.so", LONG_MS);
	ck_assert_msg(log_in("joe", "x", NULL) == TP_OK, "%s", err.msg);
}
END_TEST

START_TEST(the_setting_is_the_name_of_a_service)
{
	static const char *const wrong[] = { "pam:",   "pam:../svc", "pam:/etc/pam.d/x", "pam:a b",
					     "pam:.x", "pam:a:b",    "pam:\xc3\xa9" };

	for (size_t i = 0; i < TP_COUNT(wrong); i++) {
		ck_assert_int_eq(open_handler(wrong[i], LONG_MS), TP_INVALID);
		ck_assert_str_eq(err.msg, "TOKEN_HANDLER: takes pam:SERVICE, the name of a file "
					  "in /etc/pam.d");
	}
	open_service("pam_permit.so", "pam_permit.so", LONG_MS);
	ck_assert_msg(authn_probe(handler, &err) == TP_OK, "%s", err.msg);
}
END_TEST

START_TEST(a_service_that_is_not_there_lets_nobody_in)
{
	open_service("pam_permit.so", "pam_permit.so", LONG_MS);
	ck_assert_int_eq(open_handler("pam:no-such-service", LONG_MS), TP_OK);
	ck_assert_int_eq(log_in("joe", "x", NULL), TP_DENIED); /* by the service "other" */
}
END_TEST

static Suite *pam_suite(void)
{
	Suite *s = suite_create("authn_pam");
	TCase *t = tcase_create("authn_pam");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, end);
	tcase_add_test(t, a_login_is_name_and_password);
	tcase_add_test(t, groups_of_the_system_become_scopes);
	tcase_add_test(t, a_password_that_pam_would_cut_off_is_wrong);
	tcase_add_loop_test(t, a_code_of_pam_is_a_yes_a_no_or_trouble, 0, TP_COUNT(codes));
	tcase_add_loop_test(t, the_account_counts_at_login_and_refresh, 0, TP_COUNT(codes));
	tcase_add_test(t, what_takes_too_long_is_ended);
	tcase_add_test(t, what_a_module_prints_is_no_answer);
	tcase_add_test(t, the_setting_is_the_name_of_a_service);
	tcase_add_test(t, a_service_that_is_not_there_lets_nobody_in);
	suite_add_tcase(s, t);
	return s;
}

/* AddressSanitizer wants to come first, and the wrapper takes heed of it when it is named. */
static void start_again(char **argv)
{
	const char *asan = file_of("__asan_init");
	char preload[2048];

	if (asan != NULL && strstr(asan, "libasan") == NULL)
		asan = NULL;
	snprintf(preload, sizeof(preload), "%s%slibpam_wrapper.so", asan != NULL ? asan : "",
		 asan != NULL ? ":" : "");
	setenv("LD_PRELOAD", preload, 1);
	execv("/proc/self/exe", argv);
	perror(argv[0]);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	void *wrapper = dlopen("libpam_wrapper.so", RTLD_LAZY);

	(void)argc;
	if (wrapper == NULL) {
		puts("SKIP: there is no libpam-wrapper: the handler pam: is NOT tested");
		return SKIP;
	}
	if (getenv("LD_PRELOAD") == NULL)
		start_again(argv);
	dlclose(wrapper);
	return check_run(pam_suite());
}
