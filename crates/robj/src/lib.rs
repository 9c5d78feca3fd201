//! robj
