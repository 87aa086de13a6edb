-- What every room stands on: who is asking, and answers kept for repeated requests.

-- On whose behalf a transaction runs. The service sets these when it begins one (core-service/src/database).
-- In policies write `(SELECT breakwater_user_id())`: it is then worked out once, not once per row.

CREATE FUNCTION breakwater_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('breakwater.user_id', true), '')::uuid;

CREATE FUNCTION breakwater_workspace_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('breakwater.workspace_id', true), '')::uuid;

CREATE FUNCTION breakwater_purpose() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('breakwater.purpose', true), '');

GRANT USAGE ON SCHEMA public TO breakwater_service;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Answers to requests with an Idempotency-Key, for a day. `id` is a MAC over caller, method, path and key;
-- `fingerprint` one over the request; `answer` is encrypted, since it may hold what only the caller may see.
CREATE TABLE idempotency_keys (
    id bytea PRIMARY KEY CHECK (length(id) = 32),
    caller uuid,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON idempotency_keys
    USING (caller IS NOT DISTINCT FROM (SELECT breakwater_user_id()));
CREATE POLICY upkeep ON idempotency_keys
    USING ((SELECT breakwater_purpose()) = 'upkeep');
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO breakwater_service;
