/* SPDX-License-Identifier: MIT */
/*
 * Sorts the arguments of a subcommand. What a setting's flag may hold is judged later, by config;
 * here it only matters which flags there are, and whether the next argument is the value of one.
 */
#include "ctl/args.h"

#include <assert.h>
#include <stdlib.h>

#include "config/config_value.h"
#include "config/option.h"

#include "base/banned.h"

enum { NAME_MOST = 64 };

struct reader {
	const struct args_spec *spec;
	char **argv;
	int argc, i; /* the argument behind the one that is looked at */
	char *own;
	struct args *ret;
	struct option_index index;
};

/* ---- the command's own flags ---- */

static const struct args_flag *find_own(const struct reader *r, struct span name)
{
	for (size_t i = 0; i < r->spec->n_flags; i++) {
		const struct args_flag *f = &r->spec->flags[i];

		if (span_is(name, f->name))
			return f;
	}
	return NULL;
}

static enum tp_rc put_text(const struct args_flag *f, char *at, const char *value,
			   struct tp_err *err)
{
	const char **text = (const char **)(void *)at;

	if (*text != NULL)
		return tp_fail(err, TP_NO_ROUTE, "%s is given twice", f->name);
	*text = value;
	return TP_OK;
}

static enum tp_rc put_value(const struct args_flag *f, char *at, const char *value,
			    struct tp_err *err)
{
	struct args_list *list = (struct args_list *)(void *)at;

	if (f->kind != ARGS_LIST)
		return put_text(f, at, value, err);
	if (list->n == ARGS_LIST_MOST)
		return tp_fail(err, TP_NO_ROUTE, "%s: at most %d times", f->name, ARGS_LIST_MOST);
	list->v[list->n++] = value;
	return TP_OK;
}

/* value: what stands behind '=', or absent. */
static enum tp_rc take_own(struct reader *r, const struct args_flag *f, struct span value,
			   struct tp_err *err)
{
	char *at = r->own + f->at;

	if (f->verbs != 0 && (f->verbs & 1u << r->ret->verb) == 0)
		return tp_fail(err, TP_NO_ROUTE, "%s does not take %s",
			       r->spec->verbs[r->ret->verb].name, f->name);
	if (f->kind == ARGS_SWITCH) {
		if (value.p != NULL)
			return tp_fail(err, TP_NO_ROUTE, "%s takes no value", f->name);
		*(bool *)(void *)at = true;
		return TP_OK;
	}
	if (value.p == NULL && r->i < r->argc)
		value = span_of(r->argv[r->i++]);
	if (value.len == 0)
		return tp_fail(err, TP_NO_ROUTE, "%s needs a value", f->name);
	return put_value(f, at, value.p, err);
}

/* ---- flags of settings ---- */

/* Of the programs' own flags only the one that names a file of settings. */
static const struct option *setting_of(const struct option *o)
{
	return o != NULL && (o->flags & OPTION_F_FLAG) && strcmp(o->name, "CONFIG") != 0 ? NULL : o;
}

/* --name-x to NAME_X; NULL: no setting has this name. NAME_X_FILE is a way to give a secret. */
static const struct option *find_setting(const struct reader *r, struct span flag)
{
	static const char suffix[] = "_FILE";
	char room[NAME_MOST];
	struct span name = { room, flag.len };
	const struct option *o;

	assert(flag.p != NULL);
	if (flag.len > NAME_MOST)
		return NULL;
	for (size_t i = 0; i < flag.len; i++) {
		char c = flag.p[i];

		if (c != '-' && (c < 'a' || c > 'z'))
			return NULL;
		room[i] = (char)(c == '-' ? '_' : c - 'a' + 'A');
	}
	o = option_find(&r->index, name);
	if (o != NULL || name.len < sizeof(suffix) || memcmp(room + name.len - 5, suffix, 5) != 0)
		return setting_of(o);
	name.len -= sizeof(suffix) - 1;
	o = option_find(&r->index, name);
	return o != NULL && o->type == OPTION_TYPE_SECRET ? o : NULL;
}

/* As config reads it: what follows a boolean is its value only if it can be. */
static bool takes_next(const struct option *o, const char *next)
{
	bool word;

	if (o->type == OPTION_TYPE_BOOL)
		return config_value_set(o, span_of(next), &word, NULL) == TP_OK;
	return true;
}

