/* SPDX-License-Identifier: MIT */
/* Bytes of keys, records, lists and counters; whatever is malformed in any way is no record. */
#include "store/mc_item.h"

#include <assert.h>

#include "base/banned.h"

static const char magic[4] = { 't', 'p', 'a', '1' }, key_start[] = "tpauth:";

/* The latest time that a record may hold, the year 36812. */
static const int64_t time_most = (int64_t)1 << 40;

static void put_be(char *to, uint64_t n, size_t bytes)
{
	for (size_t i = bytes; i > 0; i--, n >>= 8)
		to[i - 1] = (char)(unsigned char)n;
}

static uint64_t get_be(const char *p, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

/* ---- keys ---- */

void mc_key_of_digest(struct mc_key *k, const unsigned char digest[DIGEST_SHA256])
{
	static const char hex[] = "0123456789abcdef";
	char *to = k->text + sizeof(key_start) - 1;

	memcpy(k->digest, digest, DIGEST_SHA256);
	memcpy(k->text, key_start, sizeof(key_start) - 1);
	for (size_t i = 0; i < DIGEST_SHA256; i++) {
		*to++ = hex[digest[i] >> 4];
		*to++ = hex[digest[i] & 15];
	}
}

void mc_key_make(struct mc_key *k, enum mc_kind kind, struct span owner, struct span item)
{
	char head[3] = { (char)kind };
	const struct span parts[] = { { head, sizeof(head) }, owner, item };
	unsigned char digest[DIGEST_SHA256];

	put_be(head + 1, owner.len, 2);
	codec_sha256_parts(parts, TP_COUNT(parts), digest);
	mc_key_of_digest(k, digest);
}

struct span mc_key_view(const struct mc_key *k)
{
	return (struct span){ k->text, MC_KEY };
}

/* ---- records ---- */

void mc_record_put(struct buf *out, const struct mc_record *r)
{
	char *to = buf_room(out, MC_RECORD_HEAD);

	if (to == NULL)
		return;
	memcpy(to, magic, sizeof(magic));
	to[4] = (char)r->kind;
	put_be(to + 5, (uint64_t)r->expiry_s, 8);
	memcpy(to + 13, r->generation, MC_GENERATION);
	put_be(to + 13 + MC_GENERATION, r->owner.len, 2);
	put_be(to + 15 + MC_GENERATION, r->item.len, 2);
	buf_added(out, MC_RECORD_HEAD);
	buf_span(out, r->owner);
	buf_span(out, r->item);
	buf_span(out, r->body);
}

/* Whole entries, of times that can be counted with. */
static bool is_list(struct span body)
{
	const unsigned char *d;
	int64_t expiry_s;

	if (body.len > MC_LIST_MOST || body.len % MC_ENTRY != 0)
		return false;
	while (mc_list_next(&body, &d, &expiry_s))
		if (expiry_s < 0 || expiry_s > time_most)
			return false;
	return true;
}

bool mc_record_get(struct span bytes, struct mc_record *ret)
{
	struct mc_record r = { 0 };
	const char *p = bytes.p;
	size_t left;

	if (bytes.len < MC_RECORD_HEAD || memcmp(p, magic, sizeof(magic)) != 0)
		return false;
	r.kind = (enum mc_kind)(unsigned char)p[4];
	r.expiry_s = (int64_t)get_be(p + 5, 8);
	memcpy(r.generation, p + 13, MC_GENERATION);
	r.owner.len = (size_t)get_be(p + 13 + MC_GENERATION, 2);
	r.item.len = (size_t)get_be(p + 15 + MC_GENERATION, 2);
	left = bytes.len - MC_RECORD_HEAD;
	if (r.expiry_s <= 0 || r.expiry_s > time_most || r.owner.len > LIMIT_USER_ID ||
	    r.item.len > LIMIT_HANDLE || left < r.owner.len + r.item.len)
		return false;
	r.owner.p = p + MC_RECORD_HEAD;
	r.item.p = r.owner.p + r.owner.len;
	r.body = (struct span){ r.item.p + r.item.len, left - r.owner.len - r.item.len };
	if (r.kind == MC_LIST && !is_list(r.body))
		return false;
	*ret = r;
	return true;
}

/* ---- lists ---- */

bool mc_list_next(struct span *rest, const unsigned char **ret_digest, int64_t *ret_expiry_s)
{
	if (rest->len < MC_ENTRY)
		return false;
	*ret_digest = (const unsigned char *)rest->p;
	*ret_expiry_s = (int64_t)get_be(rest->p + DIGEST_SHA256, 8);
	*rest = (struct span){ rest->p + MC_ENTRY, rest->len - MC_ENTRY };
	return true;
}

bool mc_list_has(struct span list, const unsigned char digest[DIGEST_SHA256], int64_t now_s)
{
	const unsigned char *d;
	int64_t expiry_s;

	while (mc_list_next(&list, &d, &expiry_s))
		if (expiry_s > now_s && memcmp(d, digest, DIGEST_SHA256) == 0)
			return true;
	return false;
}

size_t mc_list_count(struct span list, int64_t now_s)
{
	const unsigned char *d;
	int64_t expiry_s;
	size_t n = 0;

	while (mc_list_next(&list, &d, &expiry_s))
		n += expiry_s > now_s;
	return n;
}

int64_t mc_list_last(struct span list, int64_t now_s)
{
	const unsigned char *d;
	int64_t expiry_s, last_s = 0;

	while (mc_list_next(&list, &d, &expiry_s))
		if (expiry_s > now_s && expiry_s > last_s)
			last_s = expiry_s;
	return last_s;
}

void mc_list_copy(struct buf *out, struct span list, const unsigned char *digest, int64_t now_s)
{
	const unsigned char *d;
	int64_t expiry_s;

	while (mc_list_next(&list, &d, &expiry_s))
		if (expiry_s > now_s && (digest == NULL || memcmp(d, digest, DIGEST_SHA256) != 0))
			buf_put(out, d, MC_ENTRY);
}

/* Where the entry begins that ends first. */
static size_t first_to_end(struct span list)
{
	int64_t expiry_s, least_s = INT64_MAX;
	struct span rest = list;
	const unsigned char *d;
	size_t at = 0;

	while (mc_list_next(&rest, &d, &expiry_s))
		if (expiry_s < least_s) {
			least_s = expiry_s;
			at = (size_t)((const char *)d - list.p);
		}
	return at;
}

void mc_list_add(struct buf *list, const unsigned char digest[DIGEST_SHA256], int64_t expiry_s)
{
	char *to;

	if (list->len == MC_LIST_MOST) {
		size_t at = first_to_end(buf_view(list));

		memmove(list->p + at, list->p + list->len - MC_ENTRY, MC_ENTRY);
		buf_cut(list, list->len - MC_ENTRY);
	}
	to = buf_room(list, MC_ENTRY);
	if (to == NULL)
		return;
	memcpy(to, digest, DIGEST_SHA256);
	put_be(to + DIGEST_SHA256, (uint64_t)expiry_s, 8);
	buf_added(list, MC_ENTRY);
}

/* ---- counters ---- */

void mc_count_put(char ret[MC_COUNT], int64_t n, int64_t last_s)
{
	put_be(ret, (uint64_t)n, 8);
	put_be(ret + 8, (uint64_t)last_s, 8);
}

bool mc_count_get(struct span body, int64_t *ret_n, int64_t *ret_last_s)
{
	int64_t n, last_s;

	if (body.len != MC_COUNT)
		return false;
	n = (int64_t)get_be(body.p, 8);
	last_s = (int64_t)get_be(body.p + 8, 8);
	if (n < 1 || n > time_most || last_s < 0 || last_s > time_most)
		return false;
	*ret_n = n;
	*ret_last_s = last_s;
	return true;
}
