/* SPDX-License-Identifier: MIT */
/*
 * The keys of tests/data/keys, and rings made of them. They protect nothing.
 * SRC_DIR in the environment is the source tree (default "."). What fails aborts.
 */
#ifndef SUPPORT_TEST_KEYS_H
#define SUPPORT_TEST_KEYS_H

#include "token/keyring.h"

/* The path and the content of a file there; both live as long as the process (64 files at most). */
const char *test_key_path(const char *name);
struct span test_key(const char *name);

/* The ways in which a setting holds a PEM; out gets it. */
enum test_form {
	TEST_AS_IT_IS,
	TEST_BASE64,
	TEST_BASE64_WRAPPED,
	TEST_ONE_LINE, /* backslash and n for each line break */
	TEST_WITH_NOTE,
	TEST_FORMS
};
void test_key_form(struct buf *out, struct span pem, enum test_form form);

/* The path of a new file in /tmp, good until the next call. Caller unlinks. */
const char *test_file(struct span content);

/* 32 bytes. */
#define TEST_SECRET "a secret of test that is 32 long"

/* Signing rings: the secret above; rsa2048. Caller closes. */
struct keyring *test_ring(enum keyring_alg alg);

#endif
