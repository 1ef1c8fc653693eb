//! People, each made from the seed and its index alone.

use super::names::{CITIES, DEPARTMENTS, FAMILY, GIVEN, TITLES};
use crate::id::{Id, Kind};
use crate::moment::Moment;
use crate::org::{Status, User, UserCore};
use crate::random::Random;
use std::io::Write;

/// 2019-01-01, before which nobody was created.
const FIRST_DAY: i64 = 1_546_300_800;
/// Six years, so that everything in a fresh org lies in the past of any clock.
const SPAN: u64 = 6 * 365 * 86_400;

/// The user with this index.
pub(super) fn user(seed: u64, index: u32, base: &str) -> User {
    let mut random = Random::new(seed, 1, u64::from(index));
    let core = core(seed, index, &mut random);
    let profile = profile(index, core.status, &mut random);
    User::new(core, &profile, base)
}

fn core(seed: u64, index: u32, random: &mut Random) -> UserCore {
    let status = status(index, random);
    let created = Moment::from_seconds(FIRST_DAY + random.below(SPAN) as i64);
    let later = |random: &mut Random| created.plus(random.below(86_400 * 300) as i64);
    let is_new = matches!(status, Status::Staged);
    // The first admin was never activated by anybody, and some others were not either (recorded, also for ACTIVE users).
    let activated = (!is_new && index != 0 && !random.chance(1, 8)).then(|| created.plus(random.below(3) as i64));
    let status_changed = (!is_new && !random.chance(1, 30)).then(|| later(random));
    let last_login = (!is_new && status != Status::Provisioned && !random.chance(1, 4)).then(|| later(random));
    let password_changed = (!matches!(status, Status::Staged | Status::Provisioned) && !random.chance(1, 6)).then(|| later(random));
    let updated = [activated, status_changed, password_changed].into_iter().flatten().fold(created, Moment::max);
    UserCore { id: Id::new(seed, Kind::User, index), status, created, updated, activated, status_changed, last_login, password_changed }
}

/// Mostly active. Every status occurs once in any org that is not tiny.
fn status(index: u32, random: &mut Random) -> Status {
    if let 10..18 = index {
        return Status::ALL[index as usize - 10];
    }
    match random.below(100) {
        0..5 => Status::Deprovisioned,
        5..7 => Status::Suspended,
        7..9 => Status::Staged,
        9..11 => Status::Provisioned,
        11 => Status::PasswordExpired,
        12 => Status::Recovery,
        13 => Status::LockedOut,
        _ => Status::Active,
    }
}

/// The members that are always there come first, as recorded; every other one is absent where it is unset.
fn profile(index: u32, status: Status, random: &mut Random) -> Vec<u8> {
    let (given, family) = (random.pick(&GIVEN), random.pick(&FAMILY));
    let mut json = Vec::with_capacity(420);
    let mobile = match random.below(10) {
        0..6 => "null".to_owned(),
        6 => r#""""#.to_owned(),
        _ => format!(r#""+1 555 {:04}""#, random.below(10_000)),
    };
    let second = match random.below(10) {
        0..7 => "null".to_owned(),
        7 => r#""""#.to_owned(),
        _ => format!(r#""private{index}@example.net""#),
    };
    let login = login(given, family, index);
    // Writing to a vector cannot fail, here and below.
    _ = write!(
        json,
        r#"{{"firstName":"{given}","lastName":"{family}","mobilePhone":{mobile},"secondEmail":{second},"login":"{login}","email":"{login}""#
    );
    standard(&mut json, given, family, random);
    if status != Status::Staged {
        custom(&mut json, index, random);
    }
    json.push(b'}');
    json
}

fn standard(json: &mut Vec<u8>, given: &str, family: &str, random: &mut Random) {
    if random.chance(1, 3) {
        _ = write!(json, r#","displayName":"{given} {family}""#);
    }
    if random.chance(1, 40) {
        // Whatever users type arrives: quotes, backslashes, mark-up.
        _ = write!(json, r#","nickName":"\"{given}\" <b>\\o/</b>""#);
    }
    if random.chance(3, 4) {
        _ = write!(json, r#","title":"{}","department":"{}""#, random.pick(&TITLES), random.pick(&DEPARTMENTS));
    }
    if random.chance(1, 2) {
        _ = write!(json, r#","city":"{}""#, random.pick(&CITIES));
    }
    if random.chance(1, 2) {
        _ = write!(json, r#","employeeNumber":"{:06}""#, random.below(1_000_000));
    }
    if random.chance(1, 6) {
        _ = write!(json, r#","userType":"{}""#, random.pick(&["Employee", "Contractor", "Partner"]));
    }
}

/// Attributes that the org added to the schema: one of every type that it may have.
fn custom(json: &mut Vec<u8>, index: u32, random: &mut Random) {
    if random.chance(1, 2) {
        _ = write!(json, r#","badgeNumber":{}"#, 1000 + u64::from(index));
    }
    if random.chance(1, 8) {
        _ = write!(json, r#","workingShare":{}"#, random.pick(&["0.5", "0.75", "0.8", "1.0"]));
    }
    if random.chance(1, 4) {
        _ = write!(json, r#","isRemote":{}"#, random.chance(1, 2));
    }
    if random.chance(1, 5) {
        _ = write!(json, r#","languages":["{}","{}"]"#, random.pick(&["da", "de", "en", "pl"]), random.pick(&["fr", "ja", "tr", "zh"]));
    }
    if random.chance(1, 10) {
        _ = write!(json, r#","floors":[{},{}]"#, random.below(5), 5 + random.below(20));
    }
    if random.chance(1, 10) {
        _ = write!(json, r#","testAcc_42":"{}""#, random.pick(&["", "yes", "no"]));
    }
}

/// Unique by its number, and readable where the name has ASCII letters.
fn login(given: &str, family: &str, index: u32) -> String {
    let mut login: String = given.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    login.push('.');
    login.extend(family.chars().filter(char::is_ascii_alphabetic));
    login.push_str(&format!(".{index}@example.com"));
    login
}
