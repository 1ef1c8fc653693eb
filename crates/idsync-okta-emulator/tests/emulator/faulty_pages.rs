//! Faults of lists.

use crate::support::{Answer, Tested};
use idsync_okta_emulator::{Endpoint, Fault, FaultKind};
use std::collections::BTreeSet;

const PATH: &str = "/api/v1/users?limit=10";

/// The pages of the list, but no more than twenty-five.
async fn pages(org: &Tested) -> Vec<Answer> {
    let (mut pages, mut next): (Vec<Answer>, _) = (Vec::new(), Some(org.at(PATH)));
    while let Some(url) = next.filter(|_| pages.len() < 25) {
        let page = org.get(&url).await;
        assert_eq!(page.status, 200, "{url}");
        next = page.next();
        pages.push(page);
    }
    pages
}

fn ids(pages: &[Answer]) -> Vec<String> {
    pages.iter().flat_map(Answer::ids).collect()
}

fn sizes(pages: &[Answer]) -> Vec<usize> {
    pages.iter().map(|page| page.ids().len()).collect()
}

/// An org, the ids in its user list, and what the list is with this fault in it.
async fn listed(fault: Fault) -> (Vec<String>, Vec<Answer>) {
    let org = Tested::start().await;
    let whole = ids(&pages(&org).await);
    assert!(whole.len() > 100);
    let added = org.faults().add(fault.on(Endpoint::Users));
    let faulty = pages(&org).await;
    assert!(added.fired() > 0);
    (whole, faulty)
}

#[tokio::test]
async fn rows_can_come_twice() {
    let (whole, faulty) = listed(Fault::new(FaultKind::RepeatedRows).skip(2)).await;
    let found = ids(&faulty);
    assert_eq!(found.len(), whole.len() + 1);
    assert_eq!(found[29], found[30], "the last of the third page is the first of the fourth");
    let (whole, faulty) = listed(Fault::new(FaultKind::RepeatedRows).always()).await;
    assert_eq!(ids(&faulty).iter().collect::<BTreeSet<_>>(), whole.iter().collect());
    let last = faulty.last().unwrap().ids();
    assert_eq!(last[last.len() - 1], last[last.len() - 2], "the last page repeats within itself");
}

#[tokio::test]
async fn rows_can_be_skipped() {
    let (whole, faulty) = listed(Fault::new(FaultKind::ShiftedRows).skip(1)).await;
    let mut expected = whole.clone();
    expected.remove(20);
    assert_eq!(ids(&faulty), expected);
}

#[tokio::test]
async fn pages_can_be_short_and_empty_without_being_the_last() {
    let (whole, faulty) = listed(Fault::new(FaultKind::ShrunkPages).times(2)).await;
    assert_eq!((ids(&faulty), &sizes(&faulty)[..3]), (whole, &[5, 5, 10][..]));
    let (whole, faulty) = listed(Fault::new(FaultKind::EmptyMiddlePage).skip(1).times(2)).await;
    assert_eq!((ids(&faulty), &sizes(&faulty)[..4]), (whole, &[10, 0, 0, 10][..]));
    let (whole, faulty) = listed(Fault::new(FaultKind::EmptyMiddlePage)).await;
    assert_eq!((ids(&faulty), sizes(&faulty)[0]), (whole, 0), "also as the first");
    let (whole, faulty) = listed(Fault::new(FaultKind::EmptyLastPage)).await;
    assert_eq!((ids(&faulty), sizes(&faulty).last()), (whole, Some(&0)));
}

#[tokio::test]
async fn lists_can_be_endless() {
    let (whole, faulty) = listed(Fault::new(FaultKind::EndlessEmptyPages).skip(3).always()).await;
    assert_eq!((faulty.len(), ids(&faulty)), (25, whole[..30].to_vec()));
    let urls: BTreeSet<_> = faulty.iter().map(Answer::next).collect();
    assert_eq!(urls.len(), 25, "each link is new");
    let (whole, faulty) = listed(Fault::new(FaultKind::EndlessEmptyPages).skip(3).times(4)).await;
    assert_eq!(ids(&faulty), whole, "it ends where it was to end");

    let (whole, faulty) = listed(Fault::new(FaultKind::LoopingNext).skip(2).always()).await;
    assert_eq!(faulty.len(), 25);
    assert_eq!((&faulty[2].ids()[..], &faulty[3].ids()[..]), (&whole[20..30], &whole[..10]), "back to the start");
    let (_, faulty) = listed(Fault::new(FaultKind::SelfNext).skip(1).always()).await;
    assert!(faulty.len() == 25 && faulty[1..].iter().all(|page| page.next() == page.link("self")));
}

#[tokio::test]
async fn links_can_lead_elsewhere() {
    let org = Tested::start().await;
    let right = org.get(PATH).await.next().unwrap();
    org.faults().add(Fault::new(FaultKind::ForeignNext("http://127.0.0.2:9".to_owned())));
    assert_eq!(org.get(PATH).await.next().unwrap(), right.replace(org.url(), "http://127.0.0.2:9"));
    org.faults().add(Fault::new(FaultKind::NextOnAdminHost));
    let port = org.url().rsplit(':').next().unwrap();
    let admin = org.get(PATH).await.next().unwrap();
    assert_eq!(admin, right.replace(org.url(), &format!("http://emulator-admin.localhost:{port}")));
    org.faults().add(Fault::new(FaultKind::ForeignNext("http://127.0.0.2:9".to_owned())));
    assert!(org.get("/api/v1/groups").await.next().unwrap().starts_with("http://127.0.0.2:9/api/v1/groups?after="), "the only page, too");
}

#[tokio::test]
async fn links_can_come_in_one_line() {
    let org = Tested::start().await;
    let apart = org.get(PATH).await;
    org.faults().add(Fault::new(FaultKind::JoinedLinkHeader));
    let joined = org.get(PATH).await;
    assert_eq!(joined.links(), [apart.links().join(", ")]);
}
