-- Who may do what, in more than four roles: roles of a workspace's own, teams, and grants on single things. The service
-- decides (core-service/src/access); what stands here is the same decision once more, in policies.

-- Permissions of the built-in roles. The only table of them: the service asks for it, too.
CREATE FUNCTION breakwater_builtin_permissions(role text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE role
    WHEN 'viewer' THEN ARRAY['workspace:read', 'members:read', 'collections:read', 'documents:read']
    WHEN 'editor' THEN ARRAY['workspace:read', 'members:read', 'collections:read', 'documents:read', 'documents:write']
    WHEN 'admin' THEN ARRAY[
        'workspace:read', 'workspace:update', 'members:read', 'members:manage', 'roles:manage', 'teams:manage',
        'grants:manage', 'collections:read', 'collections:manage', 'documents:read', 'documents:write', 'audit:read']
    WHEN 'owner' THEN ARRAY[
        'workspace:read', 'workspace:update', 'workspace:delete', 'members:read', 'members:manage', 'owners:manage',
        'roles:manage', 'teams:manage', 'grants:manage', 'collections:read', 'collections:manage',
        'documents:read', 'documents:write', 'audit:read']
END;

CREATE TABLE roles (
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    -- It names the role everywhere, so it never changes.
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$' AND breakwater_builtin_permissions(name) IS NULL),
    description text CHECK (length(description) BETWEEN 1 AND 500),
    -- With all that follows from them, so that nothing has to be worked out when they are looked at.
    permissions text[] NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name)
);

ALTER TABLE workspace_members
    DROP CONSTRAINT workspace_members_role_check,
    ADD COLUMN custom_role text GENERATED ALWAYS AS
        (CASE WHEN role IN ('owner', 'admin', 'editor', 'viewer') THEN NULL ELSE role END) STORED,
    ADD CONSTRAINT workspace_members_role FOREIGN KEY (workspace_id, custom_role) REFERENCES roles;
CREATE INDEX workspace_members_custom_role ON workspace_members (workspace_id, custom_role)
    WHERE custom_role IS NOT NULL;

CREATE TABLE teams (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- What its members are besides what they are themselves.
    role text CHECK (role <> 'owner'),
    custom_role text GENERATED ALWAYS AS
        (CASE WHEN role IN ('owner', 'admin', 'editor', 'viewer') THEN NULL ELSE role END) STORED,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT teams_name UNIQUE (workspace_id, name),
    CONSTRAINT teams_workspace UNIQUE (workspace_id, id),
    CONSTRAINT teams_role FOREIGN KEY (workspace_id, custom_role) REFERENCES roles
);
CREATE INDEX teams_custom_role ON teams (workspace_id, custom_role) WHERE custom_role IS NOT NULL;

CREATE TABLE team_members (
    workspace_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT team_members_pkey PRIMARY KEY (team_id, user_id),
    CONSTRAINT team_members_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE,
    -- Who leaves the workspace leaves its teams.
    CONSTRAINT team_members_member FOREIGN KEY (workspace_id, user_id) REFERENCES workspace_members ON DELETE CASCADE
);
CREATE INDEX team_members_of_user ON team_members (workspace_id, user_id, team_id);

CREATE TABLE grants (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    -- On what: `collection` or `document`; other kinds of things may come.
    resource_type text NOT NULL CHECK (resource_type IN ('collection', 'document')),
    resource_id uuid NOT NULL,
    -- Where it is, and goes with: the collection itself, or the document's.
    collection_id uuid NOT NULL,
    document_id uuid GENERATED ALWAYS AS (CASE resource_type WHEN 'document' THEN resource_id END) STORED
        REFERENCES documents ON DELETE CASCADE,
    permissions text[] NOT NULL CHECK (cardinality(permissions) > 0),
    -- To whom: one of these.
    user_id uuid,
    role text,
    team_id uuid,
    link_hash bytea CHECK (length(link_hash) = 32),
    custom_role text GENERATED ALWAYS AS
        (CASE WHEN role IN ('owner', 'admin', 'editor', 'viewer') THEN NULL ELSE role END) STORED,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    CHECK (num_nonnulls(user_id, role, team_id, link_hash) = 1),
    CHECK (link_hash IS NULL OR expires_at IS NOT NULL),
    CHECK (resource_type <> 'collection' OR resource_id = collection_id),
    CONSTRAINT grants_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT grants_user FOREIGN KEY (workspace_id, user_id) REFERENCES workspace_members ON DELETE CASCADE,
    CONSTRAINT grants_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT grants_role FOREIGN KEY (workspace_id, custom_role) REFERENCES roles
);
CREATE INDEX grants_of_user ON grants (workspace_id, user_id, collection_id) WHERE user_id IS NOT NULL;
CREATE INDEX grants_of_team ON grants (workspace_id, team_id, collection_id) WHERE team_id IS NOT NULL;
CREATE INDEX grants_of_role ON grants (workspace_id, role, collection_id) WHERE role IS NOT NULL;
CREATE UNIQUE INDEX grants_of_link ON grants (link_hash) WHERE link_hash IS NOT NULL;
CREATE INDEX grants_collection_id ON grants (collection_id);
CREATE INDEX grants_document_id ON grants (document_id) WHERE document_id IS NOT NULL;
CREATE INDEX grants_created_by ON grants (created_by);

