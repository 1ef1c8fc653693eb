//! Chance that is the same everywhere and needs no memory: hashes of numbers, and permutations that can be asked in both directions.

/// A number that looks random, and depends on these three.
pub(crate) const fn mix(seed: u64, a: u64, b: u64) -> u64 {
    let mut x = seed ^ a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F).rotate_left(29);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    // Twice: numbers that follow each other must not show.
    x = (x ^ (x >> 31) ^ a).wrapping_mul(0x9FB2_1C65_1E98_DF25);
    x ^ (x >> 28)
}

/// A number below `end`, out of a random one.
pub(crate) const fn below(random: u64, end: usize) -> usize {
    ((random as u128 * end as u128) >> 64) as usize
}

/// A random order of the numbers from 0 on.
///
/// A member list is the beginning of such an order, so whether somebody is in it can be computed without having made it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permutation {
    key: u64,
    count: u64,
    rows: u64,
    columns: u64,
}

const ROUNDS: u64 = 3;

impl Permutation {
    pub(crate) fn new(count: usize, key: u64) -> Self {
        let rows = (count as f64).sqrt().ceil().max(1.0) as u64;
        Self { key, count: count as u64, rows, columns: (count as u64).div_ceil(rows).max(1) }
    }

    /// What is at this place of the order.
    pub(crate) const fn at(&self, place: usize) -> usize {
        self.walk(place, Step::Forth)
    }

    /// At which place of the order this is.
    pub(crate) const fn place_of(&self, number: usize) -> usize {
        self.walk(number, Step::Back)
    }

    /// The grid may be a little larger than the numbers: whatever falls outside goes on until it is inside again.
    const fn walk(&self, from: usize, step: Step) -> usize {
        let mut at = from as u64;
        loop {
            at = match step {
                Step::Forth => self.forth(at),
                Step::Back => self.back(at),
            };
            if at < self.count {
                return at as usize;
            }
        }
    }

    const fn forth(&self, at: u64) -> u64 {
        let (mut row, mut column, mut round) = (at % self.rows, at / self.rows, 0);
        while round < ROUNDS {
            row = (row + self.noise(column, round, 0) % self.rows) % self.rows;
            column = (column + self.noise(row, round, 1) % self.columns) % self.columns;
            round += 1;
        }
        column * self.rows + row
    }

    const fn back(&self, at: u64) -> u64 {
        let (mut row, mut column, mut round) = (at % self.rows, at / self.rows, ROUNDS);
        while round > 0 {
            round -= 1;
            column = (column + self.columns - self.noise(row, round, 1) % self.columns) % self.columns;
            row = (row + self.rows - self.noise(column, round, 0) % self.rows) % self.rows;
        }
        column * self.rows + row
    }

    const fn noise(&self, value: u64, round: u64, side: u64) -> u64 {
        mix(self.key, value, round * 2 + side) >> 32
    }
}

#[derive(Clone, Copy)]
enum Step {
    Forth,
    Back,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_holds_each_number_once_and_knows_where() {
        for count in [1, 2, 3, 10, 97, 1_000, 1_025] {
            let order = Permutation::new(count, 5);
            let mut numbers: Vec<_> = (0..count).map(|place| order.at(place)).collect();
            assert!(numbers.iter().enumerate().all(|(place, number)| order.place_of(*number) == place));
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..count));
        }
    }
}