static enum tp_rc hand_on(struct reader *r, char *arg, struct tp_err *err)
{
	/* One place stays free: argv ends with NULL. */
	if (r->ret->n_settings == ARGS_SETTINGS - 1)
		return tp_fail(err, TP_NO_ROUTE, "too many arguments");
	r->ret->settings[r->ret->n_settings++] = arg;
	return TP_OK;
}

static enum tp_rc take_setting(struct reader *r, char *arg, struct span name, bool has_value,
			       struct tp_err *err)
{
	const struct option *o = find_setting(r, (struct span){ name.p + 2, name.len - 2 });
	enum tp_rc rc;

	if (!r->spec->settings || o == NULL)
		return tp_fail(err, TP_NO_ROUTE, "no such flag: %.*s",
			       (int)(name.len < NAME_MOST ? name.len : NAME_MOST), name.p);
	rc = hand_on(r, arg, err);
	if (rc != TP_OK || has_value || r->i == r->argc || !takes_next(o, r->argv[r->i]))
		return rc;
	return hand_on(r, r->argv[r->i++], err);
}

/* ---- all ---- */

static enum tp_rc take_operand(struct reader *r, const char *arg, struct tp_err *err)
{
	const struct args_verb *v = &r->spec->verbs[r->ret->verb];

	if (r->ret->n_operands == v->most)
		return tp_fail(err, TP_NO_ROUTE, "an argument too many");
	r->ret->operand[r->ret->n_operands++] = arg;
	return TP_OK;
}

static enum tp_rc take(struct reader *r, char *arg, struct tp_err *err)
{
	struct span value = span_of(arg), name;
	const struct args_flag *f;

	if (!span_starts(value, "-") || value.len == 1)
		return take_operand(r, arg, err);
	if (!span_starts(value, "--") && r->spec->verbs[r->ret->verb].dash)
		return take_operand(r, arg, err);
	if (!span_starts(value, "--"))
		return tp_fail(err, TP_NO_ROUTE, "flags begin with two dashes");
	name = span_cut(&value, '=');
	f = find_own(r, name);
	return f != NULL ? take_own(r, f, value, err)
			 : take_setting(r, arg, name, value.p != NULL, err);
}

static enum tp_rc find_verb(struct reader *r, struct tp_err *err)
{
	if (r->spec->verbs[0].name == NULL)
		return TP_OK;
	for (size_t i = 0; r->i < r->argc && i < r->spec->n_verbs; i++) {
		if (strcmp(r->spec->verbs[i].name, r->argv[r->i]) == 0) {
			r->ret->verb = i;
			r->i++;
			return TP_OK;
		}
	}
	if (r->i == r->argc)
		return tp_fail(err, TP_NO_ROUTE, "a subcommand is missing");
	return tp_fail(err, TP_NO_ROUTE, "no such subcommand: %.*s", NAME_MOST, r->argv[r->i]);
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

static enum tp_rc read_all(struct reader *r, struct tp_err *err)
{
	const struct args_verb *v;
	bool flags = true;
	enum tp_rc rc = find_verb(r, err);

	while (rc == TP_OK && r->i < r->argc) {
		char *arg = r->argv[r->i++];

		if (flags && strcmp(arg, "--") == 0)
			flags = false;
		else
			rc = flags ? take(r, arg, err) : take_operand(r, arg, err);
	}
	if (rc != TP_OK)
		return rc;
	v = &r->spec->verbs[r->ret->verb];
	if (r->ret->n_operands < v->least)
		return tp_fail(err, TP_NO_ROUTE, "an argument is missing");
	return TP_OK;
}

enum tp_rc args_read(const struct args_spec *spec, int argc, char **argv, void *own,
		     struct args *ret, struct tp_err *err)
{
	struct reader r = { .spec = spec, .argv = argv, .argc = argc, .i = 1, .own = own };

	assert(argc > 0);
	*ret = (struct args){ .help = wants_help(argc, argv) };
	if (ret->help)
		return TP_OK;
	r.ret = ret;
	ret->settings[ret->n_settings++] = argv[0];
	option_index_init(&r.index);
	return read_all(&r, err);
}
