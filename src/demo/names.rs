//! Names of the demo's people: own short lists, accents and apostrophes included, because real ones have them.
//!
//! A culture keeps given and family names that go together, and what such a person is likely to tell at registration: a
//! language, a race and an ethnicity.

use clinical::patients::RaceCode;

use super::random::Random;

/// Which given names somebody may bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    Female,
    Male,
}

/// Names that go together, and the person who bears them.
#[derive(Debug)]
pub struct Culture {
    pub female: &'static [&'static str],
    pub male: &'static [&'static str],
    pub family: &'static [&'static str],
    /// BCP 47; spoken at home by some of them.
    pub language: &'static str,
    pub race: RaceCode,
    /// Whether Hispanic or Latino.
    pub hispanic: bool,
}

impl Culture {
    pub fn given(&self, gender: Gender) -> &'static [&'static str] {
        match gender {
            Gender::Female => self.female,
            Gender::Male => self.male,
        }
    }

    /// A culture, as they are spread over the two towns.
    pub fn any(random: &mut Random) -> &'static Self {
        random.weighted(&CULTURES)
    }
}

static CULTURES: [(u32, &Culture); 12] = [
    (30, &ENGLISH),
    (9, &IRISH),
    (9, &AFRICAN_AMERICAN),
    (16, &HISPANIC),
    (6, &GERMAN),
    (5, &NORDIC),
    (6, &SLAVIC),
    (6, &CHINESE),
    (5, &SOUTH_ASIAN),
    (3, &VIETNAMESE),
    (3, &WEST_AFRICAN),
    (2, &PACIFIC_AND_NATIVE),
];

#[rustfmt::skip]
static ENGLISH: Culture = Culture {
    female: &[
        "Alice", "Amelia", "Barbara", "Beatrice", "Charlotte", "Claire", "Diane", "Dorothy", "Eleanor", "Emily",
        "Evelyn", "Grace", "Hannah", "Harriet", "Isabel", "Judith", "Katherine", "Laura", "Lucy", "Margaret",
        "Martha", "Nora", "Olivia", "Phoebe", "Rachel", "Rose", "Ruth", "Sarah", "Susan", "Victoria",
    ],
    male: &[
        "Albert", "Andrew", "Benjamin", "Charles", "Christopher", "Daniel", "David", "Edward", "Ethan", "Frank",
        "George", "Henry", "Jack", "James", "John", "Joseph", "Lewis", "Matthew", "Michael", "Nathan", "Oliver",
        "Paul", "Peter", "Richard", "Robert", "Samuel", "Simon", "Stephen", "Thomas", "William",
    ],
    family: &[
        "Adams", "Baker", "Bennett", "Brooks", "Carter", "Clarke", "Collins", "Cooper", "Davis", "Dawson", "Ellis",
        "Fletcher", "Foster", "Graham", "Harris", "Hughes", "Jenkins", "Marsh", "Morgan", "Parker", "Pearce",
        "Reed", "Russell", "Sanders", "Saunders", "Shaw", "Simmons", "Smith", "Smith-Jones", "Spencer", "Stewart",
        "Taylor", "Turner", "Walsh", "Warren", "Webb", "Wright",
    ],
    language: "en-US",
    race: RaceCode::White,
    hispanic: false,
};

#[rustfmt::skip]
static IRISH: Culture = Culture {
    female: &[
        "Aoife", "Bridget", "Ciara", "Deirdre", "Eileen", "Fiona", "Kathleen", "Maeve", "Niamh", "Róisín", "Sinéad",
        "Siobhán",
    ],
    male: &[
        "Brendan", "Cian", "Conor", "Declan", "Eoin", "Kevin", "Liam", "Niall", "Patrick", "Rory", "Seán", "Seamus",
    ],
    family: &[
        "Brennan", "Byrne", "D'Arcy", "Doyle", "Fitzgerald", "Gallagher", "Kelly", "MacCarthy", "McDonnell",
        "Murphy", "O'Brien", "O'Connor", "O'Neill", "O'Sullivan", "Quinn", "Ryan", "Scully", "Sheehan", "Sweeney",
    ],
    language: "en-US",
    race: RaceCode::White,
    hispanic: false,
};

