//! The whole system, tested from outside: client, edge, core, PostgreSQL.
