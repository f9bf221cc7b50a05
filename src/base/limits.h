/* SPDX-License-Identifier: MIT */
/* Every cap and count of the program, in bytes unless the name says otherwise. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* clang-format off */
enum {
	/* identity and session */
	LIMIT_USER_ID       = 255,   /* user_id, UTF-8 without control characters */
	LIMIT_HANDLE        = 128,   /* an opaque token as a client may send it; ours have 43 */
	LIMIT_SCOPE         = 128,   /* one scope */
	LIMIT_SCOPES        = 128,   /* scopes of one session, count */
	LIMIT_AGENT         = 128,   /* User-Agent as kept in a session */
	LIMIT_SESSIONS      = 10000, /* highest SESSIONS_PER_USER, count */

	/* token */
	LIMIT_JWT           = 8192,  /* a signed JWT (RFC 7519) */
	LIMIT_JWT_BEARER    = 6144,  /* the same where it is handed to clients */
	LIMIT_JSON_DEPTH    = 32,
	LIMIT_CLAIMS_TEXT   = 1048576, /* claims as JSON, before anybody judged them */
	LIMIT_KEYS          = 16,    /* keys that verify, count */
	LIMIT_TOKEN_CACHE   = 64,    /* verified JWTs that a worker keeps, count */
	LIMIT_PEM           = 16384, /* a key, as PEM or its base64 */
	LIMIT_SECRET        = 4096,  /* an HMAC secret */
	LIMIT_JWS           = 1048576, /* a JWS of others, or a message that is signed */
	LIMIT_JWKS          = 64,    /* keys of a set of others, count */
	LIMIT_JWK_FILE      = 262144,

	/* store */
	LIMIT_STORE_VALUE   = 16384, /* one value */
	LIMIT_STORE_OPS     = 64,    /* operations in one round trip, count */
	LIMIT_ADDRESSES     = 16,    /* of one host, that are tried, count */
	LIMIT_STORE_URL     = 2048,
	LIMIT_CLUSTER_NODES = 128,   /* masters of a Redis Cluster and hosts in DB_URL, count */
	LIMIT_MEMCACHED     = 32,    /* servers of memcached, count */
	LIMIT_SENTINELS     = 16,    /* in one DB_URL, count */

	/* HTTP */
	LIMIT_ENV_VARS      = 256,   /* variables of one request, count */
	LIMIT_ENV_BYTES     = 131072,/* their names and values together */
	LIMIT_PATH          = 2048,
	LIMIT_RETURN_TO     = 2048,  /* a path to go to after a login */
	LIMIT_COOKIES       = 64,    /* cookies of one request, count */
	LIMIT_COOKIE        = 4096,
	LIMIT_FORM_FIELDS   = 32,    /* fields of one form, count */
	LIMIT_FORM_VALUE    = 4096,  /* one field, decoded */
	LIMIT_BODY          = 1048576, /* highest MAX_BODY_BYTES */
	LIMIT_RESP_HEADERS  = 32768,
	LIMIT_RESP_BODY     = 16777216,
	LIMIT_RESP_KEPT     = 262144, /* memory for one that is kept for the next */
	LIMIT_ROUTES        = 1024,  /* of an application, count */
	LIMIT_JSON_TEXT     = 512,   /* depth of the JSON that one answers */
	LIMIT_REQUEST_ID    = 128,
	LIMIT_ADDRESS       = 64,    /* a client's address as text */
	LIMIT_URI_PATH      = 8192,  /* the path of a request to a protected application */
	LIMIT_JWT_PASSED    = 3072,  /* a JWT that is handed to one, in a header */
	LIMIT_SCOPE_FILE    = 262144,/* SCOPE_RULES */
	LIMIT_SCOPE_RULES   = 4096,  /* its lines, count */

	/* requests to other services */
	LIMIT_FETCHES       = 64,    /* of one call, count */
	LIMIT_FETCH_URL     = 8192,
	LIMIT_FETCH_HEADERS = 64,    /* of one, count */
	LIMIT_FETCH_HEADER  = 8192,  /* name and value */
	LIMIT_FETCH_BODY    = 16777216, /* there and back, each */
	LIMIT_FETCH_MS      = 600000, /* highest time-out, milliseconds */

	/* gRPC */
	LIMIT_GRPC_MESSAGE  = 16384, /* one message */
	LIMIT_GRPC_METADATA = 16384, /* headers of one call, as RFC 9113 6.5.2 counts them */
	LIMIT_GRPC_REPLIES  = 65536, /* replies of one call that the client has not taken */
	LIMIT_GRPC_STREAMS  = 128,   /* calls at once on one connection, count */
	LIMIT_GRPC_CONNECTIONS = 1024, /* count */
	LIMIT_GRPC_SOURCE   = 256,   /* of them from one address, count */
	LIMIT_GRPC_BATCH    = 32,    /* calls that share the store's round trips, count */

	/* who may log in */
	LIMIT_PASSWORD      = 1024,
	LIMIT_AUTHN_FILE    = 67108864, /* an htpasswd or group file */
	LIMIT_AUTHN_WORDS   = 64,       /* of the command of exec:, count */
	LIMIT_AUTHN_QUESTION = 262144,  /* far above all fields at their limits, each byte escaped */
	LIMIT_AUTHN_OUTPUT  = 65536,    /* what a handler may answer */
	LIMIT_AUTHN_S       = 10,       /* how long it may take, seconds */

	/* configuration and log */
	LIMIT_CONFIG_FILE   = 262144,
	LIMIT_CONFIG_LINE   = 65536,
	LIMIT_LOG_LINE      = 4096,
	LIMIT_WORKERS       = 512
};
/* clang-format on */

#endif
