//! Reference implementations of the three traits, in memory.
