//! Memberships as the engine stages them: many of one group in a row. A pack's key is its group and its first user; its content is a
//! letter, and for each user a letter for the reason, the id and a line's end. The mark of one of them stands at its position and a NUL.

use idsync_core::{Mark, Phase, StagedKey, StagedRow};

/// One row for each change, at the position of the change and with its own mark.
pub(crate) fn unpack(row: &StagedRow) -> Vec<StagedRow> {
    let Some((group, users)) = pack(row) else { return vec![row.clone()] };
    let single = |user: &str| {
        let key = format!("{group}\0{user}");
        let part = row.parts.iter().find(|(part, _)| part.key.strip_suffix('\0') == Some(&key));
        let mark = part.map_or(row.mark, |(_, mark)| *mark);
        StagedRow::new(StagedKey::new(row.position.phase, key), Vec::new(), None).with_mark(mark)
    };
    users.iter().map(|user| single(user)).collect()
}

/// One mark for each change that marks are about, where these rows are staged.
pub(crate) fn unpack_marks(marks: &[(StagedKey, Mark)], staged: &[StagedRow]) -> Vec<(StagedKey, Mark)> {
    let mut unpacked = Vec::new();
    for (position, mark) in marks {
        if !matches!(position.phase, Phase::AddMembers | Phase::RemoveMembers) {
            unpacked.push((position.clone(), *mark));
        } else if let Some(key) = position.key.strip_suffix('\0') {
            unpacked.push((StagedKey::new(position.phase, key.to_owned()), *mark));
        } else if let Some(row) = staged.iter().find(|row| row.position == *position) {
            // The parts that have marks of their own are named beside.
            let singles = unpack(row).into_iter().filter(|single| single.mark == *mark);
            unpacked.extend(singles.map(|single| (single.position, *mark)));
        }
    }
    unpacked
}

fn pack(row: &StagedRow) -> Option<(&str, Vec<&str>)> {
    if !matches!(row.position.phase, Phase::AddMembers | Phase::RemoveMembers) {
        return None;
    }
    let (group, _) = row.position.key.split_once('\0')?;
    let lines = std::str::from_utf8(row.payload.get(1..)?).ok()?.lines();
    Some((group, lines.filter_map(|line| line.get(1..)).collect()))
}
