/* SPDX-License-Identifier: MIT */
/*
 * The yardstick: a bare libfcgi responder, and what the least possible authorization work adds to
 * it. HELLO_MODE: "bare", "hget" (one HGET on Redis), "login" (the three writes of a login in the
 * Python original: HSET, EXPIRE, SET, each awaited as there), "login1" (the three in one round
 * trip), "authorizer" (a permission for whoever asks). HELLO_REDIS: path of the server's unix
 * socket.
 */
#include <fcgiapp.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char claims[] =
	"{\"user_id\":\"user_099\",\"username\":\"Admin\",\"email\":null,\"scopes\":[\"user:read\","
	"\"user:write\"],"
	"\"iss\":\"prismaticain\",\"iat\":1795508315,\"exp\":1795594715,\"token_type\":\"access\"}";

static redisContext *redis;
static unsigned long count;

static void must(void *reply)
{
	if (reply == NULL || ((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "redis: %s\n", redis->errstr);
		exit(EXIT_FAILURE);
	}
	freeReplyObject(reply);
}

static const char value[] =
	"{\"token\":\"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6IkFkbWluIiwiZW1haWwiOm51"
	"bGwsInVzZXJfaWQiOiJ1c2VyXzA5OSIsInNjb3BlcyI6WyJ1c2VyOnJlYWQiLCJ1c2VyOndyaXRlIl0sImlz"
	"c3VlZF90byI6IjEyNy4wLjAuMSIsImlzcyI6InByaXNtYXRpY2FpbiIsImV4cCI6MTc5NTU5NDcxNSwiaWF0"
	"IjoxNzk1NTA4MzE1LCJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.kFx_AqdV1O2_snT4iHwHJsc0jD_nFAUfHKrl"
	"zFhcfg8\",\"expire\":1440}";

static void hget(void)
{
	must(redisCommand(redis, "HGET user_099 Vy3Zn4MVLLfifneYUA7Tm7"));
}

static void login(int one_round_trip)
{
	unsigned long user = count % 20000, n = count++;
	void *reply;

	redisAppendCommand(redis, "HSET user_%lu handle%lu %s", user, n, value);
	if (!one_round_trip) {
		redisGetReply(redis, &reply);
		must(reply);
	}
	redisAppendCommand(redis, "EXPIRE user_%lu 86400", user);
	if (!one_round_trip) {
		redisGetReply(redis, &reply);
		must(reply);
	}
	redisAppendCommand(redis, "SET user_%lu__handle%lu restricted EX 120", user, n);
	for (int i = one_round_trip ? 0 : 2; i < 3; i++) {
		redisGetReply(redis, &reply);
		must(reply);
	}
}

int main(void)
{
	const char *mode = getenv("HELLO_MODE");
	FCGX_Request r;

	if (mode == NULL)
		mode = "bare";
	if (strcmp(mode, "bare") != 0 && strcmp(mode, "authorizer") != 0) {
		redis = redisConnectUnix(getenv("HELLO_REDIS"));
		if (redis == NULL || redis->err != 0)
			return EXIT_FAILURE;
		must(redisCommand(redis, "HSET user_099 Vy3Zn4MVLLfifneYUA7Tm7 %s", value));
	}
	FCGX_Init();
	FCGX_InitRequest(&r, 0, 0);
	while (FCGX_Accept_r(&r) == 0) {
		if (mode[0] == 'h')
			hget();
		else if (mode[0] == 'l')
			login(mode[5] == '1');
		if (mode[0] == 'a')
			FCGX_FPrintF(r.out,
				     "Status: 200 OK\r\nVariable-REMOTE_USER: user_099\r\n\r\n");
		else
			FCGX_FPrintF(r.out,
				     "Content-Type: application/json\r\nCache-Control: "
				     "no-store\r\n\r\n%s",
				     claims);
		FCGX_Finish_r(&r);
	}
	return EXIT_SUCCESS;
}