#[rustfmt::skip]
static AFRICAN_AMERICAN: Culture = Culture {
    female: &[
        "Alicia", "Brianna", "Denise", "Ebony", "Gloria", "Imani", "Jasmine", "Keisha", "Loretta", "Monique",
        "Tamika", "Yvonne",
    ],
    male: &[
        "Andre", "Calvin", "Curtis", "Darius", "DeShawn", "Isaiah", "Jamal", "Jerome", "Malik", "Marcus",
        "Terrence", "Tyrone",
    ],
    family: &[
        "Banks", "Booker", "Coleman", "Dixon", "Freeman", "Gaines", "Hayes", "Jackson", "Jefferson", "Johnson",
        "Lewis", "Robinson", "Simms", "Strickland", "Walker", "Washington", "Williams",
    ],
    language: "en-US",
    race: RaceCode::BlackOrAfricanAmerican,
    hispanic: false,
};

#[rustfmt::skip]
static HISPANIC: Culture = Culture {
    female: &[
        "Alejandra", "Ana María", "Beatriz", "Carmen", "Elena", "Guadalupe", "Inés", "Isabel", "Lucía", "Luz",
        "Marisol", "Paloma", "Rosa", "Sofía", "Valentina", "Ximena",
    ],
    male: &[
        "Alejandro", "Andrés", "Carlos", "Diego", "Eduardo", "Francisco", "Héctor", "Jesús", "Joaquín", "José Luis",
        "Juan", "Luis", "Mateo", "Miguel Ángel", "Rafael", "Tomás",
    ],
    family: &[
        "Álvarez", "Castillo", "Cruz", "De la Cruz", "Delgado", "Díaz", "Fernández", "García", "García Márquez",
        "González", "Gutiérrez", "Hernández", "López", "Martínez", "Mendoza", "Morales", "Muñoz", "Núñez", "Ortiz",
        "Peña", "Ramírez", "Ríos", "Rodríguez", "Sánchez", "Santos", "Soto", "Suárez", "Torres", "Vásquez",
    ],
    language: "es",
    race: RaceCode::Other,
    hispanic: true,
};

#[rustfmt::skip]
static GERMAN: Culture = Culture {
    female: &["Anneliese", "Christa", "Gretchen", "Heidi", "Ingrid", "Jutta", "Käthe", "Ursula"],
    male: &["Dieter", "Friedrich", "Günter", "Hans", "Jürgen", "Karl-Heinz", "Otto", "Werner"],
    family: &[
        "Bauer", "Braun", "Groß", "Hoffmann", "Keller", "Köhler", "Krüger", "Müller", "Schäfer", "Schmidt",
        "Schröder", "Vogel", "von Arnim", "Weiß",
    ],
    language: "en-US",
    race: RaceCode::White,
    hispanic: false,
};

#[rustfmt::skip]
static NORDIC: Culture = Culture {
    female: &["Astrid", "Birgit", "Freja", "Greta", "Ingrid", "Kirsten", "Liv", "Sigrid", "Solveig", "Åsa"],
    male: &["Anders", "Bjørn", "Erik", "Gunnar", "Håkon", "Jens", "Lars", "Nils", "Søren", "Åke"],
    family: &[
        "Ahlström", "Bergström", "Eriksen", "Hansen", "Jørgensen", "Lindqvist", "Nygård", "Olsen", "Sjöberg",
        "Solberg", "Sørensen", "Ødegård",
    ],
    language: "en-US",
    race: RaceCode::White,
    hispanic: false,
};

#[rustfmt::skip]
static SLAVIC: Culture = Culture {
    female: &[
        "Agnieszka", "Anastasia", "Danuta", "Irena", "Jadwiga", "Katarzyna", "Ludmila", "Małgorzata", "Oksana",
        "Zofia",
    ],
    male: &[
        "Andrzej", "Bogdan", "Dmitri", "Grzegorz", "Ivan", "Łukasz", "Miroslav", "Oleksandr", "Paweł", "Stanisław",
    ],
    family: &[
        "Dąbrowski", "Dvořák", "Horvat", "Kovalenko", "Kowalczyk", "Marković", "Nowak", "Petrov", "Shevchenko",
        "Sikora", "Sokołowski", "Wójcik", "Zieliński",
    ],
    language: "pl",
    race: RaceCode::White,
    hispanic: false,
};

