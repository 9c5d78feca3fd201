//! [`Databases`]: where the keys of a file go.

use core::hash::BuildHasher;
use keyspace::Keyspace;

/// The keyspaces that a file is loaded into, by the number of the database.
///
/// One keyspace takes database 0. A slice of keyspaces takes as many databases as it has keyspaces. Keys of a
/// database that has no keyspace are passed over, and counted.
pub trait Databases {
    /// How the keyspaces hash.
    type Hasher: BuildHasher;

    /// The keyspace of a database.
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
