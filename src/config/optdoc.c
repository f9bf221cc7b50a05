/* SPDX-License-Identifier: MIT */
/*
 * Owns how the option table looks in print: --help, mdoc, Markdown, and a sample file. The texts
 * themselves are in options.tbl.h.
 */
#include "config/optdoc.h"

#include "config/config.h"
#include "config/config_value.h"

#include "base/banned.h"

enum { HELP_COLUMN = 38, SAMPLE_WIDTH = 78 };

static bool is_setting(const struct option *o)
{
	return !(o->flags & OPTION_F_FLAG);
}

static size_t group_end(size_t group)
{
	return group + 1 < option_group_count ? option_groups[group + 1].first : OPTION_COUNT;
}

/* Calls one for each row of a kind (settings, or flags of the programs only) that has none of the
 * flags `without`, and head for each group that has any. */
static void each(bool settings, unsigned without, struct buf *out,
		 void (*head)(struct buf *out, const char *title, bool first),
		 void (*one)(struct buf *out, const struct option *o))
{
	bool first = true;

	for (size_t g = 0; g < option_group_count; g++) {
		size_t id = option_groups[g].first;

		if (is_setting(&option_table[id]) != settings)
			continue;
		head(out, option_groups[g].title, first);
		first = false;
		for (; id < group_end(g); id++)
			if ((option_table[id].flags & without) == 0)
				one(out, &option_table[id]);
	}
}

static void no_head(struct buf *out, const char *title, bool first)
{
	(void)out;
	(void)title;
	(void)first;
}

/* NAME_X as name-x. */
static void put_flag(struct buf *out, const struct option *o)
{
	for (const char *s = o->name; *s != '\0'; s++) {
		if (*s == '_')
			buf_char(out, '-');
		else
			buf_char(out, (char)(*s - 'A' + 'a'));
	}
	if (o->type == OPTION_TYPE_SECRET && !(o->flags & OPTION_F_OPEN))
		buf_str(out, "-file");
}

/* What the flag takes: for a secret, the file that holds it. */
static const char *flag_word(const struct option *o)
{
	if (o->type == OPTION_TYPE_SECRET && !(o->flags & OPTION_F_OPEN))
		return "FILE";
	return config_value_word(o);
}

/* What a value must be, where the text does not say it already. */
static void put_takes(struct buf *out, const struct option *o, const char *before,
		      const char *behind)
{
	if ((o->type == OPTION_TYPE_STR && o->choices == NULL) || o->type == OPTION_TYPE_ROUTE)
		return;
	buf_str(out, before);
	config_value_takes(o, out);
	buf_str(out, behind);
}

/* Text without the marks of literals. */
static void put_plain(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s != '`')
			buf_char(out, *s);
	}
}

/* --help ----------------------------------------------------------------------------------------*/

static void help_head(struct buf *out, const char *title, bool first)
{
	(void)first;
	buf_printf(out, "\n%s\n", title);
}

static void help_one(struct buf *out, const struct option *o)
{
	size_t start = out->len;

	buf_str(out, "  --");
	put_flag(out, o);
	if (o->type != OPTION_TYPE_BOOL)
		buf_printf(out, " %s", flag_word(o));
	else if (is_setting(o))
		buf_str(out, "[=BOOL]");
	if (out->len - start + 2 > HELP_COLUMN) {
		buf_char(out, '\n');
		start = out->len;
	}
	do
		buf_char(out, ' ');
	while (buf_rc(out, "help", NULL) == TP_OK && out->len - start < HELP_COLUMN);
	buf_printf(out, "%s\n", o->help);
}

void optdoc_help(struct buf *out, const char *program, unsigned without)
{
	buf_printf(out, "usage: %s [--config FILE] [--NAME VALUE | --NAME=VALUE]...\n", program);
	each(false, without, out, help_head, help_one);
	each(true, without, out, help_head, help_one);
	buf_str(out, "\nAll but the first group are settings, which may also stand in the "
		     "environment or "
		     "in a file,\nas EXPIRY for --expiry. tpauth.conf(5) describes them.\n");
}

/* mdoc ------------------------------------------------------------------------------------------*/

/* One piece of text in mdoc: literals bold, a new line after each sentence, nothing that troff
 * would take for a request. */
static void put_mdoc(struct buf *out, const char *s)
{
	bool literal = false;

	for (; *s != '\0'; s++) {
		switch (*s) {
		case '`':
			literal = !literal;
			buf_str(out, literal ? "\\fB" : "\\fP");
			break;
		case '\\':
			buf_str(out, "\\e");
			break;
		case '-':
			buf_str(out, literal ? "\\-" : "-");
			break;
		case ' ':
			buf_char(out, s[-1] == '.' && (s[1] < 'a' || s[1] > 'z') ? '\n' : ' ');
			break;
		default:
			buf_char(out, *s);
		}
	}
	buf_char(out, '\n');
}

