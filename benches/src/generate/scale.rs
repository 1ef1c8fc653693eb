//! Which sizes are measured, and how much changes.

use crate::Size;
use std::fmt;

/// A size that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scale {
    /// 10,000 users, 500 groups, 200,000 memberships.
    S,
    /// Ten times that.
    M,
    /// A hundred times that.
    L,
}

impl Scale {
    /// What is in the directory before anything changes.
    pub const fn size(self) -> Size {
        match self {
            Self::S => Size::new(10_000, 500, 200_000),
            Self::M => Size::new(100_000, 5_000, 2_000_000),
            Self::L => Size::new(1_000_000, 50_000, 10_000_000),
        }
    }

    /// The sizes that `IDSYNC_BENCH_SIZE` names, such as `M` or `M,L`; `S` unless it is set.
    ///
    /// # Panics
    /// There is no such size.
    pub fn asked() -> Vec<Self> {
        let asked = std::env::var("IDSYNC_BENCH_SIZE").unwrap_or_else(|_| "S".to_owned());
        asked.split(',').map(|name| Self::named(name.trim())).collect()
    }

    /// The size with this name.
    ///
    /// # Panics
    /// There is no such size.
    pub fn named(name: &str) -> Self {
        match name {
            "S" => Self::S,
            "M" => Self::M,
            "L" => Self::L,
            _ => panic!("the sizes are S, M and L, not {name}"),
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S => "S",
            Self::M => "M",
            Self::L => "L",
        })
    }
}

/// How many of a thousand users, groups and memberships are different afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// The rates that are measured: nothing, one in a thousand, one in ten.
    pub const ALL: [Self; 3] = [Self(0), Self(1), Self(100)];

    /// So many of a thousand.
    pub const fn per_mille(rate: u32) -> Self {
        Self(rate)
    }

    /// The share of `count`, at least one where anything changes.
    pub(crate) const fn of(self, count: usize) -> usize {
        (count * self.0 as usize).div_ceil(1_000)
    }

    /// As it is written into names.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 10.0)
    }
}
