-- Users, their passwords, sessions and refresh tokens, and the keys that access tokens are signed with.
-- Identity's own work (purpose `identity`) sees all of it; a user sees their own profile and sessions.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    -- Normalised: trimmed and in lower case.
    email text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (length(email) <= 254),
    display_name text CHECK (length(display_name) BETWEEN 1 AND 200),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Apart from the profile, so that who may see a user still cannot see this.
CREATE TABLE passwords (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    -- A PHC string: argon2id with its parameters and salt.
    hash text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- A session is a family of refresh tokens, each made from the one before.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- Tokens are derived from this, the server's secret and their generation: see docs/decisions.
    seed bytea NOT NULL CHECK (length(seed) = 32),
    -- The generation of the living refresh token, and since when it lives.
    generation integer NOT NULL DEFAULT 0,
    rotated_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text CHECK (ended_because IN ('logout', 'revoked', 'refresh-reuse')),
    user_agent text CHECK (length(user_agent) <= 512),
    address text CHECK (length(address) <= 64),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX sessions_of_user ON sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token. It holds 256 random bits, so a slow hash would add nothing.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    generation integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, generation)
);

CREATE TABLE signing_keys (
    -- The key's RFC 7638 thumbprint.
    kid text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256')),
    public_jwk jsonb NOT NULL,
    -- PKCS #8, encrypted with the server's secret.
    private_key bytea NOT NULL,
    -- `next` is published before it signs, `current` signs, `previous` only verifies, until `verifies_until`.
    state text NOT NULL CHECK (state IN ('next', 'current', 'previous')),
    created_at timestamptz NOT NULL DEFAULT now(),
    current_since timestamptz,
    verifies_until timestamptz,
    CHECK ((state = 'previous') = (verifies_until IS NOT NULL))
);
CREATE UNIQUE INDEX signing_keys_one_of_each ON signing_keys (state) WHERE state IN ('next', 'current');

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['users', 'passwords', 'sessions', 'refresh_tokens', 'signing_keys'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;

CREATE POLICY own_read ON users FOR SELECT USING (id = (SELECT breakwater_user_id()));
CREATE POLICY own_change ON users FOR UPDATE USING (id = (SELECT breakwater_user_id()));
CREATE POLICY own_read ON sessions FOR SELECT USING (user_id = (SELECT breakwater_user_id()));
CREATE POLICY own_change ON sessions FOR UPDATE USING (user_id = (SELECT breakwater_user_id()));
