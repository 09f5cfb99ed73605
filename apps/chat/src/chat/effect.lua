-- Shared by append.lua and apply.lua: what an entry changes beside its stream, in every region alike.
local function effect(room, kind, body, ttl)
  if kind == 'd' then
    local set = 'chat:' .. room .. ':deleted'
    redis.call('SADD', set, cjson.decode(body).id)
    redis.call('EXPIRE', set, ttl)
  elseif kind == 'x' then
    local muted = cjson.decode(body)
    redis.call('SET', 'chat:' .. room .. ':mute:' .. muted.viewer, '1', 'EXAT', muted['until'])
  elseif kind == 'm' then
    redis.call('HINCRBY', 'chat:' .. room .. ':seq', 'messages', 1)
  end
end

local function add(room, home, seq, kind, body, retained, ttl)
  local log = 'chat:' .. room .. ':log:' .. home
  redis.call('XADD', log, 'MAXLEN', '~', retained, seq .. '-0', 'k', kind, 'b', body)
  redis.call('EXPIRE', log, ttl)
  effect(room, kind, body, ttl)
  local now = redis.call('TIME')[1]
  redis.call('ZADD', 'chat:rooms', now, room)
  redis.call('ZREMRANGEBYSCORE', 'chat:rooms', '-inf', now - ttl)
  redis.call('PUBLISH', 'chat', room .. ' ' .. home .. ' ' .. seq .. ' ' .. kind .. ' ' .. body)
end