-- The functions that policies ask. They look at all rows, as the tables' owner.

CREATE FUNCTION breakwater_role_permissions(workspace uuid, named text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN coalesce(
        breakwater_builtin_permissions(named),
        (SELECT permissions FROM roles WHERE workspace_id = workspace AND name = named));
END
$$;
COMMENT ON FUNCTION breakwater_role_permissions IS 'What a role allows; null if there is no such role.';

CREATE FUNCTION breakwater_teams(of_user uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT team_id FROM team_members WHERE workspace_id = breakwater_workspace_id() AND user_id = of_user);
END
$$;
COMMENT ON FUNCTION breakwater_teams IS 'The teams that a user is in, in the workspace that the transaction works in.';

CREATE FUNCTION breakwater_roles(of_user uuid) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT role FROM workspace_members WHERE workspace_id = breakwater_workspace_id() AND user_id = of_user
        UNION
        SELECT t.role FROM team_members m JOIN teams t ON t.id = m.team_id
        WHERE m.workspace_id = breakwater_workspace_id() AND m.user_id = of_user AND t.role IS NOT NULL);
END
$$;
COMMENT ON FUNCTION breakwater_roles IS
    'The roles of a user, their own and their teams'', in the workspace that the transaction works in; none for strangers.';

CREATE FUNCTION breakwater_access(OUT roles text[], OUT permissions text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    roles := breakwater_roles(breakwater_user_id());
    IF cardinality(roles) = 1 THEN
        permissions := breakwater_role_permissions(breakwater_workspace_id(), roles[1]);
    ELSE
        permissions := ARRAY(
            SELECT DISTINCT unnest(breakwater_role_permissions(breakwater_workspace_id(), r)) FROM unnest(roles) r);
    END IF;
END
$$;
COMMENT ON FUNCTION breakwater_access IS
    'What the transaction''s user is and may do in the workspace that it works in. Nothing for strangers.';

CREATE FUNCTION breakwater_workspace_with(permission text) RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN permission = ANY ((SELECT a.permissions FROM breakwater_access() a)::text[])
        THEN breakwater_workspace_id() END;
END
$$;
COMMENT ON FUNCTION breakwater_workspace_with IS
    'The workspace that the transaction works in, if its user has this permission there. In policies: (SELECT …).';

CREATE FUNCTION breakwater_covers(wanted text[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN wanted <@ (SELECT a.permissions FROM breakwater_access() a);
END
$$;
COMMENT ON FUNCTION breakwater_covers IS 'Whether the user has all these permissions: nobody gives more than they have.';

CREATE FUNCTION breakwater_grants() RETURNS SETOF grants
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    asking uuid := breakwater_user_id();
    workspace uuid := breakwater_member_workspace();
BEGIN
    IF workspace IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT * FROM grants WHERE workspace_id = workspace AND user_id = asking
            AND (expires_at IS NULL OR expires_at > now())
        UNION ALL
        SELECT * FROM grants WHERE workspace_id = workspace AND team_id = ANY (breakwater_teams(asking))
            AND (expires_at IS NULL OR expires_at > now())
        UNION ALL
        SELECT * FROM grants WHERE workspace_id = workspace AND role = ANY (breakwater_roles(asking))
            AND (expires_at IS NULL OR expires_at > now());
END
$$;
COMMENT ON FUNCTION breakwater_grants IS
    'The living grants to the transaction''s user, their teams and their roles, in the workspace that it works in.';

CREATE FUNCTION breakwater_granted(permission text, kind text) RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT resource_id FROM breakwater_grants() g WHERE g.resource_type = kind AND permission = ANY (g.permissions));
END
$$;
COMMENT ON FUNCTION breakwater_granted IS 'The things of a kind on which a permission is granted.';

CREATE FUNCTION breakwater_shared_collections() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT collection_id FROM breakwater_grants());
END
$$;
COMMENT ON FUNCTION breakwater_shared_collections IS 'The collections in which anything is granted.';

CREATE FUNCTION breakwater_grants_on(
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
    WHERE c.workspace_id = breakwater_workspace_id() AND c.name = in_collection;
END
$$;
COMMENT ON FUNCTION breakwater_grants_on IS
    'What is granted to the user on a collection and a document of it, and whether they may read single documents there.';

-- A link is known by its hash, which the service puts into the transaction's settings.
CREATE FUNCTION breakwater_link(OUT workspace_id uuid, OUT collection_id uuid, OUT document_id uuid)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    link text := nullif(current_setting('breakwater.link', true), '');
BEGIN
    IF link IS NOT NULL THEN
        SELECT g.workspace_id, g.collection_id, g.document_id INTO workspace_id, collection_id, document_id
        FROM grants g WHERE g.link_hash = decode(link, 'hex') AND g.expires_at > now();
    END IF;
END
$$;
COMMENT ON FUNCTION breakwater_link IS 'Where the link leads that the transaction came by, while it lives.';

-- Everything that could allow a user something, whether it does or not: for explanations.
CREATE FUNCTION breakwater_sources(of_user uuid, in_collection text, on_document uuid)
RETURNS TABLE (kind text, name text, grant_id uuid, resource_type text, permissions text[], expires_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    workspace uuid := breakwater_member_workspace();
BEGIN
    IF workspace IS NULL
        OR of_user <> breakwater_user_id() AND breakwater_workspace_with('grants:manage') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'role', m.role, NULL::uuid, 'workspace', breakwater_role_permissions(workspace, m.role), NULL::timestamptz
        FROM workspace_members m WHERE m.workspace_id = workspace AND m.user_id = of_user
        UNION ALL
        SELECT 'team', t.name, NULL, 'workspace', breakwater_role_permissions(workspace, t.role), NULL
        FROM team_members m JOIN teams t ON t.id = m.team_id
        WHERE m.workspace_id = workspace AND m.user_id = of_user AND t.role IS NOT NULL
        UNION ALL
        SELECT 'grant', coalesce(g.role, t.name, 'user'), g.id, g.resource_type, g.permissions, g.expires_at
        FROM grants g JOIN collections c ON c.id = g.collection_id LEFT JOIN teams t ON t.id = g.team_id
        WHERE g.workspace_id = workspace AND c.name = in_collection
            AND (g.document_id IS NULL OR g.document_id = on_document)
            AND (g.user_id = of_user OR g.team_id = ANY (breakwater_teams(of_user)) OR g.role = ANY (breakwater_roles(of_user)));
END
$$;

REVOKE EXECUTE ON FUNCTION breakwater_role_permissions, breakwater_teams, breakwater_roles, breakwater_access,
    breakwater_workspace_with, breakwater_covers, breakwater_grants, breakwater_granted, breakwater_grants_on,
    breakwater_shared_collections, breakwater_link, breakwater_sources FROM PUBLIC;
GRANT EXECUTE ON FUNCTION breakwater_role_permissions, breakwater_teams, breakwater_roles, breakwater_access,
    breakwater_workspace_with, breakwater_covers, breakwater_grants, breakwater_granted, breakwater_grants_on,
    breakwater_shared_collections, breakwater_link, breakwater_sources TO breakwater_service;

-- Policies.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['roles', 'teams', 'team_members', 'grants'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        -- For the functions above.
        EXECUTE format('CREATE POLICY owner ON %I FOR SELECT TO CURRENT_USER USING (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END $$;
CREATE POLICY owner ON collections FOR SELECT TO CURRENT_USER USING (true);

CREATE POLICY member ON roles FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
CREATE POLICY manage ON roles TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('roles:manage')) AND breakwater_covers(permissions));

CREATE POLICY member ON teams FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
CREATE POLICY manage ON teams TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('teams:manage')))
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('teams:manage'))
        AND (role IS NULL OR breakwater_covers(breakwater_role_permissions(workspace_id, role))));

