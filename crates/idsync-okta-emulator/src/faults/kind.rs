//! What may go wrong.

use std::time::Duration;

/// Something that goes wrong with an answer.
///
/// Each kind says when it applies; a fault is counted, skipped and used up only where it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// 429 of a rate-limit bucket: its real limit, none remaining, and a reset after this time, in whole seconds.
    BucketLimit429(Duration),
    /// 429 for too many requests at once: limit 0, remaining 0, and a reset about two minutes ahead (recorded).
    Concurrency429,
    /// The first record holds arrays nested this deep.
    DeepNesting(usize),
    /// The answer comes after this time.
    Delay(Duration),
    /// Each rate-limit header comes twice, with different values.
    DuplicatedRateHeaders,
    /// The last page of a list names a next one, which is empty. Applies where a page with rows would have been the last.
    EmptyLastPage,
    /// An empty page comes before a page that is followed by another. Its `next` leads to the page that it took the place of.
    EmptyMiddlePage,
    /// The user list is empty, with 200 and without a next page, as for an app without a role. Applies to user lists.
    EmptyUsers200,
    /// A page is empty and names a next one under a URL that was not given before. With [`Fault::always`](super::Fault::always) the list
    /// never ends.
    EndlessEmptyPages,
    /// `next` has this origin, such as `http://127.0.0.2:8080`, in place of the org's own. Applies to pages with rows, also to the last.
    ForeignNext(String),
    /// So many bytes of white space are added to the body, whose length is not announced.
    HugeBody(u64),
    /// 400 `E0000029` for a page that is not the first. Applies to requests with a cursor.
    InvalidCursor,
    /// The answer is what it would be, and nothing has changed. Applies to writing requests.
    Ignored,
    /// Both links come in one header line. Applies to pages that are followed by another.
    JoinedLinkHeader,
    /// 500 `E0000009` where the page size is above this one. Applies to such requests.
    LargeLimit500(usize),
    /// `next` leads back to the first page. Applies to pages that are followed by another.
    LoopingNext,
    /// The org does what is asked, and the connection is torn down before the answer begins.
    LostAnswer,
    /// The body is cut and closed wrongly, though of the announced length.
    MalformedJson,
    /// One record, the one in the middle of a page, is not what it should be. Applies to pages with rows and to single records.
    MalformedRecord(Malformed),
    /// The rate-limit headers are missing.
    MissingRateHeaders,
    /// `next` has the host of the admin console. Applies to pages with rows, also to the last.
    NextOnAdminHost,
    /// 302 to this URL.
    Redirect(String),
    /// The last row of a page comes again: as the first of the next page, or at the end of the last page. Applies to pages with rows.
    RepeatedRows,
    /// The connection is torn down without an answer.
    Reset,
    /// The connection is torn down in the middle of the body.
    ResetMidBody,
    /// `next` is the URL of the page itself.
    SelfNext,
    /// The first row of the next page is in no page. Applies to pages that are followed by another.
    ShiftedRows,
    /// A page has half of the rows that were asked for, although there are more. Applies to lists with a page size above one.
    ShrunkPages,
    /// `Date` is off by so many seconds.
    SkewedDate(i64),
    /// The body comes in pieces.
    SlowBody {
        /// The size of a piece.
        bytes: usize,
        /// The time between two pieces.
        tick: Duration,
    },
    /// An answer with this status and a body of this shape.
    Status(u16, BodyShape),
    /// The org does what is asked, and answers with this status and a body of this shape.
    StatusAfter(u16, BodyShape),
    /// Only half of the announced body comes; then the connection is closed.
    TruncatedBody,
    /// The first record has this state, or type, which need not be one that anybody knows. Applies to records and pages.
    UnknownKind(String),
    /// Every record has members that nobody knows, and the first one a state, or type, that nobody knows. Applies to records and pages.
    UnknownMembers,
    /// 404 `E0000007` for a member list, as when the group was deleted a moment ago. Applies to member lists.
    VanishedGroup,
}

macro_rules! names {
    ($($name:literal => $kind:pat,)+) => {
        impl FaultKind {
            /// The names of all kinds.
            pub const NAMES: &[&str] = &[$($name,)+];

            /// The name of this kind, whatever more there is to say about it.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $($kind => $name,)+
                }
            }
        }
    };
}

names! {
    "bucket_limit_429" => Self::BucketLimit429(_),
    "concurrency_429" => Self::Concurrency429,
    "deep_nesting" => Self::DeepNesting(_),
    "delay" => Self::Delay(_),
    "duplicated_rate_headers" => Self::DuplicatedRateHeaders,
    "empty_last_page" => Self::EmptyLastPage,
    "empty_middle_page" => Self::EmptyMiddlePage,
    "empty_users_200" => Self::EmptyUsers200,
    "endless_empty_pages" => Self::EndlessEmptyPages,
    "foreign_next" => Self::ForeignNext(_),
    "huge_body" => Self::HugeBody(_),
    "ignored" => Self::Ignored,
    "invalid_cursor" => Self::InvalidCursor,
    "joined_link_header" => Self::JoinedLinkHeader,
    "large_limit_500" => Self::LargeLimit500(_),
    "looping_next" => Self::LoopingNext,
    "lost_answer" => Self::LostAnswer,
    "malformed_json" => Self::MalformedJson,
    "malformed_record" => Self::MalformedRecord(_),
    "missing_rate_headers" => Self::MissingRateHeaders,
    "next_on_admin_host" => Self::NextOnAdminHost,
    "redirect" => Self::Redirect(_),
    "repeated_rows" => Self::RepeatedRows,
    "reset" => Self::Reset,
    "reset_mid_body" => Self::ResetMidBody,
    "self_next" => Self::SelfNext,
    "shifted_rows" => Self::ShiftedRows,
    "shrunk_pages" => Self::ShrunkPages,
    "skewed_date" => Self::SkewedDate(_),
    "slow_body" => Self::SlowBody { .. },
    "status" => Self::Status(..),
    "status_after" => Self::StatusAfter(..),
    "truncated_body" => Self::TruncatedBody,
    "unknown_kind" => Self::UnknownKind(_),
    "unknown_members" => Self::UnknownMembers,
    "vanished_group" => Self::VanishedGroup,
}

/// The body of an answer that says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyShape {
    /// Nothing.
    Empty,
    /// A page for people, as from a proxy.
    Html,
    /// The JSON of the management API.
    Okta,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// It has no id.
    MissingId,
    /// A user has no `status`, a group no `type`.
    MissingStatus,
    /// It is a text.
    NotAnObject,
    /// It is null.
    Null,
    /// Its id is a number.
    NumericId,
    /// Its members have other JSON types than they should.
    WrongTypes,
}
