-- Full text over documents: core-service/src/search.

-- All three may be created by whoever owns the database.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- PostgreSQL's languages, to which an accent makes no difference.
DO $$
DECLARE
    language text;
    dictionary text;
BEGIN
    FOREACH language IN ARRAY ARRAY['simple', 'arabic', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek',
            'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian',
            'russian', 'spanish', 'swedish', 'tamil', 'turkish'] LOOP
        dictionary := CASE language WHEN 'simple' THEN 'simple' ELSE language || '_stem' END;
        EXECUTE format('CREATE TEXT SEARCH CONFIGURATION breakwater_%s (COPY = pg_catalog.%I)', language, language);
        EXECUTE format('ALTER TEXT SEARCH CONFIGURATION breakwater_%s ALTER MAPPING FOR hword, hword_part, word WITH unaccent, %I',
            language, dictionary);
    END LOOP;
END
$$;

CREATE TABLE search_documents (
    document_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    version bigint NOT NULL,
    -- A digest of which fields it was made from.
    form text NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT search_documents_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX search_documents_words ON search_documents USING gin (words);
CREATE INDEX search_documents_collection_id ON search_documents (collection_id);

-- Every word that stands somewhere in a collection, as it is written: what a misspelt one may have meant.
CREATE TABLE search_words (
    workspace_id uuid NOT NULL,
    collection_id uuid NOT NULL,
    word text NOT NULL,
    CONSTRAINT search_words_pkey PRIMARY KEY (collection_id, word),
    CONSTRAINT search_words_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX search_words_similar ON search_words USING gin (word gin_trgm_ops);

-- How far the index of a collection has come since its form changed.
CREATE TABLE search_progress (
    collection_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    form text NOT NULL,
    -- The last document that was put in; null when all are.
    position uuid,
    done bigint NOT NULL DEFAULT 0,
    finished_at timestamptz,
    CONSTRAINT search_progress_collection FOREIGN KEY (workspace_id, collection_id)
        REFERENCES collections (workspace_id, id) ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['search_documents', 'search_words', 'search_progress'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY work ON %I USING ((SELECT breakwater_purpose()) = ''worker'')', name);
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO breakwater_service
            USING (workspace_id = (SELECT breakwater_member_workspace()))', name);
        -- For the views below.
        EXECUTE format('CREATE POLICY owner ON %I FOR SELECT TO CURRENT_USER USING (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO breakwater_service', name);
    END LOOP;
END
$$;
CREATE POLICY worker ON documents FOR SELECT USING ((SELECT breakwater_purpose()) = 'worker');

-- Views, so that the indexes can be used (docs/decisions/0010). What is found is still read through `member_documents`.
-- The names of the columns are none of a document's.
CREATE VIEW member_search AS
    SELECT document_id AS search_id, collection_id AS search_in, form AS search_form, words AS search_words
    FROM search_documents WHERE workspace_id = (SELECT breakwater_member_workspace());
CREATE VIEW member_search_words AS
    SELECT collection_id AS search_in, word FROM search_words WHERE workspace_id = (SELECT breakwater_member_workspace());
GRANT SELECT ON member_search, member_search_words TO breakwater_service;

INSERT INTO event_consumers (name) VALUES ('search-index');
