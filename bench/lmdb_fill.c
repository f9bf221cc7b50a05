/* SPDX-License-Identifier: MIT */
/*
 * Fills an embedded store with sessions as fast as it goes, through the store's own code, or times
 * single writes to it.
 *
 *	lmdb_fill FOLDER SECRET HEADER fill FIRST N TTL   N sessions, of the users uFIRST ...
 *	lmdb_fill FOLDER - - time N                       N logins, one by one; prints "median
 *worst" in us
 *
 * SECRET signs (HS256), HEADER is the JWT's, encoded.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "store/store.h"

static void must(enum tp_rc rc, const struct tp_err *err)
{
	if (rc != TP_OK) {
		fprintf(stderr, "lmdb_fill: %s\n", err->msg);
		exit(EXIT_FAILURE);
	}
}

static size_t put_base64(char *to, const void *bytes, size_t n)
{
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)to, bytes, (int)n);

	while (len > 0 && to[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
	return len;
}

/* {"token":"<jwt>","expire":1440}, of about 700 bytes. */
static size_t put_session(char *to, const char *secret, const char *header, long user, long ttl)
{
	static const char agent[] =
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
		"Gecko) Chrome/119.0.0.0 Safari/537.36";
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;
	long now = (long)time(NULL);
	char payload[1024];
	size_t at, jwt;
	int n = snprintf(
		payload, sizeof(payload),
		"{\"user_id\":\"u%ld\",\"username\":\"u%ld\",\"email\":null,\"scopes\":"
		"[\"read\",\"write\"],\"iss\":\"prismaticain\",\"iat\":%ld,\"exp\":%ld,"
		"\"token_type\":\"access\",\"auth_time\":%ld,\"ip\":\"192.0.2.17\",\"agent\":"
		"\"%s\"}",
		user, user, now, now + ttl, now, agent);

	jwt = at = (size_t)sprintf(to, "{\"token\":\"");
	at += (size_t)sprintf(to + at, "%s.", header);
	at += put_base64(to + at, payload, (size_t)n);
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)to + jwt, at - jwt, mac,
	     &mac_len);
	to[at++] = '.';
	at += put_base64(to + at, mac, mac_len);
	return at + (size_t)sprintf(to + at, "\",\"expire\":%ld}", ttl / 60);
}

static void fill(struct store *s, char **argv)
{
	static char owner[LIMIT_STORE_OPS][32], item[LIMIT_STORE_OPS][64],
		value[LIMIT_STORE_OPS][2048];
	long first = strtol(argv[5], NULL, 10), n = strtol(argv[6], NULL, 10);
	long ttl = strtol(argv[7], NULL, 10);
	struct store_op ops[LIMIT_STORE_OPS];
	struct tp_err err = { 0 };

	for (long i = 0; i < n;) {
		size_t k = 0;

		for (; k < LIMIT_STORE_OPS && i < n; k++, i++) {
			size_t len = put_session(value[k], argv[2], argv[3], first + i, ttl);

			ops[k] = (struct store_op){ .verb = STORE_PUT, .ttl_s = ttl };
			/* Handles are random: a multiple of an odd number stands in for that. */
			ops[k].key.owner =
				(struct span){ owner[k],
					       (size_t)sprintf(owner[k], "u%ld", first + i) };
			ops[k].key.item = (struct span){
				item[k],
				(size_t)sprintf(item[k], "%016lx-handle-of-a-session-%016lx",
						(first + i) * 0x9e3779b97f4a7c15, first + i)
			};
			ops[k].key.item.len = 43;
			ops[k].value = (struct span){ value[k], len };
		}
		store_begin(s);
		must(store_run(s, ops, k, &err), &err);
	}
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void time_writes(struct store *s, char **argv)
{
	long n = strtol(argv[5], NULL, 10);
	double *us = calloc((size_t)n, sizeof(*us));
	static char value[700];
	struct tp_err err = { 0 };
	char item[32];

	for (long i = 0; i < n; i++) {
		struct store_op op = { .verb = STORE_PUT, .ttl_s = 86400 };
		double start = now_us();

		op.key.owner = SPAN_LIT("timed");
		op.key.item = (struct span){ item, (size_t)sprintf(item, "%ld", i) };
		op.value = (struct span){ value, sizeof(value) };
		store_begin(s);
		must(store_run(s, &op, 1, &err), &err);
		us[i] = now_us() - start;
	}
	qsort(us, (size_t)n, sizeof(*us), by_size);
	printf("%.0f %.0f\n", us[n / 2], us[n - 1]);
	free(us);
}

int main(int argc, char **argv)
{
	struct store_spec spec = { .state_dir = argv[1], .timeout_ms = 30000 };
	struct store *s = NULL;
	struct tp_err err = { 0 };

	if (argc < 6)
		return EXIT_FAILURE;
	spec.clock = clock_system();
	must(store_open(&spec, &s, &err), &err);
	if (strcmp(argv[4], "fill") == 0)
		fill(s, argv);
	else
		time_writes(s, argv);
	store_close(s);
	return EXIT_SUCCESS;
}
