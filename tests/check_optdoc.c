/* SPDX-License-Identifier: MIT */
/* optdoc: each form of the documentation has every option, and the sample file loads. */
#include "config/optdoc.h"

#include "config/config.h"
#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

/* Columns: bytes that do not continue a UTF-8 character. */
static size_t columns(struct span line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		n += ((unsigned char)line.p[i] & 0xc0) != 0x80;
	return n;
}

/* How many lines of text begin with what `name` of the option makes of the pattern. */
static int count(const struct buf *text, const char *what)
{
	struct span rest = buf_view(text);
	int n = 0;

	while (rest.p != NULL)
		n += span_starts(span_cut(&rest, '\n'), what);
	return n;
}

static void flag_of(const struct option *o, char *ret, size_t room)
{
	size_t n = 0;

	for (const char *s = o->name; *s != '\0' && n + 1 < room; s++)
		ret[n++] = *s == '_' ? '-' : (char)(*s - 'A' + 'a');
	ret[n] = '\0';
}

START_TEST(helps_with_every_flag_in_100_columns)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);
	struct span rest;

	optdoc_help(&text, "tpauth.fcgi", 0);
	ck_assert_int_eq(text.rc, TP_OK);
	ck_assert(span_starts(buf_view(&text), "usage: tpauth.fcgi "));
	ck_assert_ptr_nonnull(strstr(text.p, "tpauth.conf(5)"));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char flag[64], line[80];

		flag_of(&option_table[i], flag, sizeof(flag));
		snprintf(line, sizeof(line), "  --%s", flag);
		ck_assert_msg(count(&text, line) >= 1, "%s", flag);
		ck_assert_ptr_nonnull(strstr(text.p, option_table[i].help));
	}
	ck_assert_int_eq(count(&text, "  --secret-key-file FILE "), 1);
	ck_assert_int_eq(count(&text, "  --secret-key "), 0);
	ck_assert_int_eq(count(&text, "  --enable-cors[=BOOL] "), 1);
	ck_assert_int_eq(count(&text, "  --help "), 1);
	rest = buf_view(&text);
	while (rest.p != NULL)
		ck_assert_uint_le(columns(span_cut(&rest, '\n')), 100);
}
END_TEST

START_TEST(leaves_out_what_a_program_refuses)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);

	optdoc_help(&text, "tpauth-grpcd", OPTION_F_FCGI);
	ck_assert_int_eq(count(&text, "  --listen "), 0);
	ck_assert_int_eq(count(&text, "  --grpc "), 0);
	ck_assert_int_eq(count(&text, "  --listen-mode "), 1);
	ck_assert_int_eq(count(&text, "  --workers "), 1);
	ck_assert_int_eq(count(&text, "  --grpc-listen "), 1);
}
END_TEST

START_TEST(aligns_the_help)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);

	optdoc_help(&text, "x", 0);
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&text),
		       "  --expiry MINUTES                    lifetime of a session since its last "
		       "refresh\n"));
	ck_assert_ptr_nonnull(strstr(
		buf_cstr(&text),
		"  --refresh-restrict-minutes MINUTES  time after a refresh in which there is "
		"no other\n"));
}
END_TEST

START_TEST(has_texts_that_fit_their_places)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];
		size_t ticks = 0;

		ck_assert_msg(strlen(o->help) > 0 && strlen(o->help) <= 60, "%s", o->name);
		ck_assert_msg(o->help[strlen(o->help) - 1] != '.', "%s", o->name);
		ck_assert_msg(o->man[strlen(o->man) - 1] == '.', "%s", o->name);
		/* What troff would take for a request, or Markdown for the end of a cell. */
		ck_assert_msg(o->man[0] != '.' && o->man[0] != '\'', "%s", o->name);
		ck_assert_msg(strchr(o->help, '|') == NULL, "%s", o->name);
		for (const char *s = o->man; *s != '\0'; s++)
			ticks += *s == '`';
		ck_assert_msg(ticks % 2 == 0, "%s", o->name);
	}
}
END_TEST

START_TEST(puts_every_setting_and_no_more_into_the_manual)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);
	TP_CLEANUP(buf_release) struct buf flags = BUF_INIT(OPTDOC_MOST);

	optdoc_man(&text);
	optdoc_man_flags(&flags);
	ck_assert_int_eq(text.rc, TP_OK);
	ck_assert_int_eq(flags.rc, TP_OK);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];
		bool is_flag = (o->flags & OPTION_F_FLAG) != 0;
		char item[80], flag[64];

		snprintf(item, sizeof(item), ".It Ev %s ,", o->name);
		ck_assert_msg(count(&text, item) == (is_flag ? 0 : 1), "%s", o->name);
		flag_of(o, flag, sizeof(flag));
		snprintf(item, sizeof(item), ".It Fl -%s", flag);
		ck_assert_msg(is_flag == (count(&flags, item) >= 1), "%s", o->name);
	}
	ck_assert_int_eq(count(&text, ".Bl -tag"), (int)option_group_count - 1);
	ck_assert_int_eq(count(&text, ".El"), (int)option_group_count - 1);
}
END_TEST

