/* SPDX-License-Identifier: MIT */
/*
 * Loads settings. The first byte chooses the source that the rest is given to: 'f' the file, 'e'
 * the environment, 'a' the command line (one entry a line).
 */
#include "config/config.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/banned.h"

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_text(const struct option *o, const char *s)
{
	struct span text = span_of(s);

	if (s == NULL) {
		assert(o->def == NULL);
		return;
	}
	assert(span_is_utf8(text) && !span_has_control(text));
	assert(text.len > 0 || o->flags & OPTION_F_EMPTY);
	assert(o->type != OPTION_TYPE_PATH || s[0] == '/');
	assert(o->type != OPTION_TYPE_ROUTE || s[0] == '/' || s[0] == '\0');
}

static void check_list(const struct config_list *list)
{
	assert(list->v[list->n] == NULL);
	for (size_t i = 0; i < list->n; i++)
		assert(list->v[i][0] != '\0');
}

/* Whatever was accepted keeps what its row promises. */
static void check_field(const struct option *o, const void *slot)
{
	char *const *text = slot;
	const int64_t *number = slot;
	const int *choice = slot;

	switch (o->type) {
	case OPTION_TYPE_STR:
	case OPTION_TYPE_PATH:
	case OPTION_TYPE_ROUTE:
	case OPTION_TYPE_ADDRESS:
		check_text(o, *text);
		break;
	case OPTION_TYPE_INT:
	case OPTION_TYPE_SIZE:
	case OPTION_TYPE_OCTAL:
	case OPTION_TYPE_MINUTES:
	case OPTION_TYPE_SECONDS:
	case OPTION_TYPE_MILLIS:
		assert(*number >= o->low && *number <= o->high);
		break;
	case OPTION_TYPE_ENUM:
		assert(option_choice(o, *choice).p != NULL);
		break;
	case OPTION_TYPE_LIST:
		check_list(slot);
		break;
	case OPTION_TYPE_SECRET:
	case OPTION_TYPE_BOOL:
	case OPTION_TYPE_MAP:
	case OPTION_TYPES:
		break;
	}
}

static void check_sentence(void *arg, const char *sentence)
{
	(void)arg;
	assert(sentence[0] != '\0');
}

static void load(int argc, char **argv, char **envp)
{
	struct tp_err err = { .msg = "" };
	struct config c;
	enum tp_rc rc = config_load(argc, argv, envp, &c, &err);

	if (rc != TP_OK) {
		assert(rc == TP_INVALID || rc == TP_NOMEM);
		assert(err.rc == rc && err.msg[0] != '\0');
		assert(c.issuer == NULL);
		return;
	}
	for (size_t id = 0; id < OPTION_COUNT; id++)
		check_field(&option_table[id], (const char *)&c + option_table[id].offset);
	assert(config_check(&c, false, &err) == TP_OK || err.msg[0] != '\0');
	assert(config_refresh_path(&c)[0] == '/');
	config_warnings(&c, check_sentence, NULL);
	config_release(&c);
}

static void load_file(const char *p, size_t n)
{
	char variable[64];
	char *envp[] = { variable, NULL };
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, p, n) == (ssize_t)n);
	snprintf(variable, sizeof(variable), "TPAUTH_CONFIG=/proc/self/fd/%d", fd);
	load(0, NULL, envp);
	close(fd);
}

static void load_words(bool as_flags, const char *p, size_t n)
{
	struct span rest = { p, n };
	char program[] = "tpauth";
	char *words[MOST + 2] = { program };
	int count = 1;

	while (rest.p != NULL && count <= MOST) {
		words[count] = span_dup(span_cut(&rest, '\n'));
		if (words[count] != NULL)
			count++;
	}
	words[count] = NULL;
	if (as_flags)
		load(count, words, NULL);
	else
		load(0, NULL, words + 1);
	while (count > 1)
		free(words[--count]);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *text = (const char *)p;

	if (n == 0)
		return 0;
	if (p[0] == 'f')
		load_file(text + 1, n - 1);
	else
		load_words(p[0] == 'a', text + 1, n - 1);
	return 0;
}
