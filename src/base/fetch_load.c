/* SPDX-License-Identifier: MIT */
/* Owns the loading of tpauth_fetch.so, by programs that are not linked to libcurl. */
#include "base/fetch.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>

#include "base/banned.h"

enum tp_rc fetch_load(const char *module_dir, const struct fetch_module **ret, struct tp_err *err)
{
	const struct fetch_module *m;
	char path[PATH_MAX];
	void *object;
	int n = snprintf(path, sizeof(path), "%s/tpauth_fetch.so", module_dir);

	if (n < 0 || (size_t)n >= sizeof(path))
		return tp_fail(err, TP_UNAVAILABLE, "the module folder's name is too long");
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (object == NULL)
		return tp_fail(err, TP_UNAVAILABLE, "the HTTP client: %s",
			       dlerror()); /* NOLINT(concurrency-mt-unsafe): no threads */
	m = dlsym(object, FETCH_SYMBOL);
	if (m == NULL || m->abi != FETCH_ABI) {
		dlclose(object);
		return tp_fail(err, TP_UNAVAILABLE, "%s is of another version", path);
	}
	*ret = m;
	return TP_OK;
}
