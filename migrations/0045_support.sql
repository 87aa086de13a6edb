-- Support staff who act in a member's name, in workspaces that consent (core-service/src/identity/support).

CREATE TABLE support_staff (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE support_consents (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,
    given_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX support_consents_given_by ON support_consents (given_by);

-- Of a session in which somebody else acts: who, where, why, and the moment after which it cannot be refreshed.
ALTER TABLE sessions
    ADD COLUMN impersonator_id uuid REFERENCES users ON DELETE CASCADE,
    ADD COLUMN support_workspace uuid REFERENCES workspaces ON DELETE CASCADE,
    ADD COLUMN support_reason text CHECK (length(support_reason) BETWEEN 1 AND 500),
    ADD COLUMN not_after timestamptz,
    ADD CHECK (num_nonnulls(impersonator_id, support_workspace, support_reason, not_after) IN (0, 4));
CREATE INDEX sessions_impersonator ON sessions (impersonator_id) WHERE impersonator_id IS NOT NULL;
CREATE INDEX sessions_support_workspace ON sessions (support_workspace) WHERE support_workspace IS NOT NULL;
ALTER TABLE sessions DROP CONSTRAINT sessions_ended_because_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_ended_because_check
    CHECK (ended_because IN ('logout', 'revoked', 'refresh-reuse', 'password', 'support-consent'));

-- What support may do in a member's name, as far as the member may: nothing that changes who may what.
CREATE FUNCTION breakwater_support_permissions() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['workspace:read', 'members:read', 'collections:read', 'documents:read', 'documents:write'];

CREATE FUNCTION breakwater_support_consents(staff uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM support_consents WHERE workspace_id = breakwater_workspace_id() AND expires_at > now())
        AND EXISTS (SELECT FROM support_staff WHERE user_id = staff);
END
$$;
COMMENT ON FUNCTION breakwater_support_consents IS
    'Whether the workspace that the transaction works in lets support in now, and this user is support.';

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
    'What the transaction''s user is and may do in the workspace that it works in. Nothing for strangers; in the hands of
support, what support may do, and nothing without the workspace''s consent.';

REVOKE EXECUTE ON FUNCTION breakwater_support_permissions, breakwater_support_consents FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breakwater_support_permissions, breakwater_support_consents TO breakwater_service;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['support_staff', 'support_consents'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner ON %I FOR SELECT TO CURRENT_USER USING (true)', name);
        EXECUTE format(
            'CREATE POLICY identity ON %I FOR SELECT TO breakwater_service USING ((SELECT breakwater_purpose()) = ''identity'')', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
-- The operator says who is support.
CREATE POLICY operator ON support_staff TO breakwater_service
    USING ((SELECT breakwater_purpose()) = 'identity' AND (SELECT breakwater_user_id()) IS NULL);
CREATE POLICY member ON support_consents FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
CREATE POLICY manage ON support_consents TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('owners:manage')));
