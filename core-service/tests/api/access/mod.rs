//! Roles, teams, grants, links, invitations and support, and that what they allow changes at once.

mod at_once;
mod explain;
mod field_rules;
mod grants;
mod invitations;
mod links;
mod policies;
mod roles;
mod strangers;
mod support_access;
mod teams;
mod transfer;
