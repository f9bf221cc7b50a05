/* SPDX-License-Identifier: MIT */
/* Owns the loading of tpauth_grpc.so. How it calls, and how long it may take, is grpc_client.h's.
 */
#include "run/trigger.h"

#include "base/object.h"

#include <stdlib.h>

#include "base/banned.h"

struct trigger {
	struct trigger_spec spec;
	struct object object;
	const struct grpc_client_module *module;
	struct grpc_client *client; /* NULL: not loaded yet */
};

static enum tp_rc load(struct trigger *t, struct tp_err *err)
{
	enum tp_rc rc = object_load(&t->object, t->spec.module_dir, GRPC_CLIENT_FILE,
				    GRPC_CLIENT_SYMBOL, GRPC_CLIENT_ABI, err);

	if (rc != TP_OK)
		return tp_fail(err, rc, "the refresh client: %s", err->msg);
	t->module = t->object.table;
	return t->module->open(&t->spec.client, &t->client, err);
}

static void unload(struct trigger *t)
{
	if (t->client != NULL)
		t->module->close(t->client);
	object_unload(&t->object);
	t->client = NULL;
	t->module = NULL;
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
