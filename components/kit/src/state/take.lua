-- One atomic decision over several allowances: the cost is taken from every one of them, or from none.
--
-- The generic cell rate algorithm (ITU-T I.371): a key holds the theoretical arrival time, in microseconds since
-- 1970, at which the allowance will be full again. No key: it is full. The time is Redis's own, so that edges whose
-- clocks differ agree.
--
-- KEYS  one per allowance
-- ARGV  per key: limit, window in milliseconds, burst, cost
-- Answer, per key: allowed (1 or 0), remaining, retry after and reset after in milliseconds

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrivals = redis.call('MGET', unpack(KEYS))

local all = true
local draws = {}
for i = 1, #KEYS do
  local limit = tonumber(ARGV[4 * i - 3])
  local window = tonumber(ARGV[4 * i - 2]) * 1000
  local burst = tonumber(ARGV[4 * i - 1])
  local cost = tonumber(ARGV[4 * i])
  -- Relative to now, because doubles are exact to the microsecond only for small numbers.
  local ahead = math.max((tonumber(arrivals[i]) or now) - now, 0)
  local draw = { ahead = ahead, wait = 0, remaining = 0 }
  if limit < 1 or window < 1 then
    draw.wait = math.max(window, 1000)
  else
    draw.interval = window / limit
    draw.tolerance = draw.interval * burst
    draw.taken = ahead + draw.interval * cost
    -- A thousandth of a microsecond is rounding, not time.
    draw.wait = draw.taken - draw.tolerance
    if draw.wait < 0.001 then draw.wait = 0 end
  end
  if draw.wait > 0 then all = false end
  draws[i] = draw
end

local answer = {}
for i = 1, #KEYS do
  local draw = draws[i]
  if all then
    draw.ahead = draw.taken
    local life = math.max(math.ceil(draw.ahead / 1000), 1)
    redis.call('SET', KEYS[i], string.format('%.0f', now + draw.ahead), 'PX', string.format('%.0f', life))
  end
  if draw.interval then
    draw.remaining = math.max(math.floor((draw.tolerance - draw.ahead) / draw.interval + 0.000001), 0)
  end
  answer[4 * i - 3] = draw.wait > 0 and 0 or 1
  answer[4 * i - 2] = draw.remaining
  answer[4 * i - 1] = math.ceil(draw.wait / 1000)
  answer[4 * i] = math.ceil(draw.ahead / 1000)
end
return answer
