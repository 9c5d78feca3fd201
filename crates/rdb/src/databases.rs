//! [`Databases`]: the keyspaces that the keys of a file go to.

use core::hash::BuildHasher;
use keyspace::Keyspace;

/// The keyspaces that a file is loaded into, one for each database number.
///
/// A single keyspace takes database 0. A slice takes as many databases as it has keyspaces. Keys of a
/// database that has no keyspace are skipped and counted.
pub trait Databases {
    /// The hasher of the keyspaces.
    type Hasher: BuildHasher;

    /// Returns the keyspace of a database, or `None` if its keys are to be skipped.
    fn keyspace(&mut self, database: u64) -> Option<&mut Keyspace<Self::Hasher>>;
}

impl<S: BuildHasher> Databases for Keyspace<S> {
    type Hasher = S;

    fn keyspace(&mut self, database: u64) -> Option<&mut Self> {
        (database == 0).then_some(self)
    }
}

impl<S: BuildHasher> Databases for [Keyspace<S>] {
    type Hasher = S;

    fn keyspace(&mut self, database: u64) -> Option<&mut Keyspace<S>> {
        self.get_mut(usize::try_from(database).ok()?)
    }
}

impl<S: BuildHasher> Databases for Vec<Keyspace<S>> {
    type Hasher = S;

    fn keyspace(&mut self, database: u64) -> Option<&mut Keyspace<S>> {
        self.as_mut_slice().keyspace(database)
    }
}
