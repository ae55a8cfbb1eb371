\set owner random(1, 1000)
\set merchant random(1, :merchants)
BEGIN;
INSERT INTO txn (merchant_id, transaction_id, reference, event, fingerprint, effective_at, recorded_at) VALUES (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, uuidv7(), 'pgbench:' || gen_random_uuid(), 'earned', sha256('x'::bytea), now(), now()) ON CONFLICT (merchant_id, reference) DO NOTHING RETURNING transaction_id AS made \gset
INSERT INTO posting (merchant_id, transaction_id, line, debit, credit, currency, amount) VALUES (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, :made::uuid, 0, E'expense\072rewards', 'pending:' || lpad(to_hex(:owner::bigint), 32, '0'), 'EUR', 1000), (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, :made::uuid, 1, E'expense\072rewards', 'settled', 'EUR', 500);
INSERT INTO unsealed (merchant_id, transaction_id) VALUES (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, :made::uuid);
\set slot random(0, 31)
INSERT INTO balance (merchant_id, account, currency, slot, kind, amount, floor) VALUES (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, 'pending:' || lpad(to_hex(:owner::bigint), 32, '0'), 'EUR', 0, 'pending', 1000, 0), (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, E'expense\072rewards', 'EUR', :slot::smallint, E'expense\072rewards', 1500, NULL), (lpad(to_hex(:merchant::bigint), 32, '0')::uuid, 'settled', 'EUR', :slot::smallint, 'settled', 500, NULL) ON CONFLICT (merchant_id, account, currency, slot) DO UPDATE SET amount = balance.amount + excluded.amount;
COMMIT;
