/* SPDX-License-Identifier: MIT */
/*
 * Loadable objects of tpauth's own: each has one table, found by its name, whose first member is an
 * int that says for which version of the table it was built. What stands behind an object (a
 * library, mostly) costs its time only where it is asked for.
 */
#ifndef BASE_OBJECT_H
#define BASE_OBJECT_H

#include "base/rc.h"

struct object {
	void *handle;
	const void *table; /* NULL: not loaded */
};

/* folder/file. TP_UNAVAILABLE: it is not there, cannot be loaded, or is of another version. */
enum tp_rc object_load(struct object *o, const char *folder, const char *file, const char *symbol,
		       int abi, struct tp_err *err) TP_MUSTUSE;

/* Its code stays in the process: TLS libraries do not all stand being taken out. */
void object_unload(struct object *o);

#endif
