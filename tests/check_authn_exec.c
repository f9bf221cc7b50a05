/* SPDX-License-Identifier: MIT */
/*
 * The handler exec: with shell scripts in a folder of our own: what they are asked, what becomes of
 * their answers, what they find around them, and that nothing of them stays behind.
 */
#include "auth/authn_exec.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/answers.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/open_fds.h"
#include "support/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define JOE "{\"user_id\":\"joe\"}"

enum { LONG_MS = 20000 }; /* far more than any script takes */

static struct authn *handler;
static struct tp_err err;

static void end(void)
{
	authn_close(handler);
	handler = NULL;
	folder_remove();
}

/* ---- the handler ---- */

static enum tp_rc try_open(const char *command, int64_t limit_ms)
{
	void *self = NULL;
	enum tp_rc rc;

	authn_close(handler);
	handler = NULL;
	err = (struct tp_err){ 0 };
	rc = authn_exec_open(span_of(command), limit_ms, &self, &err);
	if (rc != TP_OK)
		return rc;
	return authn_open_with(&authn_exec_ops, self, &handler, &err);
}

/* A script that runs in the folder. */
static void open_script(const char *text, int64_t limit_ms)
{
	struct buf script = BUF_INIT(10000), command = BUF_INIT(1000);

	buf_printf(&script, "cd %s\n%s\n", folder_path(""), text);
	folder_write("script", buf_cstr(&script));
	buf_printf(&command, "/bin/sh %s", folder_path("script"));
	ck_assert_int_eq(try_open(buf_cstr(&command), limit_ms), TP_OK);
	buf_release(&script);
	buf_release(&command);
}

/* Asks; *ret_json holds the claims. Looks that nothing of the program is left. */
static enum tp_rc ask(const struct authn_request *r, struct buf *ret_json)
{
	struct jval *claims = NULL;
	enum tp_rc rc;

	err = (struct tp_err){ 0 };
	rc = authn_ask(handler, r, &claims, &err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL)
		jval_write(claims, ret_json);
	jval_release(claims);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	return rc;
}

static enum tp_rc log_in_as(struct span user, struct span password)
{
	struct authn_request r = { .event = AUTHN_LOGIN };
	struct buf json = BUF_INIT((size_t)2 * LIMIT_AUTHN_OUTPUT);
	enum tp_rc rc;

	r.username = user;
	r.password = password;
	rc = ask(&r, &json);
	if (rc == TP_OK)
		ck_assert_str_eq(buf_cstr(&json), JOE);
	buf_release(&json);
	return rc;
}

static enum tp_rc log_in(void)
{
	return log_in_as(SPAN_LIT("joe"), SPAN_LIT("secret"));
}

/* ---- answers ---- */

