/* SPDX-License-Identifier: MIT */
/*
 * The yardstick for plain CGI: opens an LMDB environment, gets one value, computes one HMAC with
 * OpenSSL, prints an answer. CGI_MIN_DB: the folder. With an argument it fills the folder first.
 */
#include <lmdb.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc)
{
	if (rc != 0) {
		fprintf(stderr, "lmdb: %s\n", mdb_strerror(rc));
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char stored[512];
	MDB_val key = { 4, (char[]){ "key" } }, value = { sizeof(stored), stored };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	int fill = argc > 1;

	(void)argv;
	memset(stored, 'x', sizeof(stored));
	must(mdb_env_create(&env));
	must(mdb_env_open(env, getenv("CGI_MIN_DB"), fill ? 0 : MDB_RDONLY, 0660));
	must(mdb_txn_begin(env, NULL, fill ? 0 : MDB_RDONLY, &txn));
	must(mdb_dbi_open(txn, NULL, 0, &dbi));
	if (fill) {
		must(mdb_put(txn, dbi, &key, &value, 0));
		must(mdb_txn_commit(txn));
		return EXIT_SUCCESS;
	}
	must(mdb_get(txn, dbi, &key, &value));
	if (HMAC(EVP_sha256(), "0123456789abcdef0123456789abcdef", 32, value.mv_data, value.mv_size,
		 mac, &len) == NULL)
		return EXIT_FAILURE;
	mdb_txn_abort(txn);
	printf("Content-Type: application/json\r\nCache-Control: "
	       "no-store\r\n\r\n{\"user_id\":\"user_099\",\"mac\":%u}",
	       len);
	return EXIT_SUCCESS;
}
