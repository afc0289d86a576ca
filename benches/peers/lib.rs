//! Benchmarks only: see `chunks.rs`.
