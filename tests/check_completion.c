/* SPDX-License-Identifier: MIT */
/* Claims of ctl/completion.h: the script has each command, verb and flag of the tables. What bash
 * makes of it is an end-to-end test's. */
#include "ctl/completion.h"

#include "ctl/command.h"
#include "support/check_run.h"

#include <stdio.h>

#include "base/banned.h"

enum { MOST = 65536 };

static struct buf script = BUF_INIT(MOST);

static void has(const char *text)
{
	ck_assert_msg(strstr(buf_cstr(&script), text) != NULL, "%s", text);
}

static void has_flags(const struct command *c, size_t verb)
{
	const char *name = c->args->verbs[verb].name;
	char row[80], flag[80];
	const char *at;

	snprintf(row, sizeof(row), "\t*:%s:%s) words=\"", c->name, name != NULL ? name : "*");
	at = strstr(buf_cstr(&script), row);
	ck_assert_msg(at != NULL, "%s", row);
	for (size_t i = 0; i < c->args->n_flags; i++) {
		const struct args_flag *f = &c->args->flags[i];
		const char *found;
		bool takes = f->verbs == 0 || (f->verbs & 1u << verb) != 0;

		snprintf(flag, sizeof(flag), "%s ", f->name);
		found = strstr(at, flag);
		ck_assert_msg((found != NULL && found < strchr(at, '\n')) == takes, "%s %s", row,
			      flag);
	}
}

START_TEST(knows_each_command_verb_and_flag)
{
	size_t n;
	const struct command *commands = command_table(&n);

	completion_bash(&script);
	ck_assert_int_eq(script.rc, TP_OK);
	for (size_t i = 0; i < n; i++) {
		has(commands[i].name);
		for (size_t v = 0; commands[i].args != NULL && v < commands[i].args->n_verbs; v++)
			has_flags(&commands[i], v);
	}
	has("--secret-key-file");
	ck_assert_ptr_null(strstr(buf_cstr(&script), "--secret-key "));
	ck_assert_ptr_null(strstr(buf_cstr(&script), "--listen "));
}
END_TEST

START_TEST(has_tables_in_order)
{
	size_t n;
	const struct command *commands = command_table(&n);

	for (size_t i = 0; i < n; i++) {
		const struct args_spec *a = commands[i].args;

		ck_assert(i == 0 || strcmp(commands[i - 1].name, commands[i].name) < 0);
		ck_assert(a == NULL || (a->n_verbs > 0 && a->n_verbs < 32));
		for (size_t k = 1; a != NULL && k < a->n_flags; k++)
			ck_assert_msg(strcmp(a->flags[k - 1].name, a->flags[k].name) < 0, "%s",
				      a->flags[k].name);
		for (size_t v = 0; a != NULL && v < a->n_verbs; v++)
			ck_assert_int_le(a->verbs[v].most, ARGS_OPERANDS);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("completion");
	TCase *t = tcase_create("completion");

	tcase_add_test(t, knows_each_command_verb_and_flag);
	tcase_add_test(t, has_tables_in_order);
	suite_add_tcase(s, t);
	return check_run(s);
}
