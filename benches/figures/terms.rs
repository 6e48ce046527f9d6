//! A code system as large as ICD-10-CM, made up of its kind of words, and what people type to find something in it.

use clinical::terminology::Line;

use super::load::Random;

/// Codes of a category that its first letter and two digits make.
const IN_CATEGORY: usize = 30;
const QUALIFIERS: [&str; 24] = [
    "Other",
    "Unspecified",
    "Acute",
    "Chronic",
    "Recurrent",
    "Primary",
    "Secondary",
    "Congenital",
    "Traumatic",
    "Displaced",
    "Open",
    "Type I",
    "Type 2",
    "Mild",
    "Severe",
    "Malignant",
    "Benign",
    "Infective",
    "Idiopathic",
    "Nondisplaced",
    "Superficial",
    "Partial",
    "Complete",
    "Postprocedural",
];
const CONDITIONS: [&str; 40] = [
    "diabetes mellitus",
    "hypertension",
    "fracture",
    "neoplasm",
    "dislocation",
    "sprain",
    "laceration without foreign body",
    "puncture wound with foreign body",
    "burn of third degree",
    "corrosion of second degree",
    "osteoarthritis",
    "arthropathy",
    "infarction",
    "embolism and thrombosis",
    "insufficiency",
    "obstruction",
    "perforation",
    "hemorrhage",
    "abscess",
    "cellulitis",
    "ulcer with necrosis of muscle",
    "dermatitis",
    "neuropathy",
    "retinopathy with macular edema",
    "glaucoma",
    "otitis media",
    "pneumonia",
    "asthma with exacerbation",
    "hernia with gangrene",
    "hepatitis",
    "nephropathy",
    "calculus",
    "anemia",
    "lymphoma",
    "poisoning by anticoagulants",
    "adverse effect of insulin",
    "deformity",
    "contracture",
    "stiffness",
    "injury of nerve",
];
const SITES: [&str; 32] = [
    "femur",
    "tibia",
    "radius",
    "ulna",
    "humerus",
    "clavicle",
    "shoulder",
    "knee",
    "ankle and foot",
    "wrist",
    "hand",
    "index finger",
    "great toe",
    "hip",
    "pelvis",
    "cervical vertebra",
    "lumbar vertebra",
    "orbit",
    "eyelid",
    "inner ear",
    "nose",
    "oral cavity",
    "esophagus",
    "stomach",
    "intestine",
    "liver",
    "kidney",
    "urinary bladder",
    "bronchus or lung",
    "heart",
    "aorta",
    "brain",
];
const SIDES: [&str; 4] = ["right", "left", "bilateral", "unspecified side"];
const ENCOUNTERS: [&str; 6] = [
    "initial encounter",
    "initial encounter for open fracture type I or II",
    "subsequent encounter with routine healing",
    "subsequent encounter with delayed healing",
    "sequela",
    "not elsewhere classified",
];

/// 78,000 codes, the same in every run.
pub fn made_up() -> Vec<Line> {
    let mut random = Random::new(11);
    let mut lines = Vec::new();
    for letter in 'A'..='Z' {
        for category in 0..100 {
            let (condition, site) = (*random.choose(&CONDITIONS), *random.choose(&SITES));
            for number in 0..IN_CATEGORY {
                let display = format!(
                    "{} {condition} of {site}, {}, {}",
                    random.choose(&QUALIFIERS),
                    random.choose(&SIDES),
                    random.choose(&ENCOUNTERS)
                );
                let code = format!("{letter}{category:02}.{number:02}");
                lines.push(Line::new(lines.len() + 1, code, display));
            }
        }
    }
    lines
}

/// What is typed on the way to one of the terms: the beginnings of one to three of its words, or of its code.
pub fn typed(terms: &[Line], amount: usize) -> Vec<String> {
    let mut random = Random::new(12);
    let mut all = Vec::with_capacity(amount);
    while all.len() < amount {
        let concept = &random.choose(terms).concept;
        if random.below(10) == 0 {
            all.push(beginning(&concept.code, 1 + random.below(5)));
            continue;
        }
        let words: Vec<&str> = concept
            .display
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let wanted: Vec<String> = (0..=random.below(3))
            .map(|_| beginning(random.choose::<&str>(&words), 1 + random.below(6)))
            .collect();
        all.push(wanted.join(" "));
    }
    all
}

fn beginning(word: &str, length: u32) -> String {
    word.chars()
        .take(length as usize)
        .collect::<String>()
        .to_lowercase()
}
