-- Signing in with other providers (core-service/src/identity/providers).

-- Whom a provider knows a user as. Only issuer and subject say who it is: addresses change hands.
CREATE TABLE linked_identities (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The provider's name in the configuration, which a way to sign in needs to be there still.
    provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 32),
    issuer text NOT NULL CHECK (length(issuer) <= 512),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    -- As the provider told it when it was linked: for people to recognise.
    email text CHECK (length(email) <= 254),
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    CONSTRAINT linked_identities_subject_key UNIQUE (issuer, subject)
);
CREATE INDEX linked_identities_user ON linked_identities (user_id, id);

-- Who was sent to a provider and is not back yet.
CREATE TABLE provider_flows (
    -- SHA-256 of the `state`, from which the nonce and the PKCE verifier are derived with the server's secret.
    state bytea PRIMARY KEY CHECK (length(state) = 32),
    -- SHA-256 of what is in the browser's cookie.
    browser bytea NOT NULL CHECK (length(browser) = 32),
    provider text NOT NULL,
    return_to text NOT NULL CHECK (length(return_to) <= 2048),
    -- Who wants the provider's account linked to theirs; absent when somebody signs in.
    user_id uuid REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX provider_flows_user ON provider_flows (user_id);
CREATE INDEX provider_flows_expires_at ON provider_flows (expires_at);

-- Who is back, and has to show the ticket to go on.
CREATE TABLE provider_tickets (
    -- SHA-256 of the ticket.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    browser bytea NOT NULL CHECK (length(browser) = 32),
    user_id uuid REFERENCES users ON DELETE CASCADE,
    provider text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    email text,
    -- Whether the provider's word for the address is taken.
    email_vouched boolean NOT NULL,
    name text,
    expires_at timestamptz NOT NULL
);
CREATE INDEX provider_tickets_user ON provider_tickets (user_id);
CREATE INDEX provider_tickets_expires_at ON provider_tickets (expires_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['linked_identities', 'provider_flows', 'provider_tickets'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
