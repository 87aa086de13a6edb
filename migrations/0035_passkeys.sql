-- Passkeys (WebAuthn), and the challenges that they sign (core-service/src/identity/passkeys).

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- What the authenticator calls it.
    credential bytea NOT NULL UNIQUE CHECK (length(credential) BETWEEN 1 AND 1023),
    -- A COSE key, as the authenticator gave it.
    public_key bytea NOT NULL CHECK (length(public_key) <= 1100),
    -- How often it has signed; 0 for ever where keys are shared between devices.
    sign_count bigint NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    -- SHA-256 of the challenge.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    -- Who is to get a passkey; absent when somebody signs in, whoever it is.
    user_id uuid REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_challenges_user ON passkey_challenges (user_id);
CREATE INDEX passkey_challenges_expires_at ON passkey_challenges (expires_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['passkeys', 'passkey_challenges'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
