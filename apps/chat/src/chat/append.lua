-- Appends one entry of this region: its number, its limits, its place and its announcement are one step.
-- ARGV: room home kind body viewer ref | rate burst of a viewer | rate burst of the room | retained ttl ref_ttl
local room, home, kind, body, viewer, ref = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local retained, ttl, ref_ttl = ARGV[11], ARGV[12], ARGV[13]
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6

-- A token bucket: true and one token less, or false.
local function take(key, rate, burst)
  local bucket = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = tonumber(bucket[1]) or burst
  tokens = math.min(burst, tokens + math.max(0, now - (tonumber(bucket[2]) or now)) * rate)
  local granted = tokens >= 1
  redis.call('HSET', key, 'tokens', tostring(granted and tokens - 1 or tokens), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', key, math.ceil(burst / rate) + 1)
  return granted
end

local said = 'chat:' .. room .. ':ref:' .. viewer .. ':' .. ref
if ref ~= '' then
  local known = redis.call('GET', said)
  if known then return {'ok', tonumber(known)} end
end
if kind == 'm' then
  if redis.call('EXISTS', 'chat:' .. room .. ':mute:' .. viewer) == 1 then return {'muted', 0} end
  if not take('chat:' .. room .. ':rate:' .. viewer, tonumber(ARGV[7]), tonumber(ARGV[8])) then return {'slow', 0} end
  if not take('chat:' .. room .. ':rate', tonumber(ARGV[9]), tonumber(ARGV[10])) then return {'busy', 0} end
end
local seq = redis.call('HINCRBY', 'chat:' .. room .. ':seq', home, 1)
add(room, home, seq, kind, body, retained, ttl)
if ref ~= '' then redis.call('SET', said, seq, 'EX', ref_ttl) end
return {'ok', seq}
