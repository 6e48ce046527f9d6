//! Transactions. Only this file begins one.
//!
//! `BEGIN` and the context go to the database as one message, before any statement: tenant, user, role, scope. The values
//! are typed and rendered here (identifiers, words of an enum); no text from a request is ever among them.
//!
//! A [`CallerTx`] belongs to a request that passed its permission check; a [`SystemTx`] to work nobody asked for over
//! HTTP (login before there is a caller, imports, sealing). Both are a [`TenantTx`] to a store.
//!
//! Traps: a read does not wait for its end (dropping it rolls back in the background), because it has nothing to lose;
//! a write that is dropped is rolled back too, so an early `?` never leaves half a change.

use std::any::Any;
use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};

use kernel::ids::{PatientId, RequestId, TenantId, UserId};
use kernel::{Code, Error, Result};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use super::Db;
use super::memo::Memo;
use super::turns::Turn;
use crate::access::{Ctx, Disclosure, Effect, Permission, Scope};
use crate::audit::{self, AccessRecord, Action, Subject};
use crate::http::{Answer, Download, FileContent, MadeContent};

/// A transaction in which every statement runs as one tenant.
#[derive(Debug)]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    /// After the transaction, so that it is dropped after it.
    turn: Turn,
    tenant: TenantId,
    memo: Memo,
}

/// What `SET LOCAL app.context` says.
pub(crate) struct Context {
    pub tenant: TenantId,
    pub user: Option<UserId>,
    pub role: &'static str,
    pub scope: Scope,
    pub patient: Option<PatientId>,
    pub request: Option<RequestId>,
    /// Whether all its statements see the same snapshot.
    pub one_snapshot: bool,
    /// Whether plans made once are kept, whatever is asked for.
    pub kept_plans: bool,
}

impl Context {
    /// The six words, which the database reads by their places (migration 0001). For a read: the request is not among them,
    /// only the history wants it.
    pub(super) fn words(&self) -> String {
        let mut words = String::with_capacity(160);
        self.write(Effect::Reads, &mut words);
        words
    }

    fn write(&self, effect: Effect, words: &mut String) {
        let _ = write!(
            words,
            "{} {} {} ",
            self.tenant,
            self.role,
            self.scope.as_str()
        );
        if let Some(user) = self.user {
            let _ = write!(words, "{user}");
        }
        words.push(' ');
        if let Some(patient) = self.patient {
            let _ = write!(words, "{patient}");
        }
        words.push(' ');
        if let (Effect::Writes, Some(request)) = (effect, self.request) {
            let _ = write!(words, "{request}");
        }
    }
}

impl TenantTx {
    pub(crate) async fn begin(db: &Db, context: &Context, effect: Effect) -> Result<Self> {
        let mut turn = db.turns(context.tenant).take().await?;
        let head = head(context, effect);
        let tx = match turn.inherit() {
            Some(open) => begun_again(open, &head).await,
            None => begun(db.of(context.tenant).clone(), head).await,
        }?;
        Ok(Self {
            tx,
            turn,
            tenant: context.tenant,
            memo: Memo::default(),
        })
    }

    /// The tenant, to be bound in every statement on his tables.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for a store.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// What a feature has looked up in this transaction, in a type of its own.
    pub fn memo<T: Default + Any + Send + Sync>(&mut self) -> &mut T {
        self.memo.of()
    }

    async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        Ok(())
    }

    /// Ends a read. What it saw is not kept for it: who comes next ends the transaction.
    fn hand_on(self) {
        let Self { tx, turn, .. } = self;
        turn.hand_on(tx);
    }
}

/// `BEGIN` and the context.
fn head(context: &Context, effect: Effect) -> String {
    let mut head = String::with_capacity(240);
    head.push_str(match effect {
        Effect::Reads => "begin read only",
        Effect::Writes => "begin",
    });
    if context.one_snapshot {
        head.push_str(" isolation level repeatable read");
    }
    // Such reads are of one patient, over many months: planning them anew each time costs more than reading.
    if context.one_snapshot || context.kept_plans {
        head.push_str("; set local plan_cache_mode = force_generic_plan");
    }
    head.push_str("; set local app.context = '");
    context.write(effect, &mut head);
    head.push('\'');
    head
}

