-- SPDX-License-Identifier: Apache-2.0
-- What a switch of coroutines, a new one and a message cost: CPU time, in nanoseconds.
local function ns(name, count, f)
  local least = math.huge
  for _ = 1, 3 do
    local began = os.clock()
    f(count)
    least = math.min(least, (os.clock() - began) * 1e9 / count)
  end
  print(string.format("%s %.0f ns", name, least))
end
ns("resume and yield", 300000, function(count)
  local co = coroutine.wrap(function() while true do coroutine.yield() end end)
  for _ = 1, count do co() end
end)
ns("create, run and end", 100000, function(count)
  for _ = 1, count do coroutine.wrap(function() end)() end
end)
if weft then
  ns("message on a channel", 300000, function(count)
    local c = weft.channel()
    weft.go(function() for i = 1, count do c:send(i) end end)
    for _ = 1, count do c:receive() end
  end)
end
