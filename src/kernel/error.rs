//! One error for the whole house, free of any transport.
//!
//! A [`Code`] is stable and public: clients branch on it. Each stands once, in the table below, with the kind of failure
//! it is and the sentence that explains it. Neither a code's sentence nor a field error ever repeats a value that was
//! sent: values are where the health information is.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure, one for each way a caller can react.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request can't be read at all.
    Malformed,
    /// No valid proof of identity.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    /// Against the present state of things.
    Conflict,
    /// `If-Match` names an older version.
    Stale,
    TooLarge,
    UriTooLong,
    HeadersTooLarge,
    /// The client took too long to say what he wants.
    TooSlow,
    /// No part of the content lies in the range asked for.
    OutOfRange,
    UnsupportedMediaType,
    /// Read, and some field breaks a rule.
    Invalid,
    /// The change needs `If-Match`.
    PreconditionRequired,
    Throttled,
    /// Our fault.
    Internal,
    /// Our fault, and passing.
    Unavailable,
}

macro_rules! codes {
    ($($name:ident = $text:literal, $kind:ident, $sentence:literal;)+) => {
        /// A stable, public name for a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $sentence] $name,)+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)+ }
            }
            pub const fn kind(self) -> Kind {
                match self { $(Code::$name => Kind::$kind,)+ }
            }
            /// The sentence shown when nothing more particular is known.
            pub const fn sentence(self) -> &'static str {
                match self { $(Code::$name => $sentence,)+ }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json", Malformed, "The body is not valid JSON.";
    MalformedRequest = "malformed_request", Malformed, "The request can't be read.";
    UriTooLong = "uri_too_long", UriTooLong, "The path and its query are too long.";
    HeadersTooLarge = "headers_too_large", HeadersTooLarge, "The headers are too many or too long.";
    HeadersTimeout = "headers_timeout", TooSlow, "The request's headers did not come in time.";
    UnknownParameter = "unknown_parameter", Malformed, "The query has a parameter this operation does not know.";
    InvalidParameter = "invalid_parameter", Malformed, "A parameter has a value of the wrong form.";
    InvalidCursor = "invalid_cursor", Malformed, "The cursor is not one this query gave out.";
    InvalidHeader = "invalid_header", Malformed, "A header has a value of the wrong form.";
    TokenMissing = "token_missing", Unauthenticated, "Send an access token: Authorization: Bearer ….";
    TokenInvalid = "token_invalid", Unauthenticated, "The access token is not valid, has expired, or its session has ended.";
    CredentialsInvalid = "credentials_invalid", Unauthenticated, "Tenant, e-mail and password do not match an active account.";
    RefreshInvalid = "refresh_invalid", Unauthenticated, "The refresh token is not valid, or its session has ended.";
    Forbidden = "forbidden", Forbidden, "Your role does not permit this.";
    NotFound = "not_found", NotFound, "There is no such resource.";
    RouteNotFound = "route_not_found", NotFound, "There is no such path.";
    MethodNotAllowed = "method_not_allowed", MethodNotAllowed, "The path exists, but not with this method.";
    UnsupportedMediaType = "unsupported_media_type", UnsupportedMediaType, "Send the body as application/json (PATCH: application/merge-patch+json).";
    BodyTooLarge = "body_too_large", TooLarge, "The body is larger than this operation accepts.";
    ValidationFailed = "validation_failed", Invalid, "Some fields break a rule; see errors.";
    VersionStale = "version_stale", Stale, "The resource has changed since the version named in If-Match.";
    IfMatchRequired = "if_match_required", PreconditionRequired, "A change needs If-Match with the version it was made from.";
    IdempotencyKeyReused = "idempotency_key_reused", Conflict, "This Idempotency-Key was used before with another request.";
    RateLimited = "rate_limited", Throttled, "Too many requests; try again later.";
    UploadQuota = "upload_quota", Throttled, "The account has uploaded as much as it may in a day; quota says how much that is and until when.";
    TooManyUploads = "too_many_uploads", Throttled, "The account has as many uploads under way as it may; complete or abort one, or wait until one expires: quota says when.";
    ExportUnderWay = "export_under_way", Throttled, "The account is taking out a record; read that one to its end first.";
    Unavailable = "unavailable", Unavailable, "The service can't answer at the moment; try again.";
    DeadlineExceeded = "deadline_exceeded", Unavailable, "The request took longer than it may.";
    AuditUnavailable = "audit_unavailable", Unavailable, "The access log can't be written, so nothing is disclosed.";
    Internal = "internal", Internal, "Something went wrong on our side; the request id finds it in our log.";

    AlreadyExists = "already_exists", Conflict, "A resource with this key exists.";
    EmailTaken = "email_taken", Conflict, "An account with this e-mail exists.";
    PasswordTooWeak = "password_too_weak", Invalid, "The password is too short or too easy to guess.";
    PasswordWrong = "password_wrong", Forbidden, "The present password is not right.";
    TokenUsedOrExpired = "token_used_or_expired", Invalid, "The one-time token is not valid any more.";
    LastAdmin = "last_admin", Conflict, "A tenant keeps at least one active admin.";
    OwnAccount = "own_account", Conflict, "An admin can't take this step on his own account.";
    SlugTaken = "slug_taken", Conflict, "The code is in use.";
    InUse = "in_use", Conflict, "Others still refer to this resource.";
    IllegalTransition = "illegal_transition", Conflict, "The present status does not lead there.";
    NpiTaken = "npi_taken", Conflict, "Another provider has this NPI.";
    MrnTaken = "mrn_taken", Conflict, "Another patient has this medical record number.";
    IdentifierTaken = "identifier_taken", Conflict, "Another patient has this identifier.";
    PossibleDuplicate = "possible_duplicate", Conflict, "This person may be registered already; compare the candidates, then repeat with allow_duplicate=true.";
    PatientNotActive = "patient_not_active", Conflict, "The patient's record is not active.";
    PatientMerged = "patient_merged", Conflict, "The registration was merged into another; go on with that.";
    MergeBlocked = "merge_blocked", Conflict, "Newer rows stand in the way; nothing was moved.";
    TooFewPatients = "too_few_patients", Conflict, "Too few people are registered to learn from.";
    AlreadyMember = "already_member", Conflict, "The person is on the care team already.";
    EncounterClosed = "encounter_closed", Conflict, "The encounter is closed.";
    EncounterNotBegun = "encounter_not_begun", Conflict, "The encounter has not begun: why the patient comes stands in its reason_codes.";
    BedOccupied = "bed_occupied", Conflict, "The bed is occupied.";
    DocumentQuarantined = "document_quarantined", Conflict, "The content is in quarantine until a scanner has found it clean.";
    DocumentInfected = "document_infected", Conflict, "A scanner found the content harmful; it is not given out.";
    DocumentClosed = "document_closed", Conflict, "The document was entered in error or destroyed.";
    RangeNotSatisfiable = "range_not_satisfiable", OutOfRange, "The content does not have that range.";
    OffsetMismatch = "offset_mismatch", Conflict, "The part does not begin where the upload stands; offset says where that is.";
    UploadClosed = "upload_closed", Conflict, "The upload is completed, aborted or expired.";
    UploadIncomplete = "upload_incomplete", Conflict, "Not all of the upload has arrived; offset says how far it is.";
    LegalHoldInForce = "legal_hold", Conflict, "A legal hold is in force.";
    RetentionNotOver = "retention_not_over", Conflict, "Only what has outlived its retention, and stands in the review list, can be decided on.";
    AlreadyAttested = "already_attested", Conflict, "The provider has attested this version already.";
    NoBedForClass = "no_bed_for_class", Conflict, "Only encounters of the classes inpatient, emergency and procedure have a bed.";

    EnteredInError = "entered_in_error", Conflict, "The entry was made in error and does not change any more.";
    NeedsNoRelease = "needs_no_release", Conflict, "The patient reads it with his record: it is neither released nor withheld.";
    ReferralSent = "referral_sent", Conflict, "The referral has been sent: what was asked for does not change any more.";
    ProblemAlreadyOpen = "problem_already_open", Conflict, "The patient has an open problem with this code: amend, resolve or reactivate that one.";
    DiagnosisAlreadyCoded = "diagnosis_already_coded", Conflict, "The encounter has a diagnosis with this code.";
    RankTaken = "rank_taken", Conflict, "Another diagnosis of the encounter has this rank.";
    AlreadyPromoted = "already_promoted", Conflict, "The diagnosis stands on the problem list.";
    AllergyAlreadyActive = "allergy_already_active", Conflict, "The patient has an active allergy to this substance: amend that one.";
    AllergyContradictsStatement = "allergy_contradicts_statement", Conflict, "It is stated that the patient has no such allergy: withdraw the statement first (POST …/allergy-statements/{statement_id}/withdraw).";
    StatementContradictsAllergy = "statement_contradicts_allergy", Conflict, "The patient has active allergies the statement denies: resolve, refute or mark them as entered in error first.";
    AlreadyStated = "already_stated", Conflict, "The statement stands.";
    DoseAlreadyRecorded = "dose_already_recorded", Conflict, "A dose of this vaccine on this day is on record.";
    UnusualValue = "unusual_value", Conflict, "Some values are unusual; look at them again, then repeat with confirm=true.";
    VitalsWithdrawn = "vitals_withdrawn", Conflict, "These vital signs were marked as an error before.";
    AlreadyWaiting = "already_waiting", Conflict, "The patient waits for this service already: change that request.";
    OfferExpired = "offer_expired", Conflict, "The offer has run out; the place went to the next one.";
    AlertClosed = "alert_closed", Conflict, "The alert is not open any more.";
    NoteSigned = "note_signed", Conflict, "The note is signed and stays as it is: add an addendum or a correction.";
    NoteNotSigned = "note_not_signed", Conflict, "The note is not signed.";
    NoteRetracted = "note_retracted", Conflict, "The note was entered in error.";
    NotTheAuthor = "not_the_author", Forbidden, "Only the note's author may do this.";
    AuthorActive = "author_active", Conflict, "The author's account is active: the draft is his to sign.";
    NotTheSupervisor = "not_the_supervisor", Forbidden, "Only the supervisor who was asked may do this.";
    CosignatureOpen = "cosignature_open", Conflict, "The note still waits for its co-signature.";

    SlotTaken = "slot_taken", Conflict, "Somebody or something is occupied then; next_free says when not.";
    HoldExpired = "hold_expired", Conflict, "The hold has run out.";
    HoldClosed = "hold_closed", Conflict, "The hold was booked or released before.";
    OverbookingFull = "overbooking_full", Conflict, "The day takes no further overbooking of this service.";
    TooManyAppointments = "too_many_appointments", Conflict, "The patient has as many appointments to come as patients may book themselves.";
    TooLateToCancel = "too_late_to_cancel", Conflict, "It is too late for a patient to cancel or move it himself.";
    TooEarly = "too_early", Conflict, "It is too early for this step.";
    AppointmentClosed = "appointment_closed", Conflict, "The appointment did not take place.";
    SeriesConflicts = "series_conflicts", Conflict, "Some occurrences can't be booked; look at the preview, or repeat with skip_conflicts=true.";
    ClockInUse = "clock_in_use", Conflict, "Appointments to come were agreed on by the facility's present clock: move or cancel them first.";
    OutsideAvailability = "outside_availability", Conflict, "The time is not one that can be booked; see errors.";
    RoomOccupied = "room_occupied", Conflict, "Another patient sits in that room.";
    TooLittleHistory = "too_little_history", Conflict, "There are fewer than 42 days of history to forecast from.";
    PlanApplied = "plan_applied", Conflict, "Nothing is left of the plan to be booked.";
    PlanNotApplied = "plan_not_applied", Conflict, "A place of the plan is not free any more, so nothing of it was booked; outcomes says which.";
    PlanTooLarge = "plan_too_large", Invalid, "More appointments, people or places than one plan can hold.";
}