/* clang-format off */
static const struct {
	const char *script;
	enum tp_rc rc;
	const char *msg; /* NULL: what is wrong with the JSON */
} answers[] = {
	{ "echo '" JOE "'", TP_OK, "" },
	{ "printf %s '" JOE "'", TP_OK, "" },
	{ "printf '{\"user_'; sleep 0.1; printf 'id\":'; sleep 0.1; echo '\"joe\"}'", TP_OK, "" },
	{ "cat >/dev/null; echo '" JOE "'", TP_OK, "" },
	{ "exec <&-; echo '" JOE "'", TP_OK, "" },
	{ "echo 'a warning' >&2; echo '" JOE "'", TP_OK, "" },
	{ "echo '" JOE "'; exec >&-; sleep 0.2; exit 0", TP_OK, "" },
	{ "echo '{\"user_id\":\"joe\",\"sid\":\"x\",\"exp\":1}'", TP_OK, "" },
	{ "exit 1", TP_DENIED, "the token handler said no" },
	{ "echo '" JOE "'; exit 1", TP_DENIED, "the token handler said no" },
	{ "echo 'no such user'; exit 1", TP_DENIED, "the token handler said no" },
	{ "echo '" JOE "'; exec >&-; sleep 0.2; exit 1", TP_DENIED, "the token handler said no" },
	{ "echo '" JOE "'; exit 2", TP_UNAVAILABLE, "the token handler exited with status 2" },
	{ "no-such-program", TP_UNAVAILABLE, "the token handler exited with status 127" },
	{ "echo '" JOE "'; kill -9 $$", TP_UNAVAILABLE, "the token handler was killed by signal 9" },
	{ "echo '" JOE "'; kill -15 $$", TP_UNAVAILABLE, "the token handler was killed by signal 15" },
	{ "true", TP_UNAVAILABLE, NULL },
	{ "echo hello", TP_UNAVAILABLE, NULL },
	{ "echo '" JOE JOE "'", TP_UNAVAILABLE, NULL },
	{ "echo '{\"user_id\":\"ann\",\"user_id\":\"joe\"}'", TP_UNAVAILABLE, NULL },
	{ "echo '{\"user_id\":\"joe\",\"n\":1.5}'", TP_UNAVAILABLE, NULL },
	{ "echo '{}'", TP_UNAVAILABLE, "the token handler returned no user_id" },
	{ "echo '[]'", TP_UNAVAILABLE, "the token handler returned what is no JSON object" },
	{ "echo '{\"user_id\":\"joe\",\"scopes\":\"a b\"}'", TP_UNAVAILABLE,
	  "the token handler returned scopes that are no array of distinct scopes" },
};
/* clang-format on */

START_TEST(an_answer_becomes_what_it_says)
{
	static const char answer_is[] = "the token handler's answer: ";

	open_script(answers[_i].script, LONG_MS);
	ck_assert_msg(log_in() == answers[_i].rc, "%s: %s", answers[_i].script, err.msg);
	if (answers[_i].msg != NULL)
		ck_assert_str_eq(err.msg, answers[_i].msg);
	else
		ck_assert_msg(strncmp(err.msg, answer_is, strlen(answer_is)) == 0, "%s", err.msg);
}
END_TEST

static enum tp_rc answered(const char *text, struct buf *ret_json)
{
	struct authn_request r = { .event = AUTHN_LOGIN };

	r.username = r.password = SPAN_LIT("x");
	folder_write("answer", text);
	open_script("cat answer", LONG_MS);
	return ask(&r, ret_json);
}

START_TEST(a_wrong_answer_is_trouble_that_says_why)
{
	const struct answer *a = &answers_wrong[_i];

	ck_assert_msg(answered(a->text, NULL) == TP_UNAVAILABLE, "%s", a->text);
	ck_assert_msg(strncmp(err.msg, a->msg, strlen(a->msg)) == 0, "%s: %s", a->text, err.msg);
}
END_TEST

START_TEST(a_good_answer_is_the_claims)
{
	struct buf json = BUF_INIT(4096);

	ck_assert_msg(answered(answers_good[_i].text, &json) == TP_OK, "%s", err.msg);
	ck_assert_str_eq(buf_cstr(&json), answers_good[_i].claims);
	buf_release(&json);
}
END_TEST

START_TEST(an_answer_may_be_as_long_as_the_limit)
{
	struct buf script = BUF_INIT(1000);
	const int most = LIMIT_AUTHN_OUTPUT - (int)strlen(JOE);

	buf_printf(&script, "printf '%%%ds%%s' '' '" JOE "'", most);
	open_script(buf_cstr(&script), LONG_MS);
	ck_assert_msg(log_in() == TP_OK, "%s", err.msg);
	buf_reset(&script);
	buf_printf(&script, "printf '%%%ds%%s' '' '" JOE "'", most + 1);
	open_script(buf_cstr(&script), LONG_MS);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler's answer is larger than 65536 bytes");
	buf_release(&script);
}
END_TEST

