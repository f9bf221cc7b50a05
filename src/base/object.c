/* SPDX-License-Identifier: MIT */
/* Owns the loading and the look at the version. What a table means, its callers know. */
#include "base/object.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>

#include "base/banned.h"

enum tp_rc object_load(struct object *o, const char *folder, const char *file, const char *symbol,
		       int abi, struct tp_err *err)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, file);
	struct object loaded = { NULL, NULL };

	if (n < 0 || (size_t)n >= sizeof(path))
		return tp_fail(err, TP_UNAVAILABLE, "the module folder's name is too long");
	loaded.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (loaded.handle == NULL)
		return tp_fail(err, TP_UNAVAILABLE, "%s",
			       dlerror()); /* NOLINT(concurrency-mt-unsafe): no threads */
	loaded.table = dlsym(loaded.handle, symbol);
	if (loaded.table == NULL || *(const int *)loaded.table != abi) {
		object_unload(&loaded);
		return tp_fail(err, TP_UNAVAILABLE, "%s is of another version", path);
	}
	*o = loaded;
	return TP_OK;
}

void object_unload(struct object *o)
{
	if (o->handle != NULL)
		(void)dlclose(o->handle);
	*o = (struct object){ NULL, NULL };
}
