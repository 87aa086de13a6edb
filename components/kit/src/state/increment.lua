-- Adds to a counter, which lives from its first increment on.
--
-- KEYS  the counter
-- ARGV  by how much, and how long it lives in milliseconds; 0 is for good
-- Answer: the new value

local value = redis.call('INCRBY', KEYS[1], ARGV[1])
if ARGV[2] ~= '0' and redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return value