CREATE POLICY member ON team_members FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
CREATE POLICY add ON team_members FOR INSERT TO breakwater_service
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('teams:manage'))
        AND breakwater_covers(coalesce(
            (SELECT breakwater_role_permissions(t.workspace_id, t.role) FROM teams t WHERE t.id = team_id), '{}')));
CREATE POLICY remove ON team_members FOR DELETE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('teams:manage'))
        OR workspace_id = (SELECT breakwater_member_workspace()) AND user_id = (SELECT breakwater_user_id()));

CREATE POLICY manage ON grants TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('grants:manage')))
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('grants:manage')) AND breakwater_covers(permissions));

DROP POLICY member ON workspaces;
CREATE POLICY member ON workspaces FOR SELECT TO breakwater_service
    USING (id = (SELECT breakwater_member_workspace()));
-- Whoever may see it may lock it; changing is another matter.
CREATE POLICY update ON workspaces FOR UPDATE TO breakwater_service
    USING (id = (SELECT breakwater_member_workspace()))
    WITH CHECK (id = (SELECT breakwater_workspace_with('workspace:update')));
CREATE POLICY delete ON workspaces FOR DELETE TO breakwater_service
    USING (id = (SELECT breakwater_workspace_with('workspace:delete')));

DROP POLICY member ON workspace_members;
CREATE POLICY member ON workspace_members FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('members:read')));
CREATE POLICY add ON workspace_members FOR INSERT TO breakwater_service
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('members:manage'))
        AND breakwater_covers(breakwater_role_permissions(workspace_id, role)));