/// Ends the transaction that was handed on and begins the next one, in one message. Dropped half-way it is still a
/// transaction that knows it is open, and is rolled back.
async fn begun_again(
    mut open: Transaction<'static, Postgres>,
    head: &str,
) -> Result<Transaction<'static, Postgres>> {
    sqlx::raw_sql(AssertSqlSafe(format!("rollback; {head}")))
        .execute(&mut *open)
        .await?;
    Ok(open)
}

/// Begins in a task of its own. A request may be dropped at any moment, when its client hangs up or its time is over; a
/// `BEGIN` dropped half-way would go back to the pool begun, and the next request would run inside a stranger's
/// transaction. The task goes on to its end, and what nobody waits for any more is rolled back.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that begins transactions"
)]
async fn begun(pool: PgPool, head: String) -> Result<Transaction<'static, Postgres>> {
    let begin = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(head)).await });
    Ok(begin.await.map_err(Error::unavailable)??)
}

/// The transaction of a caller who may do what he asked for.
pub struct CallerTx {
    tx: TenantTx,
    ctx: Ctx,
    permission: Permission,
}

impl CallerTx {
    pub(crate) fn new(tx: TenantTx, ctx: Ctx, permission: Permission) -> Self {
        Self {
            tx,
            ctx,
            permission,
        }
    }

    /// Ends a change: its access records, the answer kept for a repeated request, and the work become durable together.
    pub async fn commit<T: serde::Serialize>(
        mut self,
        disclosure: Disclosure<T>,
    ) -> Result<Answer<T>> {
        let (answer, subjects) = Answer::prepare(&disclosure)?;
        let records = self.ctx.records(self.permission, &disclosure, &subjects);
        audit::insert(self.tx.conn(), &records).await?;
        if let Some(key) = self.ctx.idempotency() {
            key.keep(&mut self.tx, self.ctx.user(), &answer, &subjects)
                .await?;
        }
        self.tx.commit().await?;
        self.ctx.note_receipt();
        Ok(answer)
    }

    /// Ends a read: hands the connection on, then waits until the access log holds who was shown what.
    pub async fn finish<T: serde::Serialize>(self, disclosure: Disclosure<T>) -> Result<Answer<T>> {
        let Self {
            tx,
            ctx,
            permission,
        } = self;
        if permission.effect() == Effect::Writes {
            return Err(Error::internal("a write ends with commit"));
        }
        tx.hand_on();
        ctx.disclose(permission, disclosure).await
    }

    /// Ends a read of content: waits until the access log holds who was given what; only then may its first byte leave.
    pub async fn finish_file(
        self,
        disclosure: Disclosure<()>,
        content: FileContent,
    ) -> Result<Download> {
        self.finish(disclosure).await?;
        Ok(Download::new(content))
    }

    /// As [`finish_file`](Self::finish_file) for content that is made while it goes out.
    pub async fn finish_made(
        self,
        disclosure: Disclosure<()>,
        content: MadeContent,
    ) -> Result<Download> {
        self.finish(disclosure).await?;
        Ok(Download::made(content))
    }

    /// Ends a rehearsal: undoes the work, then waits until the access log holds who was shown what it would have done.
    pub async fn finish_undone<T: serde::Serialize>(
        self,
        disclosure: Disclosure<T>,
    ) -> Result<Answer<T>> {
        let Self {
            tx,
            ctx,
            permission,
        } = self;
        tx.tx.rollback().await?;
        ctx.disclose(permission, disclosure).await
    }

