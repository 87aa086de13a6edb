-- Every version that a document had, and documents in the trash (core-service/src/documents/versions and trash).

-- Versions that were replaced: the newest is the document itself. They outlive it in the trash, and go when it is purged.
CREATE TABLE document_versions (
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    document_id uuid NOT NULL,
    version bigint NOT NULL,
    data jsonb NOT NULL,
    -- Who made this version, and when.
    updated_at timestamptz NOT NULL,
    updated_by uuid REFERENCES users ON DELETE SET NULL,
    CONSTRAINT document_versions_pkey PRIMARY KEY (document_id, version),
    CONSTRAINT document_versions_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX document_versions_collection_id ON document_versions (collection_id);
CREATE INDEX document_versions_updated_by ON document_versions (updated_by);

-- Deleted documents, until `purge_at`.
CREATE TABLE document_trash (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    version bigint NOT NULL,
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid REFERENCES users ON DELETE SET NULL,
    updated_by uuid REFERENCES users ON DELETE SET NULL,
    deleted_at timestamptz NOT NULL DEFAULT now(),
    deleted_by uuid REFERENCES users ON DELETE SET NULL,
    -- The document whose deletion took this one along; itself, if it was the one.
    deleted_with uuid NOT NULL,
    purge_at timestamptz NOT NULL,
    CONSTRAINT document_trash_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX document_trash_listed ON document_trash (collection_id, deleted_at, id);
CREATE INDEX document_trash_purge_at ON document_trash (purge_at);
CREATE INDEX document_trash_deleted_with ON document_trash (deleted_with);
CREATE INDEX document_trash_created_by ON document_trash (created_by);
CREATE INDEX document_trash_updated_by ON document_trash (updated_by);
CREATE INDEX document_trash_deleted_by ON document_trash (deleted_by);

DO $$
DECLARE
    reads text := $policy$
        workspace_id = (SELECT breakwater_workspace_with('documents:read'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND (collection_id = ANY ((SELECT breakwater_granted('documents:read', 'collection'))::uuid[])
                OR document_id = ANY ((SELECT breakwater_granted('documents:read', 'document'))::uuid[])) $policy$;
    -- Grants on single documents end when those are deleted.
    writes text := $policy$
        workspace_id = (SELECT breakwater_workspace_with('documents:write'))
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND collection_id = ANY ((SELECT breakwater_granted('documents:write', 'collection'))::uuid[]) $policy$;
    document_writes text := writes || $policy$
        OR workspace_id = (SELECT breakwater_member_workspace())
            AND document_id = ANY ((SELECT breakwater_granted('documents:write', 'document'))::uuid[]) $policy$;
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['document_versions', 'document_trash'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY upkeep ON %I TO breakwater_service
            USING ((SELECT breakwater_purpose()) = ''upkeep'')', name);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON %I TO breakwater_service', name);
    END LOOP;
    EXECUTE 'CREATE POLICY read ON document_versions FOR SELECT TO breakwater_service USING (' || reads || ')';
    EXECUTE 'CREATE POLICY add ON document_versions FOR INSERT TO breakwater_service WITH CHECK (' || document_writes || ')';
    EXECUTE 'CREATE POLICY delete ON document_versions FOR DELETE TO breakwater_service USING (' || document_writes || ')';
    EXECUTE 'CREATE POLICY read ON document_trash FOR SELECT TO breakwater_service USING (' || writes || ')';
    EXECUTE 'CREATE POLICY add ON document_trash FOR INSERT TO breakwater_service WITH CHECK ('
        || replace(document_writes, 'document_id', 'id') || ')';
    EXECUTE 'CREATE POLICY delete ON document_trash FOR DELETE TO breakwater_service USING (' || writes || ')';
    -- Who locks a row of the trash to restore it.
    EXECUTE 'CREATE POLICY change ON document_trash FOR UPDATE TO breakwater_service USING (' || writes || ')';
    EXECUTE 'GRANT UPDATE ON document_trash TO breakwater_service';
END
$$;
