-- Takes entries of another region over, in order and each once: a known number is passed over, a gap ends it.
-- ARGV: room home retained ttl | seq kind body | seq kind body | …    Returns the last number and how many messages were
-- trimmed at their home before they could be taken over.
local room, home, retained, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = 'chat:' .. room .. ':seq'
local last = tonumber(redis.call('HGET', key, home) or '0')
local trimmed = 0
for i = 5, #ARGV, 3 do
  local seq, kind = tonumber(ARGV[i]), ARGV[i + 1]
  if kind == 't' and seq > last then
    trimmed = trimmed + seq - last
    last = seq
    redis.call('HSET', key, home, last)
  elseif seq == last + 1 then
    last = seq
    redis.call('HSET', key, home, last)
    add(room, home, seq, kind, ARGV[i + 2], retained, ttl)
  elseif seq > last then
    break
  end
end
return {last, trimmed}
