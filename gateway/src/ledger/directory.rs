//! What operators change: institutions, clients, plans. Each change is an entry on the log that it
//! concerns, and the provider's own log lists them all.

use std::collections::BTreeMap;

use serde::Serialize;
use veritrail_audit::{Kind, Subject, empty_root, genesis_prev};

use super::{
    batch::Batch,
    clients::name_of,
    command::{By, Change, Changed, Onboarding, Receipt, RecordError},
    log::{Draft, OpenLog, unavailable},
};
use crate::{
    domain::{
        Tenant,
        id::{ClientId, InstitutionId, UserId},
        jwk,
    },
    store::{clients, idempotency, institutions, logs, plans, users},
};

/// What a change's entry says. Field order is canonical.
#[derive(Serialize)]
struct ChangePayload<'a> {
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ChangedClient<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    institution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quotas: Option<Quotas>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<ChangedUser<'a>>,
}

#[derive(Serialize)]
struct ChangedUser<'a> {
    email: &'a str,
    id: String,
    name: &'a str,
    role: &'a str,
}

#[derive(Serialize)]
struct ChangedClient<'a> {
    id: String,
    kind: &'a str,
    name: &'a str,
    reach: &'a str,
    scopes: &'a str,
}

#[derive(Serialize)]
struct Quotas {
    client_burst: u32,
    client_per_second: u32,
    institution_burst: u32,
    institution_per_second: u32,
}

impl ChangePayload<'_> {
    fn new(action: &'static str) -> Self {
        Self {
            action,
            change: None,
            client: None,
            institution: None,
            name: None,
            plan: None,
            quotas: None,
            user: None,
        }
    }
}

