/* SPDX-License-Identifier: MIT */
/*
 * Reads test keys once and keeps them. Makes the two usual rings; a test of other keys fills its
 * own struct keyring_spec.
 */
#include "support/test_keys.h"

#include "base/codec.h"
#include "base/limits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

enum { MOST_FILES = 64, PATH_MOST = 512 };

static struct {
	char name[64], path[PATH_MOST], text[8192];
	size_t len;
} files[MOST_FILES];

static size_t find(const char *name)
{
	const char *dir = getenv("SRC_DIR");
	size_t i = 0;
	FILE *f;

	while (files[i].name[0] != '\0') {
		if (strcmp(files[i].name, name) == 0)
			return i;
		i++;
		assert(i < MOST_FILES);
	}
	snprintf(files[i].name, sizeof(files[i].name), "%s", name);
	snprintf(files[i].path, PATH_MOST, "%s/tests/data/keys/%s", dir ? dir : ".", name);
	f = fopen(files[i].path, "re");
	if (f == NULL) {
		perror(files[i].path);
		abort();
	}
	files[i].len = fread(files[i].text, 1, sizeof(files[i].text), f);
	fclose(f);
	return i;
}

const char *test_key_path(const char *name)
{
	return files[find(name)].path;
}

struct span test_key(const char *name)
{
	size_t i = find(name);

	return (struct span){ files[i].text, files[i].len };
}

struct keyring *test_ring(enum keyring_alg alg)
{
	struct keyring_spec spec = { .alg = alg, .must_sign = true };
	struct keyring *k = NULL;
	struct tp_err err;

	if (alg == KEYRING_HS256)
		spec.secret = SPAN_LIT(TEST_SECRET);
	else
		spec.private_key = test_key("rsa2048.pem");
	if (keyring_open(&spec, &k, &err) != TP_OK) {
		fprintf(stderr, "test ring: %s\n", err.msg);
		abort();
	}
	return k;
}

void test_key_form(struct buf *out, struct span pem, enum test_form form)
{
	struct buf b = BUF_INIT(LIMIT_PEM);

	buf_reset(out);
	if (form == TEST_BASE64 || form == TEST_BASE64_WRAPPED)
		codec_b64_put(&b, pem);
	else
		buf_span(&b, pem);
	if (form == TEST_WITH_NOTE)
		buf_str(out, "\n  a note before it\n");
	for (size_t i = 0; i < b.len; i++) {
		if (form == TEST_ONE_LINE && b.p[i] == '\n')
			buf_str(out, "\\n");
		else
			buf_char(out, b.p[i]);
		if (form == TEST_BASE64_WRAPPED && i % 64 == 63)
			buf_str(out, "\r\n");
	}
	if (form == TEST_BASE64_WRAPPED || form == TEST_WITH_NOTE)
		buf_str(out, "\n\n");
	assert(out->rc == TP_OK);
	buf_release(&b);
}

const char *test_file(struct span content)
{
	static char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/tmp/tpauth-test.XXXXXX");
	fd = mkstemp(path);
	assert(fd >= 0);
	n = write(fd, content.p, content.len);
	assert(n == (ssize_t)content.len);
	close(fd);
	return path;
}
