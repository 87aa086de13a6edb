-- The keys that encrypt what must not be readable in the database, themselves encrypted by a master key that is not in it
-- (core-service/src/vault).

CREATE TABLE data_keys (
    -- Stands in everything that the key encrypted.
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wrapped bytea NOT NULL CHECK (length(wrapped) BETWEEN 1 AND 10000),
    -- Which master key it was wrapped by.
    master text NOT NULL CHECK (length(master) BETWEEN 1 AND 2100),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Since when it encrypts nothing new.
    retired_at timestamptz
);
CREATE UNIQUE INDEX data_keys_one_current ON data_keys ((true)) WHERE retired_at IS NULL;

ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY vault ON data_keys USING ((SELECT breakwater_purpose()) = 'vault');
GRANT SELECT, INSERT, UPDATE, DELETE ON data_keys TO breakwater_service;

-- The id of the key that a sealed value says it was encrypted with. What was sealed before there were data keys begins with
-- random bytes instead: NULL, or by chance any number.
CREATE FUNCTION breakwater_sealed_with(sealed bytea) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN length(sealed) >= 33 AND get_byte(sealed, 0) = 1 AND get_byte(sealed, 1) < 128
        THEN get_byte(sealed, 1) << 24 | get_byte(sealed, 2) << 16 | get_byte(sealed, 3) << 8 | get_byte(sealed, 4)
    END
$$;

-- To encrypt anew what an older key encrypted.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['signing_keys', 'second_factors', 'idempotency_keys', 'jobs'] LOOP
        EXECUTE format('CREATE POLICY vault_read ON %I FOR SELECT USING ((SELECT breakwater_purpose()) = ''vault'')', name);
        EXECUTE format('CREATE POLICY vault_change ON %I FOR UPDATE USING ((SELECT breakwater_purpose()) = ''vault'')', name);
    END LOOP;
END $$;

-- Everything that is sealed: a data key that is named here may not be forgotten.
CREATE VIEW sealed_values WITH (security_invoker) AS
    SELECT 'signing_keys' AS place, breakwater_sealed_with(private_key) AS key_id FROM signing_keys
    UNION ALL
    SELECT 'second_factors', breakwater_sealed_with(seed) FROM second_factors WHERE seed IS NOT NULL
    UNION ALL
    SELECT 'idempotency_keys', breakwater_sealed_with(answer) FROM idempotency_keys
    UNION ALL
    SELECT 'jobs', breakwater_sealed_with(decode(payload ->> 'data', 'base64')) FROM jobs
    WHERE queue = 'mail' AND payload ? 'data';
GRANT SELECT ON sealed_values TO breakwater_service;
