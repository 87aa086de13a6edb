-- Folders, files and their versions (core-service/src/files). What is in them lies in a store outside of the database.

CREATE OR REPLACE FUNCTION breakwater_builtin_permissions(role text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE role
    WHEN 'viewer' THEN ARRAY['workspace:read', 'members:read', 'collections:read', 'documents:read', 'files:read']
    WHEN 'editor' THEN ARRAY[
        'workspace:read', 'members:read', 'collections:read', 'documents:read', 'documents:write', 'files:read', 'files:write']
    WHEN 'admin' THEN ARRAY[
        'workspace:read', 'workspace:update', 'members:read', 'members:manage', 'roles:manage', 'teams:manage',
        'grants:manage', 'collections:read', 'collections:manage', 'documents:read', 'documents:write', 'files:read',
        'files:write', 'files:hold', 'audit:read']
    WHEN 'owner' THEN ARRAY[
        'workspace:read', 'workspace:update', 'workspace:delete', 'members:read', 'members:manage', 'owners:manage',
        'roles:manage', 'teams:manage', 'grants:manage', 'collections:read', 'collections:manage',
        'documents:read', 'documents:write', 'files:read', 'files:write', 'files:hold', 'audit:read']
END;

CREATE OR REPLACE FUNCTION breakwater_support_permissions() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['workspace:read', 'members:read', 'collections:read', 'documents:read', 'documents:write', 'files:read', 'files:write'];

CREATE TABLE folders (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    -- Null: at the top.
    parent_id uuid,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    CONSTRAINT folders_workspace UNIQUE (workspace_id, id),
    -- Where it is, in one column that is never null, so that an index serves every list.
    place uuid NOT NULL GENERATED ALWAYS AS (coalesce(parent_id, workspace_id)) STORED,
    CONSTRAINT folders_name UNIQUE (place, name),
    -- The service deletes empty folders only; a workspace takes all of them along.
    CONSTRAINT folders_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES folders (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX folders_parent_id ON folders (workspace_id, parent_id);
CREATE INDEX folders_created_by ON folders (created_by);

-- What lies in the store, or may: there is a row before the first byte, and until the last one is gone.
CREATE TABLE file_contents (
    id uuid PRIMARY KEY,
    -- It outlives its workspace until the store has forgotten it.
    workspace_id uuid NOT NULL,
    -- 'arriving' until all of it is there, 'condemned' once no version names it.
    state text NOT NULL DEFAULT 'arriving' CHECK (state IN ('arriving', 'kept', 'condemned')),
    size bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    sha256 bytea CHECK (length(sha256) = 32),
    media_type text,
    -- In how many pieces it lies there; 0: in one, under its own id.
    pieces integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- What has not arrived until then is forgotten.
    expires_at timestamptz NOT NULL DEFAULT now() + interval '1 day',
    CHECK (state <> 'kept' OR num_nonnulls(sha256, media_type) = 2)
);
CREATE INDEX file_contents_unkept ON file_contents (expires_at) WHERE state <> 'kept';

-- A piece of content that arrives in several.
CREATE TABLE file_pieces (
    id uuid PRIMARY KEY,
    content_id uuid NOT NULL REFERENCES file_contents ON DELETE CASCADE,
    workspace_id uuid NOT NULL,
    -- Its place; null until it has arrived.
    number integer,
    size bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT file_pieces_number UNIQUE (content_id, number),
    CHECK (num_nonnulls(number, size) IN (0, 2))
);
CREATE INDEX file_pieces_arriving ON file_pieces (created_at) WHERE number IS NULL;

-- An upload that can be resumed: under the id of its content.
CREATE TABLE uploads (
    id uuid PRIMARY KEY REFERENCES file_contents ON DELETE CASCADE,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    -- Of the file that it becomes, or the file whose new version it becomes.
    name text,
    folder_id uuid,
    file_id uuid,
    media_type text,
    length bigint NOT NULL CHECK (length >= 0),
    received bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND length),
    -- The state of the SHA-256 over what was received, and how that begins.
    hash bytea NOT NULL,
    beginning bytea NOT NULL DEFAULT '',
    -- What it has become.
    became uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    CHECK (num_nonnulls(name, file_id) = 1)
);
CREATE INDEX uploads_workspace_id ON uploads (workspace_id) WHERE became IS NULL;
CREATE INDEX uploads_created_by ON uploads (created_by);

CREATE TABLE files (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    folder_id uuid,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    version bigint NOT NULL DEFAULT 1,
    -- Its newest content: file_versions.number.
    content bigint NOT NULL DEFAULT 1,
    -- In whatever links to it are signed: another key, and none of them is good any more.
    link_key uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    updated_by uuid REFERENCES users ON DELETE SET NULL,
    -- It is not deleted until then, nor while a hold is on it.
    retain_until timestamptz,
    legal_hold boolean NOT NULL DEFAULT false,
    -- Both are set while it is in the trash; then it has no folder, but remembers it.
    deleted_at timestamptz,
    deleted_by uuid REFERENCES users ON DELETE SET NULL,
    deleted_from uuid,
    place uuid NOT NULL GENERATED ALWAYS AS (coalesce(folder_id, workspace_id)) STORED,
    CONSTRAINT files_folder FOREIGN KEY (workspace_id, folder_id) REFERENCES folders (workspace_id, id) ON DELETE CASCADE,
    CHECK (deleted_at IS NULL OR folder_id IS NULL)
);
CREATE INDEX files_held ON files (workspace_id) WHERE legal_hold OR retain_until IS NOT NULL;
CREATE UNIQUE INDEX files_name ON files (place, name) WHERE deleted_at IS NULL;
CREATE INDEX files_folder_id ON files (workspace_id, folder_id);
CREATE INDEX files_deleted ON files (workspace_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX files_purge ON files (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX files_created_by ON files (created_by);
CREATE INDEX files_updated_by ON files (updated_by);
CREATE INDEX files_deleted_by ON files (deleted_by) WHERE deleted_by IS NOT NULL;

CREATE TABLE file_versions (
    file_id uuid NOT NULL REFERENCES files ON DELETE CASCADE,
    number bigint NOT NULL,
    workspace_id uuid NOT NULL,
    -- A version that was restored names the same content as the one before; another file's never.
    content_id uuid NOT NULL REFERENCES file_contents,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    PRIMARY KEY (file_id, number)
);
CREATE INDEX file_versions_content_id ON file_versions (content_id);
CREATE INDEX file_versions_created_by ON file_versions (created_by);

-- How much a workspace keeps, in bytes.
CREATE TABLE file_usage (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,
    bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['folders', 'file_contents', 'file_pieces', 'uploads', 'files', 'file_versions', 'file_usage'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO breakwater_service
            USING (workspace_id = (SELECT breakwater_workspace_with(''files:read'')))', name);
        EXECUTE format('CREATE POLICY write ON %I TO breakwater_service
            USING (workspace_id = (SELECT breakwater_workspace_with(''files:write'')))', name);
        -- Links, the trash's end, and what the store forgets.
        EXECUTE format('CREATE POLICY work ON %I TO breakwater_service USING ((SELECT breakwater_purpose()) = ''files'')', name);
    END LOOP;
END
$$;

-- Content that no version names any more is condemned, in the transaction that took the last one away: also when all of a
-- workspace goes. Versions of one file share content, and whoever adds or takes one away has locked the file.
CREATE FUNCTION breakwater_condemn_contents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE file_contents c SET state = 'condemned'
    FROM (SELECT DISTINCT content_id FROM gone) g
    WHERE c.id = g.content_id AND c.state = 'kept' AND NOT EXISTS (SELECT FROM file_versions v WHERE v.content_id = c.id);
    RETURN NULL;
END $$;
CREATE TRIGGER condemn AFTER DELETE ON file_versions REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_condemn_contents();

-- What is condemned counts no more. What arrives is counted by the service, which knows the limit.
CREATE FUNCTION breakwater_uncount_contents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE file_usage u SET bytes = u.bytes - g.size
    FROM (SELECT n.workspace_id, sum(n.size) AS size FROM now_there n JOIN before o USING (id)
          WHERE o.state = 'kept' AND n.state = 'condemned' GROUP BY n.workspace_id) g
    WHERE u.workspace_id = g.workspace_id;
    RETURN NULL;
END $$;
CREATE TRIGGER uncount AFTER UPDATE ON file_contents REFERENCING OLD TABLE AS before NEW TABLE AS now_there
    FOR EACH STATEMENT EXECUTE FUNCTION breakwater_uncount_contents();

-- What must be kept does not go, whoever deletes it or what it is in.
CREATE FUNCTION breakwater_keep_held_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.legal_hold OR OLD.retain_until > now() THEN
        RAISE EXCEPTION 'a file is held' USING ERRCODE = 'check_violation', CONSTRAINT = 'files_held';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER keep_held BEFORE DELETE ON files FOR EACH ROW EXECUTE FUNCTION breakwater_keep_held_files();

-- For the two functions, whose owner row-level security binds as well.
CREATE POLICY owner ON file_versions FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner ON file_contents TO CURRENT_USER USING (true);
CREATE POLICY owner ON file_usage TO CURRENT_USER USING (true);

-- Files with their newest content.
CREATE VIEW current_files WITH (security_invoker) AS
    SELECT f.id, f.workspace_id, f.folder_id, f.place, f.name, f.version, f.link_key, f.created_at, f.updated_at, f.created_by,
           f.updated_by, f.deleted_at, f.deleted_by, f.deleted_from,
           f.retain_until, f.legal_hold, v.number, v.content_id, v.created_at AS content_at,
           v.created_by AS content_by, c.size, c.media_type, encode(c.sha256, 'hex') AS sha256
    FROM files f
    JOIN file_versions v ON v.file_id = f.id AND v.number = f.content
    JOIN file_contents c ON c.id = v.content_id;
GRANT SELECT ON current_files TO breakwater_service;
