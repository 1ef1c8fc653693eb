//! Who is in which group, before and after, computed and not kept.

use super::content::{ID, Maker, Mask, purpose};
use super::random::{Permutation, below, mix};
use crate::{Rate, Size};

/// Marks in the list of fates who is gone; any other number is the set of attributes that change.
pub(crate) const GONE: Mask = Mask::MAX;

/// A directory and what becomes of it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) maker: Maker,
    pub(crate) size: Size,
    rate: Rate,
    /// Users and groups that appear.
    pub(crate) new_users: usize,
    pub(crate) new_groups: usize,
    pub(crate) users: Vec<Mask>,
    pub(crate) groups: Vec<Mask>,
    /// How many members each group has before.
    members: Vec<u32>,
    /// Who joins what, in order of the groups.
    joins: Vec<(u32, u32)>,
    user_ids: Vec<[u8; ID]>,
}

impl World {
    pub(crate) fn new(size: Size, rate: Rate, seed: u64) -> Self {
        let maker = Maker { seed };
        let (new_users, new_groups) = (rate.of(size.users).div_ceil(10), rate.of(size.groups).div_ceil(10));
        let (mut users, mut groups) = (vec![0; size.users], vec![0; size.groups]);
        let order = Permutation::new(size.users, mix(seed, purpose::FATE, 0));
        (0..new_users).for_each(|place| users[order.at(place)] = GONE);
        for number in (new_users..new_users + rate.of(size.users)).map(|place| order.at(place)) {
            users[number] = maker.some_of_a_user(number);
        }
        // The largest groups stay: that everybody leaves a group at once would hide what single changes cost.
        let order = Permutation::new(size.groups, mix(seed, purpose::FATE, 1));
        let mut picked = (0..size.groups).map(|place| order.at(place)).filter(|group| *group > size.groups / 100);
        picked.by_ref().take(new_groups).for_each(|number| groups[number] = GONE);
        picked.take(rate.of(size.groups)).for_each(|number| groups[number] = maker.some_of_a_group(number));
        let user_ids = (0..size.users + new_users).map(|number| maker.id(purpose::USER_ID, number)).collect();
        let mut world =
            Self { maker, size, rate, new_users, new_groups, users, groups, members: spread(size), joins: Vec::new(), user_ids };
        world.joins = world.drawn_joins();
        world
    }

    pub(crate) fn user_id(&self, number: usize) -> &str {
        str::from_utf8(&self.user_ids[number]).expect("ids are letters and digits")
    }

    pub(crate) fn is_gone(&self, user: usize) -> bool {
        self.users.get(user) == Some(&GONE)
    }

    /// The members of a group before.
    pub(crate) fn before(&self, group: usize) -> impl Iterator<Item = usize> {
        let order = self.order(group);
        (0..self.members[group] as usize).map(move |place| order.at(place))
    }

    /// Whether a membership, which is there before, ends. Everybody stays in the group of everybody.
    pub(crate) fn ends(&self, group: usize, user: usize) -> bool {
        self.groups[group] == GONE || self.is_gone(user) || group > 0 && self.leaves(group, user)
    }

    fn leaves(&self, group: usize, user: usize) -> bool {
        // One half of what changes are people who leave, the other those who join.
        let key = (group as u64) << 32 | user as u64;
        below(mix(self.maker.seed, purpose::LEAVES, key), 2_000) < self.rate.number() as usize
    }

    /// Who joins a group that was there before.
    pub(crate) fn joins(&self, group: usize) -> impl Iterator<Item = usize> {
        let everybody = if group == 0 { self.size.users..self.size.users + self.new_users } else { 0..0 };
        let first = self.joins.partition_point(|(of, _)| (*of as usize) < group);
        let drawn = self.joins[first..].iter().take_while(move |(of, _)| *of as usize == group).map(|(_, user)| *user as usize);
        everybody.chain(drawn)
    }

    /// The members of a group that was not there before: 80 on average.
    pub(crate) fn founders(&self, group: usize) -> impl Iterator<Item = usize> {
        let order = Permutation::new(self.user_ids.len(), mix(self.maker.seed, purpose::MEMBERS, group as u64));
        let count = 20 + below(mix(self.maker.seed, purpose::JOINS, group as u64), 121);
        (0..count).map(move |place| order.at(place)).filter(|user| !self.is_gone(*user))
    }

    fn order(&self, group: usize) -> Permutation {
        Permutation::new(self.size.users, mix(self.maker.seed, purpose::MEMBERS, group as u64))
    }

    /// Pairs that are not there before, any of them as likely as any other.
    fn drawn_joins(&self) -> Vec<(u32, u32)> {
        let random = |what: u64, draw: usize| mix(self.maker.seed, purpose::JOINS | 1 << 38 | what, draw as u64);
        let wanted = self.rate.of(self.size.memberships).div_ceil(2);
        let mut joins = Vec::with_capacity(wanted);
        for draw in 0..4 * wanted {
            let group = 1 + below(random(0, draw), self.size.groups - 1);
            let user = below(random(1, draw), self.user_ids.len());
            let is_member = || user < self.size.users && self.order(group).place_of(user) < self.members[group] as usize;
            if joins.len() < wanted && self.groups[group] != GONE && !self.is_gone(user) && !is_member() {
                joins.push((group as u32, user as u32));
            }
        }
        joins.sort_unstable();
        joins.dedup();
        joins
    }
}

/// How many members each group has: everybody is in the first; the others follow a power law, cut off at the number of users, and add up.
fn spread(size: Size) -> Vec<u32> {
    let mut members = vec![0; size.groups];
    members[0] = size.users;
    let mut left = size.memberships - size.users;
    let mut weight: f64 = (1..size.groups).map(|rank| 1.0 / rank as f64).sum();
    for (rank, of_group) in members.iter_mut().enumerate().skip(1) {
        // What the cut takes from the large ones goes to those that follow.
        let share = 1.0 / rank as f64 / weight;
        *of_group = ((left as f64 * share).round() as usize).clamp(1, size.users).min(left);
        left -= *of_group;
        weight -= 1.0 / rank as f64;
    }
    assert_eq!(left, 0, "all memberships are given out");
    members.into_iter().map(|count| count as u32).collect()
}
