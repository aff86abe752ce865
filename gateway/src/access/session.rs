//! Sessions: people who are signed in.
//!
//! A browser has a random id; the database has its hash. A session ends when it is not used for a while, at the
//! latest some hours after it began, when its person signs out, changes their password or is disabled. It gets a
//! new id whenever somebody signs in, so that nobody can put one of his own in another's browser and wait.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use veritrail_audit::Kind;

use super::{Caller, Context, Door, OnBehalf, caller::Reach, grants::Sight};
use crate::{
    domain::{Actor, ClientKind, InstitutionId, Role, Scope, Tenant, UserId},
    error::Problem,
    ledger::{
        By, RecordError,
        command::{Filing, Rows},
    },
    store::{institutions, sessions, users},
    world::random,
};

/// The cookie that carries a session's id. Its prefix has browsers hold it to this host, to `https` and to
/// the whole of it (RFC 6265bis section 4.1.3.2).
pub const COOKIE: &str = "__Host-session";
/// Use of a session is noted when it was noted this long ago.
const NOTE_EVERY_US: i64 = 60 * 1_000_000;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// By which they sign in.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whose employee: an institution, or the provider for people of neither.
    pub home: InstitutionId,
    /// Its name.
    pub home_name: String,
    /// When the session ends at the latest, in microseconds since the Unix epoch.
    pub expires_at_us: i64,
    /// Whether they have a second factor.
    pub has_second_factor: bool,
    /// Whether they must set up a second factor before anything else.
    pub must_set_up: bool,
    /// The hash of its id.
    pub(super) id: [u8; 32],
    plan: String,
}

/// Where somebody who is signed in looks around: on whose behalf requests are made, and at whom they look.
#[derive(Clone, Debug)]
pub struct Stay {
    /// For requests from inside.
    pub on_behalf: OnBehalf,
    /// The institution that is looked at, and its name; none for an operator or a regulator who named none,
    /// or one that they may not see.
    pub institution: Option<(InstitutionId, String)>,
    /// What a regulator's look rests on.
    pub grant: Option<Edge>,
}

/// The edge of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When it ends, in microseconds since the Unix epoch.
    pub ends_at_us: i64,
    /// Why it was given.
    pub purpose: String,
}

/// A session that began: what the browser is to keep.
#[derive(Debug)]
pub struct Begun {
    /// The cookie's value.
    pub cookie: String,
    /// Seconds that it is good for at most.
    pub max_age_s: i64,
}

/// The hash that a cookie's session is stored under; none if it can't be one of ours.
pub(super) fn hash_of(cookie: &str) -> Option<[u8; 32]> {
    let id = URL_SAFE_NO_PAD.decode(cookie).ok().filter(|id| id.len() == 32)?;
    Some(Sha256::digest(id).into())
}

