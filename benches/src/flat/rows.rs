//! Rows and sections out of a file that is read in blocks.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const BLOCK: usize = 64 << 10;

/// A file that is read by plain reads into one block, and never held.
#[derive(Debug)]
pub(crate) struct Flat {
    file: File,
    block: Vec<u8>,
    start: usize,
    end: usize,
}

impl Flat {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, block: vec![0; BLOCK], start: 0, end: 0 })
    }

    /// What is in the block, at least this much unless the file ends.
    pub(crate) fn fill(&mut self, least: usize) -> io::Result<&[u8]> {
        while self.end - self.start < least {
            self.block.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            match self.file.read(&mut self.block[self.end..])? {
                0 => break,
                read => self.end += read,
            }
        }
        Ok(&self.block[self.start..self.end])
    }

    /// Goes on behind so many bytes, which were in the block.
    pub(crate) const fn skip(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// The next row, without its length; `None` at the end of the file.
    pub(crate) fn row(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(length) = self.fill(4)?.first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        self.fill(4 + length)?;
        self.skip(4 + length);
        self.block[..self.end].get(self.start - length..self.start).map(Some).ok_or_else(cut)
    }

    /// The group that the next section is about, and how many members it has.
    pub(crate) fn section(&mut self) -> io::Result<Option<(String, usize)>> {
        let Some(length) = self.fill(1)?.first().map(|length| *length as usize) else { return Ok(None) };
        let head = self.fill(1 + length + 4)?;
        let (id, count) = head.get(1..1 + length).zip(head[1..].get(length..).and_then(<[u8]>::first_chunk)).ok_or_else(cut)?;
        let (id, count) = (text(id).to_owned(), u32::from_le_bytes(*count) as usize);
        self.skip(1 + length + 4);
        Ok(Some((id, count)))
    }

    /// Hands the ids of so many members to `each`.
    pub(crate) fn members(&mut self, mut count: usize, mut each: impl FnMut(&str)) -> io::Result<()> {
        while count > 0 {
            let block = self.fill(1 + usize::from(u8::MAX))?;
            let mut rest = block;
            while count > 0
                && let Some(id) = member(&mut rest)
            {
                each(id);
                count -= 1;
            }
            match block.len() - rest.len() {
                0 => return Err(cut()),
                used => self.skip(used),
            }
        }
        Ok(())
    }
}

/// Takes one member's id off the front, if it is all there.
pub(crate) fn member<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, behind) = rest.split_first()?;
    let (id, behind) = behind.split_at_checked(usize::from(*length))?;
    *rest = behind;
    Some(text(id))
}

/// A user or a group.
#[derive(Debug)]
pub(crate) struct Row<'a, A> {
    pub(crate) id: &'a str,
    /// The login, or the name of a group.
    pub(crate) name: &'a str,
    /// The status, or the kind of a group.
    pub(crate) state: &'a str,
    /// Names and values, which are JSON.
    pub(crate) attributes: A,
}

impl<'a> Row<'a, ()> {
    pub(crate) fn read(row: &'a [u8]) -> Row<'a, impl Iterator<Item = (&'a str, &'a str)>> {
        // Fields are short, so that their lengths pass for text, too, and the whole row is checked at once.
        let (row, mut place) = (text(row), 0);
        let mut field = move || {
            let start = place + 2;
            let length = row.as_bytes().get(place..start)?.first_chunk()?;
            place = start + usize::from(u16::from_le_bytes(*length));
            row.get(start..place)
        };
        let mut fixed = || field().unwrap_or_default();
        let (id, name, state) = (fixed(), fixed(), fixed());
        Row { id, name, state, attributes: std::iter::from_fn(move || field().zip(field())) }
    }
}

/// A user or a group with its attributes as JSON.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) state: &'a str,
    pub(crate) attributes: &'a str,
}

impl<'a> Record<'a> {
    pub(crate) fn read(row: &'a [u8]) -> Self {
        // As the fields before the attributes are short, the whole row is text.
        let (mut rest, mut fixed) = (text(row), [""; 3]);
        for field in &mut fixed {
            let length = rest.as_bytes().first_chunk().map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
            (*field, rest) = rest.get(2..).and_then(|rest| rest.split_at_checked(length)).unwrap_or_default();
        }
        let [id, name, state] = fixed;
        Self { id, name, state, attributes: rest }
    }
}

/// Eight letters of an id, which are as random as the others.
pub(crate) fn short(id: &[u8]) -> u64 {
    id.get(3..).and_then(<[u8]>::first_chunk).map_or(0, |letters| u64::from_le_bytes(*letters))
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("the files hold text")
}

pub(crate) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is cut")
}
