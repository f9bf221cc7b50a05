/* SPDX-License-Identifier: MIT */
/* Claims of ctl/args.h: command lines in, what they say or why they say nothing out. */
#include "ctl/args.h"

#include "support/check_run.h"

#include <stdio.h>

#include "base/str.h"

#include "base/banned.h"

enum { MOST = 16 };

struct own {
	const char *name, *file;
	struct args_list claims;
	bool json;
};

static const struct args_flag flags[] = {
	{ "--claim", ARGS_LIST, offsetof(struct own, claims), 0 },
	{ "--file", ARGS_FILE, offsetof(struct own, file), 2 },
	{ "--json", ARGS_SWITCH, offsetof(struct own, json), 0 },
	{ "--name", ARGS_TEXT, offsetof(struct own, name), 0 },
};
static const struct args_verb verbs[] = { { "one", 1, 1, false },
					  { "any", 0, 2, false },
					  { "id", 1, 1, true } };
static const struct args_spec spec = { verbs, 3, flags, TP_COUNT(flags), true };
static const struct args_spec bare = { verbs, 3, flags, TP_COUNT(flags), false };

static struct own own;
static struct args args;
static struct tp_err err;

/* words: separated by blanks. */
static enum tp_rc read_line(const struct args_spec *s, const char *words)
{
	static char room[512];
	char *argv[MOST + 1] = { NULL };
	int argc = 0;

	snprintf(room, sizeof(room), "command %s", words);
	for (char *w = room; w != NULL && argc < MOST;) {
		char *blank = strchr(w, ' ');

		if (blank != NULL)
			*blank = '\0';
		if (*w != '\0')
			argv[argc++] = w;
		w = blank != NULL ? blank + 1 : NULL;
	}
	own = (struct own){ .json = false };
	err = (struct tp_err){ 0 };
	return args_read(s, argc, argv, &own, &args, &err);
}

static const char *joined_settings(void)
{
	static char room[512];
	size_t len = 0;

	room[0] = '\0';
	for (int i = 1; i < args.n_settings; i++)
		len += (size_t)snprintf(room + len, sizeof(room) - len, "%s%s", i > 1 ? " " : "",
					args.settings[i]);
	return room;
}

START_TEST(takes_operands_and_flags_in_any_order)
{
	static const char *const lines[] = {
		"any --name n x --json - --file=f --claim a=1 --claim=b=2",
		"any x - --claim a=1 --name=n --claim b=2 --file f --json",
		"any --json --name n --file f --claim a=1 --claim b=2 -- x -",
	};

	for (size_t i = 0; i < TP_COUNT(lines); i++) {
		ck_assert_msg(read_line(&bare, lines[i]) == TP_OK, "%s: %s", lines[i], err.msg);
		ck_assert_uint_eq(args.verb, 1);
		ck_assert_int_eq(args.n_operands, 2);
		ck_assert_str_eq(args.operand[0], "x");
		ck_assert_str_eq(args.operand[1], "-");
		ck_assert_str_eq(own.name, "n");
		ck_assert_str_eq(own.file, "f");
		ck_assert_uint_eq(own.claims.n, 2);
		ck_assert_str_eq(own.claims.v[1], "b=2");
		ck_assert(own.json);
		ck_assert_int_eq(args.n_settings, 1);
	}
}
END_TEST

START_TEST(takes_an_id_that_begins_with_a_dash)
{
	ck_assert_int_eq(read_line(&spec, "id -x --json"), TP_OK);
	ck_assert_int_eq(args.n_operands, 1);
	ck_assert_str_eq(args.operand[0], "-x");
	ck_assert(own.json);
	ck_assert_int_eq(read_line(&spec, "id -- --x"), TP_OK);
	ck_assert_str_eq(args.operand[0], "--x");
	ck_assert_int_eq(read_line(&spec, "one -x"), TP_NO_ROUTE);
}
END_TEST

START_TEST(hands_the_flags_of_settings_on_with_their_values)
{
	static const struct {
		const char *line, *settings;
	} rows[] = {
		{ "one x --config FILE", "--config FILE" },
		{ "one --config FILE x", "--config FILE" },
		{ "one --config=FILE x --json", "--config=FILE" },
		{ "one --enable-cors x", "--enable-cors" },
		{ "one --enable-cors false x", "--enable-cors false" },
		{ "one x --secret-key-file F --log-level debug",
		  "--secret-key-file F --log-level debug" },
		{ "one x --issuer", "--issuer" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		ck_assert_msg(read_line(&spec, rows[i].line) == TP_OK, "%s: %s", rows[i].line,
			      err.msg);
		ck_assert_str_eq(joined_settings(), rows[i].settings);
		ck_assert_str_eq(args.operand[0], "x");
		ck_assert_str_eq(args.settings[0], "command");
	}
}
END_TEST

START_TEST(refuses_wrong_usage_with_its_reason)
{
	static const struct {
		const char *line, *msg;
	} rows[] = {
		{ "", "a subcommand is missing" },
		{ "two", "no such subcommand: two" },
		{ "one", "an argument is missing" },
		{ "one x y", "an argument too many" },
		{ "any --bogus", "no such flag: --bogus" },
		{ "any --Config=x", "no such flag: --Config" },
		{ "any --secret-key-file-file=x", "no such flag: --secret-key-file-file" },
		{ "any --issuer-file=x", "no such flag: --issuer-file" },
		{ "any --listen=x", "no such flag: --listen" },
		{ "any --version", "no such flag: --version" },
		{ "any -j", "flags begin with two dashes" },
		{ "any --name", "--name needs a value" },
		{ "any --name=", "--name needs a value" },
		{ "any --name a --name b", "--name is given twice" },
		{ "any --json=yes", "--json takes no value" },
		{ "one x --file f", "one does not take --file" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		ck_assert_int_eq(read_line(&spec, rows[i].line), TP_NO_ROUTE);
		ck_assert_str_eq(err.msg, rows[i].msg);
	}
	ck_assert_int_eq(read_line(&bare, "any --config x"), TP_NO_ROUTE);
	ck_assert_str_eq(err.msg, "no such flag: --config");
}
END_TEST

START_TEST(asks_for_help_before_all_else)
{
	ck_assert_int_eq(read_line(&spec, "--help"), TP_OK);
	ck_assert(args.help);
	ck_assert_int_eq(read_line(&spec, "nonsense --bogus --help"), TP_OK);
	ck_assert(args.help);
	ck_assert_int_eq(read_line(&spec, "any -- --help"), TP_OK);
	ck_assert(!args.help);
	ck_assert_str_eq(args.operand[0], "--help");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("args");
	TCase *t = tcase_create("args");

	tcase_add_test(t, takes_operands_and_flags_in_any_order);
	tcase_add_test(t, takes_an_id_that_begins_with_a_dash);
	tcase_add_test(t, hands_the_flags_of_settings_on_with_their_values);
	tcase_add_test(t, refuses_wrong_usage_with_its_reason);
	tcase_add_test(t, asks_for_help_before_all_else);
	suite_add_tcase(s, t);
	return check_run(s);
}