impl Door {
    /// The session behind a cookie, if it still holds.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>, Problem> {
        let Some(id) = hash_of(cookie) else { return Ok(None) };
        let found = sessions::find(&mut self.db.directory().await?, &id).await?;
        let Some(found) = found else { return Ok(None) };
        let (now_us, settings) = (self.world.now_us(), &self.people.settings);
        if found.expires_at_us <= now_us || found.seen_at_us + settings.idle_us <= now_us {
            return Ok(None);
        }
        let home = InstitutionId::from_uuid(found.institution_id);
        if now_us - found.seen_at_us >= NOTE_EVERY_US {
            self.saw(home, id);
        }
        let role = Role::parse(&found.role).ok_or_else(|| Problem::internal("an unknown role"))?;
        let by_password = found.factors.starts_with("password");
        Ok(Some(Session {
            user: UserId::from_uuid(found.user_id),
            name: found.name,
            email: found.email,
            role,
            home,
            home_name: found.home_name,
            expires_at_us: found.expires_at_us,
            has_second_factor: found.has_totp,
            must_set_up: by_password && !found.has_totp && settings.second_factor.contains(&role),
            id,
            plan: found.plan,
        }))
    }

    /// Notes that a session is used, while nobody waits for it.
    fn saw(&self, home: InstitutionId, id: [u8; 32]) {
        let recorder = self.recorder.clone();
        tokio::spawn(async move {
            let rows: Rows = Box::new(move |connection, at| {
                Box::pin(async move { Ok(sessions::saw(connection, &id, at.at_us).await?) })
            });
            if let Err(error) = recorder.store(Tenant::vouched(home), rows).await {
                tracing::warn!(%error, "the use of a session could not be noted");
            }
        });
    }

    /// Somebody's stay at an institution: the one named, or their own.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub async fn stay(
        &self,
        session: &Session,
        named: Option<InstitutionId>,
        address: IpAddr,
    ) -> Result<Stay, Problem> {
        let mut grant = None;
        let (kind, reach, scopes, institution) = match session.role {
            Role::ComplianceOfficer | Role::IntegrationEngineer => {
                let home = Some((session.home, session.home_name.clone()));
                (ClientKind::System, Reach::Own, session.role.scopes().to_vec(), home)
            }
            Role::Operator => {
                let institution = match named {
                    Some(id) => institutions::get(&mut self.db.directory().await?, id).await?,
                    None => None,
                };
                let institution = institution.filter(|row| row.role == "institution");
                let institution = institution.map(|row| (InstitutionId::from_uuid(row.id), row.name));
                (ClientKind::Operator, Reach::All, session.role.scopes().to_vec(), institution)
            }
            // A regulator sees what live grants name.
            Role::Regulator => {
                let sight = match named {
                    Some(id) => self.sight_of(session.user, id, self.world.now_us()).await?,
                    None => None,
                };
                match sight {
                    Some(Sight { institution, mut scopes, edge }) => {
                        grant = Some(edge);
                        scopes.push(Scope::GrantedRead);
                        (ClientKind::Operator, Reach::Some(vec![institution.0]), scopes, Some(institution))
                    }
                    // Which grants they have they may always ask.
                    None => (ClientKind::Operator, Reach::Some(Vec::new()), vec![Scope::GrantedRead], None),
                }
            }
        };
        let caller = Caller {
            actor: Actor::User(session.user),
            home: session.home,
            kind,
            scopes,
            reach,
            plan: session.plan.clone(),
            networks: Arc::default(),
        };
        Ok(Stay { on_behalf: OnBehalf { caller, address }, institution, grant })
    }

    /// Notes who asks for a page, and whose log tells of it if it is refused.
    pub fn know_visitor(&self, context: &Context, stay: &Stay) {
        let caller = &stay.on_behalf.caller;
        let log = stay.institution.as_ref().map_or_else(|| caller.home_log(), |(id, _)| Tenant::vouched(*id));
        context.know(caller.clone(), log);
    }

    /// Begins a session of somebody as they were checked, and ends the one that the browser had.
    ///
    /// # Errors
    /// 409 when the person was disabled meanwhile or proves who they are otherwise now, or the code was used before.
    pub(super) async fn begin(
        &self,
        context: &Context,
        user: &users::User,
        (factors, code): (String, Option<users::Code>),
        before: Option<&str>,
    ) -> Result<Begun, Problem> {
        let id: [u8; 32] = random(&*self.world);
        let before = before.and_then(hash_of);
        let (user_id, whole_us) = (UserId::from_uuid(user.id), self.people.settings.whole_us);
        let address = context.address.to_string();
        let said = json!({"action": "user.sign_in", "address": &address, "factors": &factors});
        let checked = user.credentials();
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                let user = users::get(connection, user_id).await?;
                let user = user.filter(|user| user.disabled_at_us.is_none());
                let user = user.ok_or(RecordError::Conflict("the person is disabled"))?;
                // Whoever changes any of it ends all sessions; this one must not begin after that.
                if user.credentials() != checked {
                    return Err(RecordError::Conflict("what was checked was changed meanwhile"));
                }
                if let Some(code) = code
                    && !users::use_code(connection, user_id, &code).await?
                {
                    return Err(RecordError::Conflict("the code was used before"));
                }
                if let Some(before) = before {
                    sessions::end(connection, &before, None).await?;
                }
                let row = sessions::Session {
                    id_sha256: Sha256::digest(id).to_vec(),
                    user_id: user_id.uuid(),
                    created_at_us: at.at_us,
                    seen_at_us: at.at_us,
                    expires_at_us: at.at_us + whole_us,
                    factors,
                    address,
                };
                Ok(sessions::insert(connection, &row).await?)
            })
        });
        let home = InstitutionId::from_uuid(user.institution_id);
        self.file_of(context, (user_id, home), &said, rows).await?;
        Ok(Begun { cookie: URL_SAFE_NO_PAD.encode(id), max_age_s: whole_us / 1_000_000 })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it can't be recorded; then it has not ended.
    pub async fn sign_out(&self, context: &Context, session: &Session) -> Result<(), Problem> {
        let (id, said) = (session.id, json!({"action": "user.sign_out"}));
        let rows: Rows = Box::new(move |connection, _| {
            Box::pin(async move {
                sessions::end(connection, &id, None).await?;
                Ok(())
            })
        });
        self.file_of(context, (session.user, session.home), &said, rows).await
    }

    /// Records what somebody does to their own sessions, on the log of their home.
    pub(super) async fn file_of(
        &self,
        context: &Context,
        (user, home): (UserId, InstitutionId),
        said: &serde_json::Value,
        rows: Rows,
    ) -> Result<(), Problem> {
        let filing = Filing {
            by: By { actor: user.to_string(), request: Some(context.request_id.clone()) },
            kind: Kind::Grant,
            subject: ("user", user.to_string()),
            payload: said.to_string().into_bytes(),
            rows,
            idempotency: None,
        };
        let recorder = self.recorder.clone();
        Self::whole(async move { recorder.file(Tenant::vouched(home), filing).await }).await?;
        Ok(())
    }
}
