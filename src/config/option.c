/* SPDX-License-Identifier: MIT */
/*
 * Owns the one instance of the option table and the lookup by name. The rows are in options.tbl.h;
 * what the values mean is config_value.c's.
 */
#include "config/option.h"

#include "base/limits.h"
#include "config/config.h"

#include <limits.h>

#define DAY	  INT64_C(86400) /* in seconds */
#define MINUTE_MS INT64_C(60000)

/* The table's column "takes": low, high, choices, arg. */
#define ANY	      0, 0, NULL, NULL
#define RANGE(lo, hi) (lo), (hi), NULL, NULL
#define ONE_OF(list)  0, 0, (list), NULL
#define CALLED(word)  0, 0, NULL, (word)

/* clang-format off */
const struct option option_table[OPTION_COUNT] = {
#define GROUP(title, first)
#define OPT(field, type, name, def, takes, flags, help, man) \
	{ #name, OPTION_TYPE_##type, (flags), def, takes, help, man, offsetof(struct config, field) },
#include "config/options.tbl.h"
};

const struct option_group option_groups[] = {
#define GROUP(title, first) { title, OPTION_##first },
#define OPT(field, type, name, def, takes, flags, help, man)
#include "config/options.tbl.h"
};
/* clang-format on */

/* Down here, since it is to be the last include. */
#include "base/banned.h"

const size_t option_group_count = TP_COUNT(option_groups);

_Static_assert(OPTION_COUNT < UCHAR_MAX / 2, "the index is half full at most");

/* FNV-1a, folded to the index's size. */
static size_t start_of(struct span name)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619U;
	return (h ^ (h >> 16)) & UCHAR_MAX;
}

void option_index_init(struct option_index *x)
{
	*x = (struct option_index){ { 0 } };
	for (size_t id = 0; id < OPTION_COUNT; id++) {
		size_t at = start_of(span_of(option_table[id].name));

		while (x->slot[at] != 0)
			at = (at + 1) & UCHAR_MAX;
		x->slot[at] = (uint8_t)(id + 1);
	}
}

const struct option *option_find(const struct option_index *x, struct span name)
{
	size_t at = start_of(name);

	for (; x->slot[at] != 0; at = (at + 1) & UCHAR_MAX) {
		const struct option *o = &option_table[x->slot[at] - 1];

		if (span_is(name, o->name))
			return o;
	}
	return NULL;
}

struct span option_choice(const struct option *o, int number)
{
	struct span rest = span_of(o->choices);
	struct span one = { NULL, 0 };

	for (int i = 0; i <= number; i++) {
		if (rest.p == NULL)
			return (struct span){ NULL, 0 };
		one = span_cut(&rest, '|');
	}
	return one;
}
