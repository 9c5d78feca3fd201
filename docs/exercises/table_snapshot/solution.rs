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
        if self.next.is_some() {
            return Err(Running);
        }
        self.bit = !self.bit;
        self.next = Some(0);
        self.file.clear();
        Ok(())
    }

    /// Saves the next chunk, and returns whether the snapshot is complete.
    pub(crate) fn slice(&mut self) -> bool {
        let Some(next) = self.next else { return true };
        for entry in self.chunks.get_mut(next).into_iter().flatten() {
            entry.save(self.bit, &mut self.file);
        }
        self.next = Some(next + 1).filter(|&next| next < self.chunks.len());
        self.next.is_none()
    }

    /// Sets the value of a key.
    pub(crate) fn set(&mut self, key: u32, value: u32) {
        let chunk = key as usize % self.chunks.len();
        let mut entries = self.chunks[chunk].iter_mut();
        if let Some(entry) = entries.find(|entry| entry.key == key) {
            entry.save(self.bit, &mut self.file); // before the change
            entry.value = value;
        } else {
            self.chunks[chunk].push(Entry { key, value, bit: self.bit });
        }
    }

    /// Removes a key, if it exists.
    pub(crate) fn remove(&mut self, key: u32) {
        let chunk = key as usize % self.chunks.len();
        let removed = self.chunks[chunk].extract_if(.., |entry| entry.key == key);
        removed.for_each(|mut entry| entry.save(self.bit, &mut self.file));
    }

    /// Changes the number of chunks.
    pub(crate) fn resize(&mut self, chunks: usize) {
        let old = std::mem::replace(&mut self.chunks, vec![Vec::new(); chunks]);
        for mut entry in old.into_iter().flatten() {
            let chunk = entry.key as usize % chunks;
            // The walk does not come back to this chunk.
            if self.next.is_some_and(|next| chunk < next) {
                entry.save(self.bit, &mut self.file);
            }
            self.chunks[chunk].push(entry);
        }
    }
}

impl Entry {
    /// Saves the entry if it is not saved yet.
    fn save(&mut self, bit: bool, file: &mut Vec<(u32, u32)>) {
        if self.bit != bit {
            self.bit = bit;
            file.push((self.key, self.value));
        }
    }
}
