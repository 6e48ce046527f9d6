-- Terminology: the codes that charts are written in. Facts of the world and of no tenant, so these two tables are shared,
-- read by everybody and written only by an operator who loads a distribution file (`chartwell terminology load`).
--
-- A load is one version of one code system, whole. A code is valid at a date if the version in force at that date has it,
-- and its own dates, where the file gives any, agree. A version is written while nobody can see it ('loading') and comes
-- into force with one statement, so readers never meet half of one.
--
-- `complete` says that the file was the whole system: then a code it lacks is refused. The starter set below is not; of a
-- system that has nothing else, codes are checked by their form and check digit only.

create table app.terminology_versions (
    id              uuid        not null,
    system          text        not null,       -- icd10cm, cvx, ...: terminology/system.rs
    version         text        not null,       -- as its publisher calls it: 2026, 2.81, 20260301
    effective_from  date        not null,       -- in force until the next version of the system is
    complete        boolean     not null,
    status          text        not null default 'loading',
    concepts        bigint      not null default 0,
    loaded_at       timestamptz not null,
    constraint terminology_versions_pkey primary key (id),
    constraint terminology_versions_status_check check (status in ('loading', 'loaded', 'replaced'))
);
create index terminology_versions_system_idx on app.terminology_versions (system, effective_from);

-- No reference to the version: half a million rows a load, written and removed by one function (terminology/loading.rs).
create table app.terminology_concepts (
    version_id   uuid             not null,
    code         text collate "C" not null,
    display      text             not null,
    also         text,                          -- further words to find it by: synonyms, short names
    assignable   boolean          not null default true,   -- false: a heading, too coarse to be a diagnosis or a bill
    valid_from   date,                          -- the file's own dates, where it gives any; the end is exclusive
    valid_until  date,
    constraint terminology_concepts_pkey primary key (version_id, code)
);

grant select, insert, update, delete on app.terminology_versions to chartwell_runtime;
grant select, insert, delete on app.terminology_concepts to chartwell_runtime;

