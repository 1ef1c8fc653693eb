//! What is in a user and in a group, made from their numbers.

use super::random::{below, mix};
use std::fmt::Write;

const FIRST: [&str; 24] = [
    "Ana",
    "Bruno",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Hiroshi",
    "Ines",
    "Jakob",
    "Katarina",
    "Liam",
    "Mariam",
    "Nikolai",
    "Olivia",
    "Pedro",
    "Quentin",
    "Rosalind",
    "Sebastian",
    "Tamara",
    "Ulrich",
    "Valentina",
    "Wilhelm",
    "Yasmin",
];
const LAST: [&str; 24] = [
    "Abramson",
    "Bergstrom",
    "Castellano",
    "Dubois",
    "Eriksen",
    "Fernandez",
    "Goldstein",
    "Hernandez",
    "Ivanova",
    "Johansson",
    "Kowalski",
    "Lindqvist",
    "Martinez",
    "Nakamura",
    "Okonkwo",
    "Petrova",
    "Quintero",
    "Rasmussen",
    "Schneider",
    "Takahashi",
    "Ullmann",
    "Villanueva",
    "Weissmann",
    "Zimmermann",
];
const CITIES: [&str; 12] = [
    "Amsterdam",
    "Barcelona",
    "Copenhagen",
    "Edinburgh",
    "Frankfurt",
    "Johannesburg",
    "Kuala Lumpur",
    "Melbourne",
    "Montevideo",
    "San Francisco",
    "Singapore",
    "Vancouver",
];
const DEPARTMENTS: [&str; 12] = [
    "Customer Success Management",
    "Corporate Legal Affairs",
    "Data Platform Engineering",
    "Facilities and Workplace",
    "Financial Planning and Analysis",
    "Global Supply Chain Planning",
    "Human Resources Operations",
    "Industrial Design Studio",
    "Information Security",
    "Internal Audit and Controls",
    "Product Marketing Europe",
    "Regional Sales Enablement",
];
const DIVISIONS: [&str; 8] = [
    "Consumer Devices and Services",
    "Corporate Functions Worldwide",
    "Energy Storage Solutions",
    "Enterprise Software Group",
    "Financial Technology Platform",
    "Healthcare Systems Division",
    "Logistics and Transportation",
    "Research and Development",
];
const TITLES: [&str; 12] = [
    "Associate Manager for Regional Operations",
    "Director of Platform Reliability",
    "Lead Analyst for Business Intelligence",
    "Principal Architect for Distributed Systems",
    "Program Manager for Strategic Accounts",
    "Senior Accountant, Reporting",
    "Senior Engineer for Developer Experience",
    "Senior Specialist for Vendor Management",
    "Staff Engineer, Storage and Databases",
    "Support Engineer for Enterprise Customers",
    "Technical Writer for Public Interfaces",
    "Vice President of Commercial Operations",
];
const COUNTRIES: [&str; 8] = ["AU", "BR", "CA", "DE", "ES", "NL", "SG", "US"];
const STATUSES: [&str; 20] = {
    let mut statuses = ["ACTIVE"; 20];
    statuses[7] = "PROVISIONED";
    statuses[13] = "PASSWORD_EXPIRED";
    statuses
};

/// The attributes of a user, in order.
pub(crate) const USER_ATTRIBUTES: [&str; 15] = [
    "city",
    "costCenter",
    "countryCode",
    "department",
    "displayName",
    "division",
    "email",
    "employeeNumber",
    "firstName",
    "floor",
    "lastName",
    "manager",
    "mobilePhone",
    "remote",
    "title",
];
/// The attributes of a group, in order.
pub(crate) const GROUP_ATTRIBUTES: [&str; 3] = ["costCenter", "description", "owner"];

/// A set of attributes that change, each with a bit.
pub(crate) type Mask = u8;

/// An entry: two fixed fields, and attributes as JSON, in the order of their names. None of the texts needs an escape.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// The login, or the name of a group.
    pub(crate) name: String,
    /// The status, or the kind of a group.
    pub(crate) state: &'static str,
    pub(crate) attributes: Vec<String>,
}

/// What makes the entries of one directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maker {
    pub(crate) seed: u64,
}

/// What the hashes are made for, so that none of them meets another.
pub(crate) mod purpose {
    pub(crate) const USER_ID: u64 = 1 << 40;
    pub(crate) const GROUP_ID: u64 = 2 << 40;
    pub(crate) const USER: u64 = 3 << 40;
    pub(crate) const GROUP: u64 = 4 << 40;
    pub(crate) const FATE: u64 = 5 << 40;
    pub(crate) const MEMBERS: u64 = 6 << 40;
    pub(crate) const LEAVES: u64 = 7 << 40;
    pub(crate) const JOINS: u64 = 8 << 40;
}

/// The length of an id.
pub(crate) const ID: usize = 20;

impl Maker {
    /// `00u` or `00g`, and 17 letters and digits.
    pub(crate) fn id(self, of: u64, number: usize) -> [u8; ID] {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut id = *b"00u00000000000000000";
        if of == purpose::GROUP_ID {
            id[2] = b'g';
        }
        let (mut low, mut high) = (mix(self.seed, of, 2 * number as u64), mix(self.seed, of, 2 * number as u64 + 1));
        for (place, letter) in id.iter_mut().enumerate().skip(3) {
            let random = if place % 2 == 0 { &mut low } else { &mut high };
            *letter = LETTERS[(*random % 62) as usize];
            *random /= 62;
        }
        id
    }

