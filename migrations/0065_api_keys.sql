-- API keys, and service accounts that own some (core-service/src/identity/api_keys, workspaces/service_accounts).

-- A service account is a user without an e-mail address: nothing that goes by an address ever finds one. It belongs to a
-- workspace and goes with it.
ALTER TABLE users
    ALTER COLUMN email DROP NOT NULL,
    ADD COLUMN service_of uuid REFERENCES workspaces ON DELETE CASCADE,
    ADD CONSTRAINT users_kind CHECK ((email IS NULL) = (service_of IS NOT NULL));
CREATE INDEX users_service_of ON users (service_of) WHERE service_of IS NOT NULL;

-- Whether the member is a service account.
ALTER TABLE workspace_members ADD COLUMN service boolean NOT NULL DEFAULT false CHECK (NOT (service AND role = 'owner'));

CREATE TABLE service_accounts (
    id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT service_accounts_name UNIQUE (workspace_id, name),
    -- Its role, teams and grants are those of a member.
    CONSTRAINT service_accounts_member FOREIGN KEY (workspace_id, id) REFERENCES workspace_members ON DELETE CASCADE
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    -- SHA-256 of the key. It holds 238 random bits, so a slow hash would add nothing.
    hash bytea NOT NULL CONSTRAINT api_keys_hash UNIQUE CHECK (length(hash) = 32),
    -- A user, or a service account.
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- How the key begins.
    hint text NOT NULL CHECK (length(hint) <= 12),
    -- With all that follows from them; null: all that its owner may do.
    permissions text[] CHECK (cardinality(permissions) > 0),
    -- Networks that it is good from; none: all.
    addresses text[] NOT NULL CHECK (cardinality(addresses) <= 50),
    -- Whether who made it had given a second factor.
    mfa boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    expires_at timestamptz NOT NULL,
    -- To the minute.
    last_used_at timestamptz,
    last_used_from text CHECK (length(last_used_from) <= 64)
);
CREATE INDEX api_keys_of_user ON api_keys (user_id, id);
CREATE INDEX api_keys_created_by ON api_keys (created_by);
CREATE INDEX api_keys_expires_at ON api_keys (expires_at);

-- Edges remember for a short while that a key was good. A key that ends, whyever, ends for them as a session does.
CREATE FUNCTION breakwater_api_key_ended() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO ended_sessions (id) VALUES (OLD.id);
    PERFORM pg_notify('breakwater_edge', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER ended AFTER DELETE ON api_keys FOR EACH ROW WHEN (OLD.expires_at > now())
    EXECUTE FUNCTION breakwater_api_key_ended();
CREATE POLICY owner ON ended_sessions FOR INSERT TO CURRENT_USER WITH CHECK (true);

-- What a credential allows, if it does not allow everything that its owner may do: the setting's first word is `only`.
CREATE FUNCTION breakwater_credential_allows(permission text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('breakwater.permissions', true), '') = ''
    OR permission = ANY (string_to_array(current_setting('breakwater.permissions', true), ','));

CREATE OR REPLACE FUNCTION breakwater_access(OUT roles text[], OUT permissions text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    impersonator text := nullif(current_setting('breakwater.impersonator', true), '');
BEGIN
    roles := breakwater_roles(breakwater_user_id());
    IF cardinality(roles) = 1 THEN
        permissions := breakwater_role_permissions(breakwater_workspace_id(), roles[1]);
    ELSE
        permissions := ARRAY(
            SELECT DISTINCT unnest(breakwater_role_permissions(breakwater_workspace_id(), r)) FROM unnest(roles) r);
    END IF;
    IF current_setting('breakwater.permissions', true) <> '' THEN
        permissions := ARRAY(SELECT p FROM unnest(permissions) p WHERE breakwater_credential_allows(p));
    END IF;
    IF impersonator IS NULL THEN
        RETURN;
    END IF;
    IF breakwater_support_consents(impersonator::uuid) THEN
        permissions := ARRAY(SELECT unnest(permissions) INTERSECT SELECT unnest(breakwater_support_permissions()));
    ELSE
        roles := '{}';
        permissions := '{}';
    END IF;
END
$$;
COMMENT ON FUNCTION breakwater_access IS
    'What the transaction''s user is and may do in the workspace that it works in. Nothing for strangers; what the credential
allows, if that is less; in the hands of support, what support may do, and nothing without the workspace''s consent.';

CREATE OR REPLACE FUNCTION breakwater_granted(permission text, kind text) RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT breakwater_credential_allows(permission) THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT resource_id FROM breakwater_grants() g WHERE g.resource_type = kind AND permission = ANY (g.permissions));
END
$$;

CREATE OR REPLACE FUNCTION breakwater_shared_collections() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT breakwater_credential_allows('collections:read') THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(SELECT DISTINCT collection_id FROM breakwater_grants());
END
$$;

CREATE OR REPLACE FUNCTION breakwater_grants_on(
    unless boolean, in_collection text, on_document uuid, OUT permissions text[], OUT parts boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF unless THEN
        RETURN;
    END IF;
    SELECT coalesce(array_agg(DISTINCT p.name) FILTER (WHERE g.document_id IS NULL OR g.document_id = on_document), '{}'),
           coalesce(bool_or(g.document_id IS NOT NULL AND p.name = 'documents:read'), false)
    INTO permissions, parts
    FROM breakwater_grants() g JOIN collections c ON c.id = g.collection_id
        CROSS JOIN LATERAL unnest(g.permissions) AS p (name)
    WHERE c.workspace_id = breakwater_workspace_id() AND c.name = in_collection AND breakwater_credential_allows(p.name);
END
$$;

-- A refused key is kept once an hour at the most, and so looked for before (core-service/src/audit/key_refusals.rs).
CREATE INDEX audit_events_key_refused ON audit_events (target_id, at) WHERE action = 'api-key.refused';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['api_keys', 'service_accounts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;

CREATE POLICY own ON service_accounts FOR SELECT TO breakwater_service USING (id = (SELECT breakwater_user_id()));
CREATE POLICY member ON service_accounts FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('members:read')));
CREATE POLICY manage ON service_accounts TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('members:manage')));

-- Who may manage a workspace's members makes and unmakes the users that its service accounts are.
CREATE POLICY service ON users TO breakwater_service
    USING (service_of = (SELECT breakwater_workspace_with('members:manage')));

CREATE POLICY identity ON api_keys TO breakwater_service USING ((SELECT breakwater_purpose()) = 'identity');
CREATE POLICY own ON api_keys TO breakwater_service USING (user_id = (SELECT breakwater_user_id()));
CREATE POLICY manage ON api_keys TO breakwater_service
    USING (user_id IN (SELECT id FROM service_accounts
                       WHERE workspace_id = (SELECT breakwater_workspace_with('members:manage'))));
