/**
 * The scripts of leases in Redis: each is one step for everybody, by the clock of the server.
 *
 * Keys of a name: the lease (a hash that ends by itself), its last fencing token, and who waits, in
 * the order in which they came. Who waits says so again and again; what is given back goes to the
 * first of them that did so lately, who is told on the channel of its process.
 */
import { script } from "../drivers/redis/Script.ts"

/** Kinds of keys, in the order in which scripts get them. */
export const kinds = ["lease", "lease-token", "lease-waiters", "lease-waiting"] as const

/**
 * Longest that a last token is kept without a grant, in milliseconds: longer than any lease lasts.
 * Without it tokens start at the time in microseconds, so they do not fall even then.
 */
const tokenMs = 7_200_000

/** A waiter that has not asked for so long is passed over, in milliseconds. */
export const livenessMs = 3_000

/** Waiters that are passed over in one step. */
const passedMax = 64

/**
 * What stands there was written here or the script fails, before it writes anything: a lease
 * without an end, and a token that is none, are somebody else's.
 */
const common = `
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function damaged(key)
  return redis.error_reply('WRONGTYPE ' .. key .. ' holds what this program did not write')
end

local function whole(number)
  return string.format('%.0f', number)
end

local left = redis.call('PTTL', KEYS[1])
local held = redis.call('HGET', KEYS[1], 'token')
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if left == -1 or (left > 0 and not held) then return damaged(KEYS[1]) end
if not last or last < 0 or last > 9007199254740000 then return damaged(KEYS[2]) end

local function grant(owner, leaseMs, waiter)
  local token = whole(math.max(last + 1, micros))
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'owner', owner, 'token', token, 'waiter', waiter)
  redis.call('PEXPIRE', KEYS[1], leaseMs)
  redis.call('SET', KEYS[2], token, 'PX', ${tokenMs})
  return { 1, token, whole(now + leaseMs) }
end

local function forget(waiter)
  redis.call('ZREM', KEYS[3], waiter)
  redis.call('HDEL', KEYS[4], waiter)
end

local function first()
  for _ = 1, ${passedMax} do
    local waiter = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
    if not waiter then return nil end
    local known = redis.call('HGET', KEYS[4], waiter)
    local about = known and cjson.decode(known)
    if about and about.seen > now - ${livenessMs} then return waiter, about end
    forget(waiter)
  end
end

local function handOver()
  local waiter, about = first()
  if not waiter then return false end
  forget(waiter)
  local granted = grant(about.owner, about.leaseMs, waiter)
  redis.call('PUBLISH', about.channel, cjson.encode({ waiter, granted[2], granted[3] }))
  return true
end
`

/**
 * Arguments: owner, milliseconds, waiter or an empty text, its channel. Returns 1, the token and
 * the end, or 0 and the milliseconds that the lease of another lasts.
 */
export const acquire = script(
  "leases.acquire",
  `${common}
local owner, leaseMs, waiter, channel = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
if left > 0 and waiter ~= '' and redis.call('HGET', KEYS[1], 'waiter') == waiter then
  return { 1, held, whole(now + left) }
end
if waiter ~= '' then
  redis.call('ZADD', KEYS[3], 'NX', whole(micros), waiter)
  redis.call('HSET', KEYS[4], waiter,
    cjson.encode({ owner = owner, leaseMs = leaseMs, channel = channel, seen = now }))
  redis.call('PEXPIRE', KEYS[3], ${tokenMs})
  redis.call('PEXPIRE', KEYS[4], ${tokenMs})
end
if left > 0 then return { 0, left } end
local next = first()
if not next then return grant(owner, leaseMs, waiter) end
if next == waiter then
  forget(waiter)
  return grant(owner, leaseMs, waiter)
end
handOver()
return { 0, redis.call('PTTL', KEYS[1]) }`
)

/** Arguments: token, milliseconds. Returns the new end, or nothing. */
export const renew = script(
  "leases.renew",
  `${common}
if left <= 0 or held ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return whole(now + ARGV[2])`
)

/** Arguments: token. Returns 1 if it was given back. */
export const release = script(
  "leases.release",
  `${common}
if left <= 0 or held ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
handOver()
return 1`
)

/** Arguments: waiter, which waits no more, and gives back what it was granted meanwhile. */
export const leave = script(
  "leases.leave",
  `${common}
forget(ARGV[1])
if left > 0 and redis.call('HGET', KEYS[1], 'waiter') == ARGV[1] then
  redis.call('DEL', KEYS[1])
  handOver()
end
return 1`
)
