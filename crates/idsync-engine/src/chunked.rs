//! A list that grows without moving what it holds.

/// Items in chunks: a vector that doubles would need three times its size for a moment, which is most of the memory of a large run.
#[derive(Debug)]
pub(crate) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Chunked<T> {
    const BITS: u32 = 12;
    const CHUNK: usize = 1 << Self::BITS;

    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.split_last().map_or(0, |(last, full)| full.len() * Self::CHUNK + last.len())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        // There is no chunk without an item.
        self.chunks.is_empty()
    }

    pub(crate) fn push(&mut self, item: T) {
        match self.chunks.last_mut().filter(|last| last.len() < Self::CHUNK) {
            Some(last) => last.push(item),
            None => {
                // The first chunk grows with its items, for most lists are short.
                let mut chunk = if self.chunks.is_empty() { Vec::new() } else { Vec::with_capacity(Self::CHUNK) };
                chunk.push(item);
                self.chunks.push(chunk);
            }
        }
    }

    pub(crate) fn get(&self, index: usize) -> &T {
        &self.chunks[index >> Self::BITS][index & (Self::CHUNK - 1)]
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        &mut self.chunks[index >> Self::BITS][index & (Self::CHUNK - 1)]
    }

    /// All items in their order, a chunk at a time.
    pub(crate) fn into_chunks(self) -> impl Iterator<Item = Vec<T>> {
        self.chunks.into_iter()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_where_they_are_across_chunks() {
        let mut list = Chunked::new();
        assert!(list.is_empty());
        for number in 0..10_000 {
            assert_eq!(list.len(), number);
            list.push(number);
            assert!(!list.is_empty());
        }
        *list.get_mut(4_096) = 7;
        assert_eq!((*list.get(4_095), *list.get(4_096), *list.get(9_999)), (4_095, 7, 9_999));
        assert!(list.iter().enumerate().all(|(place, number)| *number == if place == 4_096 { 7 } else { place }));
        assert!(list.into_chunks().flatten().enumerate().all(|(place, number)| number == if place == 4_096 { 7 } else { place }));
    }
}
