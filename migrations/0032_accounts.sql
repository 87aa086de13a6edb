-- Accounts: proof that an address is its owner's, and what is under way by mail (core-service/src/identity).

-- Since when the address is known to be theirs.
ALTER TABLE users ADD COLUMN email_verified_at timestamptz;
-- The language of their mails.
ALTER TABLE users ADD COLUMN language text NOT NULL DEFAULT 'en' CHECK (length(language) <= 8);

ALTER TABLE sessions DROP CONSTRAINT sessions_ended_because_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_ended_because_check
    CHECK (ended_because IN ('logout', 'revoked', 'refresh-reuse', 'password'));
-- When the user last proved in it who they are. Absent from sessions that an older version began: long ago.
ALTER TABLE sessions ADD COLUMN authenticated_at timestamptz;

-- Who registered and has not shown yet that the address is theirs. Anybody may register any address, so there may be
-- several of one: the one whose code comes back together with its password becomes a user.
CREATE TABLE registrations (
    id uuid PRIMARY KEY,
    email text NOT NULL CHECK (length(email) <= 254),
    display_name text CHECK (length(display_name) BETWEEN 1 AND 200),
    language text NOT NULL CHECK (length(language) <= 8),
    password_hash text NOT NULL,
    -- SHA-256 of the code, once the mail with it is asked for.
    code_hash bytea UNIQUE CHECK (length(code_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX registrations_email ON registrations (email);
CREATE INDEX registrations_expires_at ON registrations (expires_at);

-- Codes that were mailed to users, each good once.
CREATE TABLE mailed_codes (
    -- SHA-256 of the code. It holds 125 random bits, so a slow hash would add nothing.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('verify-email', 'reset-password', 'change-email')),
    -- Where it was sent: for `change-email`, the new address.
    email text NOT NULL CHECK (length(email) <= 254),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX mailed_codes_of_user ON mailed_codes (user_id, purpose);
CREATE INDEX mailed_codes_expires_at ON mailed_codes (expires_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['registrations', 'mailed_codes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
