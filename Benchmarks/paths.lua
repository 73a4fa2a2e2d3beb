-- For wrk: asks for the paths of a file one after the other, each thread beginning elsewhere.
-- Prints one line of what was measured, in microseconds, for pages.py.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(arguments)
  paths, at = {}, 0
  for line in io.lines(arguments[1]) do paths[#paths + 1] = wrk.format("GET", line) end
  at = math.floor(#paths * (number - 1) / 2)
end

function request()
  at = at % #paths + 1
  return paths[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("measured %d %d %d %d %d %d %d %d\n", latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency.max, summary.requests, summary.duration, summary.bytes,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
