-- Whether members need a session with a second factor to do anything in a workspace.
ALTER TABLE workspaces ADD COLUMN mfa_required boolean NOT NULL DEFAULT false;