static void put_fl(struct buf *out, const struct option *o)
{
	buf_str(out, "Fl -");
	put_flag(out, o);
	if (o->type != OPTION_TYPE_BOOL)
		buf_printf(out, " Ar %s", flag_word(o));
	buf_char(out, '\n');
}

static void man_head(struct buf *out, const char *title, bool first)
{
	if (!first)
		buf_str(out, ".El\n");
	buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", title);
}

static void man_default(struct buf *out, const struct option *o)
{
	if (o->def == NULL)
		buf_str(out, "Not set by default.\n");
	else if (o->def[0] == '\0')
		buf_str(out, "Empty by default.\n");
	else {
		buf_str(out, "The default is\n.Ql ");
		for (const char *s = o->def; *s != '\0'; s++) {
			if (*s == '"')
				buf_str(out, "\\(dq");
			else if (*s == ' ')
				buf_str(out, "\\ ");
			else
				buf_char(out, *s);
		}
		if (config_value_unit(o) != NULL)
			buf_printf(out, "\n%s.\n", config_value_unit(o));
		else
			buf_str(out, " .\n");
	}
}

static void man_one(struct buf *out, const struct option *o)
{
	buf_printf(out, ".It Ev %s , ", o->name);
	put_fl(out, o);
	put_mdoc(out, o->man);
	put_takes(out, o, "Takes ", ".\n");
	man_default(out, o);
}

static void man_flag(struct buf *out, const struct option *o)
{
	buf_str(out, ".It ");
	put_fl(out, o);
	put_mdoc(out, o->man);
	if (o->type != OPTION_TYPE_BOOL && o->def != NULL)
		man_default(out, o);
}

void optdoc_man(struct buf *out)
{
	each(true, 0, out, man_head, man_one);
	buf_str(out, ".El\n");
}

void optdoc_man_flags(struct buf *out)
{
	each(false, 0, out, no_head, man_flag);
}

/* Markdown --------------------------------------------------------------------------------------*/

static void readme_head(struct buf *out, const char *title, bool first)
{
	buf_printf(out, "%s**%s**\n\n| setting | default | meaning |\n| --- | --- | --- |\n",
		   first ? "" : "\n", title);
}

static void readme_one(struct buf *out, const struct option *o)
{
	buf_printf(out, "| `%s` | ", o->name);
	if (o->flags & OPTION_F_BUILT)
		buf_str(out, "set by the build");
	else if (o->def == NULL)
		buf_str(out, "not set");
	else if (o->def[0] == '\0')
		buf_str(out, "empty");
	else
		buf_printf(out, "`%s`", o->def);
	if (config_value_unit(o) != NULL)
		buf_printf(out, " %s", config_value_unit(o));
	buf_printf(out, " | %s", o->help);
	if (o->choices != NULL) {
		buf_str(out, ": ");
		config_value_takes(o, out);
	}
	buf_str(out, " |\n");
}

void optdoc_readme(struct buf *out)
{
	each(true, 0, out, readme_head, readme_one);
}

/* the sample file -------------------------------------------------------------------------------*/

static void sample_head(struct buf *out, const char *title, bool first)
{
	(void)first;
	buf_printf(out, "\n## %s\n", title);
}

/* One comment, filled. */
static void put_comment(struct buf *out, struct span text)
{
	size_t column = SAMPLE_WIDTH;

	while (text.p != NULL) {
		struct span word = span_cut(&text, ' ');

		if (column + 1 + word.len > SAMPLE_WIDTH) {
			buf_str(out, "\n#");
			column = 1;
		}
		buf_char(out, ' ');
		buf_span(out, word);
		column += 1 + word.len;
	}
}

static void sample_one(struct buf *out, const struct option *o)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(OPTDOC_MOST);
	bool has_default = o->def != NULL && o->def[0] != '\0';

	put_plain(&text, o->man);
	put_takes(&text, o, " Takes ", ".");
	put_comment(out, buf_view(&text));
	buf_printf(out, "\n#%s =%s%s\n", o->name, has_default ? " " : "",
		   has_default ? o->def : "");
}

void optdoc_sample(struct buf *out)
{
	buf_str(out, "# tpauth.conf: settings of tpauth. See tpauth.conf(5).\n"
		     "#\n"
		     "# Each setting stands here with its default. One in the environment "
		     "overrides the\n"
		     "# line here, and a flag overrides both. NAME_FILE = /PATH reads a secret "
		     "from a file.\n"
		     "# Keep this file from other users' eyes when secrets are in it.\n");
	each(true, 0, out, sample_head, sample_one);
}
