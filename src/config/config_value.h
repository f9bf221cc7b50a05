/* SPDX-License-Identifier: MIT */
/* One value of one option: from text to its field, and what it takes, in words. */
#ifndef CONFIG_CONFIG_VALUE_H
#define CONFIG_CONFIG_VALUE_H

#include "base/buf.h"

struct option;

/*
 * Parses text into *slot, a valid field of the option's type (zeros are one), releasing what it
 * held. An empty text is "none" where the option has no default. TP_INVALID: "NAME: got "x", takes
 * ..."; the slot is untouched.
 */
enum tp_rc config_value_set(const struct option *o, struct span text, void *slot,
			    struct tp_err *err) TP_MUSTUSE;

/* Frees (and wipes) what the field holds, which is empty afterwards. */
void config_value_release(const struct option *o, void *slot);

/* "HS256 or RS256", "1s to 365d, in minutes or with a unit (s, m, h, d)". */
void config_value_takes(const struct option *o, struct buf *out);

/* What --help calls the value: "MINUTES", "HS256|RS256". */
const char *config_value_word(const struct option *o);

/* What a bare number counts: "minutes", "bytes"; NULL where there is no unit. */
const char *config_value_unit(const struct option *o);

/* The beginning of a value that is no secret, fit for a message. */
void config_value_show(struct span text, struct buf *out);

#endif
