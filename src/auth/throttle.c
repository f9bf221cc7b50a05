/* SPDX-License-Identifier: MIT */
/*
 * Whom an attempt to log in counts against, and how much is free. The counting itself is the
 * store's, in one atomic operation; this file owns the names and the numbers.
 */
#include "auth/throttle.h"

#include "base/codec.h"

#include <arpa/inet.h>

#include "base/banned.h"

/*
 * Pair: 5, 1 s and 15 min are SPEC section 5. The memory is twice the longest pause: were it the
 * same, the count would be forgotten at the very moment the pause ends.
 * Address: 50 in 15 min, for an office behind one address.
 * User: 10 free, so that somebody who mistypes never notices; then 1 s, and 2 s at most, which slow
 * a guess from many addresses down to 43,200 a day and keep nobody out.
 */
static const struct store_limit limits[THROTTLE_KINDS] = {
	[THROTTLE_PAIR] = { .free = 5, .first_s = 1, .most_s = 900, .memory_s = 1800 },
	[THROTTLE_ADDRESS] = { .free = 50, .memory_s = 900, .window = true },
	[THROTTLE_USER] = { .free = 10, .first_s = 1, .most_s = 2, .memory_s = 900 },
};

static const char *const kinds[THROTTLE_KINDS] = {
	[THROTTLE_PAIR] = "pair",
	[THROTTLE_ADDRESS] = "addr",
	[THROTTLE_USER] = "user",
};

/* The network that one client has: an IPv4 address, whichever way it is written, or the /64 of an
 * IPv6 address. What is neither stands for itself. */
static struct span network(struct span address, char ret[INET6_ADDRSTRLEN])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4;

	if (address.len == 0 || address.len >= sizeof(text))
		return address;
	memcpy(text, address.p, address.len);
	text[address.len] = '\0';
	if (inet_pton(AF_INET, text, &a4) == 1)
		return span_of(inet_ntop(AF_INET, &a4, ret, INET6_ADDRSTRLEN));
	if (inet_pton(AF_INET6, text, &a6) != 1)
		return address;
	if (memcmp(a6.s6_addr, mapped, sizeof(mapped)) == 0)
		return span_of(
			inet_ntop(AF_INET, a6.s6_addr + sizeof(mapped), ret, INET6_ADDRSTRLEN));
	memset(a6.s6_addr + 8, 0, 8);
	return span_of(inet_ntop(AF_INET6, &a6, ret, INET6_ADDRSTRLEN));
}

/* The digest of a kind, a user and an address. The user's length goes before it, so that no name
 * can be spelt to look like another name and address. */
static void make_item(const char *kind, struct span user, struct span address, char ret[2 * 32 + 1])
{
	static const char hex[] = "0123456789abcdef";
	const char len[] = { (char)(user.len >> 24), (char)(user.len >> 16), (char)(user.len >> 8),
			     (char)user.len };
	const struct span parts[] = { { kind, 4 }, { len, sizeof(len) }, user, address };
	unsigned char digest[DIGEST_SHA256];

	codec_sha256_parts(parts, TP_COUNT(parts), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret[2 * i] = hex[digest[i] >> 4];
		ret[2 * i + 1] = hex[digest[i] & 0xf];
	}
	ret[2 * sizeof(digest)] = '\0';
}

void throttle_init(struct throttle *t, struct span user, struct span address)
{
	const struct span none = { "", 0 };
	char text[INET6_ADDRSTRLEN];
	struct span net = network(address, text);

	if (user.p == NULL)
		user = none;
	if (net.p == NULL)
		net = none;
	make_item(kinds[THROTTLE_PAIR], user, net, t->item[THROTTLE_PAIR]);
	make_item(kinds[THROTTLE_ADDRESS], none, net, t->item[THROTTLE_ADDRESS]);
	make_item(kinds[THROTTLE_USER], user, none, t->item[THROTTLE_USER]);
	for (size_t i = 0; i < THROTTLE_KINDS; i++)
		t->hits[i] =
			(struct store_hit){ { t->item[i], sizeof(t->item[i]) - 1 }, &limits[i] };
}

struct span throttle_fold(struct span user, char room[LIMIT_USER_ID])
{
	size_t n = 0;

	if (user.len > LIMIT_USER_ID)
		return user;
	for (size_t i = 0; i < user.len; i++) {
		char c = user.p[i];

		if (c != ' ')
			room[n++] = str_lower(c);
	}
	return (struct span){ room, n };
}

static struct store_op operation(const struct throttle *t, enum store_verb verb)
{
	return (struct store_op){
		.verb = verb, .key.space = STORE_THROTTLE, .hits = t->hits, .n_hits = THROTTLE_KINDS
	};
}

enum tp_rc throttle_enter(const struct auth_ctx *a, const struct throttle *t, struct tp_err *err)
{
	struct store_op hit = operation(t, STORE_HIT);

	return store_do(a->store, &hit, err);
}

struct store_op throttle_success(const struct throttle *t)
{
	return operation(t, STORE_UNHIT);
}