CREATE POLICY change ON workspace_members FOR UPDATE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('members:manage'))
        AND breakwater_covers(breakwater_role_permissions(workspace_id, role)));
CREATE POLICY remove ON workspace_members FOR DELETE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('members:manage'))
        AND breakwater_covers(breakwater_role_permissions(workspace_id, role))
        OR workspace_id = (SELECT breakwater_member_workspace()) AND user_id = (SELECT breakwater_user_id()));

DROP POLICY member ON collections;
CREATE POLICY read ON collections FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('collections:read'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND id = ANY ((SELECT breakwater_shared_collections())::uuid[]));
CREATE POLICY link ON collections FOR SELECT TO breakwater_service
    USING (id = (SELECT l.collection_id FROM breakwater_link() l));
CREATE POLICY add ON collections FOR INSERT TO breakwater_service
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('collections:manage')));
-- Whoever writes documents locks their collection.
CREATE POLICY change ON collections FOR UPDATE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()))
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('collections:manage')));
CREATE POLICY delete ON collections FOR DELETE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('collections:manage')));

DROP POLICY member ON documents;
CREATE POLICY read ON documents FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('documents:read'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:read', 'collection'))::uuid[])
                OR id = ANY ((SELECT breakwater_granted('documents:read', 'document'))::uuid[])));
CREATE POLICY link ON documents FOR SELECT TO breakwater_service
    USING (collection_id = (SELECT l.collection_id FROM breakwater_link() l)
        AND id = coalesce((SELECT l.document_id FROM breakwater_link() l), id));
CREATE POLICY add ON documents FOR INSERT TO breakwater_service
    WITH CHECK (workspace_id = (SELECT breakwater_workspace_with('documents:write'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND collection_id = ANY ((SELECT breakwater_granted('documents:write', 'collection'))::uuid[]));
CREATE POLICY change ON documents FOR UPDATE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('documents:write'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:write', 'collection'))::uuid[])
                OR id = ANY ((SELECT breakwater_granted('documents:write', 'document'))::uuid[])));
CREATE POLICY delete ON documents FOR DELETE TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('documents:write'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:write', 'collection'))::uuid[])
                OR id = ANY ((SELECT breakwater_granted('documents:write', 'document'))::uuid[])));

-- What lists read: the same rows as the policies `read` and `link` show (docs/decisions/0010).
CREATE OR REPLACE VIEW member_documents AS
    SELECT * FROM documents
    WHERE workspace_id = (SELECT breakwater_workspace_with('documents:read'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:read', 'collection'))::uuid[])
                OR id = ANY ((SELECT breakwater_granted('documents:read', 'document'))::uuid[]))
        OR collection_id = (SELECT l.collection_id FROM breakwater_link() l)
            AND id = coalesce((SELECT l.document_id FROM breakwater_link() l), id);

DROP POLICY workspace ON audit_events;
CREATE POLICY workspace ON audit_events FOR SELECT TO breakwater_service
    USING (workspace_id = (SELECT breakwater_workspace_with('audit:read')));
