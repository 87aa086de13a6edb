-- What is kept once an hour at the most is looked for before it is kept again (core-service/src/audit/denials.rs), and the last
-- published gateway file before it is told again.
CREATE INDEX audit_events_refused ON audit_events (target_id, at) WHERE action = 'guess.refused';
CREATE INDEX audit_events_published ON audit_events (id) WHERE action = 'gateway.published';
