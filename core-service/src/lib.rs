//! The core of Breakwater: business logic, PostgreSQL and integrations behind the edge.
