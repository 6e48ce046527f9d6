//! Why people come: complaints in their words, with codes and titles of ICD-10-CM.

use clinical::encounters::ReasonCode;

use super::random::Random;

/// URI of ICD-10-CM, as FHIR names it.
const ICD_10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";

/// A diagnosis or other reason, and what the patient says.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    pub code: &'static str,
    pub display: &'static str,
    pub complaint: &'static str,
    /// Youngest and oldest who come with it.
    pub ages: (i64, i64),
}

impl Reason {
    pub fn coded(&self) -> ReasonCode {
        ReasonCode {
            system: ICD_10_CM.to_owned(),
            code: self.code.to_owned(),
            display: Some(self.display.to_owned()),
        }
    }

    pub fn fits(&self, age: i64) -> bool {
        (self.ages.0..=self.ages.1).contains(&age)
    }
}

/// One that fits the age; the first, if none does.
pub fn fitting(reasons: &'static [Reason], age: i64, random: &mut Random) -> &'static Reason {
    let fitting: Vec<&Reason> = reasons.iter().filter(|reason| reason.fits(age)).collect();
    if fitting.is_empty() {
        &reasons[0]
    } else {
        random.pick(&fitting)
    }
}

const fn reason(
    code: &'static str,
    ages: (i64, i64),
    complaint: &'static str,
    display: &'static str,
) -> Reason {
    Reason {
        code,
        display,
        complaint,
        ages,
    }
}

const ALL: (i64, i64) = (0, 120);
const ADULTS: (i64, i64) = (18, 120);
const CHILDREN: (i64, i64) = (0, 17);

pub static CHECKUP_ADULT: Reason = reason(
    "Z00.00",
    ADULTS,
    "Yearly check-up",
    "Encounter for general adult medical examination without abnormal findings",
);
pub static CHECKUP_CHILD: Reason = reason(
    "Z00.129",
    CHILDREN,
    "Well-child visit",
    "Encounter for routine child health examination without abnormal findings",
);
pub static IMMUNIZATION: Reason = reason("Z23", ALL, "Vaccination", "Encounter for immunization");

/// Conditions that stay, and bring their bearer back.
#[rustfmt::skip]
pub static CHRONIC: [Reason; 14] = [
    reason("I10", (35, 120), "Blood pressure check", "Essential (primary) hypertension"),
    reason("E11.9", (35, 120), "Diabetes follow-up", "Type 2 diabetes mellitus without complications"),
    reason("E78.5", (40, 120), "Cholesterol follow-up", "Hyperlipidemia, unspecified"),
    reason("E03.9", (30, 120), "Thyroid medication review", "Hypothyroidism, unspecified"),
    reason("J45.909", (4, 60), "Asthma follow-up", "Unspecified asthma, uncomplicated"),
    reason("J44.9", (55, 120), "Short of breath on the stairs", "Chronic obstructive pulmonary disease, unspecified"),
    reason("I48.91", (60, 120), "Palpitations now and then", "Unspecified atrial fibrillation"),
    reason("I50.9", (62, 120), "Swollen ankles", "Heart failure, unspecified"),
    reason("M17.11", (50, 120), "Right knee hurts when walking", "Unilateral primary osteoarthritis, right knee"),
    reason("N18.30", (58, 120), "Kidney function follow-up", "Chronic kidney disease, stage 3 unspecified"),
    reason("F41.1", (14, 75), "Worrying all the time", "Generalized anxiety disorder"),
    reason("F32.A", (14, 90), "Low mood for some weeks", "Depression, unspecified"),
    reason("K21.9", (25, 100), "Heartburn at night", "Gastro-esophageal reflux disease without esophagitis"),
    reason("G43.909", (14, 65), "Migraine, more often lately", "Migraine, unspecified, not intractable, without status migrainosus"),
];

/// What passes, and is seen in the practice.
#[rustfmt::skip]
pub static ACUTE: [Reason; 18] = [
    reason("J06.9", ALL, "Cold and cough", "Acute upper respiratory infection, unspecified"),
    reason("J02.9", (2, 60), "Sore throat for three days", "Acute pharyngitis, unspecified"),
    reason("H66.90", (0, 10), "Pulls at the ear, fever", "Otitis media, unspecified, unspecified ear"),
    reason("J20.9", ADULTS, "Cough that won't go away", "Acute bronchitis, unspecified"),
    reason("J01.90", (12, 80), "Blocked nose, pressure in the face", "Acute sinusitis, unspecified"),
    reason("J30.9", (5, 70), "Sneezing and itchy eyes", "Allergic rhinitis, unspecified"),
    reason("M54.50", (20, 90), "Low back pain", "Low back pain, unspecified"),
    reason("M25.561", (12, 90), "Right knee hurts", "Pain in right knee"),
    reason("N39.0", (16, 100), "Burning when passing water", "Urinary tract infection, site not specified"),
    reason("R51.9", (8, 90), "Headache", "Headache, unspecified"),
    reason("L30.9", ALL, "Itchy rash", "Dermatitis, unspecified"),
    reason("A09", ALL, "Diarrhea and vomiting", "Infectious gastroenteritis and colitis, unspecified"),
    reason("H10.9", ALL, "Red eye", "Unspecified conjunctivitis"),
    reason("R53.83", (16, 100), "Tired all the time", "Other fatigue"),
    reason("R42", (30, 100), "Dizzy when getting up", "Dizziness and giddiness"),
    reason("R05.9", ALL, "Cough", "Cough, unspecified"),
    reason("R50.9", (0, 12), "Fever since yesterday", "Fever, unspecified"),
    reason("R10.9", (6, 90), "Stomach ache", "Unspecified abdominal pain"),
];

#[rustfmt::skip]
pub static SKIN: [Reason; 3] = [
    reason("D22.9", (16, 100), "A mole that has changed", "Melanocytic nevi, unspecified"),
    reason("L57.0", (50, 120), "Rough spot on the forehead", "Actinic keratosis"),
    reason("L30.9", ALL, "Rash that keeps coming back", "Dermatitis, unspecified"),
];

#[rustfmt::skip]
pub static JOINTS: [Reason; 3] = [
    reason("M25.511", (25, 100), "Right shoulder hurts", "Pain in right shoulder"),
    reason("M17.11", (50, 120), "Right knee hurts when walking", "Unilateral primary osteoarthritis, right knee"),
    reason("M25.562", (10, 100), "Left knee hurts", "Pain in left knee"),
];

/// What brings people to the emergency department.
#[rustfmt::skip]
pub static EMERGENCY: [Reason; 10] = [
    reason("R07.9", (30, 120), "Chest pain", "Chest pain, unspecified"),
    reason("R10.9", (8, 100), "Severe stomach pain", "Unspecified abdominal pain"),
    reason("S93.401A", (8, 70), "Twisted the right ankle", "Sprain of unspecified ligament of right ankle, initial encounter"),
    reason("S52.501A", (5, 100), "Fell on the right hand", "Unspecified fracture of the lower end of right radius, initial encounter for closed fracture"),
    reason("S61.411A", (5, 80), "Cut in the right hand", "Laceration without foreign body of right hand, initial encounter"),
    reason("S09.90XA", ALL, "Bumped the head", "Unspecified injury of head, initial encounter"),
    reason("R55", (14, 100), "Fainted", "Syncope and collapse"),
    reason("N20.0", (25, 75), "Flank pain in waves", "Calculus of kidney"),
    reason("J45.901", (3, 60), "Can't catch breath", "Unspecified asthma with (acute) exacerbation"),
    reason("R50.9", (0, 5), "High fever", "Fever, unspecified"),
];

/// What needs a bed on the medical ward.
#[rustfmt::skip]
pub static MEDICAL: [Reason; 5] = [
    reason("J18.9", ALL, "Fever, cough, short of breath", "Pneumonia, unspecified organism"),
    reason("I50.9", (62, 120), "Short of breath lying down", "Heart failure, unspecified"),
    reason("L03.115", (25, 120), "Red, hot, swollen right leg", "Cellulitis of right lower limb"),
    reason("J44.1", (55, 120), "Breathless, more sputum", "Chronic obstructive pulmonary disease with (acute) exacerbation"),
    reason("N39.0", (65, 120), "Fever and confusion", "Urinary tract infection, site not specified"),
];

/// What begins in intensive care.
#[rustfmt::skip]
pub static CRITICAL: [Reason; 3] = [
    reason("I21.4", (45, 120), "Crushing chest pain", "Non-ST elevation (NSTEMI) myocardial infarction"),
    reason("A41.9", ADULTS, "Shaking chills, very weak", "Sepsis, unspecified organism"),
    reason("I63.9", (55, 120), "Left arm suddenly weak", "Cerebral infarction, unspecified"),
];

/// What needs a surgeon and a bed.
#[rustfmt::skip]
pub static SURGICAL: [Reason; 3] = [
    reason("K35.80", (6, 70), "Pain low on the right of the belly", "Unspecified acute appendicitis"),
    reason("K80.20", (25, 85), "Colic after meals", "Calculus of gallbladder without cholecystitis without obstruction"),
    reason("S72.001A", (70, 120), "Fell, can't stand on the right leg", "Fracture of unspecified part of neck of right femur, initial encounter for closed fracture"),
];

/// What is operated on by appointment, with some days in bed.
#[rustfmt::skip]
pub static ELECTIVE: [Reason; 2] = [
    reason("K80.20", (25, 85), "Gallbladder to be taken out", "Calculus of gallbladder without cholecystitis without obstruction"),
    reason("M17.11", (50, 120), "Knee replacement", "Unilateral primary osteoarthritis, right knee"),
];

/// What is done in an hour or two, and home again.
#[rustfmt::skip]
pub static PROCEDURES: [Reason; 3] = [
    reason("Z12.11", (45, 76), "Screening colonoscopy", "Encounter for screening for malignant neoplasm of colon"),
    reason("K40.90", (20, 85), "Hernia repair", "Unilateral inguinal hernia, without obstruction or gangrene, not specified as recurrent"),
    reason("S83.241A", (15, 65), "Arthroscopy of the right knee", "Other tear of medial meniscus, current injury, right knee, initial encounter"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_form_of_icd_10_cm() {
        let lists: [&[Reason]; 10] = [
            &CHRONIC,
            &ACUTE,
            &SKIN,
            &JOINTS,
            &EMERGENCY,
            &MEDICAL,
            &CRITICAL,
            &SURGICAL,
            &ELECTIVE,
            &PROCEDURES,
        ];
        for reason in
            lists
                .into_iter()
                .flatten()
                .chain([&CHECKUP_ADULT, &CHECKUP_CHILD, &IMMUNIZATION])
        {
            let (category, rest) = reason.code.split_once('.').unwrap_or((reason.code, ""));
            assert!(category.len() == 3 && rest.len() <= 4, "{}", reason.code);
            assert!(
                category.starts_with(|c: char| c.is_ascii_uppercase()),
                "{}",
                reason.code
            );
            assert!(reason.ages.0 <= reason.ages.1 && !reason.complaint.is_empty());
        }
    }

    #[test]
    fn a_reason_fits_the_age() {
        let mut random = Random::new(5);
        for age in 0..100 {
            assert!(fitting(&ACUTE, age, &mut random).fits(age));
            assert!(fitting(&EMERGENCY, age, &mut random).fits(age));
        }
    }
}
