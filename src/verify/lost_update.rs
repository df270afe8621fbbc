//! lost update
