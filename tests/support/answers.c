/* SPDX-License-Identifier: MIT */
#include "support/answers.h"

#include "base/banned.h"

#define IS	 "the token handler's answer: "
#define RETURNED "the token handler returned "
#define SCOPES	 RETURNED "scopes that are no array of distinct scopes"

/* clang-format off */
const struct answer answers_wrong[ANSWERS_WRONG] = {
	/* no JSON, or not strictly so */
	{ "", NULL, IS },
	{ "yes", NULL, IS },
	{ "{\"user_id\":\"joe\"", NULL, IS },
	{ "{\"user_id\":\"joe\"}{\"user_id\":\"joe\"}", NULL, IS },
	{ "{\"user_id\":\"joe\"} 1", NULL, IS },
	{ "{\"user_id\":\"joe\",}", NULL, IS },
	{ "{'user_id':'joe'}", NULL, IS },
	{ "{\"user_id\":\"joe\",\"user_id\":\"root\"}", NULL, IS },
	{ "{\"user_id\":\"joe\",\"user\\u005fid\":\"root\"}", NULL, IS },
	{ "{\"user_id\":\"j\xff\"}", NULL, IS },
	{ "{\"user_id\":\"j\xc0\xaf\"}", NULL, IS },
	{ "{\"user_id\":\"\\ud800\"}", NULL, IS },
	{ "{\"user_id\":\"joe\\u0000root\"}", NULL, IS },
	{ "{\"user_id\":\"joe\",\"n\":1.5}", NULL, IS },
	{ "{\"user_id\":\"joe\",\"n\":1e400}", NULL, IS },
	{ "{\"user_id\":\"joe\",\"n\":NaN}", NULL, IS },
	{ "\xef\xbb\xbf{\"user_id\":\"joe\"}", NULL, IS },
	{ "{\"user_id\":\"joe\",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", NULL, IS },
	/* JSON, and no claims */
	{ "null", NULL, RETURNED "what is no JSON object" },
	{ "[\"joe\"]", NULL, RETURNED "what is no JSON object" },
	{ "{}", NULL, RETURNED "no user_id" },
	{ "{\"username\":\"joe\"}", NULL, RETURNED "no user_id" },
	{ "{\"user_id\":1000}", NULL, RETURNED "a user_id that is no string" },
	{ "{\"user_id\":null}", NULL, RETURNED "a user_id that is no string" },
	{ "{\"user_id\":\"\"}", NULL, RETURNED "a user_id that is not allowed" },
	{ "{\"user_id\":\"tpauth-fail\"}", NULL, RETURNED "a user_id that is not allowed" },
	{ "{\"user_id\":\"joe\\n\"}", NULL, RETURNED "a user_id that is not allowed" },
	{ "{\"user_id\":\"joe\",\"scopes\":\"read write\"}", NULL, SCOPES },
	{ "{\"user_id\":\"joe\",\"scopes\":[\"read\",\"read\"]}", NULL, SCOPES },
	{ "{\"user_id\":\"joe\",\"username\":{}}", NULL, RETURNED "a username that is no string" },
	{ "{\"user_id\":\"joe\",\"email\":1}", NULL, RETURNED "an email that is no string" },
	{ "{\"user_id\":\"joe\",\"aud\":\"other\"}", NULL, RETURNED "an aud, which tokens here do not have" },
};

const struct answer answers_good[ANSWERS_GOOD] = {
	{ "{\"user_id\":\"joe\"}", "{\"user_id\":\"joe\"}", NULL },
	{ " {\"user_id\" : \"J\\u00f6rg\", \"more\": [1, true, null]}\r\n",
	  "{\"user_id\":\"J\xc3\xb6rg\",\"more\":[1,true,null]}", NULL },
	{ "{\"user_id\":\"joe\",\"scopes\":[\"read\"],\"email\":null}",
	  "{\"user_id\":\"joe\",\"scopes\":[\"read\"],\"email\":null}", NULL },
	/* what is set at the minting is not theirs to say */
	{ "{\"user_id\":\"joe\",\"exp\":99999999999,\"iss\":\"x\",\"sid\":\"x\",\"token_type\":\"y\",\"iat\":1}",
	  "{\"user_id\":\"joe\"}", NULL },
};
/* clang-format on */
