//! A directory in files as a provider.

use super::rows::{self, Flat, Record, short};
use crate::Data;
use crate::generate::content::ID;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use idsync::{
    Attributes, DirectoryId, DirectoryInfo, Error, ErrorKind, Group, GroupId, GroupKind, IdentityProvider, Lookup, Page, ReadOptions,
    Result, User, UserId, UserStatus,
};
use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

const ROWS_A_PAGE: usize = 200;
const MEMBERS_A_PAGE: usize = 1_000;
/// How much of a member list is read at once: a page, and the head of the list.
const PART: usize = (1 + MEMBERS_A_PAGE) * (1 + ID) + 4;

/// An [`IdentityProvider`] over the files of a made-up directory.
///
/// It reads page by page and keeps none of it, so that what a process holds is the engine's: beside the pages under way, three numbers
/// for each group and the ids that are gone.
#[derive(Debug, Clone)]
pub struct FileProvider {
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    id: DirectoryId,
    folder: PathBuf,
    members: File,
    /// By the first letters of the group's id.
    sections: HashMap<u64, Section>,
    gone: Vec<[u8; ID]>,
    /// The part of a member list that was read last.
    part: Mutex<Vec<u8>>,
}

/// Where the members of a group are.
#[derive(Debug, Clone, Copy)]
struct Section {
    offset: u64,
    length: u64,
}

impl FileProvider {
    /// A provider of what is in these files. Before and after are the same directory.
    ///
    /// # Panics
    /// The files cannot be read.
    pub fn new(data: &Data) -> Self {
        let folder = data.folder().to_owned();
        let index = fs::read(folder.join("members.index")).expect("the index can be read");
        let number = |bytes: &[u8], place: usize| {
            bytes.get(8 * place..).and_then(<[u8]>::first_chunk).map_or(0, |number| u64::from_le_bytes(*number))
        };
        let section = |bytes| (number(bytes, 0), Section { offset: number(bytes, 1), length: number(bytes, 2) });
        let gone = fs::read(folder.join("gone")).expect("who is gone can be read");
        let files = Files {
            id: DirectoryId::new(format!("files:{}", data.scale())).expect("the name is a valid id"),
            members: File::open(folder.join("members")).expect("the members can be opened"),
            sections: index.chunks_exact(24).map(section).collect(),
            gone: gone.as_chunks().0.to_vec(),
            folder,
            part: Mutex::new(vec![0; PART]),
        };
        Self { files: Arc::new(files) }
    }

    /// Looks an entry up: who is known to be gone is not searched for.
    fn find<T>(&self, id: &str, name: &str, make: fn(&[u8]) -> Result<T>) -> Result<Lookup<T>> {
        let is_gone = id.as_bytes().first_chunk().is_some_and(|id| self.files.gone.binary_search(id).is_ok());
        if is_gone {
            return Ok(Lookup::NotFound);
        }
        let mut rows = Flat::open(&self.files.folder.join(name)).map_err(unreadable)?;
        while let Some(row) = rows.row().map_err(unreadable)? {
            if Record::read(row).id == id {
                return make(row).map(Lookup::Found);
            }
        }
        Ok(Lookup::NotFound)
    }

    /// Pages of rows, from a file that is opened with the first poll.
    fn rows<T: Send + 'static>(
        &self,
        name: &'static str,
        make: impl Fn(&[u8]) -> Result<T> + Send + 'static,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let path = self.files.folder.join(name);
        let pages = stream::try_unfold(None, move |rows: Option<Flat>| {
            let page = || {
                let mut rows = rows.map_or_else(|| Flat::open(&path).map_err(unreadable), Ok)?;
                let mut items = Vec::with_capacity(ROWS_A_PAGE);
                while items.len() < ROWS_A_PAGE {
                    let Some(row) = rows.row().map_err(unreadable)? else { break };
                    items.push(make(row)?);
                }
                Ok((!items.is_empty()).then(|| (Page::new(items), Some(rows))))
            };
            std::future::ready(page())
        });
        pages.boxed()
    }
}

impl Files {
    fn section(&self, group: &GroupId) -> Result<Section> {
        let section = self.sections.get(&short(group.as_str().as_bytes()));
        section.copied().ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no group {group}")))
    }
}

