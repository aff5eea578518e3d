-- Takes one request from every bucket of KEYS, or none at all; the same algorithm as gcra.py, in microseconds.
-- ARGV: for each bucket its capacity, amount, window in seconds, and the debt that it is owed.
-- Returns 1 or 0 for taken or refused, and each bucket's debt in units of 1/amount microsecond; a debt of 0 is a full
-- bucket. Whole numbers up to 2^53 are exact here, which is a capacity times window of 9 * 10^9.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local buckets, taken = {}, 1

for i, key in ipairs(KEYS) do
    local capacity, amount, window, owed = unpack(ARGV, 4 * i - 3, 4 * i)
    capacity, amount, window, owed = tonumber(capacity), tonumber(amount), tonumber(window), tonumber(owed)
    local cost, debt, stale = window * 1000000, 0, false
    local at, kept, its_amount, its_window = string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+) (%d+)$')
    if at then
        -- While a clock that was set back is behind, nothing drains; the bucket goes on from the clock as it is.
        stale = tonumber(at) > now
        debt = math.max(tonumber(kept) - math.max(now - at, 0) * its_amount, 0)
        if tonumber(its_window) ~= window then
            debt = math.ceil(debt * window / its_window)
        end
    end
    if owed > 0 then
        debt = math.max(debt, math.min(debt + owed, capacity * cost))
    end
    if debt > (capacity - 1) * cost then
        taken = 0
    end
    buckets[i] = {key, debt, cost, amount, window, stale or owed > 0}
end

local told = {taken}
for i, bucket in ipairs(buckets) do
    local key, debt, cost, amount, window, changed = unpack(bucket)
    debt = debt + taken * cost
    if taken == 1 or changed then
        -- A bucket that is full again is forgotten.
        local lifetime = string.format('%.0f', math.ceil(debt / amount / 1000) + 1)
        redis.call('SET', key, string.format('%.0f %.0f %.0f %.0f', now, debt, amount, window), 'PX', lifetime)
    end
    told[i + 1] = debt
end
return told
