-- One kind of a checkout's requests, named by BENCH_WORK. Names follow from numbers, so that a later round knows what an
-- earlier one wrote: BENCH_RUN is the run of the round, BENCH_PAST that of the orders to come back to, and BENCH_ORDERS
-- how many of those each thread wrote.
local work, key = os.getenv("BENCH_WORK"), os.getenv("BENCH_KEY")
local run, past, orders = os.getenv("BENCH_RUN"), os.getenv("BENCH_PAST"), tonumber(os.getenv("BENCH_ORDERS") or "1")
local tokens, ids, reserved = {}, {}, {}
local threads, count = 0, 0

local function lines_of(name, lines)
  if os.getenv(name) then for line in io.lines(os.getenv(name)) do lines[#lines + 1] = line end end
end
lines_of("BENCH_TOKENS", tokens)
lines_of("BENCH_IDS", ids)

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function delay() return 0 end

local function send(method, path, body, name)
  return wrk.format(method, path, {
    ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json", ["Idempotency-Key"] = name,
  }, body)
end

local function order(of, nth, referral)
  local name = of .. "-" .. number .. "-" .. nth
  local rest = referral and string.format(',"referral":"%s"', tokens[nth % #tokens + 1]) or ""
  local form = '{"order_id":"%s","amount":5000,"currency":"EUR","customer":{"customer_id":"f-%s"}%s}'
  return name, string.format(form, name, name, rest)
end

local ways = {}

function ways.referred()
  local name, body = order(run, count, true)
  return send("POST", "/v1/conversions", body, name)
end

function ways.plain()
  local name, body = order(run, count, false)
  return send("POST", "/v1/conversions", body, name)
end

function ways.repeated()
  local _, body = order(past, count % orders + 1, true)
  return send("POST", "/v1/conversions", body)
end

function ways.quote()
  local form = '{"referral":"%s","amount":5000,"currency":"EUR"}'
  return send("POST", "/v1/quotes", string.format(form, tokens[count % #tokens + 1]))
end

function ways.refund()
  local name = past .. "-" .. number .. "-" .. (count % orders + 1)
  return send("POST", "/v1/refunds", string.format('{"order_id":"%s","refund_id":"r-%s","amount":1000}', name, name), "r" .. run .. name .. count)
end

function ways.redemption()
  local id = table.remove(reserved)
  if id then return send("POST", "/v1/redemptions/" .. id .. "/capture", "{}", run .. id) end
  local form = '{"customer_id":"advocate-%d","amount":1,"currency":"EUR"}'
  return send("POST", "/v1/redemptions", string.format(form, math.random(1000)), run .. "-" .. number .. "-" .. count)
end

function ways.balance() return send("GET", "/v1/customers/advocate-" .. math.random(1000) .. "/balance") end

function ways.reading() return send("GET", "/v1/conversions/" .. ids[count % #ids + 1]) end

function ways.listing() return send("GET", "/v1/conversions?limit=50") end

function init(args)
  math.randomseed(number * 7919 + os.time())
  if work == "redemption" then
    function response(status, headers, body)
      local id = string.match(body, '"redemption_id":"([0-9a-f-]+)".*"status":"reserved"')
      if id then reserved[#reserved + 1] = id end
    end
  end
end

function request()
  count = count + 1
  return ways[work]()
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99), bad))
end