/// A member list that is being read.
struct Members {
    files: Arc<Files>,
    /// The group, while its list has not begun.
    group: Option<GroupId>,
    /// What was not handed out yet.
    from: u64,
    to: u64,
}

impl Members {
    fn open(files: Arc<Files>, group: GroupId) -> Result<Self> {
        let Section { offset, length } = files.section(&group)?;
        Ok(Self { files, group: Some(group), from: offset, to: offset + length })
    }

    fn page(&mut self) -> Result<Option<Page<UserId>>> {
        // Lists are read one after the other, though many are open: so they have one place in memory to read into.
        let mut part = self.files.part.lock().unwrap_or_else(PoisonError::into_inner);
        let length = part.len().min((self.to - self.from) as usize);
        let part = &mut part[..length];
        self.files.members.read_exact_at(part, self.from).map_err(unreadable)?;
        let head = match self.group.take() {
            Some(group) if part.get(1..).is_some_and(|part| part.starts_with(group.as_str().as_bytes())) => 1 + group.as_str().len() + 4,
            Some(_) => return Err(unreadable(rows::cut())),
            None => 0,
        };
        // The lengths of ids pass for text, too, so that the whole part is checked at once.
        let ids = str::from_utf8(&part[head..]).expect("the files hold text");
        let (mut items, mut place) = (Vec::with_capacity(MEMBERS_A_PAGE.min(ids.len() / (1 + ID))), 0);
        while items.len() < MEMBERS_A_PAGE
            && let Some(length) = ids.as_bytes().get(place)
            && let Some(id) = ids.get(place + 1..place + 1 + usize::from(*length))
        {
            items.push(UserId::new(id).map_err(invalid)?);
            place += 1 + id.len();
        }
        self.from += (head + place) as u64;
        if items.is_empty() && self.from < self.to {
            return Err(unreadable(rows::cut()));
        }
        Ok((!items.is_empty()).then(|| Page::new(items)))
    }
}

fn user(row: &[u8]) -> Result<User> {
    let Record { id, name, state, attributes } = Record::read(row);
    let mut user = User::new(UserId::new(id).map_err(invalid)?, UserStatus::from(state)).with_login(name);
    // The records are normalised: their attributes were found to be canonical when they were written.
    user.attributes = Attributes::from_canonical_unchecked(attributes);
    Ok(user)
}

fn group(row: &[u8]) -> Result<Group> {
    let Record { id, name, state, attributes } = Record::read(row);
    let mut group = Group::new(GroupId::new(id).map_err(invalid)?, name).with_kind(GroupKind::from(state.to_owned()));
    group.attributes = Attributes::from_canonical_unchecked(attributes);
    Ok(group)
}

fn invalid(error: idsync::InvalidId) -> Error {
    Error::new(ErrorKind::InvalidData, "an id is not valid").with_source(error)
}

fn unreadable(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "a file of the directory cannot be read").with_source(error)
}

impl fmt::Display for FileProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({})", self.files.folder.display())
    }
}

#[async_trait]
impl IdentityProvider for FileProvider {
    async fn identify(&self) -> Result<DirectoryInfo> {
        Ok(DirectoryInfo::new(self.files.id.clone(), self.files.id.to_string()))
    }

    async fn check(&self) -> Result<()> {
        for name in ["users.records", "groups.records"] {
            if fs::metadata(self.files.folder.join(name)).map_err(unreadable)?.len() == 0 {
                return Err(Error::new(ErrorKind::PermissionDenied, format!("no {name} are visible")));
            }
        }
        Ok(())
    }

    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.rows("users.records", user)
    }

    fn groups(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.rows("groups.records", group)
    }

    fn members(&self, group: &GroupId, _options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let (files, group) = (Arc::clone(&self.files), group.clone());
        let pages = stream::try_unfold(None, move |members: Option<Members>| {
            let page = || {
                let mut members = members.map_or_else(|| Members::open(Arc::clone(&files), group.clone()), Ok)?;
                Ok(members.page()?.map(|page| (page, Some(members))))
            };
            std::future::ready(page())
        });
        pages.boxed()
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.find(id.as_str(), "users.records", user)
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.find(id.as_str(), "groups.records", group)
    }
}