/// One field that breaks one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body, or `?name` for a query parameter.
    #[schema(example = "/birth_date")]
    pub pointer: String,
    /// The rule, as a stable name.
    #[schema(example = "in_the_future")]
    pub code: Cow<'static, str>,
    /// The rule, as a sentence. Never the value.
    #[schema(example = "must not lie in the future")]
    pub message: Cow<'static, str>,
}

impl FieldError {
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

/// What went wrong, in terms a caller may see, and for us the cause.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    extension: Option<(&'static str, serde_json::Value)>,
    retry_after: Option<u64>,
    replay: Option<StoredAnswer>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// An answer given before to the same `Idempotency-Key`, to be given again.
#[derive(Clone, Debug)]
pub struct StoredAnswer {
    pub status: u16,
    pub location: Option<String>,
    pub etag: Option<String>,
    pub body: Vec<u8>,
}

impl Error {
    pub fn new(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            detail: Cow::Borrowed(code.sentence()),
            fields: Vec::new(),
            extension: None,
            retry_after: None,
            replay: None,
            cause: None,
        }))
    }

    pub fn not_found() -> Self {
        Self::new(Code::NotFound)
    }

    /// One field breaks one rule.
    pub fn field(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, message)])
    }

    /// Several fields break rules.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self::new(Code::ValidationFailed).with_fields(fields)
    }

    /// Not anything the caller did. The cause goes to the log, never to the caller.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal).because(cause)
    }

    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Unavailable).because(cause)
    }

    /// Not a failure: ends the work early with the answer that was given before.
    pub fn replay(answer: StoredAnswer) -> Self {
        let mut error = Self::new(Code::AlreadyExists);
        error.0.replay = Some(answer);
        error
    }

    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Replaces the code's own sentence. Rules and field names only, no values.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// A further member of the problem document, such as the legal next steps.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.0.extension = Some((name, value));
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }
    pub fn kind(&self) -> Kind {
        self.0.code.kind()
    }
    pub fn explanation(&self) -> &str {
        &self.0.detail
    }
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }
    pub fn extension(&self) -> Option<&(&'static str, serde_json::Value)> {
        self.0.extension.as_ref()
    }
    /// Seconds after which another try makes sense.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after
    }
    pub fn stored_answer(&self) -> Option<&StoredAnswer> {
        self.0.replay.as_ref()
    }
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)?;
        for field in &self.0.fields {
            write!(f, "; {} {}", field.pointer, field.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
