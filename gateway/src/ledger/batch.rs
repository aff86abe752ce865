//! One batch: commands of many waiters, applied in one transaction.
//!
//! A command that is refused leaves nothing behind: each is judged before it changes anything, and
//! rows are kept in memory until the end. Only a failure of the database itself fails a whole batch.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::Serialize;
use veritrail_audit::Kind;

use super::{
    command::{Access, By, Denial, Job, Receipt, RecordError, Reply},
    forgetting::forget,
    log::{Draft, OpenLog, signed, unavailable},
    recorder::Shared,
};
use crate::{
    domain::Tenant,
    store::{
        Connection,
        append::{self, Appended},
        checkpoints, idempotency, institutions,
        logs::{self, Advance, Head},
        tokens, tries,
    },
    world,
};

/// The institutions that jobs name by themselves: the transaction begins with their rows in sight.
pub(super) fn named(jobs: &[Job]) -> Vec<Tenant> {
    let named: BTreeSet<Tenant> = jobs
        .iter()
        .filter_map(|job| match job {
            Job::Access(tenant, ..)
            | Job::Denied(tenant, ..)
            | Job::Deliver(tenant, ..)
            | Job::File(tenant, ..)
            | Job::Store(tenant, ..)
            | Job::Checkpoint { tenant, .. } => Some(*tenant),
            Job::Change(..)
            | Job::Sweep(..)
            | Job::UseAssertion { .. }
            | Job::UseProof { .. }
            | Job::TakeTry { .. }
            | Job::ReturnTries { .. }
            | Job::RevokeToken { .. } => None,
        })
        .collect();
    named.into_iter().collect()
}

/// A log of this batch.
pub(super) struct BatchLog {
    pub open: OpenLog,
    /// Its size when the batch began.
    pub began_at: u64,
    /// Transactions that this batch must know: stored before, or earlier in it.
    pub known: HashMap<String, super::again::Existing>,
    accesses: Vec<(Access, Reply<Receipt>)>,
    denials: Vec<(Denial, Reply<Receipt>)>,
}

/// A waiter's answer, held back until the commit.
type Answer = Box<dyn FnOnce() + Send>;

/// The batch under way.
pub(super) struct Batch<'a> {
    pub shared: &'a Shared,
    pub connection: &'a mut Connection,
    /// Rows that go to the database together, just before the commit.
    pub pending: Appended,
    pub logs: BTreeMap<Tenant, BatchLog>,
    /// Logs that could not be opened. They stay closed for this batch: what their deliveries would be
    /// judged by was not fetched.
    closed: BTreeMap<Tenant, RecordError>,
    /// Heads that are locked and not open yet.
    heads: BTreeMap<Tenant, Head>,
    pub now_us: i64,
    /// Answers under idempotency keys that were given earlier in this batch.
    pub first_answers: Vec<(Tenant, idempotency::Key, String)>,
    answers: Vec<Answer>,
}

/// What a committed batch leaves: the logs for the next one, and the answers to give.
pub(super) struct Committed {
    /// What shows whether the transaction committed, where that is in doubt.
    pub mark: Option<Mark>,
    pub logs: BTreeMap<Tenant, OpenLog>,
    pub answers: Vec<Answer>,
}