impl Batch<'_> {
    /// Makes a change, unless it was made before under the same idempotency key.
    pub(super) async fn change_once(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        change: Change,
        idempotency: Option<idempotency::Key>,
    ) -> Result<Changed, RecordError> {
        let Some(key) = idempotency else {
            let made = change.makes();
            return Ok(Changed { receipt: self.change(kept, by, change).await?, made, replayed: false });
        };
        let provider = self.provider().await?;
        if let Some(first) = self.first_answer::<Changed>(provider, Some(&key)).await? {
            return Ok(Changed { replayed: true, ..first });
        }
        let made = change.makes();
        let changed = Changed { receipt: self.change(kept, by, change).await?, made, replayed: false };
        let outcome = serde_json::to_string(&changed).map_err(unavailable)?;
        self.first_answers.push((provider, key, outcome));
        Ok(changed)
    }

    /// The logs that a change will be recorded on.
    pub(super) async fn concerned(&mut self, change: &Change) -> Result<Vec<Tenant>, RecordError> {
        let concerned = match change {
            // Its log is made by the change.
            Change::SetUp(..) => return Ok(Vec::new()),
            Change::Onboard(_) | Change::PutPlan(_) => None,
            Change::Enrol(client) => Some(client.institution_id),
            Change::RevokeClient(id) => self.home_of(*id).await?,
            Change::AlterClient(alteration) => self.home_of(alteration.client).await?,
            Change::SetPlan(id, _) => Some(id.uuid()),
            Change::AddUser(user) => Some(user.institution_id),
            Change::AlterUser(id, _) => {
                let user = users::get(self.connection, *id).await.map_err(unavailable)?;
                user.map(|user| user.institution_id)
            }
        };
        let provider = institutions::provider(self.connection).await.map_err(unavailable)?;
        let concerned = concerned.map(InstitutionId::from_uuid);
        Ok(provider.into_iter().chain(concerned).map(Tenant::vouched).collect())
    }

    async fn home_of(&mut self, id: ClientId) -> Result<Option<uuid::Uuid>, RecordError> {
        let client = clients::get(self.connection, id).await.map_err(unavailable)?;
        Ok(client.map(|client| client.institution_id))
    }

    async fn provider(&mut self) -> Result<Tenant, RecordError> {
        let provider = institutions::provider(self.connection).await.map_err(unavailable)?;
        provider.map(Tenant::vouched).ok_or(RecordError::Missing("provider"))
    }

    /// Makes a change and records it; the receipt is that of the provider's log. None when nothing changes.
    async fn change(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        change: Change,
    ) -> Result<Option<Receipt>, RecordError> {
        // A log that can't be appended to refuses the change before anything is written.
        if !matches!(change, Change::SetUp(..)) {
            let provider = self.provider().await?;
            self.log(kept, provider).await?;
        }
        let receipt = match change {
            Change::AlterClient(alteration) => return self.alter_client(kept, by, *alteration).await,
            Change::SetPlan(id, plan) => return self.set_plan(kept, by, id, &plan).await,
            Change::SetUp(plan, provider) => {
                plans::put(self.connection, &plan).await.map_err(unavailable)?;
                self.onboard(kept, by, provider).await
            }
            Change::Onboard(onboarding) => self.onboard(kept, by, onboarding).await,
            Change::Enrol(client) => self.enrol(kept, by, &client).await,
            Change::AddUser(user) => self.add_user(kept, by, &user).await,
            Change::AlterUser(id, change) => self.alter_user(kept, by, id, change).await,
            Change::RevokeClient(id) => self.revoke_client(kept, by, id).await,
            Change::PutPlan(plan) => {
                plans::put(self.connection, &plan).await.map_err(unavailable)?;
                let quotas = Quotas {
                    client_burst: plan.client_burst,
                    client_per_second: plan.client_per_second,
                    institution_burst: plan.institution_burst,
                    institution_per_second: plan.institution_per_second,
                };
                let changed = ChangePayload {
                    plan: Some(&plan.name),
                    quotas: Some(quotas),
                    ..ChangePayload::new("plan.put")
                };
                self.record_change(kept, by, None, &changed, None).await
            }
        };
        receipt.map(Some)
    }

    async fn onboard(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        new: Onboarding,
    ) -> Result<Receipt, RecordError> {
        if !self.plan_exists(&new.plan).await? {
            return Err(RecordError::Unknown("plan"));
        }
        if new.provider && institutions::provider(self.connection).await.map_err(unavailable)?.is_some() {
            return Err(RecordError::Conflict("the provider is set up already"));
        }
        let row = institutions::Institution {
            id: new.id.uuid(),
            name: new.name.clone(),
            role: if new.provider { "provider" } else { "institution" }.to_owned(),
            plan: new.plan.clone(),
            created_at_us: self.now_us,
        };
        institutions::insert(self.connection, &row).await.map_err(unavailable)?;
        let tenant = self.open_new_log(by, new.id).await?;
        let changed = ChangePayload {
            institution: Some(new.id.to_string()),
            name: Some(&new.name),
            plan: Some(&new.plan),
            ..ChangePayload::new("institution.onboard")
        };
        self.record_change(kept, by, (!new.provider).then_some(tenant), &changed, None).await
    }

    /// Opens a log; its first entry names its origin and the key that signs it.
    async fn open_new_log(&mut self, by: &By, id: InstitutionId) -> Result<Tenant, RecordError> {
        let tenant = Tenant::vouched(id);
        let origin = format!("{}/ledger/{id}", self.shared.origin_host);
        let head = logs::Head {
            prev: genesis_prev(&origin).0.to_vec(),
            root: empty_root().0.to_vec(),
            size: 0,
            at_us: 0,
            origin,
        };
        self.connection.widen(&[tenant]).await.map_err(unavailable)?;
        logs::insert(self.connection, tenant, &head).await.map_err(unavailable)?;
        self.insert_log(OpenLog::new(tenant, &head)?);
        #[derive(Serialize)]
        struct Opened<'a> {
            origin: &'a str,
            vkey: String,
        }
        let opened = Opened { origin: &head.origin, vkey: self.shared.keys.vkey(&head.origin) };
        let payload = serde_json::to_vec(&opened).map_err(unavailable)?;
        self.append(tenant, Draft { kind: Kind::Key, by, subject: None, payload })?;
        Ok(tenant)
    }

    async fn enrol(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        client: &clients::Client,
    ) -> Result<Receipt, RecordError> {
        let institution = InstitutionId::from_uuid(client.institution_id);
        if institutions::get(self.connection, institution).await.map_err(unavailable)?.is_none() {
            return Err(RecordError::Missing("institution"));
        }
        if let (Some(issuer), Some(subject)) = (&client.external_issuer, &client.external_subject)
            && clients::by_external(self.connection, issuer, subject).await.map_err(unavailable)?.is_some()
        {
            return Err(RecordError::Conflict("another client is registered for this issuer and subject"));
        }
        self.log(kept, Tenant::vouched(institution)).await?;
        clients::insert(self.connection, client).await.map_err(unavailable)?;
        self.record_client(kept, by, client, ("client.enrol", enrolled(client))).await
    }

    async fn revoke_client(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        id: ClientId,
    ) -> Result<Receipt, RecordError> {
        let client = clients::get(self.connection, id).await.map_err(unavailable)?;
        let client = client.ok_or(RecordError::Missing("client"))?;
        self.log(kept, Tenant::vouched(InstitutionId::from_uuid(client.institution_id))).await?;
        if !clients::revoke(self.connection, id, self.now_us).await.map_err(unavailable)? {
            return Err(RecordError::Conflict("the client is revoked already"));
        }
        self.record_client(kept, by, &client, ("client.revoke", None)).await
    }

    /// Records what became of a client; `change` says what of it, in canonical form.
    pub(super) async fn record_client(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        client: &clients::Client,
        (action, change): (&'static str, Option<serde_json::Value>),
    ) -> Result<Receipt, RecordError> {
        let id = ClientId::from_uuid(client.id).to_string();
        let institution = InstitutionId::from_uuid(client.institution_id);
        let changed = ChangePayload {
            change,
            client: Some(ChangedClient {
                id: id.clone(),
                kind: &client.kind,
                name: &client.name,
                reach: &client.reach,
                scopes: &client.scopes,
            }),
            institution: Some(institution.to_string()),
            ..ChangePayload::new(action)
        };
        let subject = Some(Subject { kind: "client", id: &id });
        self.record_change(kept, by, Some(Tenant::vouched(institution)), &changed, subject).await
    }

    /// Records what became of a person; `change` says what of it, in canonical form.
    pub(super) async fn record_user(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        user: &users::User,
        (action, change): (&'static str, Option<serde_json::Value>),
    ) -> Result<Receipt, RecordError> {
        let id = UserId::from_uuid(user.id).to_string();
        let institution = InstitutionId::from_uuid(user.institution_id);
        let said = ChangedUser { email: &user.email, id: id.clone(), name: &user.name, role: &user.role };
        let changed = ChangePayload {
            change,
            institution: Some(institution.to_string()),
            user: Some(said),
            ..ChangePayload::new(action)
        };
        let subject = Some(Subject { kind: "user", id: &id });
        self.record_change(kept, by, Some(Tenant::vouched(institution)), &changed, subject).await
    }

    async fn set_plan(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        id: InstitutionId,
        plan: &str,
    ) -> Result<Option<Receipt>, RecordError> {
        if !self.plan_exists(plan).await? {
            return Err(RecordError::Unknown("plan"));
        }
        let row = institutions::get(self.connection, id).await.map_err(unavailable)?;
        let row = row.filter(|row| row.role == "institution").ok_or(RecordError::Missing("institution"))?;
        if row.plan == plan {
            return Ok(None);
        }
        self.log(kept, Tenant::vouched(id)).await?;
        if !institutions::set_plan(self.connection, id, plan).await.map_err(unavailable)? {
            return Err(RecordError::Missing("institution"));
        }
        let changed = ChangePayload {
            institution: Some(id.to_string()),
            plan: Some(plan),
            ..ChangePayload::new("institution.set_plan")
        };
        self.record_change(kept, by, Some(Tenant::vouched(id)), &changed, None).await.map(Some)
    }

    async fn plan_exists(&mut self, name: &str) -> Result<bool, RecordError> {
        let plans = plans::list(self.connection).await.map_err(unavailable)?;
        Ok(plans.iter().any(|plan| plan.name == name))
    }

    /// An entry on the log concerned, if it is not the provider's, and one on the provider's.
    async fn record_change(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        concerned: Option<Tenant>,
        changed: &ChangePayload<'_>,
        subject: Option<Subject<'_>>,
    ) -> Result<Receipt, RecordError> {
        let provider = self.provider().await?;
        let payload = serde_json::to_vec(changed).map_err(unavailable)?;
        for tenant in concerned.into_iter().filter(|tenant| *tenant != provider) {
            self.log(kept, tenant).await?;
            let subject = subject.as_ref().map(|s| Subject { kind: s.kind, id: s.id });
            self.append(tenant, Draft { kind: Kind::Admin, by, subject, payload: payload.clone() })?;
        }
        self.log(kept, provider).await?;
        let seq = self.append(provider, Draft { kind: Kind::Admin, by, subject, payload })?;
        Ok(Receipt { origin: self.open_log(provider)?.open.origin.clone(), seq })
    }
}

/// What is told of a new client beyond its name and its rights; nothing if it has no such setting.
fn enrolled(client: &clients::Client) -> Option<serde_json::Value> {
    let mut said = serde_json::Map::new();
    if !client.allowed_addresses.is_empty() {
        said.insert("allowed_addresses".to_owned(), client.allowed_addresses.as_str().into());
    }
    if client.certificate_bound {
        said.insert("certificate_bound".to_owned(), true.into());
    }
    if client.dpop_bound {
        said.insert("dpop_bound".to_owned(), true.into());
    }
    if let (Some(issuer), Some(subject)) = (&client.external_issuer, &client.external_subject) {
        said.insert("external_issuer".to_owned(), issuer.as_str().into());
        said.insert("external_subject".to_owned(), subject.as_str().into());
    }
    if let Some(keys) = client.jwks.as_deref().and_then(jwk::named) {
        said.insert("keys".to_owned(), keys.iter().map(name_of).collect());
    }
    (!said.is_empty()).then(|| said.into())
}
