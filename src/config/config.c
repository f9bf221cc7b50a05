/* SPDX-License-Identifier: MIT */
/*
 * Owns the sources of the settings and their order: flags, then the environment, then the file,
 * then the defaults. The strongest comes first, so whoever finds a setting given leaves it alone.
 * What a value means is config_value.c's, what a line of the file is envfile.c's.
 */
#include "config/config.h"

#include "base/file.h"
#include "base/limits.h"
#include "config/config_value.h"
#include "config/envfile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define CONFIG_VARIABLE "TPAUTH_CONFIG"
#define FILE_SUFFIX	"_FILE"

enum {
	FLAG_MOST = 40,
};

/* The source that is being read; where: "environment", "command line", or the file. */
struct source {
	const char *where;
	bool is_file;
	int line;
	int seen[OPTION_COUNT]; /* the line that gave an option, or 1; 0: not yet */
};

struct loader {
	struct config *c;
	struct option_index index;
	struct source from;
};

/* What a name stands for: an option, or the file that holds its value. */
struct target {
	const struct option *o; /* NULL: nothing of ours */
	bool as_file;
};

static void *slot_of(struct config *c, const struct option *o)
{
	return (char *)c + o->offset;
}

static size_t id_of(const struct option *o)
{
	return (size_t)(o - option_table);
}

static void begin(struct loader *l, const char *where, bool is_file)
{
	l->from = (struct source){ .where = where, .is_file = is_file };
}

/* Fails with what e says, and where. */
static enum tp_rc fail_at(const struct source *from, const struct tp_err *e, struct tp_err *err)
{
	if (from->is_file)
		return tp_fail(err, e->rc, "%.60s:%d: %s", from->where, from->line, e->msg);
	return tp_fail(err, e->rc, "%s: %s", from->where, e->msg);
}

static struct target target_of(const struct loader *l, struct span name)
{
	const size_t cut = sizeof(FILE_SUFFIX) - 1;
	const struct option *o = option_find(&l->index, name);

	if (o != NULL)
		return (struct target){ o, false };
	if (name.len <= cut || memcmp(name.p + name.len - cut, FILE_SUFFIX, cut) != 0)
		return (struct target){ NULL, false };
	name.len -= cut;
	o = option_find(&l->index, name);
	if (o == NULL || o->type != OPTION_TYPE_SECRET)
		return (struct target){ NULL, false };
	return (struct target){ o, true };
}

/* files -----------------------------------------------------------------------------------------*/

static enum tp_rc set_from_file(struct loader *l, const struct option *o, struct span path,
				struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_PEM);
	struct tp_err why = { .msg = "" };
	struct span value;
	char *name;
	enum tp_rc rc;

	if (!span_starts(path, "/"))
		return tp_fail(err, TP_INVALID, "%s" FILE_SUFFIX ": takes an absolute path",
			       o->name);
	name = span_dup(path);
	if (name == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = file_read(name, &text, &why);
	free(name);
	if (rc != TP_OK)
		return tp_fail(err, rc, "%s" FILE_SUFFIX ": cannot read the file: %s", o->name,
			       why.msg);
	value = buf_view(&text);
	if (value.len > 0 && value.p[value.len - 1] == '\n')
		value.len--;
	if (value.len > 0 && value.p[value.len - 1] == '\r')
		value.len--;
	if (value.len == 0)
		return tp_fail(err, TP_INVALID, "%s" FILE_SUFFIX ": the file is empty", o->name);
	return config_value_set(o, value, slot_of(l->c, o), err);
}

/* one setting -----------------------------------------------------------------------------------*/

static enum tp_rc twice(const struct source *from, const struct option *o, struct tp_err *err)
{
	if (from->is_file)
		return tp_fail(err, TP_INVALID, "%s: given on line %d already", o->name,
			       from->seen[id_of(o)]);
	return tp_fail(err, TP_INVALID, "%s: given twice%s", o->name,
		       o->type == OPTION_TYPE_SECRET ? " (as itself or as " FILE_SUFFIX ")" : "");
}