#[rustfmt::skip]
static CHINESE: Culture = Culture {
    female: &["Hui", "Jing", "Li Na", "Mei", "Mei-Ling", "Xiu", "Yan", "Ying"],
    male: &["Bo", "Chao", "Guang", "Hao", "Jian", "Ming", "Wei", "Zhi-Wei"],
    family: &[
        "Chan", "Chen", "Huang", "Lau", "Li", "Lin", "Liu", "Song", "Sun", "Wang", "Wong", "Wu", "Xu", "Yang",
        "Zhang", "Zhao",
    ],
    language: "zh",
    race: RaceCode::Asian,
    hispanic: false,
};

#[rustfmt::skip]
static SOUTH_ASIAN: Culture = Culture {
    female: &["Aisha", "Anjali", "Deepa", "Fatima", "Kavita", "Lakshmi", "Meera", "Nasreen", "Priya", "Sunita"],
    male: &["Amit", "Arjun", "Farhan", "Imran", "Karthik", "Nikhil", "Rajesh", "Sanjay", "Vikram", "Yusuf"],
    family: &[
        "Ahmed", "Banerjee", "Chaudhry", "Desai", "Gupta", "Iyer", "Khan", "Mehta", "Nair", "Patel", "Rao", "Reddy",
        "Shah", "Sharma", "Singh", "Srinivasan",
    ],
    language: "hi",
    race: RaceCode::Asian,
    hispanic: false,
};

#[rustfmt::skip]
static VIETNAMESE: Culture = Culture {
    female: &["Ánh", "Hoa", "Hương", "Lan", "Linh", "Mai", "Ngọc", "Thảo"],
    male: &["Bảo", "Dũng", "Hùng", "Khánh", "Long", "Minh", "Quân", "Tuấn"],
    family: &["Bùi", "Đặng", "Đỗ", "Hoàng", "Lê", "Ngô", "Nguyễn", "Phạm", "Trần", "Võ"],
    language: "vi",
    race: RaceCode::Asian,
    hispanic: false,
};

#[rustfmt::skip]
static WEST_AFRICAN: Culture = Culture {
    female: &["Abena", "Adaeze", "Aminata", "Chidinma", "Fatou", "Folake", "Mariama", "Ngozi"],
    male: &["Abdoulaye", "Chinedu", "Emeka", "Kofi", "Kwame", "Mamadou", "Ousmane", "Tunde"],
    family: &[
        "Adeyemi", "Asante", "Balogun", "Diallo", "Diop", "Mensah", "N'Diaye", "Nwosu", "Okafor", "Okonkwo", "Osei",
        "Sankara", "Sesay", "Traoré",
    ],
    language: "en-US",
    race: RaceCode::BlackOrAfricanAmerican,
    hispanic: false,
};

#[rustfmt::skip]
static PACIFIC_AND_NATIVE: Culture = Culture {
    female: &["Kalena", "Keala", "Leilani", "Malia", "Nalani", "Winona"],
    male: &["Alika", "Kai", "Keoni", "Makoa", "Manu", "Nalu"],
    family: &["Akana", "Kahananui", "Kealoha", "Māhoe", "Tuilagi"],
    language: "en-US",
    race: RaceCode::NativeHawaiianOrPacificIslander,
    hispanic: false,
};

/// Somebody of any culture may belong to this one, too: few name lists say so.
pub fn other_race(random: &mut Random) -> Option<RaceCode> {
    match random.below(100) {
        0..3 => Some(RaceCode::AmericanIndianOrAlaskaNative),
        3..6 => Some(RaceCode::White),
        6..9 => Some(RaceCode::BlackOrAfricanAmerican),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::text::name_key;

    use super::*;

    #[test]
    fn every_name_has_a_key_to_be_found_by() {
        for (_, culture) in &CULTURES {
            for name in culture
                .female
                .iter()
                .chain(culture.male)
                .chain(culture.family)
            {
                assert!(!name_key(name).is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn family_names_have_accents_apostrophes_hyphens_and_many_an_s() {
        let families: BTreeSet<&str> = CULTURES
            .iter()
            .flat_map(|(_, culture)| culture.family)
            .copied()
            .collect();
        for mark in ["'", "-", "ñ", "ł", "ø", "ß", "ễ"] {
            assert!(
                families.iter().any(|family| family.contains(mark)),
                "{mark}"
            );
        }
        assert!(
            families
                .iter()
                .filter(|family| name_key(family).starts_with('s'))
                .count()
                > 30
        );
    }
}
