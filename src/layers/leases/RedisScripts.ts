/**
 * The scripts of leases in Redis: each is one step for everybody, by the clock of the server.
 *
 * Keys of a name: its lease, who waits in the order in which they came, and when each of them was
 * last seen. The lease is one text, `token end waiter owner`, also after it was given back (then
 * its end is 0), so that the token does not fall; `waiter` is `-` for who did not wait. Who waits
 * is `waiter channel milliseconds owner`; what is given back goes to the first who was seen lately
 * and hears it on the channel of its process.
 */
import { script } from "../drivers/redis/Script.ts"

/** Kinds of keys, in the order in which scripts get them. */
export const kinds = ["lease", "lease-waiters", "lease-seen"] as const

/**
 * How long a token is kept after its lease has ended, in milliseconds. Without it tokens start at
 * the time in microseconds, so they do not fall even then.
 */
export const keptMs = 7_200_000

/** A waiter that has not asked for so long is passed over, in milliseconds. */
export const livenessMs = 3_000

/** Waiters that are passed over in one step. */
const passedMax = 64

/**
 * Begins the name of a waiter of whom a server cannot tell whether it hears: nodes of a cluster
 * count their own listeners only. Elsewhere one whom nobody hears for has died.
 */
export const unheard = "c:"

/**
 * What stands there was written here, or the script fails before it writes anything. Milliseconds
 * have 13 digits, which Lua writes as they are; a token has 16, so it is put together as a text.
 */
const reading = `
local time = redis.call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
local last, ends, holder = '0', 0, '-'
local known = redis.call('GET', KEYS[1])
if known then
  last, ends, holder = string.match(known, '^(%d+) (%d+) (%S+) ')
  if not last or #last > 16 or #ends > 13 then
    return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is not what this program writes')
  end
  ends = tonumber(ends)
end
`

/** The time is nearly always later than the last token, and as long. */
const granting = `
local function grant(owner, leaseMs, keptMs, waiter)
  local token = time[1] .. string.sub('000000' .. time[2], -6)
  if #last >= #token and last >= token then
    token = string.format('%.0f', tonumber(last) + 1)
  end
  local ending = now + leaseMs
  redis.call('SET', KEYS[1], token .. ' ' .. ending .. ' ' .. waiter .. ' ' .. owner, 'PX', keptMs)
  return { 1, token, tostring(ending) }
end
`

const queueing = `
local function first()
  for _ = 1, ${passedMax} do
    local member = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
    if not member then return end
    local waiter, channel, leaseMs, owner = string.match(member, '^(%S+) (%S+) (%d+) (.*)$')
    local seen = waiter and redis.call('HGET', KEYS[3], waiter)
    if seen and tonumber(seen) > now - ${livenessMs} then
      return member, waiter, channel, tonumber(leaseMs), owner
    end
    redis.call('ZREM', KEYS[2], member)
    if waiter then redis.call('HDEL', KEYS[3], waiter) end
  end
end

local function handOver()
  for _ = 1, ${passedMax} do
    local member, waiter, channel, leaseMs, owner = first()
    if not member then return false end
    redis.call('ZREM', KEYS[2], member)
    redis.call('HDEL', KEYS[3], waiter)
    local granted = grant(owner, leaseMs, leaseMs + ${keptMs}, waiter)
    local heard = redis.call('PUBLISH', channel,
      waiter .. ' ' .. granted[2] .. ' ' .. granted[3])
    if heard > 0 or string.sub(waiter, 1, 2) == '${unheard}' then return true end
  end
  return false
end

local function free()
  if not handOver() then redis.call('SET', KEYS[1], last .. ' 0 - ', 'PX', '${keptMs}') end
end
`

/**
 * Arguments: owner, milliseconds, those until the token may be forgotten, and for who waits its
 * name and channel. Returns 1, the token and the end, or 0 and the milliseconds that the lease of
 * another lasts.
 */
export const acquire = script(
  "leases.acquire",
  `${reading}
local owner, leaseMs, waiter, channel = ARGV[1], tonumber(ARGV[2]), ARGV[4], ARGV[5]
if not waiter and ends > now then return { 0, ends - now } end
${granting}
if ends <= now and redis.call('EXISTS', KEYS[2]) == 0 then
  return grant(owner, leaseMs, ARGV[3], waiter or '-')
end
${queueing}
if waiter and holder == waiter and ends > now then
  return { 1, last, tostring(ends) }
end
if waiter then
  local member = table.concat({ waiter, channel, ARGV[2], owner }, ' ')
  local arrived = time[1] .. string.sub('000000' .. time[2], -6)
  redis.call('ZADD', KEYS[2], 'NX', arrived, member)
  if redis.call('HSET', KEYS[3], waiter, now) == 1 then
    redis.call('PEXPIRE', KEYS[2], ${keptMs})
    redis.call('PEXPIRE', KEYS[3], ${keptMs})
  end
end
if ends > now then return { 0, ends - now } end
local member, next, to, forMs, by = first()
if not member then return grant(owner, leaseMs, ARGV[3], waiter or '-') end
if next == waiter then
  redis.call('ZREM', KEYS[2], member)
  redis.call('HDEL', KEYS[3], waiter)
  return grant(owner, leaseMs, ARGV[3], waiter)
end
if handOver() then return { 0, forMs } end
return grant(owner, leaseMs, ARGV[3], waiter or '-')`
)

/** Arguments: token, milliseconds. Returns the new end, or nothing. */
export const renew = script(
  "leases.renew",
  `${reading}
if last ~= ARGV[1] or ends <= now then return false end
local ending = now + ARGV[2]
local rest = string.match(known, '^%d+ %d+ (.*)$')
redis.call('SET', KEYS[1], last .. ' ' .. ending .. ' ' .. rest, 'PX', ARGV[2] + ${keptMs})
return tostring(ending)`
)

/** Arguments: token. Returns 1 if it was given back. */
export const release = script(
  "leases.release",
  `${reading}
if last ~= ARGV[1] or ends <= now then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('SET', KEYS[1], last .. ' 0 - ', 'PX', '${keptMs}')
  return 1
end
${granting}${queueing}
free()
return 1`
)

/**
 * Arguments: as for `acquire`, of who waits no more, and gives back what it was granted meanwhile.
 */
export const leave = script(
  "leases.leave",
  `${reading}${granting}${queueing}
local waiter = ARGV[4]
redis.call('ZREM', KEYS[2], table.concat({ waiter, ARGV[5], ARGV[2], ARGV[1] }, ' '))
redis.call('HDEL', KEYS[3], waiter)
if holder == waiter and ends > now then free() end
return 1`
)
