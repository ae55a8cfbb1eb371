-- Quotes as a browser asks for them, each from another address.
local key, token, origin = os.getenv("BENCH_KEY"), os.getenv("BENCH_TOKEN"), os.getenv("BENCH_ORIGIN")
local body = string.format('{"referral":"%s","amount":5000,"currency":"EUR"}', token)

function request()
  local address = string.format("10.%d.%d.%d", math.random(0, 255), math.random(0, 255), math.random(0, 255))
  return wrk.format("POST", "/v1/quotes", {
    ["Authorization"] = "Bearer " .. key,
    ["Content-Type"] = "application/json",
    ["Origin"] = origin,
    ["X-Forwarded-For"] = address,
  }, body)
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99), bad))
end
