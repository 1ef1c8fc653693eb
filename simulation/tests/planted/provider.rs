//! Providers that break their contract.

use async_trait::async_trait;
use futures::future;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::{
    Capabilities, DirectoryInfo, Group, GroupId, IdentityProvider, Lookup, MemberListing, Page, ReadOptions, RequestUsage, Result, User,
    UserId, UserStatus,
};
use idsync_simulation::Parts;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What the provider does wrong.
#[derive(Debug, Clone)]
pub(crate) enum ProviderFlaw {
    /// From the third run on, some users are neither listed nor found.
    ShowsLess(Arc<AtomicU32>),
    /// It says that its role is there when it is gone.
    HidesThatItsRoleIsGone,
    /// It lists somebody who is not there.
    MakesUp,
    /// It reads the members of each group twice.
    ListsTwice,
    /// It never answers whether anything is visible.
    NeverAnswers,
    /// Its listing of users goes on with empty pages for ever.
    NeverEnds,
}

impl ProviderFlaw {
    pub(crate) fn shows_less_and_less() -> Self {
        Self::ShowsLess(Arc::default())
    }
}

impl Parts for ProviderFlaw {
    fn provider(&self, sound: Arc<dyn IdentityProvider>) -> Arc<dyn IdentityProvider> {
        let run = if let Self::ShowsLess(runs) = self { runs.fetch_add(1, Ordering::Relaxed) } else { 0 };
        Arc::new(Flawed { sound, flaw: self.clone(), run })
    }
}

#[derive(Debug)]
struct Flawed {
    sound: Arc<dyn IdentityProvider>,
    flaw: ProviderFlaw,
    run: u32,
}

impl Flawed {
    fn lies(&self) -> bool {
        matches!(self.flaw, ProviderFlaw::ShowsLess(_)) && self.run >= 2
    }
}

fn is_kept_back(id: &UserId) -> bool {
    id.as_str().ends_with(['1', '4', '7'])
}

impl fmt::Display for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flawed")
    }
}

#[async_trait]
impl IdentityProvider for Flawed {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.sound.identify().await
    }

    fn capabilities(&self) -> Capabilities {
        self.sound.capabilities()
    }

    async fn check(&self) -> Result<()> {
        match (&self.flaw, self.sound.check().await) {
            (ProviderFlaw::NeverAnswers, _) => future::pending().await,
            (ProviderFlaw::HidesThatItsRoleIsGone, Err(error)) if error.message() == "the role is gone" => Ok(()),
            (_, answer) => answer,
        }
    }

    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let lies = self.lies();
        let pages = self.sound.users(options).map(move |page| {
            page.map(|mut page| {
                page.items.retain(|user| !lies || !is_kept_back(&user.id));
                page
            })
        });
        match self.flaw {
            ProviderFlaw::MakesUp => {
                let nobody = User::new(UserId::new("nobody").unwrap(), UserStatus::Active);
                stream::iter([Ok(Page::new(vec![nobody]))]).chain(pages).boxed()
            }
            ProviderFlaw::NeverEnds => {
                let empty = stream::repeat_with(|| Ok(Page::new(Vec::new())));
                let yields = empty.then(|page| async {
                    futures::pending!();
                    page
                });
                pages.chain(yields).boxed()
            }
            _ => pages.boxed(),
        }
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.sound.groups(options)
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let pages = self.sound.members(group, options.clone());
        if matches!(self.flaw, ProviderFlaw::ListsTwice) { pages.chain(self.sound.members(group, options)).boxed() } else { pages }
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        self.sound.member_listing(group)
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        let answer = self.sound.user(id).await;
        if self.lies() && is_kept_back(id) { Ok(Lookup::NotFound) } else { answer }
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.sound.group(id).await
    }

    fn usage(&self) -> RequestUsage {
        self.sound.usage()
    }
}
