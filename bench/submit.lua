-- Sends the form with a number of its own each time: wrk -s submit.lua URL -- BODY COOKIE START
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  fixed, number = args[1], tonumber(args[3]) + id * 1000000
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  if args[2] ~= "" then wrk.headers["Cookie"] = args[2] end
end

function request()
  number = number + 1
  return wrk.format(nil, nil, nil, string.format("%s&Mobile=0912%07d", fixed, number))
end