START_TEST(writes_one_item_of_the_manual)
{
	static const char expiry[] = ".It Ev EXPIRY , Fl -expiry Ar MINUTES\n"
				     "Lifetime of a session and of its JWT, counted from the login "
				     "or the last refresh.\n"
				     "Takes 1s to 366d, in minutes or with a unit (s, m, h, d).\n"
				     "The default is\n"
				     ".Ql 1440\n"
				     "minutes.\n"
				     ".It Ev SESSION_MAX ";
	static const char format[] =
		".It Ev TOKEN_FORMAT , Fl -token-format Ar opaque|jwt\n"
		"What a client gets as its bearer token: \\fBopaque\\fP is a random handle that "
		"says "
		"nothing, \\fBjwt\\fP is the JWT itself.\n"
		"Both are accepted in a request, and both end with the session.\n"
		"Takes opaque or jwt.\n"
		"The default is\n"
		".Ql opaque .\n";
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);

	optdoc_man(&text);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), expiry));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), format));
}
END_TEST

START_TEST(puts_every_setting_into_the_readme)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);

	optdoc_readme(&text);
	ck_assert_int_eq(text.rc, TP_OK);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];
		char row[80];

		snprintf(row, sizeof(row), "| `%s` | ", o->name);
		ck_assert_msg(count(&text, row) == (o->flags & OPTION_F_FLAG ? 0 : 1), "%s",
			      o->name);
	}
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text),
				     "| `LEEWAY` | `10` minutes | clock difference that is "
				     "tolerated |\n"));
	/* The same table for every build. */
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "| `STATE_DIR` | set by the build | "));
	ck_assert_ptr_null(strstr(buf_cstr(&text), option_table[OPTION_STATE_DIR].def));
}
END_TEST

/* Loads text as a settings file. */
static struct config loaded(const struct buf *text)
{
	char path[] = "/tmp/check_optdoc.XXXXXX";
	char variable[64];
	char *envp[] = { variable, NULL };
	int fd = mkstemp(path);
	struct config c;
	struct tp_err err;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text->p, text->len), (ssize_t)text->len);
	close(fd);
	snprintf(variable, sizeof(variable), "TPAUTH_CONFIG=%s", path);
	ck_assert_msg(config_load(0, NULL, envp, &c, &err) == TP_OK, "%s", err.msg);
	unlink(path);
	return c;
}

START_TEST(has_a_sample_that_sets_nothing)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);
	struct config c;

	optdoc_sample(&text);
	ck_assert_int_eq(text.rc, TP_OK);
	c = loaded(&text);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		ck_assert(!config_is_set(&c, (enum option_id)i) || i == OPTION_CONFIG);
	config_release(&c);
}
END_TEST

START_TEST(has_a_sample_that_is_good_when_uncommented)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);
	TP_CLEANUP(buf_release) struct buf active = BUF_INIT(OPTDOC_MOST);
	struct span rest;
	struct config c;

	optdoc_sample(&text);
	rest = buf_view(&text);
	while (rest.p != NULL) {
		struct span line = span_cut(&rest, '\n');

		ck_assert_uint_le(columns(line), 100);
		if (line.len > 1 && line.p[0] == '#' && line.p[1] >= 'A' && line.p[1] <= 'Z') {
			buf_span(&active, (struct span){ line.p + 1, line.len - 1 });
			buf_char(&active, '\n');
		}
	}
	c = loaded(&active);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		ck_assert_int_eq(config_is_set(&c, (enum option_id)i),
				 !(option_table[i].flags & OPTION_F_FLAG) || i == OPTION_CONFIG);
	ck_assert_int_eq(c.expiry_s, 86400);
	ck_assert_uint_eq(c.cors_allow_methods.n, 6);
	ck_assert_ptr_null(c.login_url);
	config_release(&c);
}
END_TEST

static Suite *optdoc_suite(void)
{
	Suite *s = suite_create("optdoc");
	TCase *t = tcase_create("forms");

	tcase_add_test(t, helps_with_every_flag_in_100_columns);
	tcase_add_test(t, leaves_out_what_a_program_refuses);
	tcase_add_test(t, aligns_the_help);
	tcase_add_test(t, has_texts_that_fit_their_places);
	tcase_add_test(t, puts_every_setting_and_no_more_into_the_manual);
	tcase_add_test(t, writes_one_item_of_the_manual);
	tcase_add_test(t, puts_every_setting_into_the_readme);
	tcase_add_test(t, has_a_sample_that_sets_nothing);
	tcase_add_test(t, has_a_sample_that_is_good_when_uncommented);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(optdoc_suite());
}