    /// The user of this number, with these attributes changed.
    pub(crate) fn user(self, number: usize, mask: Mask, user: &mut Content) {
        let random = |what: u64| mix(self.seed, purpose::USER | what, number as u64);
        let first = FIRST[below(random(1), FIRST.len())];
        let last = LAST[below(random(2), LAST.len())];
        // Whatever changes must be different, so it moves on in the list by some way.
        let moved = |what: u64, bit: u32, count: usize| {
            let step = if mask & (1 << bit) == 0 { 0 } else { 1 + below(random(what + 100), count - 1) };
            (below(random(what), count) + step) % count
        };
        let manager = moved(3, 4, 576);
        user.state = STATUSES[below(random(4), STATUSES.len())];
        fill(&mut user.name, format_args!("{}.{}{number}@corp.example.com", Lower(first), Lower(last)));
        let email = &user.name;
        user.attributes.resize_with(USER_ATTRIBUTES.len(), String::new);
        let mut values = user.attributes.iter_mut();
        let mut put = |value: std::fmt::Arguments<'_>| values.next().into_iter().for_each(|text| fill(text, value));
        put(format_args!("\"{}\"", CITIES[moved(5, 0, CITIES.len())]));
        put(format_args!("\"CC-{:04}-{:02}\"", moved(6, 1, 4_000), number % 37));
        put(format_args!("\"{}\"", COUNTRIES[below(random(7), COUNTRIES.len())]));
        put(format_args!("\"{}\"", DEPARTMENTS[moved(8, 2, DEPARTMENTS.len())]));
        put(format_args!("\"{first} {last}\""));
        put(format_args!("\"{}\"", DIVISIONS[moved(9, 3, DIVISIONS.len())]));
        put(format_args!("\"{email}\""));
        put(format_args!("\"{number:08}\""));
        put(format_args!("\"{first}\""));
        put(format_args!("{}", moved(10, 5, 40)));
        put(format_args!("\"{last}\""));
        put(format_args!("\"{}.{}@corp.example.com\"", Lower(FIRST[manager % 24]), Lower(LAST[manager / 24])));
        put(format_args!("\"+1 555 {:03} {:04}\"", number % 1_000, moved(11, 6, 10_000)));
        put(format_args!("{}", random(12) % 3 == 0));
        put(format_args!("\"{}\"", TITLES[moved(13, 7, TITLES.len())]));
    }

    /// The group of this number, with these of its name, description and owner changed.
    pub(crate) fn group(self, number: usize, mask: Mask, group: &mut Content) {
        let random = |what: u64| mix(self.seed, purpose::GROUP | what, number as u64);
        let city = CITIES[below(random(1), CITIES.len())];
        let renamed = if mask & 1 == 0 { "" } else { ", renamed" };
        match number {
            0 => fill(&mut group.name, format_args!("Everyone{renamed}")),
            _ => fill(&mut group.name, format_args!("Team {number} {city}{renamed}")),
        }
        group.state = "native";
        group.attributes.resize_with(GROUP_ATTRIBUTES.len(), String::new);
        let mut values = group.attributes.iter_mut();
        let mut put = |value: std::fmt::Arguments<'_>| values.next().into_iter().for_each(|text| fill(text, value));
        put(format_args!("\"CC-{:04}\"", random(2) % 4_000));
        let department = (below(random(3), DEPARTMENTS.len()) + usize::from(mask >> 1 & 1)) % DEPARTMENTS.len();
        put(format_args!("\"Grants the people of {} what they work with\"", DEPARTMENTS[department]));
        let owner = (below(random(4), LAST.len()) + usize::from(mask >> 2 & 1)) % LAST.len();
        put(format_args!("\"{}.{}@corp.example.com\"", Lower(FIRST[number % 24]), Lower(LAST[owner])));
    }

    /// One to three of eight attributes.
    pub(crate) fn some_of_a_user(self, number: usize) -> Mask {
        let random = mix(self.seed, purpose::USER | 50, number as u64);
        (0..=random % 3).fold(0, |mask, place| mask | 1 << (random >> (8 * (place + 1)) & 7))
    }

    /// One or two of three fields.
    pub(crate) fn some_of_a_group(self, number: usize) -> Mask {
        let random = mix(self.seed, purpose::GROUP | 50, number as u64);
        (0..=random % 2).fold(0, |mask, place| mask | 1 << ((random >> (8 * (place + 1))) % 3))
    }
}

impl Content {
    /// The attributes as canonical JSON: in the order of their names, and no spaces.
    pub(crate) fn json(names: &[&str], values: impl IntoIterator<Item = impl AsRef<str>>, text: &mut String) {
        text.clear();
        for (name, value) in names.iter().zip(values) {
            text.push(if text.is_empty() { '{' } else { ',' });
            // Writing to a text cannot fail.
            let _ = write!(text, "\"{name}\":{}", value.as_ref());
        }
        text.push('}');
    }
}

fn fill(text: &mut String, value: std::fmt::Arguments<'_>) {
    text.clear();
    // Writing to a text cannot fail.
    let _ = text.write_fmt(value);
}

/// A word in small letters.
struct Lower(&'static str);

impl std::fmt::Display for Lower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|letter| f.write_char(letter.to_ascii_lowercase()))
    }
}
