/* SPDX-License-Identifier: MIT */
/* Owns the walk over the fields of a message (protobuf's wire format), and keeps nothing of it. */
#include "grpc/pb.h"

#include "base/banned.h"

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5, VARINT_MOST = 10 };

static bool take_varint(struct span *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_MOST && i < s->len; i++) {
		unsigned char c = (unsigned char)s->p[i];

		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if ((c & 0x80) != 0)
			continue;
		s->p += i + 1;
		s->len -= i + 1;
		*ret = v;
		return true;
	}
	return false;
}

static bool take(struct span *s, uint64_t n, struct span *ret)
{
	if (n > s->len)
		return false;
	*ret = (struct span){ s->p, (size_t)n };
	s->p += n;
	s->len -= (size_t)n;
	return true;
}

static bool take_value(struct span *s, unsigned type, struct span *ret)
{
	uint64_t n;

	switch (type) {
	case VARINT:
		*ret = (struct span){ "", 0 };
		return take_varint(s, &n);
	case FIXED64:
		return take(s, 8, ret);
	case FIXED32:
		return take(s, 4, ret);
	case LENGTH:
		return take_varint(s, &n) && take(s, n, ret);
	default:
		return false;
	}
}

bool pb_is_clean(struct span message, uint32_t strings)
{
	while (message.len > 0) {
		struct span value;
		uint64_t tag;

		if (!take_varint(&message, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff ||
		    !take_value(&message, tag & 7, &value))
			return false;
		if ((tag & 7) == LENGTH && tag >> 3 < 32 && (strings >> (tag >> 3) & 1) != 0 &&
		    (!span_is_utf8(value) || span_has_byte(value, '\0')))
			return false;
	}
	return true;
}
