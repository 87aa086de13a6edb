-- Invitations by mail (core-service/src/workspaces/invitations): to an address, with a code that is good once.

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    -- Normalised, as in `users`.
    email text NOT NULL CHECK (length(email) <= 254),
    role text NOT NULL,
    custom_role text GENERATED ALWAYS AS
        (CASE WHEN role IN ('owner', 'admin', 'editor', 'viewer') THEN NULL ELSE role END) STORED,
    -- Those that are there when the invitation is accepted.
    teams uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(teams) <= 50),
    -- SHA-256 of the code. It holds 125 random bits, so a slow hash would add nothing.
    code_hash bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT invitations_email UNIQUE (workspace_id, email),
    CONSTRAINT invitations_role FOREIGN KEY (workspace_id, custom_role) REFERENCES roles,
    -- Who leaves takes their invitations along.
    CONSTRAINT invitations_by FOREIGN KEY (workspace_id, invited_by) REFERENCES workspace_members ON DELETE CASCADE
);
CREATE INDEX invitations_to ON invitations (email);
CREATE INDEX invitations_invited_by ON invitations (workspace_id, invited_by);
CREATE INDEX invitations_custom_role ON invitations (workspace_id, custom_role) WHERE custom_role IS NOT NULL;
CREATE INDEX invitations_expires_at ON invitations (expires_at);

-- For the functions below.
CREATE POLICY owner ON workspaces FOR SELECT TO CURRENT_USER USING (true);

-- An invitation is known by its code's hash, which the service puts into the transaction's settings.
CREATE FUNCTION breakwater_invited()
RETURNS TABLE (id uuid, workspace_id uuid, workspace_name text, email text, role text, teams uuid[],
    expires_at timestamptz, by_code boolean, acceptable boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    code bytea := decode(nullif(current_setting('breakwater.invitation', true), ''), 'hex');
BEGIN
    RETURN QUERY
        SELECT i.id, i.workspace_id, w.name, i.email, i.role, i.teams, i.expires_at, coalesce(i.code_hash = code, false),
               coalesce(i.email = u.email AND (u.email_verified_at IS NOT NULL OR i.code_hash = code), false)
        FROM invitations i JOIN workspaces w ON w.id = i.workspace_id
            LEFT JOIN users u ON u.id = breakwater_user_id()
        WHERE i.expires_at > now() AND i.id IN (
            SELECT c.id FROM invitations c WHERE c.code_hash = code
            UNION ALL
            SELECT m.id FROM users v JOIN invitations m ON m.email = v.email
            WHERE v.id = breakwater_user_id() AND v.email_verified_at IS NOT NULL);
END
$$;
COMMENT ON FUNCTION breakwater_invited IS
    'The living invitations whose code the transaction came by, or that are to its user''s verified address. The user may
accept those to their own address, if it is verified or the code shows that they read what is sent there.';

CREATE FUNCTION breakwater_invitation_holds(invitation uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT ARRAY['members:manage'] || breakwater_role_permissions(i.workspace_id, i.role)
            || CASE WHEN i.teams = '{}' THEN '{}' ELSE ARRAY['teams:manage'] END
            || ARRAY(SELECT unnest(breakwater_role_permissions(t.workspace_id, t.role))
                FROM teams t WHERE t.workspace_id = i.workspace_id AND t.id = ANY (i.teams))
            <@ ARRAY(SELECT unnest(breakwater_role_permissions(i.workspace_id, r)) FROM unnest(breakwater_roles(i.invited_by)) r)
        FROM invitations i WHERE i.id = invitation AND i.workspace_id = breakwater_workspace_id());
END
$$;
COMMENT ON FUNCTION breakwater_invitation_holds IS
    'Whether who invited could still give what the invitation gives, in the workspace that the transaction works in.';

REVOKE EXECUTE ON FUNCTION breakwater_invited, breakwater_invitation_holds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breakwater_invited, breakwater_invitation_holds TO breakwater_service;

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON invitations FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY manage ON invitations TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('members:manage')))
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('members:manage'))
        AND breakwater_covers(breakwater_role_permissions(workspace_id, role)));
CREATE POLICY invited ON invitations FOR SELECT TO breakwater_service
    USING (id IN (SELECT v.id FROM breakwater_invited() v WHERE v.acceptable));
CREATE POLICY accept ON invitations FOR DELETE TO breakwater_service
    USING (id IN (SELECT v.id FROM breakwater_invited() v WHERE v.acceptable));
CREATE POLICY upkeep ON invitations TO breakwater_service USING ((SELECT breakwater_purpose()) = 'upkeep');
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO breakwater_service;

-- Who accepts becomes what the invitation says.
CREATE POLICY invited ON workspace_members FOR INSERT TO breakwater_service
    WITH CHECK (user_id = (SELECT breakwater_user_id())
        AND (workspace_id, role) IN (SELECT v.workspace_id, v.role FROM breakwater_invited() v WHERE v.acceptable));
CREATE POLICY invited ON team_members FOR INSERT TO breakwater_service
    WITH CHECK (user_id = (SELECT breakwater_user_id())
        AND (workspace_id, team_id) IN (
            SELECT v.workspace_id, unnest(v.teams) FROM breakwater_invited() v WHERE v.acceptable));
