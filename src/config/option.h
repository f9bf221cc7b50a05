/* SPDX-License-Identifier: MIT */
/*
 * The option table as data: one const row for each setting and each flag, made from options.tbl.h,
 * with its place in struct config. The loader, the checks and the documentation all walk it.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "base/str.h"

/* What a value is, and what its field in struct config is. */
enum option_type {
	OPTION_TYPE_STR,     /* char *: UTF-8 without control characters; NULL: none */
	OPTION_TYPE_PATH,    /* char *: an absolute path of a file or folder; NULL: none */
	OPTION_TYPE_ROUTE,   /* char *: a path of this service's URLs, "/..." */
	OPTION_TYPE_ADDRESS, /* char *: HOST:PORT or unix:/PATH; NULL: none */
	OPTION_TYPE_SECRET,  /* struct secret; may be given as NAME_FILE, too */
	OPTION_TYPE_BOOL,    /* bool */
	OPTION_TYPE_INT,     /* int64_t */
	OPTION_TYPE_SIZE,    /* int64_t bytes; units k, m (powers of 1024) */
	OPTION_TYPE_OCTAL,   /* int64_t: a file mode */
	OPTION_TYPE_MINUTES, /* int64_t seconds; a bare number is minutes */
	OPTION_TYPE_SECONDS, /* int64_t milliseconds; a bare number is seconds */
	OPTION_TYPE_MILLIS,  /* int64_t milliseconds */
	OPTION_TYPE_LIST,    /* struct config_list */
	OPTION_TYPE_ENUM,    /* int: the place among the choices */
	OPTION_TYPE_MAP,     /* struct jval *: a JSON object of strings; NULL: none */
	OPTION_TYPES
};

enum option_flags {
	OPTION_F_FLAG =
		1, /* a flag of the programs only: neither in the file nor the environment */
	OPTION_F_EMPTY = 2, /* the empty text is a value of its own, and not "none" */
	OPTION_F_OPEN = 4,  /* a SECRET that may stand on the command line when it has no '@' */
	OPTION_F_BUILT = 8, /* the default was chosen when tpauth was built */
	OPTION_F_FCGI = 16  /* of tpauth.fcgi only: tpauth-grpcd refuses it */
};

struct option {
	const char *name; /* of the setting, DB_URL; its flag is --db-url */
	enum option_type type;
	unsigned flags;
	const char *def;     /* as one would write it; NULL: none */
	int64_t low, high;   /* in the unit of the field */
	const char *choices; /* "a|b|c" */
	const char *arg;     /* what --help calls the value; NULL: the type's word */
	const char *help;    /* one line without a full stop */
	const char *man;     /* whole sentences; `literal` */
	size_t offset;	     /* of the field in struct config */
};

struct option_group {
	const char *title;
	size_t first; /* id of its first option; it ends where the next begins */
};

enum option_id {
#define GROUP(title, first)
#define OPT(field, type, name, def, takes, flags, help, man) OPTION_##name,
#include "config/options.tbl.h"
	OPTION_COUNT
};

extern const struct option option_table[OPTION_COUNT];
extern const struct option_group option_groups[];
extern const size_t option_group_count;

/* Finds options by name without a search through the table for each variable of an environment. */
struct option_index {
	uint8_t slot[256];
};

void option_index_init(struct option_index *x);

/* NULL: no option of exactly this name. */
const struct option *option_find(const struct option_index *x, struct span name);

/* The choice of that number, as a span of the option's choices; p NULL when there are fewer. */
struct span option_choice(const struct option *o, int number);

#endif
