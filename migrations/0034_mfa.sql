-- Second factors: time-based codes, codes by mail, recovery codes; and what a sign-in with them leaves
-- (core-service/src/identity/mfa).

CREATE TABLE second_factors (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('totp', 'email')),
    -- Of `totp`: the seed, encrypted with the server's secret.
    seed bytea,
    -- The newest time step whose code was taken: each code is good once.
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Absent until a code has shown that it works.
    confirmed_at timestamptz,
    PRIMARY KEY (user_id, kind),
    CHECK ((kind = 'totp') = (seed IS NOT NULL))
);

-- Each good once, instead of another factor.
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the code, which holds 125 random bits.
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (user_id, hash)
);

-- The newest short code that was mailed to a user. A MAC, because it has only eight digits.
CREATE TABLE sign_in_codes (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    code bytea CHECK (length(code) = 32),
    expires_at timestamptz NOT NULL,
    -- How many were sent since when: few an hour.
    sent integer NOT NULL,
    since timestamptz NOT NULL
);

-- Who has given the right password and still has to give a second factor.
CREATE TABLE mfa_challenges (
    -- SHA-256 of the token that names it.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mfa_challenges_user ON mfa_challenges (user_id);
CREATE INDEX mfa_challenges_expires_at ON mfa_challenges (expires_at);

-- Devices that are not asked for a second factor for a while.
CREATE TABLE trusted_devices (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the device's token.
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    user_agent text CHECK (length(user_agent) <= 512),
    address text CHECK (length(address) <= 64),
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX trusted_devices_user ON trusted_devices (user_id);
CREATE INDEX trusted_devices_expires_at ON trusted_devices (expires_at);

-- Whether the user gave a second factor in it.
ALTER TABLE sessions ADD COLUMN mfa boolean NOT NULL DEFAULT false;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY
        ARRAY['second_factors', 'recovery_codes', 'sign_in_codes', 'mfa_challenges', 'trusted_devices']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