START_TEST(an_answer_without_end_is_cut_off)
{
	open_script("echo $$ >pid; exec yes", LONG_MS);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler's answer is larger than 65536 bytes");
	script_dies(script_pid("pid"));
}
END_TEST

/* ---- questions ---- */

START_TEST(a_login_is_asked_as_one_json_object)
{
	struct authn_request r = { .event = AUTHN_LOGIN };
	struct buf json = BUF_INIT(1000);

	r.username = SPAN_LIT("J\xc3\xb6rg \"\\\n");
	r.password = SPAN_LIT("p'\t\x01/\x7f $HOME");
	r.scope = SPAN_LIT(" user.read  user:write ");
	r.client_id = SPAN_LIT("");
	r.remote_addr = SPAN_LIT("2001:db8::1");
	open_script("cat >question; echo '" JOE "'", LONG_MS);
	ck_assert_int_eq(ask(&r, &json), TP_OK);
	script_left("question", "{\"event\":\"login\",\"username\":\"J\xc3\xb6rg \\\"\\\\\\n\","
				"\"password\":\"p'\\t\\u0001/\\u007f $HOME\","
				"\"scopes\":[\"user.read\",\"user:write\"],\"client_id\":\"\","
				"\"remote_addr\":\"2001:db8::1\",\"request_id\":null}\n");
	buf_release(&json);
}
END_TEST

START_TEST(a_refresh_is_asked_with_the_claims)
{
	static const char session[] = "{\"user_id\":\"joe\",\"scopes\":[\"a\"],\"sid\":\"x\"}";
	struct authn_request r = { .event = AUTHN_REFRESH };
	struct buf json = BUF_INIT(1000);
	struct jval *claims = NULL;

	ck_assert_int_eq(jval_parse(span_of(session), &claims, &err), TP_OK);
	r.claims = claims;
	r.remote_addr = SPAN_LIT("192.0.2.1");
	r.request_id = SPAN_LIT("r1");
	open_script("cat >question; echo '{\"user_id\":\"joe\",\"scopes\":[\"b\"]}'", LONG_MS);
	ck_assert_int_eq(ask(&r, &json), TP_OK);
	ck_assert_str_eq(buf_cstr(&json), "{\"user_id\":\"joe\",\"scopes\":[\"b\"]}");
	script_left("question", "{\"event\":\"refresh\",\"user_id\":\"joe\",\"claims\":"
				"{\"user_id\":\"joe\",\"scopes\":[\"a\"],\"sid\":\"x\"},"
				"\"remote_addr\":\"192.0.2.1\",\"request_id\":\"r1\"}\n");
	open_script("exit 1", LONG_MS);
	ck_assert_int_eq(ask(&r, &json), TP_DENIED);
	open_script("echo '{\"user_id\":\"ann\"}'", LONG_MS);
	ck_assert_int_eq(ask(&r, &json), TP_UNAVAILABLE);
	jval_release(claims);
	buf_release(&json);
}
END_TEST

START_TEST(the_largest_question_arrives_whole)
{
	char lots[LIMIT_FORM_VALUE];
	struct authn_request r = { .event = AUTHN_LOGIN };
	struct buf json = BUF_INIT(1000), expected = BUF_INIT(100);

	memset(lots, '\x01', sizeof(lots)); /* six bytes each in JSON */
	r.username = r.client_id = (struct span){ lots, sizeof(lots) };
	r.scope = r.remote_addr = r.request_id = r.username;
	r.password = (struct span){ lots, LIMIT_PASSWORD };
	open_script("wc -c >question; echo '" JOE "'", LONG_MS);
	ck_assert_msg(ask(&r, &json) == TP_OK, "%s", err.msg);
	buf_printf(
		&expected, "%zu\n",
		strlen("{\"event\":\"login\",\"username\":\"\",\"password\":\"\",\"scopes\":[\"\"],"
		       "\"client_id\":\"\",\"remote_addr\":\"\",\"request_id\":\"\"}\n") +
			6 * (5 * sizeof(lots) + LIMIT_PASSWORD));
	script_left("question", buf_cstr(&expected));
	buf_release(&expected);
	buf_release(&json);
}
END_TEST

