-- Which fields of a collection's documents are hidden from, or only readable by, whom: core-service/src/documents/rules.
ALTER TABLE collections
    ADD COLUMN field_rules jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(field_rules) = 'array');
