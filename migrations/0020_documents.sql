-- Collections, each with a JSON Schema, and the documents in them.

CREATE TABLE collections (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    schema jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT collections_name UNIQUE (workspace_id, name),
    CONSTRAINT collections_workspace UNIQUE (workspace_id, id)
);

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    updated_by uuid REFERENCES users ON DELETE SET NULL,
    -- A document can never stand in another tenant's collection.
    CONSTRAINT documents_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);
-- Pages of a collection: in the order of creation, by either time, backwards too.
CREATE INDEX documents_by_id ON documents (collection_id, id);
CREATE INDEX documents_by_created_at ON documents (collection_id, created_at, id);
CREATE INDEX documents_by_updated_at ON documents (collection_id, updated_at, id);
-- `eq`, `in` and `contains` of filters.
CREATE INDEX documents_data ON documents USING gin (data jsonb_path_ops);
-- What a user wrote, for the day on which the user goes.
CREATE INDEX documents_created_by ON documents (created_by);
CREATE INDEX documents_updated_by ON documents (updated_by);

ALTER TABLE collections ENABLE ROW LEVEL SECURITY;
ALTER TABLE collections FORCE ROW LEVEL SECURITY;
CREATE POLICY member ON collections TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
GRANT SELECT, INSERT, UPDATE, DELETE ON collections TO breakwater_service;

ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
-- For the view below.
CREATE POLICY owner ON documents FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY member ON documents TO breakwater_service
    USING (workspace_id = (SELECT breakwater_member_workspace()));
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO breakwater_service;

-- What lists read. It shows the same rows as the policy above, but where a policy stands, PostgreSQL
-- looks at no index for conditions whose operators it does not know to be leakproof, and `@>` is not:
-- the index on `data` would never be used. The view's own condition binds like any other.
CREATE VIEW member_documents AS
    SELECT * FROM documents WHERE workspace_id = (SELECT breakwater_member_workspace());
GRANT SELECT ON member_documents TO breakwater_service;

-- The instant that an RFC 3339 date-time means, cut to microseconds; NULL of anything else. Says the
-- same as core-service/src/documents/filter/instant.rs and never fails. Immutable, since the text
-- carries its offset and is in ISO order whatever the session's settings are.
CREATE FUNCTION breakwater_instant(value text) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN value !~* '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]+)?(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])$'
        OR left(value, 4) = '0000'
        THEN NULL
    WHEN substr(value, 9, 2)::integer > extract(day FROM
            make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month' - interval '1 day')
        THEN NULL
    WHEN regexp_replace(upper(value), '(\.[0-9]{6})[0-9]+', '\1')::timestamptz
            NOT BETWEEN '0001-01-01T00:00:00Z'::timestamptz AND '9999-12-31T23:59:59.999999Z'::timestamptz
        THEN NULL
    ELSE regexp_replace(upper(value), '(\.[0-9]{6})[0-9]+', '\1')::timestamptz
END;

-- The order of values in `data` (core-service/src/documents/query/sort.rs says the same): by type,
-- then as numbers, then as text. None of the three is ever null.

CREATE FUNCTION breakwater_sort_rank(value jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value)
    WHEN 'null' THEN 1
    WHEN 'boolean' THEN 2
    WHEN 'number' THEN 3
    WHEN 'string' THEN 5
    WHEN 'array' THEN 6
    WHEN 'object' THEN 6
    ELSE 0
END;

-- Where strings are declared to be date-times, their instants count, in microseconds.
CREATE FUNCTION breakwater_sort_number(value jsonb, instants boolean) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value)
    WHEN 'number' THEN value::numeric
    WHEN 'boolean' THEN value::boolean::integer::numeric
    WHEN 'string' THEN CASE WHEN instants THEN
        coalesce(trunc(extract(epoch FROM breakwater_instant(value #>> '{}')) * 1000000), 0) ELSE 0 END
    ELSE 0
END;

CREATE FUNCTION breakwater_sort_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value)
    WHEN 'string' THEN left(value #>> '{}', 200)
    ELSE ''
END;