START_TEST(what_json_cannot_say_is_denied_without_asking)
{
	open_script("touch asked; echo '" JOE "'", LONG_MS);
	ck_assert_int_eq(log_in_as(SPAN_LIT("j\xf6rg"), SPAN_LIT("secret")), TP_DENIED);
	ck_assert_int_eq(log_in_as(SPAN_LIT("joe"), SPAN_LIT("\xff")), TP_DENIED);
	ck_assert_int_eq(log_in_as(SPAN_LIT("joe\0ann"), SPAN_LIT("secret")), TP_DENIED);
	ck_assert_int_eq(log_in_as(SPAN_LIT("joe"), SPAN_LIT("secret\0")), TP_DENIED);
	ck_assert_int_ne(access(folder_path("asked"), F_OK), 0);
}
END_TEST

/* ---- time ---- */

/* clang-format off */
static const char *const slow[] = {
	"echo $$ >pid; exec sleep 60",
	"echo '" JOE "'; echo $$ >pid; exec sleep 60",
	"echo '" JOE "'; echo $$ >pid; exec >&- <&-; exec sleep 60", /* its output has ended */
	"trap '' TERM HUP INT QUIT PIPE; echo $$ >pid; exec sleep 60",
	"sleep 60 & echo $! >pid; wait",                             /* the whole group */
	"echo $$ >pid; kill -STOP $$",
};
/* clang-format on */

START_TEST(what_takes_too_long_is_killed)
{
	const int64_t start = clock_mono_ms();

	open_script(slow[_i], 500);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler took longer than 500 ms");
	ck_assert_int_lt(clock_mono_ms() - start, 30000);
	script_dies(script_pid("pid"));
}
END_TEST

START_TEST(a_process_left_behind_holds_nobody_up)
{
	const int64_t start = clock_mono_ms();
	pid_t pid;

	open_script("sleep 60 & echo $! >pid; echo '" JOE "'", LONG_MS);
	ck_assert_int_eq(log_in(), TP_OK);
	ck_assert_int_lt(clock_mono_ms() - start, LONG_MS);
	pid = script_pid("pid");
	ck_assert(!script_is_dead(pid)); /* it did hold stdout open */
	kill(pid, SIGKILL);
}
END_TEST

static void do_nothing(int sig)
{
	(void)sig;
}

START_TEST(signals_do_not_disturb_the_waiting)
{
	const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = do_nothing };

	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	open_script("sleep 0.3; echo '" JOE "'", LONG_MS);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	ck_assert_int_eq(log_in(), TP_OK);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &off, NULL), 0);
}
END_TEST

/* ---- what the program finds ---- */

START_TEST(the_environment_holds_no_secrets)
{
	ck_assert_int_eq(setenv("SECRET_KEY", "x", 1), 0); /* NOLINT(concurrency-mt-unsafe) */
	open_script("tr '\\0' '\\n' </proc/$$/environ >env; echo '" JOE "'", LONG_MS);
	ck_assert_int_eq(log_in(), TP_OK);
	script_left("env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
			   "LANG=C.UTF-8\n");
}
END_TEST

START_TEST(no_other_descriptor_is_open)
{
	struct buf command = BUF_INIT(1000);
	int leaky = open("/dev/null", O_RDONLY); /* not O_CLOEXEC, as a library's may be */

	ck_assert_int_ge(leaky, 0);
	ck_assert_int_ge(dup2(leaky, 200), 0);
	/* ls itself opens the folder as 3; its answer is none. */
	buf_printf(&command, "/bin/sh -c 'exec ls /proc/self/fd >%s'", folder_path("fds"));
	ck_assert_int_eq(try_open(buf_cstr(&command), LONG_MS), TP_OK);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	script_left("fds", "0\n1\n2\n3\n");
	buf_release(&command);
}
END_TEST

