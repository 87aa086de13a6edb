-- Addresses that take no mail from us any more, because they bounced it or complained (core-service/src/mail).

CREATE TABLE mail_suppressions (
    -- In lower case.
    email text PRIMARY KEY CHECK (length(email) <= 320),
    reason text NOT NULL CHECK (reason IN ('bounce', 'complaint')),
    -- What the mail provider said.
    detail text CHECK (length(detail) <= 1000),
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE mail_suppressions ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_suppressions FORCE ROW LEVEL SECURITY;
CREATE POLICY mail ON mail_suppressions USING ((SELECT breakwater_purpose()) = 'mail');
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_suppressions TO breakwater_service;
