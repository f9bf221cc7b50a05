/* SPDX-License-Identifier: MIT */
/* Owns the loading of tpauth_grpc.so. How it calls, and how long it may take, is grpc_client.h's.
 */
#include "run/trigger.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

struct trigger {
	struct trigger_spec spec;
	void *object;
	const struct grpc_client_module *module;
	struct grpc_client *client; /* NULL: not loaded yet */
};

static enum tp_rc load(struct trigger *t, struct tp_err *err)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/tpauth_grpc.so", t->spec.module_dir);

	if (n < 0 || (size_t)n >= sizeof(path))
		return tp_fail(err, TP_UNAVAILABLE, "the module folder's name is too long");
	t->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (t->object == NULL)
		return tp_fail(err, TP_UNAVAILABLE, "the refresh client: %s",
			       dlerror()); /* NOLINT(concurrency-mt-unsafe): no threads */
	t->module = dlsym(t->object, GRPC_CLIENT_SYMBOL);
	if (t->module == NULL || t->module->abi != GRPC_CLIENT_ABI)
		return tp_fail(err, TP_UNAVAILABLE, "%s is of another version", path);
	return t->module->open(&t->spec.client, &t->client, err);
}

static void unload(struct trigger *t)
{
	if (t->client != NULL)
		t->module->close(t->client);
	if (t->object != NULL)
		dlclose(t->object);
	t->client = NULL;
	t->module = NULL;
	t->object = NULL;
}

enum tp_rc trigger_open(const struct trigger_spec *spec, struct trigger **ret, struct tp_err *err)
{
	struct trigger *t = calloc(1, sizeof(*t));
	enum tp_rc rc;

	if (t == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	t->spec = *spec;
	rc = spec->late ? TP_OK : load(t, err);
	if (rc != TP_OK) {
		trigger_close(t);
		return rc;
	}
	*ret = t;
	return TP_OK;
}

void trigger_close(struct trigger *t)
{
	if (t == NULL)
		return;
	unload(t);
	free(t);
}

static enum tp_rc fire(void *arg, struct span user, struct span handle, struct tp_err *err)
{
	struct trigger *t = arg;
	enum tp_rc rc = t->client != NULL ? TP_OK : load(t, err);

	if (rc == TP_OK)
		return t->module->refresh(t->client, user, handle, err);
	unload(t);
	return rc;
}

struct auth_trigger trigger_of(struct trigger *t)
{
	return t != NULL ? (struct auth_trigger){ fire, t } : (struct auth_trigger){ 0 };
}
