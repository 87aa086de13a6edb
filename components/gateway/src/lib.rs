//! The pipeline as a WASI HTTP component, for Spin and its like.