-- The starter set: enough to try everything without any file. Code systems whose licence forbids it (CPT, SNOMED CT) have
-- none. ICD-10-CM, CVX, HCPCS, place of service: US government work. RxNorm: ingredients of the Current Prescribable Content.
-- LOINC: a small subset; this material contains content from LOINC (http://loinc.org). LOINC is copyright (c) Regenstrief
-- Institute, Inc. and the LOINC Committee, and is available at no cost under the license at http://loinc.org/license.
create function pg_temp.starter(of_system text, listed text) returns void language plpgsql as $$
declare
    made constant uuid := gen_random_uuid();
begin
    insert into app.terminology_concepts (version_id, code, display)
    select made, btrim(split_part(entry, '|', 1)), split_part(entry, '|', 2)
      from regexp_split_to_table(regexp_replace(btrim(listed), '\s+', ' ', 'g'), '\s*;\s*') entry
     where split_part(entry, '|', 2) <> '';
    insert into app.terminology_versions (id, system, version, effective_from, complete, status, concepts, loaded_at)
    select made, of_system, 'starter', '1900-01-01', false, 'loaded', count(*), '2026-01-01 00:00:00+00'
      from app.terminology_concepts c where c.version_id = made;
end
$$;

select pg_temp.starter('icd10cm', '
    E11.9|Type 2 diabetes mellitus without complications; E11.65|Type 2 diabetes mellitus with hyperglycemia; E11.22|Type 2 diabetes mellitus with
    diabetic chronic kidney disease; E11.40|Type 2 diabetes mellitus with diabetic neuropathy, unspecified; E11.319|Type 2 diabetes mellitus with
    unspecified diabetic retinopathy without macular edema; E10.9|Type 1 diabetes mellitus without complications; E78.5|Hyperlipidemia, unspecified;
    E78.00|Pure hypercholesterolemia, unspecified; E78.2|Mixed hyperlipidemia; E66.9|Obesity, unspecified; E66.01|Morbid (severe) obesity due to excess
    calories; E03.9|Hypothyroidism, unspecified; E05.90|Thyrotoxicosis, unspecified without thyrotoxic crisis or storm; E55.9|Vitamin D deficiency,
    unspecified; E53.8|Deficiency of other specified B group vitamins; E87.6|Hypokalemia; E87.1|Hypo-osmolality and hyponatremia; E86.0|Dehydration;
    I10|Essential (primary) hypertension; I11.9|Hypertensive heart disease without heart failure; I25.10|Atherosclerotic heart disease of native coronary
    artery without angina pectoris; I48.91|Unspecified atrial fibrillation; I48.0|Paroxysmal atrial fibrillation; I50.9|Heart failure, unspecified;
    I50.22|Chronic systolic (congestive) heart failure; I63.9|Cerebral infarction, unspecified; I21.9|Acute myocardial infarction, unspecified;
    I73.9|Peripheral vascular disease, unspecified; I83.90|Asymptomatic varicose veins of unspecified lower extremity; I95.1|Orthostatic hypotension;
    J06.9|Acute upper respiratory infection, unspecified; J02.9|Acute pharyngitis, unspecified; J00|Acute nasopharyngitis [common cold]; J20.9|Acute
    bronchitis, unspecified; J18.9|Pneumonia, unspecified organism; J45.909|Unspecified asthma, uncomplicated; J45.901|Unspecified asthma with (acute)
    exacerbation; J44.9|Chronic obstructive pulmonary disease, unspecified; J44.1|Chronic obstructive pulmonary disease with (acute) exacerbation;
    J30.9|Allergic rhinitis, unspecified; J32.9|Chronic sinusitis, unspecified; J11.1|Influenza due to unidentified influenza virus with other respiratory
    manifestations; J10.1|Influenza due to other identified influenza virus with other respiratory manifestations; U07.1|COVID-19; U09.9|Post COVID-19
    condition, unspecified; K21.9|Gastro-esophageal reflux disease without esophagitis; K29.70|Gastritis, unspecified, without bleeding; K58.9|Irritable
    bowel syndrome, unspecified; K59.00|Constipation, unspecified; K57.30|Diverticulosis of large intestine without perforation or abscess without
    bleeding; K80.20|Calculus of gallbladder without cholecystitis without obstruction; K35.80|Unspecified acute appendicitis; K50.90|Crohn''s disease,
    unspecified, without complications; K51.90|Ulcerative colitis, unspecified, without complications; K76.0|Fatty (change of) liver, not elsewhere
    classified; K74.60|Unspecified cirrhosis of liver; N18.30|Chronic kidney disease, stage 3 unspecified; N18.4|Chronic kidney disease, stage 4 (severe);
    N18.6|End stage renal disease; N18.9|Chronic kidney disease, unspecified; N17.9|Acute kidney failure, unspecified; N39.0|Urinary tract infection, site
    not specified; N20.0|Calculus of kidney; N40.0|Benign prostatic hyperplasia without lower urinary tract symptoms; N92.0|Excessive and frequent
    menstruation with regular cycle; N95.1|Menopausal and female climacteric states; M54.50|Low back pain, unspecified; M54.2|Cervicalgia;
    M17.9|Osteoarthritis of knee, unspecified; M16.9|Osteoarthritis of hip, unspecified; M25.561|Pain in right knee; M25.511|Pain in right shoulder;
    M79.7|Fibromyalgia; M81.0|Age-related osteoporosis without current pathological fracture; M06.9|Rheumatoid arthritis, unspecified; M10.9|Gout,
    unspecified; M32.9|Systemic lupus erythematosus, unspecified; G43.909|Migraine, unspecified, not intractable, without status migrainosus;
    G40.909|Epilepsy, unspecified, not intractable, without status epilepticus; G47.33|Obstructive sleep apnea (adult) (pediatric); G47.00|Insomnia,
    unspecified; G20.A1|Parkinson''s disease without dyskinesia, without mention of fluctuations; G30.9|Alzheimer''s disease, unspecified; G35.D|Multiple
    sclerosis, unspecified; G89.29|Other chronic pain; F32.A|Depression, unspecified; F32.9|Major depressive disorder, single episode, unspecified;
    F33.1|Major depressive disorder, recurrent, moderate; F41.1|Generalized anxiety disorder; F41.9|Anxiety disorder, unspecified; F43.10|Post-traumatic
    stress disorder, unspecified; F90.9|Attention-deficit hyperactivity disorder, unspecified type; F10.20|Alcohol dependence, uncomplicated;
    F11.20|Opioid dependence, uncomplicated; F17.210|Nicotine dependence, cigarettes, uncomplicated; F31.9|Bipolar disorder, unspecified;
    F20.9|Schizophrenia, unspecified; F03.90|Unspecified dementia, unspecified severity, without behavioral disturbance, psychotic disturbance, mood
    disturbance, and anxiety; B02.9|Zoster without complications; B20|Human immunodeficiency virus [HIV] disease; B18.2|Chronic viral hepatitis C;
    A09|Infectious gastroenteritis and colitis, unspecified; A41.9|Sepsis, unspecified organism; B34.9|Viral infection, unspecified; L03.90|Cellulitis,
    unspecified; L20.9|Atopic dermatitis, unspecified; L30.9|Dermatitis, unspecified; L40.0|Psoriasis vulgaris; L70.0|Acne vulgaris; L50.9|Urticaria,
    unspecified; H10.9|Unspecified conjunctivitis; H66.90|Otitis media, unspecified, unspecified ear; H61.20|Impacted cerumen, unspecified ear;
    H40.9|Unspecified glaucoma; H26.9|Unspecified cataract; C50.919|Malignant neoplasm of unspecified site of unspecified female breast; C61|Malignant
    neoplasm of prostate; C34.90|Malignant neoplasm of unspecified part of unspecified bronchus or lung; C18.9|Malignant neoplasm of colon, unspecified;
    C44.91|Basal cell carcinoma of skin, unspecified; C43.9|Malignant melanoma of skin, unspecified; D50.9|Iron deficiency anemia, unspecified;
    D64.9|Anemia, unspecified; D69.6|Thrombocytopenia, unspecified; R05.9|Cough, unspecified; R06.02|Shortness of breath; R07.9|Chest pain, unspecified;
    R10.9|Unspecified abdominal pain; R11.2|Nausea with vomiting, unspecified; R19.7|Diarrhea, unspecified; R42|Dizziness and giddiness; R50.9|Fever,
    unspecified; R51.9|Headache, unspecified; R53.83|Other fatigue; R55|Syncope and collapse; R60.9|Edema, unspecified; R73.03|Prediabetes; R03.0|Elevated
    blood-pressure reading, without diagnosis of hypertension; S93.401A|Sprain of unspecified ligament of right ankle, initial encounter;
    S52.501A|Unspecified fracture of the lower end of right radius, initial encounter for closed fracture; S06.0X0A|Concussion without loss of
    consciousness, initial encounter; S61.409A|Unspecified open wound of unspecified hand, initial encounter; T78.40XA|Allergy, unspecified, initial
    encounter; O09.90|Supervision of high risk pregnancy, unspecified, unspecified trimester; O80|Encounter for full-term uncomplicated delivery;
    O24.419|Gestational diabetes mellitus in pregnancy, unspecified control; Z00.00|Encounter for general adult medical examination without abnormal
    findings; Z00.01|Encounter for general adult medical examination with abnormal findings; Z00.129|Encounter for routine child health examination
    without abnormal findings; Z01.419|Encounter for gynecological examination (general) (routine) without abnormal findings; Z12.11|Encounter for
    screening for malignant neoplasm of colon; Z12.31|Encounter for screening mammogram for malignant neoplasm of breast; Z13.6|Encounter for screening
    for cardiovascular disorders; Z23|Encounter for immunization; Z34.90|Encounter for supervision of normal pregnancy, unspecified, unspecified
    trimester; Z38.00|Single liveborn infant, delivered vaginally; Z51.11|Encounter for antineoplastic chemotherapy; Z72.0|Tobacco use; Z79.4|Long term
    (current) use of insulin; Z79.01|Long term (current) use of anticoagulants; Z79.82|Long term (current) use of aspirin; Z80.3|Family history of
    malignant neoplasm of breast; Z82.49|Family history of ischemic heart disease and other diseases of the circulatory system; Z83.3|Family history of
    diabetes mellitus; Z85.3|Personal history of malignant neoplasm of breast; Z87.891|Personal history of nicotine dependence; Z88.0|Allergy status to
    penicillin; Z91.010|Allergy to peanuts; Z95.1|Presence of aortocoronary bypass graft; Z95.5|Presence of coronary angioplasty implant and graft;
    Z99.2|Dependence on renal dialysis; Z59.00|Homelessness unspecified; Z59.41|Food insecurity; Z59.6|Low income; Z60.2|Problems related to living alone;
    Z63.0|Problems in relationship with spouse or partner; Z55.0|Illiteracy and low-level literacy; Z56.0|Unemployment, unspecified; Z74.2|Need for
    assistance at home and no other household member able to render care; Z75.3|Unavailability and inaccessibility of health-care facilities;
    Z63.4|Disappearance and death of family member');
select pg_temp.starter('cvx', '
    03|MMR; 08|Hep B, adolescent or pediatric; 10|IPV; 20|DTaP; 21|varicella; 33|pneumococcal polysaccharide vaccine, 23 valent; 43|Hep B, adult; 48|Hib
    (PRP-T); 49|Hib (PRP-OMP); 52|Hep A, adult; 62|HPV, quadrivalent; 83|Hep A, ped/adol, 2 dose; 94|MMRV; 104|Hep A-Hep B; 110|DTaP-Hep B-IPV; 113|Td
    (adult), preservative free; 114|meningococcal MCV4P; 115|Tdap; 116|rotavirus, pentavalent; 119|rotavirus, monovalent; 120|DTaP-Hib-IPV; 121|zoster
    live; 130|DTaP-IPV; 133|Pneumococcal conjugate PCV 13; 135|Influenza, high-dose, seasonal; 140|Influenza, seasonal, injectable, preservative free;
    141|Influenza, seasonal, injectable; 150|influenza, injectable, quadrivalent, preservative free; 165|HPV9; 187|zoster recombinant; 189|HepB-CpG;
    207|COVID-19, mRNA, LNP-S, PF, 100 mcg/0.5mL dose or 50 mcg/0.25mL dose; 208|COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose');
select pg_temp.starter('loinc', '
    718-7|Hemoglobin [Mass/volume] in Blood; 4544-3|Hematocrit [Volume Fraction] of Blood by Automated count; 789-8|Erythrocytes [#/volume] in Blood by
    Automated count; 6690-2|Leukocytes [#/volume] in Blood by Automated count; 777-3|Platelets [#/volume] in Blood by Automated count; 787-2|MCV [Entitic
    volume] by Automated count; 785-6|MCH [Entitic mass] by Automated count; 786-4|MCHC [Mass/volume] by Automated count; 751-8|Neutrophils [#/volume] in
    Blood by Automated count; 731-0|Lymphocytes [#/volume] in Blood by Automated count; 742-7|Monocytes [#/volume] in Blood by Automated count;
    711-2|Eosinophils [#/volume] in Blood by Automated count; 704-7|Basophils [#/volume] in Blood by Automated count; 2951-2|Sodium [Moles/volume] in
    Serum or Plasma; 2823-3|Potassium [Moles/volume] in Serum or Plasma; 2075-0|Chloride [Moles/volume] in Serum or Plasma; 1963-8|Bicarbonate
    [Moles/volume] in Serum or Plasma; 2028-9|Carbon dioxide, total [Moles/volume] in Serum or Plasma; 1863-0|Anion gap 4 in Serum or Plasma;
    10466-1|Anion gap 3 in Serum or Plasma; 3094-0|Urea nitrogen [Mass/volume] in Serum or Plasma; 2160-0|Creatinine [Mass/volume] in Serum or Plasma;
    2345-7|Glucose [Mass/volume] in Serum or Plasma; 1558-6|Fasting glucose [Mass/volume] in Serum or Plasma; 17861-6|Calcium [Mass/volume] in Serum or
    Plasma; 1995-0|Calcium.ionized [Moles/volume] in Serum or Plasma; 19123-9|Magnesium [Mass/volume] in Serum or Plasma; 2777-1|Phosphate [Mass/volume]
    in Serum or Plasma; 1751-7|Albumin [Mass/volume] in Serum or Plasma; 2885-2|Protein [Mass/volume] in Serum or Plasma; 1742-6|Alanine aminotransferase
    [Enzymatic activity/volume] in Serum or Plasma; 1920-8|Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma; 6768-6|Alkaline
    phosphatase [Enzymatic activity/volume] in Serum or Plasma; 1975-2|Bilirubin.total [Mass/volume] in Serum or Plasma; 1968-7|Bilirubin.direct
    [Mass/volume] in Serum or Plasma; 2324-2|Gamma glutamyl transferase [Enzymatic activity/volume] in Serum or Plasma; 2532-0|Lactate dehydrogenase
    [Enzymatic activity/volume] in Serum or Plasma; 3040-3|Lipase [Enzymatic activity/volume] in Serum or Plasma; 1798-8|Amylase [Enzymatic
    activity/volume] in Serum or Plasma; 3084-1|Urate [Mass/volume] in Serum or Plasma; 2157-6|Creatine kinase [Enzymatic activity/volume] in Serum or
    Plasma; 30934-4|Natriuretic peptide B [Mass/volume] in Serum or Plasma; 33762-6|NT-proBNP; 1988-5|C reactive protein [Mass/volume] in Serum or Plasma;
    30522-7|C reactive protein [Mass/volume] in Serum or Plasma by High sensitivity method; 4537-7|Erythrocyte sedimentation rate by Westergren method;
    2524-7|Lactate [Moles/volume] in Serum or Plasma; 5902-2|Prothrombin time (PT); 6301-6|INR in Platelet poor plasma by Coagulation assay; 14979-9|aPTT
    in Platelet poor plasma by Coagulation assay; 3255-7|Fibrinogen [Mass/volume] in Platelet poor plasma by Coagulation assay; 2093-3|Cholesterol
    [Mass/volume] in Serum or Plasma; 2085-9|Cholesterol in HDL [Mass/volume] in Serum or Plasma; 13457-7|Cholesterol in LDL [Mass/volume] in Serum or
    Plasma by calculation; 2571-8|Triglyceride [Mass/volume] in Serum or Plasma; 4548-4|Hemoglobin A1c/Hemoglobin.total in Blood; 3016-3|Thyrotropin
    [Units/volume] in Serum or Plasma; 3024-7|Thyroxine (T4) free [Mass/volume] in Serum or Plasma; 3051-0|Triiodothyronine (T3) Free [Mass/volume] in
    Serum or Plasma; 2276-4|Ferritin [Mass/volume] in Serum or Plasma; 2498-4|Iron [Mass/volume] in Serum or Plasma; 2500-7|Iron binding capacity
    [Mass/volume] in Serum or Plasma; 2132-9|Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma; 2284-8|Folate [Mass/volume] in Serum or Plasma;
    2857-1|Prostate specific Ag [Mass/volume] in Serum or Plasma; 2744-1|pH of Arterial blood; 2019-8|Carbon dioxide [Partial pressure] in Arterial blood;
    2703-7|Oxygen [Partial pressure] in Arterial blood; 1925-7|Base excess in Arterial blood by calculation; 62238-1|Glomerular filtration rate/1.73 sq
    M.predicted [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI); 9318-7|Albumin/Creatinine [Mass Ratio] in Urine;
    5803-2|pH of Urine by Test strip; 2965-2|Specific gravity of Urine; 14334-7|Lithium [Moles/volume] in Serum or Plasma; 10535-3|Digoxin [Mass/volume]
    in Serum or Plasma; 4092-3|Vancomycin [Mass/volume] in Serum or Plasma --trough; 3968-5|Phenytoin [Mass/volume] in Serum or Plasma; 4086-5|Valproate
    [Mass/volume] in Serum or Plasma; 3298-7|Acetaminophen [Mass/volume] in Serum or Plasma; 16362-6|Ammonia [Moles/volume] in Plasma; 2692-2|Osmolality
    of Serum or Plasma; 2143-6|Cortisol [Mass/volume] in Serum or Plasma; 2731-8|Parathyrin.intact [Mass/volume] in Serum or Plasma;
    2614-6|Methemoglobin/Hemoglobin.total in Blood; 20563-3|Carboxyhemoglobin/Hemoglobin.total in Blood; 21198-7|Choriogonadotropin.beta subunit
    [Units/volume] in Serum or Plasma; 8867-4|Heart rate; 9279-1|Respiratory rate; 8480-6|Systolic blood pressure; 8462-4|Diastolic blood pressure;
    8478-0|Mean blood pressure; 8310-5|Body temperature; 59408-5|Oxygen saturation by pulse oximetry; 29463-7|Body weight; 8302-2|Body height; 9843-4|Head
    occipital-frontal circumference; 39156-5|Body mass index; 72514-3|Pain severity 0-10; 3151-8|Inhaled oxygen flow rate; 72166-2|Tobacco smoking status;
    71802-3|Housing status; 76437-3|Primary insurance; 88122-7|Within the past 12 months we worried whether our food would run out before we got money to
    buy more; 88123-5|Within the past 12 months the food we bought just didn''t last and we didn''t have money to get more; 93025-5|Protocol for
    Responding to and Assessing Patients'' Assets, Risks, and Experiences [PRAPARE]; 55757-9|Patient Health Questionnaire 2 item (PHQ-2); 44249-1|PHQ-9
    quick depression assessment panel; 44261-6|Patient Health Questionnaire 9 item (PHQ-9) total score');
select pg_temp.starter('rxnorm', '
    149|acebutolol; 154|acenocoumarol; 161|acetaminophen; 167|acetazolamide; 46041|alendronate; 480|alfentanil; 17300|alfuzosin; 519|allopurinol;
    279645|almotriptan; 596|alprazolam; 612|aluminum hydroxide; 641|amikacin; 644|amiloride; 703|amiodarone; 704|amitriptyline; 17767|amlodipine;
    722|amoxapine; 723|amoxicillin; 725|amphetamine; 733|ampicillin; 742|amyl nitrite; 1364430|apixaban; 358255|aprepitant; 89013|aripiprazole;
    18330|arsenic trioxide; 1191|aspirin; 343047|atazanavir; 1202|atenolol; 38400|atomoxetine; 83367|atorvastatin; 1223|atropine; 1256|azathioprine;
    18631|azithromycin; 1272|aztreonam; 1292|baclofen; 1347|beclomethasone; 18867|benazepril; 1399|benzocaine; 1422|benzphetamine; 1424|benztropine;
    1514|betamethasone; 1520|betaxolol; 2627044|bexagliflozin; 19484|bisoprolol; 1658314|brexpiprazole; 1767|brompheniramine; 19831|budesonide;
    1808|bumetanide; 1815|bupivacaine; 1819|buprenorphine; 42347|bupropion; 1827|buspirone; 19860|butalbital; 1841|butorphanol; 1897|calcium carbonate;
    47613|calcium citrate; 1373458|canagliflozin; 214354|candesartan; 1656052|cangrelor; 194000|capecitabine; 1998|captopril; 2002|carbamazepine;
    20220|carbinoxamine; 1667655|cariprazine; 2101|carisoprodol; 20352|carvedilol; 2176|cefaclor; 2177|cefadroxil; 2180|cefazolin; 25037|cefdinir;
    83682|cefditoren; 20481|cefepime; 2265702|cefiderocol; 25033|cefixime; 2186|cefotaxime; 2187|cefotetan; 2189|cefoxitin; 20489|cefpodoxime;
    19552|cefprozil; 1040004|ceftaroline fosamil; 2191|ceftazidime; 2193|ceftriaxone; 2194|cefuroxime; 140587|celecoxib; 2231|cephalexin;
    1535457|ceritinib; 2356|chlordiazepoxide; 20859|chloroprocaine; 2393|chloroquine; 2396|chlorothiazide; 2400|chlorpheniramine; 2403|chlorpromazine;
    2404|chlorpropamide; 2409|chlorthalidone; 2410|chlorzoxazone; 274964|ciclesonide; 21107|cilostazol; 2541|cimetidine; 2551|ciprofloxacin;
    2556|citalopram; 21212|clarithromycin; 2578|clemastine; 21241|clobazam; 2597|clomipramine; 2598|clonazepam; 32968|clopidogrel; 2353|clorazepate;
    2626|clozapine; 1306284|cobicistat; 2670|codeine; 2878|cortisone; 1148495|crizotinib; 21949|cyclobenzaprine; 3008|cyclosporine; 3013|cyproheptadine;
    1037042|dabigatran etexilate; 67109|dalteparin; 1488564|dapagliflozin; 136198|darifenacin; 460132|darunavir; 1927663|delafloxacin;
    3154|demeclocycline; 3247|desipramine; 22656|desogestrel; 734064|desvenlafaxine; 3264|dexamethasone; 22697|dexchlorpheniramine;
    816346|dexlansoprazole; 352372|dexmethylphenidate; 3288|dextroamphetamine; 3289|dextromethorphan; 3319|diatrizoate; 3322|diazepam; 3355|diclofenac;
    3356|dicloxacillin; 3361|dicyclomine; 3389|diethylpropion; 3393|diflunisal; 3418|dihydroergotamine; 3443|diltiazem; 3444|dimenhydrinate;
    3498|diphenhydramine; 3521|dipyridamole; 3541|disopyramide; 49247|dofetilide; 68091|dolasetron; 135447|donepezil; 119771|doripenem; 49276|doxazosin;
    3638|doxepin; 3640|doxycycline; 3642|doxylamine; 233698|dronedarone; 3648|droperidol; 11636|drospirenone; 1551291|dulaglutide; 72625|duloxetine;
    1599538|edoxaban; 195085|efavirenz; 231049|eletriptan; 1545653|empagliflozin; 3827|enalapril; 67108|enoxaparin; 1307298|enzalutamide;
    298869|eplerenone; 83515|eprosartan; 2055906|eravacycline; 4025|ergotamine; 325642|ertapenem; 1992672|ertugliflozin; 4053|erythromycin;
    321988|escitalopram; 1482502|eslicarbazepine; 283742|esomeprazole; 4077|estazolam; 461016|eszopiclone; 4109|ethacrynate; 4124|ethinyl estradiol;
    24605|etodolac; 14584|etonogestrel; 141704|everolimus; 60548|exenatide; 4278|famotidine; 73689|febuxostat; 24812|felbamate; 4316|felodipine;
    8703|fenofibrate; 4331|fenoprofen; 4337|fentanyl; 24942|ferrous gluconate; 24947|ferrous sulfate; 797195|fesoterodine; 2562811|finerenone;
    4440|flavoxate; 4441|flecainide; 4450|fluconazole; 4493|fluoxetine; 4496|fluphenazine; 4501|flurazepam; 4502|flurbiprofen; 41126|fluticasone;
    41127|fluvastatin; 42355|fluvoxamine; 321208|fondaparinux; 25255|formoterol; 358262|fosamprenavir; 50166|fosinopril; 72236|fosphenytoin;
    228783|frovatriptan; 4603|furosemide; 25480|gabapentin; 4637|galantamine; 4719|gemfibrozil; 138099|gemifloxacin; 1596450|gentamicin;
    25789|glimepiride; 4821|glipizide; 4815|glyburide; 4955|glycopyrrolate; 26237|granisetron; 5093|haloperidol; 5224|heparin; 5487|hydrochlorothiazide;
    5489|hydrocodone; 5492|hydrocortisone; 3423|hydromorphone; 5521|hydroxychloroquine; 5553|hydroxyzine; 153970|hyoscyamine; 115264|ibandronate;
    5640|ibuprofen; 41289|ibutilide; 1544460|idelalisib; 73178|iloperidone; 282388|imatinib; 5690|imipenem; 5691|imipramine; 5764|indapamide;
    114289|indinavir; 5781|indomethacin; 27729|iodixanol; 5956|iohexol; 5966|iopamidol; 27781|iopromide; 27792|ioversol; 5973|ioxaglate; 27793|ioxilan;
    83818|irbesartan; 6011|isocarboxazid; 6058|isosorbide dinitrate; 33910|isradipine; 28031|itraconazole; 6135|ketoconazole; 6142|ketoprofen;
    35827|ketorolac; 6185|labetalol; 28439|lamotrigine; 17128|lansoprazole; 234416|lanthanum carbonate; 259453|levobupivacaine; 82122|levofloxacin;
    1433212|levomilnacipran; 6373|levonorgestrel; 6378|levorphanol; 6387|lidocaine; 1100699|linagliptin; 190376|linezolid; 475968|liraglutide;
    700810|lisdexamfetamine; 29046|lisinopril; 6448|lithium; 1440051|lixisenatide; 2467553|lonafarnib; 195088|lopinavir; 6470|lorazepam; 52175|losartan;
    6472|lovastatin; 6475|loxapine; 1040028|lurasidone; 6581|magnesium hydroxide; 6582|magnesium oxide; 6646|maprotiline; 6676|meclizine;
    588003|meclofenamate; 6693|mefenamic acid; 41493|meloxicam; 6754|meperidine; 6759|mepivacaine; 103|mercaptopurine; 29561|meropenem; 59078|metaxalone;
    6813|methadone; 6816|methamphetamine; 6845|methocarbamol; 6878|methylene blue; 6883|methylergonovine; 6901|methylphenidate; 6902|methylprednisolone;
    6916|metolazone; 6918|metoprolol; 6922|metronidazole; 6932|miconazole; 6960|midazolam; 588250|milnacipran; 6980|minocycline; 15996|mirtazapine;
    7004|mitotane; 30131|moexipril; 108118|mometasone; 7052|morphine; 139462|moxifloxacin; 31448|nabumetone; 7226|nadolol; 7233|nafcillin;
    7238|nalbuphine; 7258|naproxen; 141366|naratriptan; 31555|nebivolol; 31565|nefazodone; 134527|nelfinavir; 7299|neomycin; 7396|nicardipine;
    7417|nifedipine; 7426|nimodipine; 7435|nisoldipine; 4917|nitroglycerin; 42319|nizatidine; 326374|norelgestromin; 7514|norethindrone;
    31994|norgestimate; 7531|nortriptyline; 7623|ofloxacin; 61381|olanzapine; 321064|olmesartan; 1546059|olodaterol; 2059269|omadacycline;
    7646|omeprazole; 26225|ondansetron; 7715|orphenadrine; 7773|oxacillin; 32613|oxaprozin; 7781|oxazepam; 32624|oxcarbazepine; 32675|oxybutynin;
    7804|oxycodone; 7814|oxymorphone; 679314|paliperidone; 70561|palonosetron; 11473|pamidronate; 40790|pantoprazole; 32937|paroxetine; 7973|penbutolol;
    7980|penicillin G; 7984|penicillin V; 7994|pentamidine; 8001|pentazocine; 54552|perindopril; 8076|perphenazine; 33272|phendimetrazine;
    8123|phenelzine; 8134|phenobarbital; 8150|phenprocoumon; 8152|phentermine; 8183|phenytoin; 8331|pimozide; 8332|pindolol; 8339|piperacillin;
    8356|piroxicam; 861634|pitavastatin; 282446|posaconazole; 34296|potassium bicarbonate; 8591|potassium chloride; 54993|potassium citrate;
    613391|prasugrel; 42463|pravastatin; 8629|prazosin; 8638|prednisolone; 8640|prednisone; 187832|pregabalin; 8686|prilocaine; 8691|primidone;
    8698|probenecid; 8700|procainamide; 8701|procaine; 8702|procarbazine; 8745|promethazine; 8754|propafenone; 8761|propantheline; 34905|proparacaine;
    8787|propranolol; 8886|protriptyline; 8896|pseudoephedrine; 35185|quazepam; 51272|quetiapine; 35208|quinapril; 9068|quinidine; 114979|rabeprazole;
    35296|ramipril; 9143|ranitidine; 35829|ranolazine; 134748|rasagiline; 73032|remifentanil; 2102775|revefenacin; 55672|rifabutin; 9384|rifampin;
    73056|risedronate; 35636|risperidone; 85762|ritonavir; 1114195|rivaroxaban; 183379|rivastigmine; 88014|rizatriptan; 35780|ropivacaine;
    301542|rosuvastatin; 69036|rufinamide; 1922448|safinamide; 36117|salmeterol; 36108|salsalate; 83395|saquinavir; 857974|saxagliptin; 9601|scopolamine;
    9624|secobarbital; 9639|selegiline; 1991302|semaglutide; 36437|sertraline; 214824|sevelamer; 136411|sildenafil; 720825|silodosin; 36567|simvastatin;
    35302|sirolimus; 593411|sitagliptin; 322167|solifenacin; 9947|sotalol; 9997|spironolactone; 10109|streptomycin; 10156|sucralfate; 56795|sufentanil;
    10169|sulfacetamide; 10171|sulfadiazine; 10180|sulfamethoxazole; 10207|sulfisoxazole; 10237|sulindac; 37418|sumatriptan; 42316|tacrolimus;
    358263|tadalafil; 77492|tamsulosin; 787390|tapentadol; 274786|telithromycin; 73494|telmisartan; 10355|temazepam; 37798|terazosin; 10391|tetracaine;
    10395|tetracycline; 10485|thioguanine; 10502|thioridazine; 10510|thiothixene; 1116632|ticagrelor; 10591|ticarcillin; 384455|tigecycline;
    10600|timolol; 69646|tinzaparin; 69120|tiotropium; 190548|tipranavir; 2601723|tirzepatide; 57258|tizanidine; 10627|tobramycin; 10633|tolazamide;
    10635|tolbutamide; 10636|tolmetin; 119565|tolterodine; 38404|topiramate; 38413|torsemide; 10689|tramadol; 38454|trandolapril; 10734|tranylcypromine;
    10737|trazodone; 10759|triamcinolone; 10763|triamterene; 10767|triazolam; 10800|trifluoperazine; 10811|trihexyphenidyl; 10834|trimipramine;
    10849|triprolidine; 236778|trospium; 1487514|umeclidinium; 69749|valsartan; 1098413|vandetanib; 306674|vardenafil; 39786|venlafaxine; 11170|verapamil;
    1424884|vilanterol; 1086769|vilazodone; 1537034|vorapaxar; 121243|voriconazole; 1455099|vortioxetine; 11289|warfarin; 74667|zaleplon; 39954|zinc
    sulfate; 115698|ziprasidone; 77655|zoledronic acid; 135775|zolmitriptan; 39993|zolpidem; 39998|zonisamide');
select pg_temp.starter('hcpcs', '
    G0008|Administration of influenza virus vaccine; G0009|Administration of pneumococcal vaccine; G0010|Administration of hepatitis B vaccine;
    G0101|Cervical or vaginal cancer screening, pelvic and clinical breast examination; G0402|Initial preventive physical examination, face-to-face visit,
    services limited to new beneficiary during the first 12 months of Medicare enrollment; G0438|Annual wellness visit, includes a personalized prevention
    plan of service (PPS), initial visit; G0439|Annual wellness visit, includes a personalized prevention plan of service (PPS), subsequent visit;
    G0444|Annual depression screening, 15 minutes; J0696|Injection, ceftriaxone sodium, per 250 mg; J1100|Injection, dexamethasone sodium phosphate, 1 mg;
    J1885|Injection, ketorolac tromethamine, per 15 mg; J3420|Injection, vitamin B-12 cyanocobalamin, up to 1000 mcg; A0428|Ambulance service, basic life
    support, non-emergency transport, (BLS); A0429|Ambulance service, basic life support, emergency transport (BLS-emergency); E0114|Crutches underarm,
    other than wood, adjustable or fixed, pair, with pads, tips and handgrips; Q3014|Telehealth originating site facility fee; P9612|Catheterization for
    collection of specimen, single patient, all places of service');
select pg_temp.starter('place_of_service', '
    01|Pharmacy; 02|Telehealth Provided Other than in Patient''s Home; 03|School; 04|Homeless Shelter; 05|Indian Health Service Free-standing Facility;
    06|Indian Health Service Provider-based Facility; 07|Tribal 638 Free-standing Facility; 08|Tribal 638 Provider-based Facility; 09|Prison/Correctional
    Facility; 10|Telehealth Provided in Patient''s Home; 11|Office; 12|Home; 13|Assisted Living Facility; 14|Group Home; 15|Mobile Unit; 16|Temporary
    Lodging; 17|Walk-in Retail Health Clinic; 18|Place of Employment-Worksite; 19|Off Campus-Outpatient Hospital; 20|Urgent Care Facility; 21|Inpatient
    Hospital; 22|On Campus-Outpatient Hospital; 23|Emergency Room - Hospital; 24|Ambulatory Surgical Center; 25|Birthing Center; 26|Military Treatment
    Facility; 27|Outreach Site/Street; 31|Skilled Nursing Facility; 32|Nursing Facility; 33|Custodial Care Facility; 34|Hospice; 41|Ambulance - Land;
    42|Ambulance - Air or Water; 49|Independent Clinic; 50|Federally Qualified Health Center; 51|Inpatient Psychiatric Facility; 52|Psychiatric
    Facility-Partial Hospitalization; 53|Community Mental Health Center; 54|Intermediate Care Facility/Individuals with Intellectual Disabilities;
    55|Residential Substance Abuse Treatment Facility; 56|Psychiatric Residential Treatment Center; 57|Non-residential Substance Abuse Treatment Facility;
    58|Non-residential Opioid Treatment Facility; 60|Mass Immunization Center; 61|Comprehensive Inpatient Rehabilitation Facility; 62|Comprehensive
    Outpatient Rehabilitation Facility; 65|End-Stage Renal Disease Treatment Facility; 66|Programs of All-Inclusive Care for the Elderly (PACE) Center;
    71|Public Health Clinic; 72|Rural Health Clinic; 81|Independent Laboratory; 99|Other Place of Service');

drop function pg_temp.starter(text, text);

-- The runtime role may load, but no request may: whatever is done for a tenant only reads what all tenants share.
create function app.refuse_in_tenant() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(current_setting('app.context', true), '') <> '' then
        raise exception 'terminology is not written on behalf of a tenant' using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;
revoke all on function app.refuse_in_tenant() from public;
create trigger terminology_versions_shared before insert or update or delete on app.terminology_versions
    for each statement execute function app.refuse_in_tenant();
create trigger terminology_concepts_shared before insert or update or delete on app.terminology_concepts
    for each statement execute function app.refuse_in_tenant();