static enum tp_rc give(struct loader *l, struct target t, struct span value, struct tp_err *err)
{
	size_t id = id_of(t.o);
	struct tp_err why = { .msg = "" };
	enum tp_rc rc;

	if (l->from.seen[id] != 0)
		rc = twice(&l->from, t.o, &why);
	else if (l->c->given[id])
		rc = TP_OK; /* a stronger source has spoken */
	else if (t.as_file)
		rc = set_from_file(l, t.o, value, &why);
	else
		rc = config_value_set(t.o, value, slot_of(l->c, t.o), &why);
	if (rc != TP_OK)
		return fail_at(&l->from, &why, err);
	l->from.seen[id] = l->from.is_file ? l->from.line : 1;
	l->c->given[id] = true;
	return TP_OK;
}

/* flags -----------------------------------------------------------------------------------------*/

/* name-x to NAME_X; an empty span for what cannot be a name. */
static struct span setting_name(struct span flag, char room[FLAG_MOST])
{
	if (flag.len > FLAG_MOST)
		return SPAN_LIT("");
	for (size_t i = 0; i < flag.len; i++) {
		char c = flag.p[i];

		if (c >= 'a' && c <= 'z')
			room[i] = (char)(c - 'a' + 'A');
		else if (c == '-')
			room[i] = '_';
		else
			return SPAN_LIT("");
	}
	return (struct span){ room, flag.len };
}

static bool shows_secret(struct target t, struct span value)
{
	if (t.o->type != OPTION_TYPE_SECRET || t.as_file)
		return false;
	return !(t.o->flags & OPTION_F_OPEN) || span_has_byte(value, '@');
}

/* One flag, without its "--"; next: the argument behind it, or NULL; *ret_used: as its value. */
static enum tp_rc take_flag(struct loader *l, struct span arg, const char *next, bool *ret_used,
			    struct tp_err *err)
{
	char room[FLAG_MOST];
	bool word;
	struct span value = arg;
	struct span flag = span_cut(&value, '=');
	struct target t = target_of(l, setting_name(flag, room));

	*ret_used = false;
	if (t.o == NULL)
		return tp_fail(err, TP_INVALID, "no such flag: --%.*s",
			       (int)(flag.len < FLAG_MOST ? flag.len : FLAG_MOST), flag.p);
	if (value.p == NULL && t.o->type == OPTION_TYPE_BOOL) {
		*ret_used =
			next != NULL && config_value_set(t.o, span_of(next), &word, NULL) == TP_OK;
		value = *ret_used ? span_of(next) : SPAN_LIT("true");
	} else if (value.p == NULL) {
		if (next == NULL || span_starts(span_of(next), "--"))
			return tp_fail(err, TP_INVALID, "--%.*s needs a value", (int)flag.len,
				       flag.p);
		*ret_used = true;
		value = span_of(next);
	}
	if (shows_secret(t, value))
		return tp_fail(err, TP_INVALID,
			       "--%.*s: others can read a secret there; use %s in the environment "
			       "or --%.*s-file",
			       (int)flag.len, flag.p, t.o->name, (int)flag.len, flag.p);
	return give(l, t, value, err);
}

static enum tp_rc take_flags(struct loader *l, int argc, char **argv, struct tp_err *err)
{
	int i = 1;

	begin(l, "command line", false);
	while (i < argc) {
		struct span arg = span_of(argv[i]);
		bool used;
		enum tp_rc rc;

		if (!span_starts(arg, "-") || arg.len == 1)
			break;
		i++;
		if (span_is(arg, "--"))
			break;
		if (!span_starts(arg, "--"))
			return tp_fail(err, TP_INVALID, "flags begin with two dashes");
		rc = take_flag(l, (struct span){ arg.p + 2, arg.len - 2 },
			       i < argc ? argv[i] : NULL, &used, err);
		if (rc != TP_OK)
			return rc;
		if (used)
			i++;
	}
	l->c->first_operand = i < argc ? i : argc;
	return TP_OK;
}

/* environment and file --------------------------------------------------------------------------*/