/// An entry that a batch appended: it is in the database if, and only if, the whole batch is.
pub(super) struct Mark {
    pub tenant: Tenant,
    pub seq: i64,
    pub bytes: Vec<u8>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(shared: &'a Shared, connection: &'a mut Connection) -> Self {
        Self {
            shared,
            connection,
            pending: Appended::default(),
            logs: BTreeMap::new(),
            closed: BTreeMap::new(),
            heads: BTreeMap::new(),
            now_us: shared.world.now_us(),
            first_answers: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Takes a log into the batch, from the last batch's hands if nobody else appended since.
    pub(super) async fn log(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        tenant: Tenant,
    ) -> Result<(), RecordError> {
        if self.logs.contains_key(&tenant) {
            return Ok(());
        }
        if let Some(error) = self.closed.get(&tenant) {
            return Err(error.clone());
        }
        match self.open(kept, tenant).await {
            Ok(open) => self.insert_log(open),
            Err(error) => {
                self.closed.insert(tenant, error.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    async fn open(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        tenant: Tenant,
    ) -> Result<OpenLog, RecordError> {
        if let Some(reason) = self.shared.stops.reason(tenant) {
            return Err(RecordError::Stopped(reason));
        }
        let head = match self.heads.remove(&tenant) {
            Some(head) => head,
            None => {
                self.lock(&[tenant]).await?;
                self.heads.remove(&tenant).ok_or(RecordError::Missing("institution"))?
            }
        };
        let opened = match kept.remove(&tenant) {
            Some(open) if open.is_at(&head) => Ok(open),
            Some(open) => open.catch_up(self.connection, &head).await,
            None => OpenLog::open(self.connection, self.shared.memory.as_deref(), tenant, &head).await,
        };
        if let Err(RecordError::Stopped(reason)) = &opened {
            self.shared.stops.stop(tenant, &head.origin, reason);
        }
        opened
    }

    /// Locks the heads of all logs that these jobs will append to, in one order for every process.
    pub(super) async fn lock_for(&mut self, jobs: &[Job]) -> Result<(), RecordError> {
        let (mut appended, mut touched) = (BTreeSet::new(), BTreeSet::new());
        for job in jobs {
            match job {
                Job::Access(tenant, ..)
                | Job::Denied(tenant, ..)
                | Job::Deliver(tenant, ..)
                | Job::File(tenant, ..) => {
                    appended.insert(*tenant);
                }
                Job::Change(_, change, ..) => appended.extend(self.concerned(change).await?),
                Job::Store(tenant, ..) | Job::Checkpoint { tenant, .. } => {
                    touched.insert(*tenant);
                }
                Job::Sweep(..) => {
                    let ids = institutions::all(self.connection).await.map_err(unavailable)?;
                    touched.extend(ids.into_iter().map(Tenant::vouched));
                }
                Job::UseAssertion { .. }
                | Job::UseProof { .. }
                | Job::TakeTry { .. }
                | Job::ReturnTries { .. }
                | Job::RevokeToken { .. } => {}
            }
        }
        touched.extend(&appended);
        let touched: Vec<Tenant> = touched.into_iter().collect();
        self.connection.widen(&touched).await.map_err(unavailable)?;
        self.lock(&appended.into_iter().collect::<Vec<_>>()).await
    }

    async fn lock(&mut self, tenants: &[Tenant]) -> Result<(), RecordError> {
        if tenants.is_empty() {
            return Ok(());
        }
        self.connection.widen(tenants).await.map_err(unavailable)?;
        let heads = logs::lock(self.connection, tenants).await.map_err(unavailable)?;
        self.heads.extend(heads.into_iter().map(|(id, head)| (Tenant::vouched(id), head)));
        Ok(())
    }

    pub(super) fn insert_log(&mut self, open: OpenLog) {
        let began_at = open.size();
        self.logs.insert(
            open.tenant,
            BatchLog { open, began_at, known: HashMap::new(), accesses: Vec::new(), denials: Vec::new() },
        );
    }

    /// Appends an entry to a log of this batch.
    pub(super) fn append(&mut self, tenant: Tenant, draft: Draft<'_>) -> Result<u64, RecordError> {
        let salt = world::random(&*self.shared.world);
        let log = self.logs.get_mut(&tenant).ok_or(RecordError::Missing("institution"))?;
        log.open.append(&mut self.pending, self.now_us, salt, draft)
    }

    pub(super) fn open_log(&mut self, tenant: Tenant) -> Result<&mut BatchLog, RecordError> {
        self.logs.get_mut(&tenant).ok_or(RecordError::Missing("institution"))
    }

    /// Applies one job. What it answers is held back until the commit.
    ///
    /// # Errors
    /// Only when the database fails, which fails the batch.
    pub(super) async fn apply(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        job: Job,
    ) -> Result<(), RecordError> {
        match job {
            Job::Access(tenant, access, reply) => match self.log(kept, tenant).await {
                Ok(()) => self.open_log(tenant)?.accesses.push((access, reply)),
                Err(error) => self.settle(reply, Err(error))?,
            },
            Job::Denied(tenant, denial, reply) => match self.log(kept, tenant).await {
                Ok(()) => self.open_log(tenant)?.denials.push((denial, reply)),
                Err(error) => self.settle(reply, Err(error))?,
            },
            Job::Deliver(tenant, delivery, reply) => {
                let result = match self.log(kept, tenant).await {
                    Ok(()) => self.deliver(tenant, delivery).await,
                    Err(error) => Err(error),
                };
                self.settle(reply, result)?;
            }
            Job::File(tenant, filing, reply) => {
                let result = match self.log(kept, tenant).await {
                    Ok(()) => self.file(tenant, filing).await,
                    Err(error) => Err(error),
                };
                self.settle(reply, result)?;
            }
            Job::Store(tenant, rows, reply) => {
                let result = self.store(tenant, rows).await;
                self.settle(reply, result)?;
            }
            Job::Change(by, change, idempotency, reply) => {
                let result = self.change_once(kept, &by, change, idempotency).await;
                self.settle(reply, result)?;
            }
            Job::Checkpoint { tenant, size, note, reply } => {
                let now = self.now_us;
                let done = checkpoints::insert(self.connection, tenant, signed(size), &note, now).await;
                self.settle(reply, done.map_err(unavailable))?;
            }
            Job::UseAssertion { client, jti, expires_at_us, reply } => {
                let done = tokens::use_assertion(self.connection, client, &jti, expires_at_us).await;
                self.settle(reply, done.map_err(unavailable))?;
            }
            Job::UseProof { proof, expires_at_us, reply } => {
                let done = tokens::use_proof(self.connection, proof, expires_at_us).await;
                self.settle(reply, done.map_err(unavailable))?;
            }
            Job::TakeTry { key, pace, reply } => {
                let done = tries::take(self.connection, &key, pace, self.now_us).await;
                self.settle(reply, done.map_err(unavailable))?;
            }
            Job::ReturnTries { key, every_us, reply } => {
                let done = match every_us {
                    Some(every_us) => tries::give_back(self.connection, &key, every_us).await,
                    None => tries::forget(self.connection, &key).await,
                };
                self.settle(reply, done.map_err(unavailable))?;
            }
            Job::RevokeToken { jti, expires_at_us, reply } => {
                let done = tokens::revoke(self.connection, &jti, expires_at_us).await;
                self.settle(reply, done.map_err(unavailable))?;
            }
            Job::Sweep(reply) => {
                let done = forget(self.connection, self.now_us).await;
                self.settle(reply, done.map_err(unavailable))?;
            }
        }
        Ok(())
    }

    /// Holds an answer back. An answer that is our own failure fails the batch instead: its reply
    /// and all others are dropped, which tells their waiters.
    fn settle<T: Send + 'static>(
        &mut self,
        reply: Reply<T>,
        result: Result<T, RecordError>,
    ) -> Result<(), RecordError> {
        if let Err(RecordError::Unavailable(why)) = result {
            return Err(RecordError::Unavailable(why));
        }
        // The waiter may have hung up; what was recorded stays recorded.
        self.answers.push(Box::new(move || drop(reply.send(result))));
        Ok(())
    }

    /// Writes everything and leaves the transaction ready to be committed.
    pub(super) async fn flush(&mut self) -> Result<(), RecordError> {
        for tenant in self.logs.keys().copied().collect::<Vec<_>>() {
            self.coalesce(tenant)?;
        }
        for (tenant, key, outcome) in &self.first_answers {
            let kept = idempotency::insert(self.connection, *tenant, key, outcome, self.now_us).await;
            kept.map_err(unavailable)?;
        }
        let grown = self.logs.iter().filter(|(_, log)| log.open.size() > log.began_at);
        self.pending.moves = grown
            .map(|(tenant, log)| Advance {
                tenant: *tenant,
                seen_size: signed(log.began_at),
                head: log.open.head(),
            })
            .collect();
        if !append::append(self.connection, &self.pending).await.map_err(unavailable)? {
            return Err(unavailable("somebody else appended to the log within this transaction"));
        }
        Ok(())
    }

    /// Makes one entry of all looks, and one of all refusals, that this batch has for a log.
    fn coalesce(&mut self, tenant: Tenant) -> Result<(), RecordError> {
        let log = self.open_log(tenant)?;
        let (accesses, denials) = (std::mem::take(&mut log.accesses), std::mem::take(&mut log.denials));
        let origin: Arc<str> = log.open.origin.as_str().into();
        if !accesses.is_empty() {
            let (looks, replies): (Vec<_>, Vec<_>) = accesses.into_iter().unzip();
            #[derive(Serialize)]
            struct Payload {
                accesses: Vec<Access>,
            }
            let by = by_of(looks.iter().map(|look| (look.actor.as_str(), Some(look.request.as_str()))));
            let seq = self.append_listed(tenant, Kind::Access, &by, &Payload { accesses: looks })?;
            self.answer_all(replies, &origin, seq);
        }
        if !denials.is_empty() {
            let (refusals, replies): (Vec<_>, Vec<_>) = denials.into_iter().unzip();
            let by = by_of(refusals.iter().map(|denial| (denial.actor.as_str(), denial.request.as_deref())));
            let seq = self.append_listed(tenant, Kind::Denied, &by, &counted(refusals))?;
            self.answer_all(replies, &origin, seq);
        }
        Ok(())
    }

    fn append_listed(
        &mut self,
        tenant: Tenant,
        kind: Kind,
        by: &By,
        payload: &impl Serialize,
    ) -> Result<u64, RecordError> {
        let payload = serde_json::to_vec(payload).map_err(unavailable)?;
        self.append(tenant, Draft { kind, by, subject: None, payload })
    }

    fn answer_all(&mut self, replies: Vec<Reply<Receipt>>, origin: &Arc<str>, seq: u64) {
        for reply in replies {
            let origin = Arc::clone(origin);
            self.answers.push(Box::new(move || {
                drop(reply.send(Ok(Receipt { origin: origin.to_string(), seq })));
            }));
        }
    }

    /// The batch is durable: hands the logs on and the answers out.
    pub(super) fn committed(self) -> Committed {
        let first = self.pending.entries.into_iter().next();
        Committed {
            mark: first.map(|entry| Mark { tenant: entry.tenant, seq: entry.seq, bytes: entry.bytes }),
            logs: self.logs.into_iter().map(|(tenant, log)| (tenant, log.open.trimmed())).collect(),
            answers: self.answers,
        }
    }
}

/// An entry that lists one caller's doings names it; one that lists several names the service.
fn by_of<'a>(mut listed: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> By {
    let Some((actor, request)) = listed.next() else { return By::service() };
    let mut by = By { actor: actor.to_owned(), request: request.map(ToOwned::to_owned) };
    for (other, _) in listed {
        by.request = None;
        if other != by.actor {
            return By::service();
        }
    }
    by
}

#[derive(Serialize)]
struct Denials {
    denials: Vec<Denial>,
}

/// Like refusals are counted, so that a flood of them fills nothing.
fn counted(denials: Vec<Denial>) -> Denials {
    let mut counted: Vec<Denial> = Vec::new();
    let mut places: HashMap<Denial, usize> = HashMap::new();
    for denial in denials {
        if let Some(place) = places.get(&denial) {
            counted[*place].count += denial.count;
        } else {
            places.insert(denial.clone(), counted.len());
            counted.push(denial);
        }
    }
    Denials { denials: counted }
}
