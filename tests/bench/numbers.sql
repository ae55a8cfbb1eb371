-- A year of a merchant's life, written straight into the tables: :orders orders, :visits visits, with rewards and books.
-- Every third customer was brought by one of the advocates, who have two links each.
CREATE FUNCTION pg_temp.id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT (lpad(to_hex(kind), 4, '0') || lpad(to_hex(n), 28, '0'))::uuid $$;
CREATE FUNCTION pg_temp.at(n bigint, many bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
$$ SELECT timestamptz '2025-11-01 00:00+00' + n * (interval '365 days' / many) $$;
\set customers (:orders/2)
\set advocates (:orders/40)

INSERT INTO customer (merchant_id, customer_id, owner_id, first_name, created_at)
SELECT :'merchant', 'c-' || n, pg_temp.id(1, n), 'Ana', pg_temp.at(0, 1) FROM generate_series(0, :customers - 1) n;
INSERT INTO link (merchant_id, link_id, program_id, customer_id, channel, code, destination_key, status, created_at)
SELECT :'merchant', pg_temp.id(2, n), :'program', 'c-' || n / 2, CASE n % 2 WHEN 0 THEN '' ELSE 'mail' END, 'C' || n,
       '', 'active', pg_temp.at(n, 2 * :advocates) FROM generate_series(0, 2 * :advocates - 1) n;
INSERT INTO referral (merchant_id, friend_id, advocate_id, program_id, link_id, created_at)
SELECT :'merchant', 'c-' || n, 'c-' || (n + 1) % :advocates, :'program', pg_temp.id(2, 2 * ((n + 1) % :advocates)),
       pg_temp.at(n, :orders) FROM generate_series(0, :customers - 1, 3) n;
INSERT INTO conversion (merchant_id, conversion_id, order_id, amount, discount_amount, eligible_amount, refunded_amount,
       currency, customer_id, status, reasons, decisions, program_id, terms_version, link_id, advocate_id, ordered_at,
       recorded_at, reported, is_sealed)
SELECT :'merchant', pg_temp.id(3, n), 'o-' || n, 1000 + n % 9000, 0, 1000 + n % 9000, 0, 'EUR', 'c-' || c,
       CASE WHEN c % 3 > 0 THEN 'unattributed' WHEN n < :customers THEN 'attributed' ELSE 'repeat' END, '[]', '[]',
       CASE WHEN c % 3 = 0 THEN :'program'::uuid END, CASE WHEN c % 3 = 0 THEN 1 END,
       CASE WHEN c % 3 = 0 THEN pg_temp.id(2, 2 * ((c + 1) % :advocates)) END,
       CASE WHEN c % 3 = 0 THEN 'c-' || (c + 1) % :advocates END, pg_temp.at(n, :orders), pg_temp.at(n, :orders), '{}', true
  FROM (SELECT n, n % :customers AS c FROM generate_series(0, :orders - 1) n) AS placed;
INSERT INTO reward (merchant_id, reward_id, conversion_id, program_id, terms_version, side, customer_id, advocate_id,
       friend_id, counted, amount, reversed_amount, currency, given_as, status, available_at, created_at, nth_referral,
       is_earned, is_ripe)
SELECT :'merchant', pg_temp.id(4, n), pg_temp.id(3, n), :'program', 1, 'advocate', 'c-' || (n + 1) % :advocates,
       'c-' || (n + 1) % :advocates, 'c-' || n, true, 500, 0, 'EUR', 'credit', 'available', pg_temp.at(n, :orders),
       pg_temp.at(n, :orders), 1, true, true
  FROM generate_series(0, :customers - 1, 3) n WHERE n <> (n + 1) % :advocates;
INSERT INTO txn SELECT :'merchant', pg_temp.id(5, n), 'conversion:' || pg_temp.id(3, n), 'earned', sha256(''::bytea),
       pg_temp.at(n, :orders), pg_temp.at(n, :orders) FROM generate_series(0, :customers - 1, 3) n;
INSERT INTO posting SELECT :'merchant', pg_temp.id(5, n), 0, 'expense:rewards',
       'pending:' || replace(pg_temp.id(1, (n + 1) % :advocates)::text, '-', ''), 'EUR', 500
  FROM generate_series(0, :customers - 1, 3) n;
INSERT INTO txn SELECT :'merchant', pg_temp.id(7, n), 'conversion:' || pg_temp.id(3, n) || ':release:' || pg_temp.id(4, n), 'released',
       sha256(''::bytea), pg_temp.at(n, :orders), pg_temp.at(n, :orders) FROM generate_series(0, :customers - 1, 3) n;
INSERT INTO posting SELECT :'merchant', pg_temp.id(7, n), 0,
       'pending:' || replace(pg_temp.id(1, (n + 1) % :advocates)::text, '-', ''),
       'available:' || replace(pg_temp.id(1, (n + 1) % :advocates)::text, '-', ''), 'EUR', 500
  FROM generate_series(0, :customers - 1, 3) n;
ALTER TABLE visit DISABLE TRIGGER visit_is_fresh;
INSERT INTO visit (merchant_id, link_id, hour, visitor, visit_id, visited_at)
SELECT :'merchant', pg_temp.id(2, n % (2 * :advocates)), date_trunc('hour', pg_temp.at(n, :visits)),
       decode(md5((n / 3)::text), 'hex'), pg_temp.id(6, n), pg_temp.at(n, :visits)
  FROM generate_series(0, :visits - 1) n;
ALTER TABLE visit ENABLE TRIGGER visit_is_fresh;
ANALYZE;