    /// Ends work that is refused with an error which shows something: undoes it, and waits until the access log holds who was
    /// shown whom. Returns the error to answer with, which is another one if the log could not be written.
    pub async fn refuse_disclosing(
        self,
        error: Error,
        resource: &'static str,
        subjects: &[Subject],
    ) -> Error {
        let Self { tx, ctx, .. } = self;
        drop(tx);
        let shown = subjects.iter().map(|subject| (resource, *subject));
        let records = ctx.showing(Action::Search, shown);
        match ctx.app().access_log.write(records).await {
            Ok(()) => error,
            Err(unrecorded) => unrecorded,
        }
    }
}

impl Deref for CallerTx {
    type Target = TenantTx;
    fn deref(&self) -> &TenantTx {
        &self.tx
    }
}

impl DerefMut for CallerTx {
    fn deref_mut(&mut self) -> &mut TenantTx {
        &mut self.tx
    }
}

/// The transaction of the system itself, in one tenant, seeing all his patients. Policies call it `system`.
#[derive(Debug)]
pub struct SystemTx(TenantTx);

impl SystemTx {
    pub async fn begin(db: &Db, tenant: TenantId) -> Result<Self> {
        Self::on_behalf_of(db, tenant, None, None).await
    }

    /// As [`begin`](Self::begin), with the account whose action it is, for the history.
    pub async fn on_behalf_of(
        db: &Db,
        tenant: TenantId,
        user: Option<UserId>,
        request: Option<RequestId>,
    ) -> Result<Self> {
        let context = Context {
            tenant,
            user,
            role: "system",
            scope: Scope::Organization,
            patient: None,
            request,
            one_snapshot: false,
            kept_plans: false,
        };
        TenantTx::begin(db, &context, Effect::Writes)
            .await
            .map(Self)
    }

    /// What follows is the action of this account, for whoever writes what several people have done. What waits for the end of the
    /// transaction is done first: it follows from what was done until now, and is told of as the action of who did that.
    pub async fn speak_for(&mut self, user: Option<UserId>) -> Result<()> {
        let context = Context {
            tenant: self.0.tenant,
            user,
            role: "system",
            scope: Scope::Organization,
            patient: None,
            request: None,
            one_snapshot: false,
            kept_plans: false,
        };
        let mut words =
            "set constraints all immediate; set constraints all deferred; set local app.context = '"
                .to_owned();
        context.write(Effect::Writes, &mut words);
        words.push('\'');
        sqlx::raw_sql(AssertSqlSafe(words))
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Adds access records to the transaction, as an import does for the charts it fills.
    pub async fn record(&mut self, records: &[AccessRecord]) -> Result<()> {
        if records
            .iter()
            .any(|record| record.tenant_id != self.0.tenant.0)
        {
            return Err(Error::new(Code::Internal));
        }
        audit::insert(self.0.conn(), records).await
    }

    pub async fn commit(self) -> Result<()> {
        self.0.commit().await
    }
}

impl Deref for SystemTx {
    type Target = TenantTx;
    fn deref(&self) -> &TenantTx {
        &self.0
    }
}

impl DerefMut for SystemTx {
    fn deref_mut(&mut self) -> &mut TenantTx {
        &mut self.0
    }
}

/// The sealer's transaction: sees the access log of every tenant, and nothing else of theirs. Belongs to no tenant.
#[derive(Debug)]
pub(crate) struct SealerTx(Transaction<'static, Postgres>);

impl SealerTx {
    /// To seal. Each statement sees what was committed before it, so that a bound taken first holds for the next.
    pub(crate) async fn to_seal(db: &Db) -> Result<Self> {
        Self::begin(db, "begin isolation level read committed; set local statement_timeout = '10min'; set local plan_cache_mode = force_custom_plan").await
    }

    /// To verify: one snapshot, nothing can be written, and it may take as long as the log is long.
    pub(crate) async fn to_verify(db: &Db) -> Result<Self> {
        Self::begin(db, "begin isolation level repeatable read read only; set local statement_timeout = 0; set local plan_cache_mode = force_custom_plan").await
    }

    async fn begin(db: &Db, head: &'static str) -> Result<Self> {
        Ok(Self(begun(db.sealer().clone(), head.to_owned()).await?))
    }

    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.0.commit().await?;
        Ok(())
    }
}
