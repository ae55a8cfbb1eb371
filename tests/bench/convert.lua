-- Orders of new friends, each by one of many advocates' links, each under an Idempotency-Key.
local tokens = {}
for line in io.lines(os.getenv("BENCH_TOKENS")) do tokens[#tokens + 1] = line end
local key, run = os.getenv("BENCH_KEY"), os.getenv("BENCH_RUN")
local threads, count = 0, 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  math.randomseed(number * 7919 + os.time())
end

function request()
  count = count + 1
  local name = run .. "-" .. number .. "-" .. count
  local body = string.format(
    '{"order_id":"%s","amount":5000,"currency":"EUR","customer":{"customer_id":"f-%s"},"referral":"%s"}',
    name, name, tokens[math.random(#tokens)])
  local headers = {
    ["Authorization"] = "Bearer " .. key,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = name,
  }
  return wrk.format("POST", "/v1/conversions", headers, body)
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99), bad))
end
