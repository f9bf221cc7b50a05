/* SPDX-License-Identifier: MIT */
/*
 * The command line of one subcommand, read by a table: its verbs, its operands, its own flags, and
 * the flags of the settings, which are handed on. The bash completion is made from the same tables.
 *
 *   tpauth COMMAND [VERB] [OPERAND ...] [--FLAG VALUE | --FLAG=VALUE | --SWITCH ...]
 *
 * Operands and flags may come in any order; "--" ends the flags. "-" is an operand.
 */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include "base/rc.h"

enum { ARGS_OPERANDS = 2, ARGS_SETTINGS = 256, ARGS_LIST_MOST = 32 };

struct args_list {
	const char *v[ARGS_LIST_MOST];
	size_t n;
};

/* What a flag is, and what its place in the command's own struct is. */
enum args_kind {
	ARGS_SWITCH, /* bool */
	ARGS_TEXT,   /* const char *; may be given once */
	ARGS_FILE,   /* the same, and completed as a path */
	ARGS_LIST    /* struct args_list: each time one more */
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the tables' order is for readers */
struct args_flag {
	const char *name; /* "--json" */
	enum args_kind kind;
	size_t at;	/* offset in the command's own struct */
	unsigned verbs; /* bit for bit the verbs that take it; 0: all */
};

struct args_verb {
	const char *name; /* NULL: the command has no verbs, and this is its only row */
	int least, most;  /* operands */
	bool dash;	  /* they may begin with a dash, as an id of base64url does; not with two */
};

struct args_spec {
	const struct args_verb *verbs;
	size_t n_verbs;
	const struct args_flag *flags;
	size_t n_flags;
	bool settings; /* flags of settings are taken, too */
};

struct args {
	bool help; /* --help was there: nothing else was looked at */
	size_t verb;
	const char *operand[ARGS_OPERANDS];
	int n_operands;
	char *settings[ARGS_SETTINGS]; /* for boot_config(): argv[0] and the flags of settings */
	int n_settings;
};

/* argv[0] is the subcommand's name. own: the command's struct, zeroed or with defaults.
 * TP_NO_ROUTE: wrong usage; the message says what, and never shows a value. */
enum tp_rc args_read(const struct args_spec *spec, int argc, char **argv, void *own,
		     struct args *ret, struct tp_err *err) TP_MUSTUSE;

#endif
