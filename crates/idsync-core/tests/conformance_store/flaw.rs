//! What a store can do wrong.

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Taking a directory leaves a trace of it.
    AcquiringWrites,
    /// What is held back is applied all the same.
    AppliesHeldRows,
    /// What the sink refused is applied all the same.
    AppliesFailedRows,
    /// A journal begins at any revision.
    BeginsAnywhere,
    /// An acquisition that is cancelled holds on.
    CancelledAcquisitionHolds,
    /// A commit leaves a journal behind.
    CommitKeepsTheJournal,
    /// A commit goes by the revision that it finds.
    CommitsFromAnyRevision,
    /// A commit moves on by two.
    CommitsTwice,
    /// Discarding a journal applies it.
    DiscardingApplies,
    /// A dropped lease holds on.
    DroppedLeaseHolds,
    /// An empty record counts as none.
    EmptyRecordIsNone,
    /// Everybody has the same fence.
    FenceStandsStill,
    /// The history is cut to 50 runs.
    ForgetsRuns,
    /// Directories share their journals.
    LeaksJournals,
    /// The note of a commit is lost.
    LosesTheNoteOfACommit,
    /// The note of a journal is lost.
    LosesTheNoteOfAJournal,
    /// The delivery does not move.
    LosesProgress,
    /// Marks are not kept.
    LosesMarks,
    /// Records that are missing are left out.
    LeavesMissingRecordsOut,
    /// Who holds the directory is not said.
    NamesNobody,
    /// A new digest key each time.
    NewKeyEachTime,
    /// Methods do not look at the fence: this one.
    NoFence(Method),
    /// What was written is gone when the store is opened again.
    NotDurable,
    /// A commit forgets the memos.
    ForgetsMemos,
    /// A commit forgets the rows beside the base.
    ForgetsRowsBesideTheBase,
    /// A memo stays what it was first.
    MemoStaysTheFirst,
    /// Rows are ordered by the length of their keys.
    OrdersByLength,
    /// Keys are ordered as UTF-16.
    OrdersByUtf16,
    /// The oldest runs come first.
    OldestRunsFirst,
    /// A row at `after` comes again.
    RepeatsTheRowAtAfter,
    /// Giving back an old lease frees the current one.
    ReleasesWhateverIsHeld,
    /// The same digest key for everybody.
    SharedKey,
    /// A second holder takes over.
    SecondHolderTakesOver,
    /// Rows come as they are asked for in key order.
    SortsRecords,
    /// A position that is taken stays as it is.
    StagingKeepsTheFirst,
    /// Listings end after a page.
    TruncatesPages,
    /// Rows are staged in two steps.
    StagesInTwoSteps,
    /// Nothing is ever taken out of the journal.
    UnstagesNothing,
    /// What turned out to be no change is applied all the same.
    AppliesDroppedRows,
    /// Rows that come without records come without digests too.
    DigestsAreLost,
    /// Rows that are to come without records come with them.
    DigestsHoldRecords,
    /// A part that has a mark keeps it.
    FirstMarkOfAPartStays,
    /// Parts are forgotten.
    ForgetsParts,
    /// Parts of the last row of a page are forgotten.
    ForgetsPartsAtPageEnds,
    /// After a thousand calls, what is staged is lost.
    LosesTheThousandthCall,
    /// A part is decided about like its whole row.
    MarksTheRowOfAPart,
    /// Parts at the end of a phase go with the next phase.
    PartsCrossPhases,
    /// Places end with the journal.
    PlacesEndWithTheJournal,
    /// Places end when the store is opened again.
    PlacesEndWithTheStore,
    /// A place is good for any directory.
    PlacesOfAnyDirectory,
    /// A place is good for any kind.
    PlacesOfAnyKind,
    /// Pages are found by counting rows.
    ReadsByCount,
    /// Without a journal, one is begun.
    WritesAheadWithoutAJournal,
}

/// The methods that write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    BeginJournal,
    Commit,
    DiscardJournal,
    Mark,
    RecordRun,
    SetMemo,
    Stage,
    Unstage,
    UpdateJournal,
    WriteBase,
}

impl Method {
    pub(crate) const ALL: [(Self, &'static str); 10] = [
        (Self::BeginJournal, "begin_journal"),
        (Self::Commit, "commit"),
        (Self::DiscardJournal, "discard_journal"),
        (Self::Mark, "mark"),
        (Self::RecordRun, "record_run"),
        (Self::SetMemo, "set_memo"),
        (Self::Stage, "stage"),
        (Self::Unstage, "unstage"),
        (Self::UpdateJournal, "update_journal"),
        (Self::WriteBase, "write_base"),
    ];
}
