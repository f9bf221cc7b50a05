/* SPDX-License-Identifier: MIT */
/*
 * What redis_verbs.c, and nobody else, has a server do in one step. KEYS[1] is the user or, in the
 * last two, each of KEYS a counter.
 */
#ifndef STORE_REDIS_SCRIPTS_H
#define STORE_REDIS_SCRIPTS_H

/* n: the user's sessions. -1: something else than sessions is there. */
#define LUA_COUNT                                                            \
	"local n = redis.pcall('HLEN', KEYS[1])\n"                           \
	"if type(n) == 'table' then\n"                                       \
	"  if string.find(n.err, 'WRONGTYPE', 1, true) then return -1 end\n" \
	"  return n\n"                                                       \
	"end\n"

/*
 * ARGV: handle, value, ttl, whether there has to be one (1, 0, or any), has HEXPIRE (1 or 0).
 * Returns the count, or 0: refused. Without HEXPIRE the key's own expiry stands in, which only ever
 * grows; with it, a key that came with an expiry must not take the new session along either. When
 * the expiry is refused (an ACL), the session goes: one without an end must not stay.
 */
static const char lua_put[] = LUA_COUNT
	"local key, handle, ttl = KEYS[1], ARGV[1], tonumber(ARGV[3])\n"
	"if ARGV[4] ~= 'any' and redis.call('HEXISTS', key, handle) ~= tonumber(ARGV[4])\n"
	"then return 0 end\n"
	"n = n + redis.call('HSET', key, handle, ARGV[2])\n"
	"local left, done, fields = redis.call('PTTL', key), nil, ARGV[5] == '1'\n"
	"if fields then done = redis.pcall('HEXPIRE', key, ttl, 'FIELDS', 1, handle) end\n"
	"if left < ttl * 1000 and (left >= 0 or not fields) then\n"
	"  done = redis.pcall('EXPIRE', key, ttl)\n"
	"end\n"
	"if type(done) == 'table' and done.err then\n"
	"  redis.call('HDEL', key, handle)\n"
	"  return done\n"
	"end\n"
	"return n\n";

static const char lua_del_owner[] = LUA_COUNT "redis.call('UNLINK', KEYS[1])\n"
					      "return n\n";

/*
 * The rule of store_count_hit(), on the caller's clock: a counter then goes by the same time as the
 * rest of the request. ARGV: now, then five numbers for each counter, which is "<n> <last>".
 * Returns 0, or the seconds to wait.
 */
static const char lua_hit[] =
	"local now, longest, keep = tonumber(ARGV[1]), 0, {}\n"
	"local states = redis.call('MGET', unpack(KEYS))\n"
	"for i in ipairs(KEYS) do\n"
	"  local arg, n, last = i * 5 - 3, 0, 0\n"
	"  if states[i] then n, last = string.match(states[i], '^(%d+) (%d+)$') end\n"
	"  n, last = tonumber(n), tonumber(last)\n"
	"  if n == 0 or now - last >= tonumber(ARGV[arg + 3]) then\n"
	"    keep[i] = { '1 ' .. ARGV[1], ARGV[arg + 3] }\n"
	"  else\n"
	"    local free, first = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])\n"
	"    local most, memory = tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3])\n"
	"    local window, wait = ARGV[arg + 4] == '1', 0\n"
	"    if last - now > memory then last = now\n"
	"    elseif n >= free then\n"
	"      local pause, i = first, free\n"
	"      while i < n and pause < most do pause, i = pause * 2, i + 1 end\n"
	"      pause = window and memory or math.min(pause, most)\n"
	"      if pause > 0 then wait = last + pause - now end\n"
	"    end\n"
	"    longest = math.max(longest, wait)\n"
	"    if not window then last = now end\n"
	"    keep[i] = { string.format('%d %d', n + 1, last), last + memory - now }\n"
	"  end\n"
	"end\n"
	"if longest > 0 then return longest end\n"
	"for i, key in ipairs(KEYS) do redis.call('SET', key, keep[i][1], 'EX', keep[i][2]) end\n"
	"return 0\n";

static const char lua_unhit[] =
	"local states, gone = redis.call('MGET', unpack(KEYS)), { KEYS[1] }\n"
	"for i = 2, #KEYS do\n"
	"  local n, last = 0, 0\n"
	"  if states[i] and string.sub(states[i], 1, 2) ~= '1 ' then\n"
	"    n, last = string.match(states[i], '^(%d+) (%d+)$')\n"
	"  end\n"
	"  if n and tonumber(n) > 1 then\n"
	"    redis.call('SET', KEYS[i], string.format('%d %s', n - 1, last), 'KEEPTTL')\n"
	"  else gone[#gone + 1] = KEYS[i] end\n"
	"end\n"
	"redis.call('DEL', unpack(gone))\n"
	"return 0\n";

#endif
