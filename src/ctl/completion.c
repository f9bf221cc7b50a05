/* SPDX-License-Identifier: MIT */
/* Writes shell text. What there is to complete is in the tables of command.c and its commands. */
#include "ctl/completion.h"

#include "config/option.h"
#include "ctl/command.h"

#include "base/banned.h"

static const char head[] = "# bash completion for tpauth(1); made by \"tpauth doc completion\".\n"
			   "\n"
			   "_tpauth()\n"
			   "{\n"
			   "	local cur=${COMP_WORDS[COMP_CWORD]} "
			   "prev=${COMP_WORDS[COMP_CWORD-1]} words= settings=\n"
			   "\n"
			   "	COMPREPLY=()\n"
			   "	# bash cuts --flag=value at the '='.\n"
			   "	if [ \"$cur\" = = ]; then\n"
			   "		cur=\n"
			   "	elif [ \"$prev\" = = ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
			   "		prev=${COMP_WORDS[COMP_CWORD-2]}\n"
			   "	fi\n";

/* What a flag's value is completed as comes before what else may stand there. */
static const char middle[] = "	case $COMP_CWORD:${COMP_WORDS[1]}:${COMP_WORDS[2]} in\n";

static const char tail[] = "	esac\n"
			   "	case $cur in\n"
			   "	--*) words=\"$words $settings\" ;;\n"
			   "	esac\n"
			   "	mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
			   "}\n"
			   "complete -F _tpauth tpauth\n";

/* ---- flags with a value ---- */

static void put_flag_of(const struct option *o, const char *suffix, struct buf *out)
{
	buf_str(out, "--");
	for (const char *p = o->name; *p != '\0'; p++) {
		char c = *p;

		if (c == '_')
			c = '-';
		else if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_char(out, c);
	}
	buf_str(out, suffix);
}

static bool is_setting(const struct option *o)
{
	return (o->flags & OPTION_F_FLAG) == 0 || strcmp(o->name, "CONFIG") == 0;
}

static bool is_file(const struct option *o)
{
	return o->type == OPTION_TYPE_PATH || o->type == OPTION_TYPE_SECRET ||
	       strcmp(o->name, "CONFIG") == 0;
}

/* Each "name|" once for each command that has it: a pattern may stand there twice. */
static void put_own(bool files, struct buf *out)
{
	size_t n;
	const struct command *commands = command_table(&n);

	for (size_t i = 0; i < n; i++) {
		const struct args_spec *a = commands[i].args;

		for (size_t k = 0; a != NULL && k < a->n_flags; k++) {
			const struct args_flag *f = &a->flags[k];

			if (f->kind != ARGS_SWITCH && (f->kind == ARGS_FILE) == files)
				buf_printf(out, "%s|", f->name);
		}
	}
}

/* Of a command's own flags only keygen's --algorithm has a setting's name, and it takes the same.
 */
static void put_choices(struct buf *out)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];
		struct span choice;

		if (!is_setting(o) || o->type != OPTION_TYPE_ENUM)
			continue;
		buf_str(out, "	");
		put_flag_of(o, ") words=\"", out);
		for (int n = 0; (choice = option_choice(o, n)).p != NULL; n++)
			buf_printf(out, "%s%.*s", n > 0 ? " " : "", (int)choice.len, choice.p);
		buf_str(out, "\" ;;&\n");
	}
}

static void put_values(struct buf *out)
{
	buf_str(out, "	case $prev in\n");
	put_choices(out);
	buf_str(out, "	");
	put_own(true, out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];

		if (!is_setting(o) || !is_file(o))
			continue;
		put_flag_of(o, o->type == OPTION_TYPE_SECRET ? "-file|" : "|", out);
	}
	buf_cut(out, out->len - 1);
	buf_str(out, ")\n"
		     "		compopt -o filenames 2>/dev/null\n"
		     "		mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		     "		return ;;\n	");
	put_own(false, out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];

		if (is_setting(o) && !is_file(o) && o->type != OPTION_TYPE_BOOL)
			put_flag_of(o, "|", out);
	}
	buf_cut(out, out->len - 1);
	buf_str(out, ")\n"
		     "		mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		     "		return ;;\n	esac\n");
}

/* ---- what may stand where ---- */

static void put_flags(const struct args_spec *a, size_t verb, struct buf *out)
{
	for (size_t k = 0; k < a->n_flags; k++) {
		if (a->flags[k].verbs == 0 || (a->flags[k].verbs & 1u << verb) != 0)
			buf_printf(out, "%s ", a->flags[k].name);
	}
	buf_str(out, "--help\"");
	buf_str(out, a->settings ? " settings=$all_settings ;;\n" : " ;;\n");
}

static void put_command(const struct command *c, struct buf *out)
{
	const struct args_spec *a = c->args;

	if (a == NULL)
		return;
	if (a->verbs[0].name == NULL) {
		buf_printf(out, "	*:%s:*) words=\"", c->name);
		put_flags(a, 0, out);
		return;
	}
	buf_printf(out, "	2:%s:*) words=\"", c->name);
	for (size_t v = 0; v < a->n_verbs; v++)
		buf_printf(out, "%s ", a->verbs[v].name);
	buf_str(out, "--help\" ;;\n");
	for (size_t v = 0; v < a->n_verbs; v++) {
		buf_printf(out, "	*:%s:%s) words=\"", c->name, a->verbs[v].name);
		put_flags(a, v, out);
	}
}

static void put_all_settings(struct buf *out)
{
	buf_str(out, "	local all_settings=\"");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &option_table[i];

		if (is_setting(o))
			put_flag_of(o, o->type == OPTION_TYPE_SECRET ? "-file " : " ", out);
	}
	buf_cut(out, out->len - 1);
	buf_str(out, "\"\n");
}

void completion_bash(struct buf *out)
{
	size_t n;
	const struct command *commands = command_table(&n);

	buf_str(out, head);
	put_all_settings(out);
	put_values(out);
	buf_str(out, middle);
	buf_str(out, "	1:*) words=\"");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", commands[i].name);
	buf_str(out, "\" ;;\n");
	for (size_t i = 0; i < n; i++)
		put_command(&commands[i], out);
	buf_str(out, tail);
}
