-- SPDX-License-Identifier: Apache-2.0
-- Coroutines of Lua and tasks of weft together: tests/lua/run.py runs it on each host.

-- A task that sleeps lets others run, and the shorter sleep ends first.
local done = weft.channel(3)
for _, seconds in ipairs({0.06, 0.02, 0.04}) do
  weft.go(function() weft.sleep(seconds); done:send(seconds) end)
end
assert(done:receive() == 0.02 and done:receive() == 0.04 and done:receive() == 0.06)

-- A coroutine is a G of its own, and keeps it.
local function ids() coroutine.yield(weft.id()); coroutine.yield(weft.id()) end
local a, b = coroutine.wrap(ids), coroutine.wrap(ids)
local of_a, of_b = a(), b()
assert(of_a ~= of_b and of_a ~= weft.id() and a() == of_a and b() == of_b)

-- A coroutine that waits stops the task that has resumed it, and no other.
local turns = 0
local finished = false
weft.go(function() while not finished do turns = turns + 1; weft.yield() end end)
local waits = coroutine.wrap(function() weft.sleep(0.02); coroutine.yield("slept") end)
assert(waits() == "slept" and turns > 1)
finished = true

-- A generator on one task feeds a thousand others through a channel.
local work, sums = weft.channel(), weft.channel()
for _ = 1, 1000 do
  weft.go(function() sums:send(2 * work:receive()) end)
end
weft.go(function()
  for n in coroutine.wrap(function() for n = 1, 1000 do coroutine.yield(n) end end) do
    work:send(n)
  end
end)
local sum = 0
for _ = 1, 1000 do sum = sum + sums:receive() end
assert(sum == 1001000)

-- A closed coroutine runs its variables to be closed, and its G ends.
for _ = 1, 2000 do
  local closed = false
  local co = coroutine.create(function()
    local guard <close> = setmetatable({}, {__close = function() closed = true end})
    coroutine.yield()
  end)
  assert(coroutine.resume(co) and coroutine.close(co) and closed)
end

-- A coroutine that is dropped while it is suspended is collected with its G.
for _ = 1, 2000 do coroutine.wrap(function() coroutine.yield() end)() end
collectgarbage()

-- An error passes from a coroutine to the task that has resumed it.
local ok, message = coroutine.resume(coroutine.create(function() weft.yield(); error("lost", 0) end))
assert(not ok and message == "lost")
assert(not pcall(coroutine.wrap(function() weft.sleep(0.001); error("again") end)))

-- A closed channel ends those that receive from it.
work:close()
assert(work:receive() == nil and not pcall(work.send, work, 1))
print("tasks: OK")