START_TEST(no_signal_is_blocked_or_ignored)
{
	struct buf command = BUF_INIT(1000);
	sigset_t all, old;

	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	sigfillset(&all);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &all, &old), 0);
	/* Not by a shell, which has a mask of its own. The C library keeps 32 and 33 for itself
	 * and ignores them in a new program. */
	buf_printf(&command,
		   "/bin/sed -n 's/^Sig[BI].*:.0*\\(18\\)\\{0,1\\}0*$/none/w %s' "
		   "/proc/self/status",
		   folder_path("signals"));
	ck_assert_int_eq(try_open(buf_cstr(&command), LONG_MS), TP_OK);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE); /* it says nothing */
	script_left("signals", "none\nnone\n");
	buf_release(&command);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}
END_TEST

START_TEST(works_without_the_standard_descriptors)
{
	int status = -1;
	pid_t pid;

	open_script("cat >question; echo '" JOE "'", LONG_MS);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct authn_request r = { .event = AUTHN_LOGIN };
		struct jval *claims = NULL;

		close(0);
		close(1);
		close(2);
		_exit(authn_ask(handler, &r, &claims, &err) == TP_OK ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	script_left("question", "{\"event\":\"login\",\"username\":null,\"password\":null,"
				"\"scopes\":[],\"client_id\":null,\"remote_addr\":null,"
				"\"request_id\":null}\n");
}
END_TEST

START_TEST(leaves_no_descriptor_open)
{
	static const char *const scripts[] = { "exit 1", "exit 2", "yes", "sleep 60" };
	const int before = open_fds(NULL);

	for (size_t i = 0; i < TP_COUNT(scripts); i++) {
		open_script(scripts[i], 500);
		(void)log_in();
		ck_assert_int_eq(open_fds(NULL), before);
	}
}
END_TEST

START_TEST(a_program_that_went_is_trouble)
{
	folder_write("program", "#!/bin/sh\necho '" JOE "'\n");
	ck_assert_int_eq(chmod(folder_path("program"), 0755), 0);
	ck_assert_int_eq(try_open(folder_path("program"), LONG_MS), TP_OK);
	ck_assert_msg(log_in() == TP_OK, "%s", err.msg);
	ck_assert_int_eq(unlink(folder_path("program")), 0);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
}
END_TEST

START_TEST(a_lack_of_memory_is_neither_yes_nor_no)
{
	const struct authn_request r = { .event = AUTHN_LOGIN };
	struct jval *claims = NULL;
	bool failed = true;

	open_script("echo '" JOE "'", LONG_MS);
	for (long n = 1; failed; n++) {
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = authn_ask(handler, &r, &claims, &err);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	}
	jval_release(claims);
}
END_TEST

/* ---- the command ---- */

#define TAKES "TOKEN_HANDLER: takes exec:COMMAND with the absolute path of a program"

/* clang-format off */
static const struct {
	const char *words, *arguments;
} commands[] = {
	{ "", "" },
	{ " a  b\tc ", "<a><b><c>" },
	{ " 'a b' \"c d\"", "<a b><c d>" },
	{ " --name='a b'c\"d e\"", "<--name=a bcd e>" },
	{ " '' \"\"", "<><>" },
	{ " 'a\"b' \"c'd\"", "<a\"b><c'd>" },
	{ " $HOME * a;b `c` \\ #", "<$HOME><*><a;b><`c`><\\><#>" },
};

static const struct {
	const char *command, *msg;
} refused[] = {
	{ "", TAKES }, { "  ", TAKES }, { "sh", TAKES }, { "./sh", TAKES }, { "''", TAKES },
	{ "/bin/sh 'x", "TOKEN_HANDLER: a quote is not closed" },
	{ "/bin/sh \"x", "TOKEN_HANDLER: a quote is not closed" },
	{ "/none/such", "TOKEN_HANDLER: /none/such: No such file or directory" },
	{ "/etc/passwd", "TOKEN_HANDLER: /etc/passwd is not executable" },
	{ "/bin", "TOKEN_HANDLER: /bin is not executable" },
	{ "/bin/sh 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 "
	  "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4", "TOKEN_HANDLER: more than 64 words" },
};
/* clang-format on */

START_TEST(a_command_is_split_without_a_shell)
{
	struct buf command = BUF_INIT(1000);

	folder_write("script", "for i; do printf '<%s>' \"$i\"; done >\"${0%script}arguments\"\n"
			       "echo '" JOE "'\n");
	buf_printf(&command, "/bin/sh %s%s", folder_path("script"), commands[_i].words);
	ck_assert_int_eq(try_open(buf_cstr(&command), LONG_MS), TP_OK);
	ck_assert_msg(log_in() == TP_OK, "%s", err.msg);
	script_left("arguments", commands[_i].arguments);
	buf_release(&command);
}
END_TEST

START_TEST(a_command_that_cannot_be_run_is_an_error_at_start)
{
	ck_assert_int_eq(try_open(refused[_i].command, LONG_MS), TP_INVALID);
	ck_assert_str_eq(err.msg, refused[_i].msg);
}
END_TEST

START_TEST(the_setting_opens_it)
{
	struct buf setting = BUF_INIT(1000);

	folder_write("script", "echo '" JOE "'\n");
	buf_printf(&setting, "exec:/bin/sh %s", folder_path("script"));
	ck_assert_int_eq(
		authn_open(&(struct authn_spec){ .handler = buf_view(&setting) }, &handler, &err),
		TP_OK);
	ck_assert_int_eq(log_in(), TP_OK);
	buf_release(&setting);
}
END_TEST

static Suite *exec_suite(void)
{
	Suite *s = suite_create("authn_exec");
	TCase *t = tcase_create("authn_exec");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, end);
	tcase_add_loop_test(t, an_answer_becomes_what_it_says, 0, TP_COUNT(answers));
	tcase_add_loop_test(t, a_wrong_answer_is_trouble_that_says_why, 0, ANSWERS_WRONG);
	tcase_add_loop_test(t, a_good_answer_is_the_claims, 0, ANSWERS_GOOD);
	tcase_add_test(t, an_answer_may_be_as_long_as_the_limit);
	tcase_add_test(t, an_answer_without_end_is_cut_off);
	tcase_add_test(t, a_login_is_asked_as_one_json_object);
	tcase_add_test(t, a_refresh_is_asked_with_the_claims);
	tcase_add_test(t, the_largest_question_arrives_whole);
	tcase_add_test(t, what_json_cannot_say_is_denied_without_asking);
	tcase_add_loop_test(t, what_takes_too_long_is_killed, 0, TP_COUNT(slow));
	tcase_add_test(t, a_process_left_behind_holds_nobody_up);
	tcase_add_test(t, signals_do_not_disturb_the_waiting);
	tcase_add_test(t, the_environment_holds_no_secrets);
	tcase_add_test(t, no_other_descriptor_is_open);
	tcase_add_test(t, no_signal_is_blocked_or_ignored);
	tcase_add_test(t, works_without_the_standard_descriptors);
	tcase_add_test(t, leaves_no_descriptor_open);
	tcase_add_test(t, a_program_that_went_is_trouble);
	tcase_add_test(t, a_lack_of_memory_is_neither_yes_nor_no);
	tcase_add_loop_test(t, a_command_is_split_without_a_shell, 0, TP_COUNT(commands));
	tcase_add_loop_test(t, a_command_that_cannot_be_run_is_an_error_at_start, 0,
			    TP_COUNT(refused));
	tcase_add_test(t, the_setting_opens_it);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(exec_suite());
}
