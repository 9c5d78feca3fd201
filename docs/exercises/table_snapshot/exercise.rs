//! A snapshot of a hash table.

/// A key, its value, and its bit.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    key: u32,
    value: u32,
    bit: bool,
}

/// The error of a snapshot that cannot begin because another one is running.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Running;

/// A hash table, and its snapshot.
#[derive(Debug)]
pub(crate) struct Store {
    /// The entries. A key is in the chunk `key % chunks`.
    chunks: Vec<Vec<Entry>>,
    /// An entry is saved if it has the same bit.
    bit: bool,
    /// The next chunk that the walk visits. `None` if no snapshot is running.
    next: Option<usize>,
    /// The keys and values that are saved.
    file: Vec<(u32, u32)>,
}

impl Store {
    /// Creates an empty table with a number of chunks.
    pub(crate) fn new(chunks: usize) -> Self {
        Self { chunks: vec![Vec::new(); chunks], bit: false, next: None, file: Vec::new() }
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: u32) -> Option<u32> {
        let chunk = &self.chunks[key as usize % self.chunks.len()];
        chunk.iter().find(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// Returns the file of the last snapshot.
    pub(crate) fn file(&self) -> &[(u32, u32)] {
        &self.file
    }

    /// Begins a snapshot.
    pub(crate) fn begin(&mut self) -> Result<(), Running> {
        todo!("begin a snapshot if the walk has ended: {:?}, {}. Or return {Running:?}", self.next, self.bit)
    }

    /// Saves the next chunk, and returns whether the snapshot is complete.
    pub(crate) fn slice(&mut self) -> bool {
        todo!("save the chunk {:?}", self.next)
    }

    /// Sets the value of a key.
    pub(crate) fn set(&mut self, key: u32, value: u32) {
        todo!("save {key} if it is not saved, and set it: {:?}", Entry { key, value, bit: self.bit })
    }

    /// Removes a key, if it exists.
    pub(crate) fn remove(&mut self, key: u32) {
        let is_saved = self.chunks.iter().flatten().any(|entry| entry.key == key && entry.bit == self.bit);
        todo!("save {key} if it is not saved ({is_saved}), and remove it")
    }

    /// Changes the number of chunks.
    pub(crate) fn resize(&mut self, chunks: usize) {
        todo!("move all entries to {chunks} chunks")
    }
}
