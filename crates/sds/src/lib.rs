//! sds
