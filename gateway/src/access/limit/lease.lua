-- Debits limits that replicas share: of all of them, or of none.
--
-- KEYS: the limits, in one hash slot.
-- ARGV: the replica, the number of its call, how long a lease lasts (µs); then for each limit
--   rate     units a second
--   burst    units at once
--   need     units to be spent now
--   want     units wished for beyond, as a lease
--   held     units that the replica still has of its lease; -1: leave the lease as it was
--   ceiling  what the replica knows can be left at most (millionths); -1: it knows nothing
-- Returns 1 if debited, 0 if refused; then for each limit: units leased, what is left (millionths),
-- how long until the need can be met (µs).
--
-- A limit is a hash: `level` (millionths of units; a rate of units a second is one of millionths a
-- µs) and `at` (µs), and for each replica's lease `r:<replica>` = "<units> <end µs> <call>". What is
-- left and what is leased are together never more than the burst: so whatever is spent, and whenever,
-- it is within rate * time + burst.

local UNIT = 1000000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local mine, call, life = 'r:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local limits, granted = {}, 1
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 6
  local it = {
    rate = tonumber(ARGV[a + 1]), burst = ARGV[a + 2] * UNIT, need = ARGV[a + 3] * UNIT,
    want = tonumber(ARGV[a + 4]), held = tonumber(ARGV[a + 5]), give = 0, wait = 0,
  }
  local ceiling = tonumber(ARGV[a + 6])
  local level, at, own, others = it.burst, now, 0, 0
  local state = redis.call('HGETALL', key)
  for f = 1, #state, 2 do
    local name, value = state[f], state[f + 1]
    if name == 'level' then
      level = tonumber(value)
    elseif name == 'at' then
      at = tonumber(value)
    else
      local units, ends, by = string.match(value, '^(%d+) (%d+) (%d+)$')
      if name == mine then
        -- A call that was overtaken: nobody waits for its answer any more.
        if it.held >= 0 and tonumber(by) > call then return { 0 } end
        if tonumber(ends) > now then own = tonumber(units) end
      elseif tonumber(ends) > now then
        others = others + units
      else
        redis.call('HDEL', key, name)
      end
    end
  end
  if it.held >= 0 then own = it.held end
  level = level + math.max(0, now - at) * it.rate
  if ceiling >= 0 then level = math.min(level, ceiling) end
  it.level = math.min(level, it.burst - (own + others) * UNIT)
  if it.level < it.need then
    granted = 0
    it.wait = math.ceil((it.need - it.level) / it.rate)
  end
  limits[i] = it
end

local answer = { granted }
for i, key in ipairs(KEYS) do
  local it = limits[i]
  if granted == 1 then
    it.level = it.level - it.need
    -- Half of what is left at most, so that there is something for the others.
    if it.held >= 0 then it.give = math.max(0, math.min(it.want, math.floor(it.level / UNIT / 2))) end
    it.level = it.level - it.give * UNIT
  end
  redis.call('HSET', key, 'level', string.format('%.0f', it.level), 'at', string.format('%.0f', now))
  if it.held + it.give > 0 then
    redis.call('HSET', key, mine, string.format('%.0f %.0f %.0f', it.held + it.give, now + life, call))
  elseif it.held == 0 then
    redis.call('HDEL', key, mine)
  end
  -- By then it is full again and no lease is left: as if it had never been.
  redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((it.burst / it.rate + life) / 1000) + 1000))
  answer[#answer + 1] = it.give
  answer[#answer + 1] = it.level
  answer[#answer + 1] = it.wait
end
return answer
