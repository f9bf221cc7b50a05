/* SPDX-License-Identifier: MIT */
/* The yardstick for RS256: CPU time of one raw RSA-2048 signature, in microseconds. Argument: a
 * PEM. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	EVP_MD_CTX *first = EVP_MD_CTX_new(), *ctx = EVP_MD_CTX_new();
	unsigned char text[400], sig[1024];
	enum { ROUNDS = 3000 };

	if (key == NULL || EVP_DigestSignInit(first, NULL, EVP_sha256(), NULL, key) != 1)
		return EXIT_FAILURE;
	memset(text, 'x', sizeof(text));
	clock_t begun = clock();
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = sizeof(sig);

		if (EVP_MD_CTX_copy_ex(ctx, first) != 1 ||
		    EVP_DigestSign(ctx, sig, &len, text, sizeof(text)) != 1)
			return EXIT_FAILURE;
	}
	printf("%.1f\n", (double)(clock() - begun) * 1e6 / CLOCKS_PER_SEC / ROUNDS);
	return EXIT_SUCCESS;
}