static enum tp_rc take_environment(struct loader *l, char **envp, struct tp_err *err)
{
	begin(l, "environment", false);
	for (; envp != NULL && *envp != NULL; envp++) {
		struct span value = span_of(*envp);
		struct span name = span_cut(&value, '=');
		struct target t;
		enum tp_rc rc;

		if (value.p == NULL)
			continue;
		t = target_of(l, name);
		if (t.o != NULL && t.o->flags & OPTION_F_FLAG)
			continue;
		if (span_is(name, CONFIG_VARIABLE))
			t = (struct target){ &option_table[OPTION_CONFIG], false };
		if (t.o == NULL)
			continue;
		rc = give(l, t, value, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

static enum tp_rc take_line(struct loader *l, const struct envfile_entry *e, struct tp_err *err)
{
	struct target t = target_of(l, e->name);
	struct tp_err why;

	if (t.o == NULL) {
		tp_fail(&why, TP_INVALID, "%.*s: no such setting",
			(int)(e->name.len < FLAG_MOST ? e->name.len : FLAG_MOST), e->name.p);
		return fail_at(&l->from, &why, err);
	}
	if (t.o->flags & OPTION_F_FLAG) {
		tp_fail(&why, TP_INVALID, "%s: a flag of the command line, not a setting",
			t.o->name);
		return fail_at(&l->from, &why, err);
	}
	return give(l, t, e->value, err);
}

static enum tp_rc take_lines(struct loader *l, struct span text, struct tp_err *err)
{
	TP_CLEANUP(envfile_release) struct envfile f;
	struct envfile_entry e;
	struct tp_err why;
	enum tp_rc rc;

	envfile_init(&f, text);
	while ((rc = envfile_next(&f, &e, &why)) == TP_OK) {
		l->from.line = f.line;
		rc = take_line(l, &e, err);
		if (rc != TP_OK)
			return rc;
	}
	l->from.line = f.line;
	return rc == TP_NOT_FOUND ? TP_OK : fail_at(&l->from, &why, err);
}

static enum tp_rc take_file(struct loader *l, const char *path, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_CONFIG_FILE);
	struct tp_err why;
	enum tp_rc rc;

	begin(l, path, true);
	rc = file_read(path, &text, &why);
	if (rc != TP_OK)
		return tp_fail(err, rc, "cannot read %.80s: %s", path, why.msg);
	return take_lines(l, buf_view(&text), err);
}

static enum tp_rc take_defaults(struct config *c, struct tp_err *err)
{
	for (size_t id = 0; id < OPTION_COUNT; id++) {
		const struct option *o = &option_table[id];
		enum tp_rc rc;

		if (c->given[id] || o->def == NULL)
			continue;
		rc = config_value_set(o, span_of(o->def), slot_of(c, o), err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

static enum tp_rc load(struct loader *l, int argc, char **argv, char **envp, struct tp_err *err)
{
	enum tp_rc rc = take_flags(l, argc, argv, err);

	if (rc == TP_OK && !l->c->help && !l->c->version) {
		rc = take_environment(l, envp, err);
		if (rc == TP_OK && l->c->config_file != NULL)
			rc = take_file(l, l->c->config_file, err);
	}
	return rc == TP_OK ? take_defaults(l->c, err) : rc;
}

enum tp_rc config_load(int argc, char **argv, char **envp, struct config *ret, struct tp_err *err)
{
	struct loader l = { .c = ret };
	enum tp_rc rc;

	*ret = (struct config){ 0 };
	option_index_init(&l.index);
	rc = load(&l, argc, argv, envp, err);
	if (rc != TP_OK)
		config_release(ret);
	return rc;
}

enum tp_rc config_default(struct config *c, enum option_id id, const char *value,
			  struct tp_err *err)
{
	const struct option *o = &option_table[id];

	return c->given[id] ? TP_OK : config_value_set(o, span_of(value), slot_of(c, o), err);
}

void config_release(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t id = 0; id < OPTION_COUNT; id++)
		config_value_release(&option_table[id], slot_of(c, &option_table[id]));
	*c = (struct config){ 0 };
}

bool config_is_set(const struct config *c, enum option_id id)
{
	return c->given[id];
}
