/* SPDX-License-Identifier: MIT */
/* Owns the loading of modules. A module runs in our process with all that we may do, so what
 * anybody could have put there is not loaded; who may else write to it is the administrator's. */
#include "hook/module.h"

#include "hook/code.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/banned.h"

static const char prefix[] = "module:";

struct module {
	char *file, *text;
	void *object;
	const struct tpauth_module *own;
	void *arg;
	bool opened;
	struct hook_set hooks;
};

bool module_is_named(struct span handler)
{
	return span_starts(handler, prefix);
}

/* FILE.so[,TEXT] */
static enum tp_rc read_setting(struct module *m, struct span setting, struct tp_err *err)
{
	struct span text = { setting.p + sizeof(prefix) - 1, setting.len - (sizeof(prefix) - 1) };
	struct span file = span_cut(&text, ',');

	if (file.len == 0 || file.p[0] != '/')
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: takes module:FILE.so with the absolute path of a "
			       "shared object");
	m->file = span_dup(file);
	m->text = span_dup(text.p != NULL ? text : SPAN_LIT(""));
	if (m->file == NULL || m->text == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	return TP_OK;
}

static enum tp_rc check_file(const char *file, struct tp_err *err)
{
	struct stat st;

	if (stat(file, &st) != 0)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s: %s", file,
			       strerror(errno)); /* NOLINT(concurrency-mt-unsafe): no threads */
	if (!S_ISREG(st.st_mode))
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s is no regular file", file);
	if ((st.st_mode & S_IWOTH) != 0)
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: %s is writable by everybody (chmod o-w)", file);
	return TP_OK;
}

static enum tp_rc load(struct module *m, struct tp_err *err)
{
	enum tp_rc rc;

	assert(m->file != NULL);
	rc = check_file(m->file, err);
	if (rc != TP_OK)
		return rc;
	m->object = dlopen(m->file, RTLD_NOW | RTLD_LOCAL);
	if (m->object == NULL)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s",
			       dlerror()); /* NOLINT(concurrency-mt-unsafe): no threads */
	m->own = dlsym(m->object, "tpauth_module");
	if (m->own == NULL)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s defines no tpauth_module",
			       m->file);
	if (m->own->version != TPAUTH_MODULE_1)
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: %s is a module of version %d, and %d is taken",
			       m->file, m->own->version, TPAUTH_MODULE_1);
	if (m->own->on_token == NULL)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s has no on_token", m->file);
	return TP_OK;
}

static enum tp_rc start(struct module *m, struct tp_err *err)
{
	enum tpauth_rc said = TPAUTH_OK;
	enum tp_rc rc;

	assert(m->own != NULL);
	if (m->own->open != NULL)
		said = m->own->open(m->text, &m->arg);
	if (said == TPAUTH_OK) {
		m->opened = true;
		return TP_OK;
	}
	rc = said == TPAUTH_UNAVAILABLE || said == TPAUTH_NOMEM ? code_in(said) : TP_INVALID;
	return tp_fail(err, rc, "TOKEN_HANDLER: %s cannot be opened: %s", m->file,
		       tpauth_rc_name(said));
}

static void take_hooks(struct module *m)
{
	const struct tpauth_module *own = m->own;

	m->hooks = (struct hook_set){ .on = {
					      [TPAUTH_ON_TOKEN] = { own->on_token, m->arg },
					      [TPAUTH_ON_REFRESH] = { own->on_refresh, m->arg },
					      [TPAUTH_ON_LOGOUT] = { own->on_logout, m->arg },
					      [TPAUTH_ON_HEALTH] = { own->on_health, m->arg },
					      [TPAUTH_ON_AUTHENTICATE] = { own->on_authenticate,
									   m->arg },
				      } };
}

enum tp_rc module_open(struct span handler, struct module **ret, struct tp_err *err)
{
	struct module *m = calloc(1, sizeof(*m));
	enum tp_rc rc;

	if (m == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = read_setting(m, handler, err);
	if (rc == TP_OK)
		rc = load(m, err);
	if (rc == TP_OK)
		rc = start(m, err);
	if (rc != TP_OK) {
		module_close(m);
		return rc;
	}
	take_hooks(m);
	*ret = m;
	return TP_OK;
}

void module_close(struct module *m)
{
	if (m == NULL)
		return;
	if (m->opened && m->own->close != NULL)
		m->own->close(m->arg);
	if (m->object != NULL)
		dlclose(m->object);
	free(m->file);
	free(m->text);
	free(m);
}

const struct hook_set *module_hooks(const struct module *m)
{
	return &m->hooks;
}
