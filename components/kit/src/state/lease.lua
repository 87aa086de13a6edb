-- One atomic decision over several sets of places: one place for the holder in every one of them, or in none. Who holds
-- one holds it for longer.
--
-- A key holds the holders with the time, in milliseconds since 1970, at which each one's place is free again if it was
-- not given back: an edge that dies keeps none for longer. The time is Redis's own.
--
-- KEYS  one per set of places
-- ARGV  the holder, then per key: how many places there are, and for how long one is held at the most in milliseconds
-- Answer, per key: 1 if a place was free, 0 if not

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local all = true
local answer = {}
for i = 1, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  local held = redis.call('ZSCORE', KEYS[i], ARGV[1])
  local free = held or redis.call('ZCARD', KEYS[i]) < tonumber(ARGV[2 * i])
  all = all and free
  answer[i] = free and 1 or 0
end
if all then
  for i = 1, #KEYS do
    local life = tonumber(ARGV[2 * i + 1])
    redis.call('ZADD', KEYS[i], string.format('%.0f', now + life), ARGV[1])
    if redis.call('PTTL', KEYS[i]) < life then
      redis.call('PEXPIRE', KEYS[i], life)
    end
  end
end
return answer
